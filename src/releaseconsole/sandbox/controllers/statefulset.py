"""The StatefulSet controller: numbered pods, made and replaced in their order.

It does what the real controller does, its trap included: an ordered set waits for every pod before it
replaces any, so a broken pod of a withdrawn revision stays until somebody deletes it (kubernetes #67250).
"""

from __future__ import annotations

from dataclasses import dataclass

from releaseconsole.sandbox.controllers import history, ordinals
from releaseconsole.sandbox.controllers.claims import claim
from releaseconsole.sandbox.controllers.readiness import available, next_available, running_and_ready
from releaseconsole.sandbox.controllers.replicaset import MOST_PODS
from releaseconsole.sandbox.controllers.tools import NEVER, Bench, counted, replicas
from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.objects import deleted, dig, place
from releaseconsole.sandbox.store.selectors import of_label_selector

_COMPONENT = "statefulset-controller"
_HASH_LABEL = "controller.kubernetes.io/hash"
#: When a set that lacks pods looks again: somebody else may have had the name, or the room.
_RETRY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class _Look:
    """A set as it is found at one moment. ``wait`` is its minReadySeconds in seconds of the clock."""

    stateful: Obj
    current: Obj
    update: Obj
    collisions: int
    wait: float
    now: float

    @property
    def ordered(self) -> bool:
        """Whether one pod has to be well before the next is touched."""
        return bool(self.stateful["spec"].get("podManagementPolicy") != "Parallel")

    @property
    def rolling(self) -> bool:
        """Whether pods are replaced without being asked."""
        return dig(self.stateful, "spec", "updateStrategy", "type") in (None, "RollingUpdate")

    def well(self, pod: Obj | None) -> bool:
        """Available, and not on its way out."""
        return pod is not None and not deleted(pod) and available(pod, self.wait, self.now)


class StatefulSetController:
    """Reconciles every StatefulSet of one store."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._store = bench.store

    def reconcile(self, stateful: Obj) -> float:
        """Takes the next step; returns when to come back if nothing else happens (epoch seconds)."""
        revisions = history.held_by(self._store, stateful)
        look = self._look(stateful, revisions)
        pods = self._pods(stateful)
        going = 0 if deleted(stateful) else self._act(look, pods)
        # The status tells what was found, as the real one does: what was made just now is counted next time.
        self._write_status(look, pods, going)
        self._forget_revisions(look, revisions, pods)
        again = look.now + _RETRY_SECONDS if len(pods) < replicas(stateful) else NEVER
        return min(again, next_available(pods, look.wait, look.now))

    # What there is

    def _pods(self, stateful: Obj) -> list[Obj]:
        matches = of_label_selector(stateful["spec"]["selector"])
        return claim(
            self._store, stateful, "pods", lambda pod: matches(pod) and ordinals.is_member(stateful, pod)
        )

    def _look(self, stateful: Obj, revisions: list[Obj]) -> _Look:
        update, collisions = self._newest(stateful, revisions)
        known = dig(stateful, "status", "currentRevision")
        current = next((one for one in revisions if place(one)[1] == known), update)
        return _Look(
            stateful,
            current,
            update,
            collisions,
            wait=self._bench.seconds(float(stateful["spec"].get("minReadySeconds") or 0)),
            now=self._bench.clock.now(),
        )

    def _newest(self, stateful: Obj, revisions: list[Obj]) -> tuple[Obj, int]:
        """The revision of the template of now, and the collisions: an older equal one comes back to the front."""
        collisions = counted(stateful, "collisionCount")
        number = history.number_of(revisions[-1]) + 1 if revisions else 1
        equal = [one for one in revisions if history.describes(one, stateful)]
        if not equal:
            return history.create(self._store, stateful, number, _HASH_LABEL, collisions)
        if equal[-1] is revisions[-1]:
            return equal[-1], collisions
        return history.renumber(self._store, equal[-1], number), collisions

    # What to do

    def _act(self, look: _Look, pods: list[Obj]) -> int:
        """Takes the next step; returns how many pods were deleted to be replaced."""
        first, size = ordinals.first_ordinal(look.stateful), replicas(look.stateful)
        known = {ordinals.ordinal_of(pod): pod for pod in pods}
        members = [known.get(ordinal) for ordinal in range(first, first + size)]
        outside = [
            pod for ordinal, pod in sorted(known.items(), reverse=True) if not 0 <= ordinal - first < size
        ]
        if self._fill(look, members, first) and self._shrink(look, members, outside) and look.rolling:
            return self._replace(look, members)
        return 0

    def _fill(self, look: _Look, members: list[Obj | None], first: int) -> bool:
        """Makes what is missing; False where an ordered set has to wait."""
        room = max(0, MOST_PODS - len(self._store.list("pods")))
        for index, pod in enumerate(members):
            if pod is None:
                if room == 0:
                    self._tell_full(look.stateful)
                    return False
                room -= self._create(look, first + index)
            elif self._ended(pod) and not deleted(pod):
                self._delete(look.stateful, pod)
            if look.ordered and not self._passed(look, pod):
                return False
        return True

    def _passed(self, look: _Look, pod: Obj | None) -> bool:
        return pod is not None and running_and_ready(pod) and look.well(pod)

    def _shrink(self, look: _Look, members: list[Obj | None], outside: list[Obj]) -> bool:
        """Deletes what is beyond the size, highest first; False where an ordered set has to wait."""
        troubled = next((pod for pod in [*members, *reversed(outside)] if not look.well(pod)), None)
        for pod in outside:
            if look.ordered and (deleted(pod) or not self._passed(look, pod)) and pod is not troubled:
                return False
            if not deleted(pod):
                self._delete(look.stateful, pod)
            if look.ordered:
                return False
        return True

    def _replace(self, look: _Look, members: list[Obj | None]) -> int:
        """Deletes the highest pod of another revision, once every pod above it is well."""
        wanted = place(look.update)[1]
        for pod in reversed(members[ordinals.partition_of(look.stateful) :]):
            if pod is not None and not deleted(pod) and _revision_of(pod) != wanted:
                self._delete(look.stateful, pod)
                return 1
            if not look.well(pod):
                return 0
        return 0

    @staticmethod
    def _ended(pod: Obj) -> bool:
        return dig(pod, "status", "phase") in ("Succeeded", "Failed")

    # Pods

    def _create(self, look: _Look, ordinal: int) -> bool:
        """Makes the pod of one ordinal, unless a pod of somebody else has the name."""
        stateful = look.stateful
        old = look.rolling and ordinal < ordinals.first_ordinal(stateful) + ordinals.partition_of(stateful)
        revision = look.current if old else look.update
        pod = ordinals.build(stateful, history.template_of(revision), place(revision)[1], ordinal)
        if self._store.find("pods", *place(pod)) is not None:
            return False
        self._create_claims(stateful, pod, ordinal)
        self._store.create("pods", pod)
        self._tell(stateful, "SuccessfulCreate", f"Create {_where(pod, stateful)} successful")
        return True

    def _create_claims(self, stateful: Obj, pod: Obj, ordinal: int) -> None:
        for wanted in ordinals.claims_of(stateful, ordinal):
            if self._store.find("persistentvolumeclaims", *place(wanted)) is None:
                self._store.create("persistentvolumeclaims", wanted)
                message = f"Create Claim {place(wanted)[1]} {_where(pod, stateful)} success"
                self._tell(stateful, "SuccessfulCreate", message)

    def _delete(self, stateful: Obj, pod: Obj) -> None:
        self._store.delete("pods", *place(pod), grace=None)
        self._tell(stateful, "SuccessfulDelete", f"Delete {_where(pod, stateful)} successful")

    def _tell_full(self, stateful: Obj) -> None:
        message = f"Create Pod failed error: the practice cluster runs at most {MOST_PODS} pods"
        self._tell(stateful, "FailedCreate", message)

    def _tell(self, stateful: Obj, reason: str, message: str) -> None:
        write = self._bench.events.warning if reason.startswith("Failed") else self._bench.events.normal
        write(_COMPONENT, stateful, reason, message)

    # Status, and what is left over

    def _write_status(self, look: _Look, pods: list[Obj], going: int) -> None:
        status = _status(look, pods, going)

        def change(obj: Obj) -> None:
            kept = {"conditions": obj["status"]["conditions"]} if dig(obj, "status", "conditions") else {}
            obj["status"] = {**kept, **status}

        self._store.update("statefulsets", *place(look.stateful), change, subresource="status")

    def _forget_revisions(self, look: _Look, revisions: list[Obj], pods: list[Obj]) -> None:
        used = {place(look.current)[1], place(look.update)[1], *map(_revision_of, pods)}
        unused = [one for one in revisions if place(one)[1] not in used]
        history.remove_oldest(self._store, unused, len(unused) - history.limit_of(look.stateful))


def _status(look: _Look, pods: list[Obj], going: int) -> Obj:
    ready = [pod for pod in pods if running_and_ready(pod)]
    staying = [_revision_of(pod) for pod in pods if not deleted(pod)]
    current, update = place(look.current)[1], place(look.update)[1]
    size = replicas(look.stateful)
    if look.rolling and (staying.count(update), len(ready), len(pods)) == (size, size, size):
        current = update
    counts = {
        "currentReplicas": max(0, staying.count(current) - going),
        "readyReplicas": len(ready),
        "updatedReplicas": staying.count(update),
    }
    return {
        "observedGeneration": look.stateful["metadata"]["generation"],
        "replicas": len(pods),
        "availableReplicas": len([pod for pod in ready if available(pod, look.wait, look.now)]),
        "currentRevision": current,
        "updateRevision": update,
        "collisionCount": look.collisions,
        **{name: count for name, count in counts.items() if count},
    }


def _revision_of(pod: Obj) -> str:
    return str((pod["metadata"].get("labels") or {}).get(history.POD_HASH, ""))


def _where(pod: Obj, stateful: Obj) -> str:
    return f"Pod {place(pod)[1]} in StatefulSet {place(stateful)[1]}"
