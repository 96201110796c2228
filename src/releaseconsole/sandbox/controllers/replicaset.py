"""The ReplicaSet controller: as many pods as wished, and the right ones go first."""

from __future__ import annotations

import math

from releaseconsole.sandbox.controllers.readiness import active, ready_since
from releaseconsole.sandbox.controllers.tools import (
    HASH_LABEL,
    NEVER,
    Bench,
    adopt,
    controller_of,
    is_true,
    notes_of,
    owner_reference,
    replicas,
    uid,
    when,
)
from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.objects import clone, deleted, dig, place
from releaseconsole.sandbox.store.selectors import of_label_selector

_COMPONENT = "replicaset-controller"
#: Pods that one context of the practice cluster runs.
MOST_PODS = 150


class ReplicaSetController:
    """Reconciles every ReplicaSet of one store."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._store = bench.store

    def reconcile(self, rs: Obj) -> float:
        """Creates or deletes pods, writes the status; returns when to come back (epoch seconds)."""
        pods = self._pods(rs)
        if not deleted(rs):
            surplus = len(pods) - replicas(rs)
            if surplus > 0:
                self._delete(rs, pods, surplus)
            elif surplus < 0:
                self._create(rs, -surplus)
        return self._write_status(rs)

    def _pods(self, rs: Obj) -> list[Obj]:
        """Its pods that are not on their way out; matching orphans are adopted."""
        own = [pod for kind, pod in self._store.children(uid(rs)) if kind == "pods" and active(pod)]
        if deleted(rs):
            return own
        matches = of_label_selector(rs["spec"]["selector"])
        orphans = self._store.list(
            "pods",
            rs["metadata"]["namespace"],
            lambda pod: controller_of(pod) is None and active(pod) and matches(pod),
        )
        return own + [self._store.update("pods", *place(pod), adopt(rs)) for pod in orphans]

    def _create(self, rs: Obj, number: int) -> None:
        room = max(0, MOST_PODS - len(self._store.list("pods")))
        for _ in range(min(number, room)):
            pod = self._store.create("pods", _pod(rs))
            message = f"Created pod: {pod['metadata']['name']}"
            self._bench.events.normal(_COMPONENT, rs, "SuccessfulCreate", message)
        if number > room:
            message = (
                f"Error creating: pods are forbidden: the practice cluster runs at most {MOST_PODS} pods"
            )
            self._bench.events.warning(_COMPONENT, rs, "FailedCreate", message)

    def _delete(self, rs: Obj, pods: list[Obj], number: int) -> None:
        for pod in sorted(pods, key=_preference)[:number]:
            message = f"Deleted pod: {pod['metadata']['name']}"
            self._store.delete("pods", *place(pod), grace=None)
            self._bench.events.normal(_COMPONENT, rs, "SuccessfulDelete", message)

    def _terminating(self, rs: Obj) -> int:
        """Its pods that are on their way out."""
        own = (pod for kind, pod in self._store.children(uid(rs)) if kind == "pods")
        return sum(1 for pod in own if deleted(pod))

    def _write_status(self, rs: Obj) -> float:
        pods = self._pods(rs)
        now = self._bench.clock.now()
        wait = self._bench.seconds(float(dig(rs, "spec", "minReadySeconds") or 0))
        ready = [pod for pod in pods if is_true(pod, "Ready")]
        since = [ready_since(pod) + wait for pod in ready]
        late = [moment for moment in since if wait and moment > now]
        labels = dig(rs, "spec", "template", "metadata", "labels") or {}
        labelled = [pod for pod in pods if labels.items() <= pod["metadata"].get("labels", {}).items()]
        counts = {
            "fullyLabeledReplicas": len(labelled),
            "readyReplicas": len(ready),
            "availableReplicas": len(ready) - len(late),
        }
        status = {"replicas": len(pods)} | {name: count for name, count in counts.items() if count}
        status["terminatingReplicas"] = self._terminating(rs)
        status["observedGeneration"] = rs["metadata"]["generation"]

        def change(obj: Obj) -> None:
            obj["status"] = status

        current = self._store.find("replicasets", *place(rs))
        if current is not None:
            self._store.update("replicasets", *place(rs), change, subresource="status")
        return min(late, default=NEVER)


def _pod(rs: Obj) -> Obj:
    template = clone(rs["spec"]["template"])
    meta = template.get("metadata") or {}
    return {
        "metadata": {
            "generateName": f"{rs['metadata']['name']}-",
            "namespace": rs["metadata"]["namespace"],
            "labels": dict(meta.get("labels") or {}),
            "annotations": dict(meta.get("annotations") or {}),
            "ownerReferences": [owner_reference(rs)],
        },
        "spec": template["spec"],
        "status": {"phase": "Pending", "qosClass": "Burstable"},
    }


def _preference(pod: Obj) -> tuple[bool, int, bool, int, float, float, float, str]:
    """Which pod goes first: the least useful, then the one that costs least, then the youngest."""
    phases = {"Pending": 0, "Unknown": 1}
    ready = is_true(pod, "Ready")
    cost = notes_of(pod).get("controller.kubernetes.io/pod-deletion-cost", "0")
    statuses = dig(pod, "status", "containerStatuses") or [{}]
    born = when(pod["metadata"]["creationTimestamp"])
    return (
        bool(dig(pod, "spec", "nodeName")),
        phases.get(dig(pod, "status", "phase") or "", 2),
        ready,
        int(cost) if cost.lstrip("-").isdigit() else 0,
        -_rough(ready_since(pod)) if ready else 0.0,
        -float(max(status.get("restartCount", 0) for status in statuses)),
        -born,
        pod["metadata"]["labels"].get(HASH_LABEL, "") + pod["metadata"]["name"],
    )


def _rough(moment: float) -> float:
    """Ages that differ by little count as the same."""
    return math.floor(moment / 2)
