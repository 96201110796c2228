"""The DaemonSet controller: one pod on every node, replaced a few nodes at a time."""

from __future__ import annotations

from releaseconsole.sandbox.controllers import daemons, history
from releaseconsole.sandbox.controllers.claims import claim
from releaseconsole.sandbox.controllers.daemons import Daemons, Plan
from releaseconsole.sandbox.controllers.nodes import bound_to
from releaseconsole.sandbox.controllers.readiness import next_available
from releaseconsole.sandbox.controllers.replicaset import MOST_PODS
from releaseconsole.sandbox.controllers.tools import NEVER, Bench, counted, notes_of, owner_reference
from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.objects import deleted, dig, place
from releaseconsole.sandbox.store.selectors import of_label_selector

_COMPONENT = "daemonset-controller"
_GENERATION_NOTE = "deprecated.daemonset.template.generation"
_GENERATION_LABEL = "pod-template-generation"
#: When a set that could not make all its pods tries again.
_RETRY_SECONDS = 5.0


class DaemonSetController:
    """Reconciles every DaemonSet of one store."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._store = bench.store

    def reconcile(self, daemon: Obj) -> float:
        """Takes the next step; returns when to come back if nothing else happens (epoch seconds)."""
        if deleted(daemon):
            return NEVER
        revisions = history.held_by(self._store, daemon)
        newest, collisions = self._newest(daemon, revisions)
        digest = _hash_of(newest)
        done = self._apply(daemon, daemons.plan_pods(self._look(daemon, digest)), digest)
        if dig(daemon, "spec", "updateStrategy", "type") in (None, "RollingUpdate"):
            done &= self._apply(daemon, daemons.plan_update(self._look(daemon, digest)), digest)
        look = self._look(daemon, digest)
        self._forget_revisions(look, [one for one in revisions if place(one) != place(newest)])
        self._write_status(look, collisions)
        return self._due(look, done=done)

    # What there is

    def _newest(self, daemon: Obj, revisions: list[Obj]) -> tuple[Obj, int]:
        """The revision of the template of now; it has the highest number of all, the count of collisions."""
        collisions = counted(daemon, "collisionCount")
        equal = [one for one in revisions if history.describes(one, daemon)]
        others = [history.number_of(one) for one in revisions if one not in equal]
        number = max(others, default=0) + 1
        if not equal:
            return history.create(self._store, daemon, number, history.POD_HASH, collisions)
        if history.number_of(equal[-1]) < number:
            return history.renumber(self._store, equal[-1], number), collisions
        return equal[-1], collisions

    def _look(self, daemon: Obj, digest: str) -> Daemons:
        pods = claim(self._store, daemon, "pods", of_label_selector(daemon["spec"]["selector"]))
        wait = self._bench.seconds(float(daemon["spec"].get("minReadySeconds") or 0))
        nodes = tuple(self._store.list("nodes"))
        return Daemons(daemon, nodes, daemons.group(pods), digest, wait, self._bench.clock.now())

    # What to do

    def _apply(self, daemon: Obj, plan: Plan, digest: str) -> bool:
        """Deletes and makes pods; False when there was no room for all."""
        for pod in plan.delete:
            self._store.delete("pods", *place(pod), grace=None)
            message = f"Deleted pod: {place(pod)[1]}"
            self._bench.events.normal(_COMPONENT, daemon, "SuccessfulDelete", message)
        room = max(0, MOST_PODS - len(self._store.list("pods"))) if plan.create else 0
        for node in plan.create[:room]:
            pod = self._store.create("pods", _pod(daemon, node, digest))
            message = f"Created pod: {place(pod)[1]}"
            self._bench.events.normal(_COMPONENT, daemon, "SuccessfulCreate", message)
        if len(plan.create) > room:
            message = (
                f"Error creating: pods are forbidden: the practice cluster runs at most {MOST_PODS} pods"
            )
            self._bench.events.warning(_COMPONENT, daemon, "FailedCreate", message)
        return len(plan.create) <= room

    def _due(self, look: Daemons, *, done: bool) -> float:
        pods = [pod for members in look.by_node.values() for pod in members]
        again = NEVER if done else look.now + _RETRY_SECONDS
        return min(again, next_available(pods, look.wait, look.now))

    # Status, and what is left over

    def _write_status(self, look: Daemons, collisions: int) -> None:
        status = daemons.status_of(look)
        if collisions:
            status["collisionCount"] = collisions

        def change(obj: Obj) -> None:
            kept = {"conditions": obj["status"]["conditions"]} if dig(obj, "status", "conditions") else {}
            obj["status"] = {**kept, **status}

        self._store.update("daemonsets", *place(look.daemon), change, subresource="status")

    def _forget_revisions(self, look: Daemons, old: list[Obj]) -> None:
        labels = [pod["metadata"].get("labels") or {} for pods in look.by_node.values() for pod in pods]
        used = {found.get(history.POD_HASH) for found in labels}
        unused = [one for one in old if _hash_of(one) not in used]
        history.remove_oldest(self._store, unused, len(old) - history.limit_of(look.daemon))


def _hash_of(revision: Obj) -> str:
    labels = revision["metadata"].get("labels") or {}
    return str(labels.get(history.POD_HASH) or place(revision)[1])


def _pod(daemon: Obj, node: str, digest: str) -> Obj:
    template = daemon["spec"]["template"]
    meta = template.get("metadata") or {}
    labels = {**(meta.get("labels") or {}), history.POD_HASH: digest}
    generation = notes_of(daemon).get(_GENERATION_NOTE)
    if generation:
        labels[_GENERATION_LABEL] = generation
    return {
        "metadata": {
            "generateName": f"{place(daemon)[1]}-",
            "namespace": place(daemon)[0],
            "labels": labels,
            "ownerReferences": [owner_reference(daemon)],
            **({"annotations": dict(meta["annotations"])} if meta.get("annotations") else {}),
        },
        "spec": bound_to(template["spec"], node),
        "status": {"phase": "Pending"},
    }
