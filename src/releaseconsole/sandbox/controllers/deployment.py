"""The deployment controller: one ReplicaSet for each template, rolled over as the strategy says.

It follows the real controller step by step, because the console is practised on exactly its behaviour:
what ``undo`` does to revisions, when the deadline counts, which pods go first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from releaseconsole.sandbox.controllers import progress, revisions, rolling
from releaseconsole.sandbox.controllers.tools import (
    NEVER,
    Bench,
    adopt,
    condition,
    controller_of,
    counted,
    notes_of,
    replicas,
    uid,
    when,
)
from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.objects import deleted, place
from releaseconsole.sandbox.store.selectors import of_label_selector

_COMPONENT = "deployment-controller"


class DeploymentController:
    """Reconciles every Deployment of one store."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._store = bench.store

    def reconcile(self, deployment: Obj) -> float:
        """Takes the next step; returns when to come back if nothing else happens (epoch seconds)."""
        owned = self._owned(deployment)
        if deleted(deployment):
            self._sync_size(deployment, owned)
            return NEVER
        deployment = self._check_paused(deployment)
        if deployment["spec"].get("paused") or self._is_scaling(deployment, owned):
            self._sync_size(deployment, owned)
        elif rolling.is_rolling(deployment):
            self._roll(deployment, owned)
        else:
            self._recreate(deployment, owned)
        return self._next_deadline(*place(deployment))

    # Which ReplicaSets

    def _owned(self, deployment: Obj) -> list[Obj]:
        """Its ReplicaSets; an orphan that the selector matches is adopted."""
        matches = of_label_selector(deployment["spec"]["selector"])
        found = []
        for rs in self._store.list("replicasets", deployment["metadata"]["namespace"]):
            owner = controller_of(rs)
            if owner == uid(deployment):
                found.append(rs)
            elif owner is None and matches(rs) and not deleted(rs) and not deleted(deployment):
                found.append(self._store.update("replicasets", *place(rs), adopt(deployment)))
        return found

    def _split(self, deployment: Obj, owned: list[Obj], *, create: bool) -> tuple[Obj, Obj | None, list[Obj]]:
        """(the Deployment, its new ReplicaSet, the old ones), with revisions brought up to date."""
        new = revisions.find_new(deployment, owned)
        old = [rs for rs in owned if new is None or uid(rs) != uid(new)]
        number = revisions.next_revision(old)
        if new is not None:
            return *self._renew(deployment, new, number), old
        if not create:
            return deployment, None, old
        return *self._create_new(deployment, owned, number), old

    def _renew(self, deployment: Obj, new: Obj, number: int) -> tuple[Obj, Obj]:
        seconds = deployment["spec"].get("minReadySeconds", 0)

        def change(rs: Obj) -> None:
            revisions.annotate(deployment, rs, number)
            if seconds != rs["spec"].get("minReadySeconds", 0):
                rs["spec"]["minReadySeconds"] = seconds

        new = self._store.update("replicasets", *place(new), change)
        found = None
        if progress.deadline_of(deployment) is not None and condition(deployment, "Progressing") is None:
            found = ("FoundNewReplicaSet", f'Found new replica set "{new["metadata"]["name"]}"')
        return self._note_revision(deployment, revisions.revision_of(new), found), new

    def _create_new(self, deployment: Obj, owned: list[Obj], number: int) -> tuple[Obj, Obj]:
        size = rolling.new_size(deployment, owned, 0)
        fresh = revisions.build(deployment, number, size)
        taken = self._store.find("replicasets", *place(fresh))
        if taken is not None:
            deployment = self._count_collision(deployment)
            fresh = revisions.build(deployment, number, size)
        new = self._store.create("replicasets", fresh)
        name = new["metadata"]["name"]
        if size:
            self._tell(deployment, f"Scaled up replica set {name} from 0 to {size}")
        created = None
        if progress.deadline_of(deployment) is not None:
            created = ("NewReplicaSetCreated", f'Created new replica set "{name}"')
        return self._note_revision(deployment, number, created), new

    def _note_revision(self, deployment: Obj, number: int, news: tuple[str, str] | None) -> Obj:
        now = self._bench.clock.now()

        def change(obj: Obj) -> None:
            obj["metadata"].setdefault("annotations", {})[revisions.REVISION] = str(number)
            if news is not None:
                fresh = progress.make_condition("Progressing", "True", *news, now)
                progress.set_condition(obj.setdefault("status", {}), fresh)

        return self._status(deployment, change)

    def _count_collision(self, deployment: Obj) -> Obj:
        def change(obj: Obj) -> None:
            status = obj.setdefault("status", {})
            status["collisionCount"] = status.get("collisionCount", 0) + 1

        return self._status(deployment, change)

    def _status(self, deployment: Obj, change: Callable[[Obj], None]) -> Obj:
        return self._store.update("deployments", *place(deployment), change, subresource="status")

    # Paused, and scaled

    def _check_paused(self, deployment: Obj) -> Obj:
        current = condition(deployment, "Progressing")
        if progress.deadline_of(deployment) is None or (current and current["reason"] == progress.TIMED_OUT):
            return deployment
        marked = current is not None and current["reason"] == progress.PAUSED
        paused = bool(deployment["spec"].get("paused"))
        if paused == marked:
            return deployment
        news = (
            (progress.PAUSED, "Deployment is paused")
            if paused
            else (progress.RESUMED, "Deployment is resumed")
        )
        fresh = progress.make_condition("Progressing", "Unknown", *news, self._bench.clock.now())
        return self._status(
            deployment, lambda obj: progress.set_condition(obj.setdefault("status", {}), fresh)
        )

    def _is_scaling(self, deployment: Obj, owned: list[Obj]) -> bool:
        wanted = str(replicas(deployment))
        return any(notes_of(rs).get(rolling.DESIRED, wanted) != wanted for rs in rolling.active(owned))

    def _sync_size(self, deployment: Obj, owned: list[Obj]) -> None:
        deployment, new, old = self._split(deployment, owned, create=False)
        if not deleted(deployment):
            self._scale_all(deployment, new, old)
            if deployment["spec"].get("paused"):
                self._clean_up(deployment, old)
        everyone = self._fresh([*old, *([new] if new else [])])
        status = progress.calculate(deployment, everyone, self._same(new, everyone), self._bench.clock.now())
        self._put_status(deployment, status)

    def _scale_all(self, deployment: Obj, new: Obj | None, old: list[Obj]) -> None:
        everyone = [*old, *([new] if new else [])]
        only = _active_or_latest(new, old)
        if only is not None:
            self._resize(deployment, only, replicas(deployment), note=True)
        elif rolling.saturated(deployment, new):
            for rs in rolling.active(old):
                self._resize(deployment, rs, 0)
        elif rolling.is_rolling(deployment):
            working = rolling.active(everyone)
            sizes = rolling.proportional(deployment, working)
            for rs in working:
                self._resize(deployment, rs, sizes[rs["metadata"]["name"]], note=True)

    def _resize(self, deployment: Obj, rs: Obj, size: int, *, note: bool = False) -> bool:
        """Scales a ReplicaSet; ``note`` renews its size annotations even when the size stays."""
        had = replicas(rs)
        if had == size and not note:
            return False

        def change(obj: Obj) -> None:
            obj["spec"]["replicas"] = size
            revisions.size_notes(deployment, obj)

        self._store.update("replicasets", *place(rs), change)
        if had == size:
            return False
        way = "up" if size > had else "down"
        self._tell(deployment, f"Scaled {way} replica set {rs['metadata']['name']} from {had} to {size}")
        return True

    # Strategies

    def _roll(self, deployment: Obj, owned: list[Obj]) -> None:
        deployment, new, old = self._split(deployment, owned, create=True)
        assert new is not None
        if not self._grow_new(deployment, new, old) and not self._shrink_old(deployment, new, old):
            self._clean_up_if_complete(deployment, old)
        self._sync_status(deployment, new, old)

    def _grow_new(self, deployment: Obj, new: Obj, old: list[Obj]) -> bool:
        wanted, current = replicas(deployment), replicas(new)
        if current == wanted:
            return False
        size = wanted if current > wanted else rolling.new_size(deployment, [*old, new], current)
        return self._resize(deployment, new, size)

    def _shrink_old(self, deployment: Obj, new: Obj, old: list[Obj]) -> bool:
        working = rolling.active(old)
        if not working:
            return False
        least = replicas(deployment) - rolling.max_unavailable(deployment)
        missing = replicas(new) - counted(new, "availableReplicas")
        budget = rolling.total([*working, new]) - least - missing
        if budget <= 0:
            return False
        cleaned = self._remove_unhealthy(deployment, working, budget)
        working = self._fresh(working)
        surplus = rolling.available([*working, new]) - least
        return self._take_away(deployment, working, surplus) + cleaned > 0

    def _remove_unhealthy(self, deployment: Obj, old: list[Obj], budget: int) -> int:
        removed = 0
        for rs in rolling.by_creation(old):
            size = replicas(rs)
            less = min(budget - removed, size - counted(rs, "availableReplicas"))
            if less > 0 and self._resize(deployment, rs, size - less):
                removed += less
        return removed

    def _take_away(self, deployment: Obj, old: list[Obj], surplus: int) -> int:
        removed = 0
        for rs in rolling.by_creation(old):
            less = min(surplus - removed, replicas(rs))
            if less > 0 and self._resize(deployment, rs, replicas(rs) - less):
                removed += less
        return removed

    def _recreate(self, deployment: Obj, owned: list[Obj]) -> None:
        deployment, new, old = self._split(deployment, owned, create=False)
        scaled = [self._resize(deployment, rs, 0) for rs in rolling.active(old)]
        if not any(scaled) and not self._any_pods(old):
            if new is None:
                deployment, new, old = self._split(deployment, owned, create=True)
            else:
                self._resize(deployment, new, replicas(deployment))
            self._clean_up_if_complete(deployment, old)
        self._sync_status(deployment, new, old)

    def _any_pods(self, old: Iterable[Obj]) -> bool:
        return any(True for rs in old for kind, _ in self._store.children(uid(rs)) if kind == "pods")

    # Status, and what is left over

    def _sync_status(self, deployment: Obj, new: Obj | None, old: list[Obj]) -> None:
        now = self._bench.clock.now()
        everyone = self._fresh([*old, *([new] if new else [])])
        new = self._same(new, everyone)
        status = progress.calculate(deployment, everyone, new, now)
        progress.judge(deployment, status, new, now, self._bench.speed)
        self._put_status(deployment, status)

    def _put_status(self, deployment: Obj, status: Obj) -> None:
        def change(obj: Obj) -> None:
            obj["status"] = status

        self._status(deployment, change)

    def _clean_up_if_complete(self, deployment: Obj, old: list[Obj]) -> None:
        if progress.complete(deployment, deployment.get("status") or {}):
            self._clean_up(deployment, old)

    def _clean_up(self, deployment: Obj, old: list[Obj]) -> None:
        for rs in revisions.to_clean_up(deployment, old):
            self._store.delete("replicasets", *place(rs))

    def _next_deadline(self, namespace: str, name: str) -> float:
        deployment = self._store.find("deployments", namespace, name)
        limit = progress.deadline_of(deployment) if deployment is not None else None
        current = condition(deployment, "Progressing") if deployment is not None else None
        if limit is None or current is None or current["reason"] in (progress.COMPLETE, progress.TIMED_OUT):
            return NEVER
        if deployment is not None and deployment["spec"].get("paused"):
            return NEVER
        return when(current["lastUpdateTime"]) + self._bench.seconds(limit) + 0.01

    def _fresh(self, replica_sets: Iterable[Obj]) -> list[Obj]:
        found = (self._store.find("replicasets", *place(rs)) for rs in replica_sets)
        return [rs for rs in found if rs is not None]

    def _same(self, rs: Obj | None, among: Iterable[Obj]) -> Obj | None:
        return next((found for found in among if rs is not None and uid(found) == uid(rs)), None)

    def _tell(self, deployment: Obj, message: str) -> None:
        self._bench.events.normal(_COMPONENT, deployment, "ScalingReplicaSet", message)


def _active_or_latest(new: Obj | None, old: list[Obj]) -> Obj | None:
    """The only ReplicaSet to scale, when there is no more than one at work."""
    working = rolling.active([*old, *([new] if new else [])])
    if len(working) > 1:
        return None
    if working:
        return working[0]
    if new is not None:
        return new
    return rolling.by_creation(old)[-1] if old else None
