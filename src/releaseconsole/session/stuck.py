"""Pods that block a StatefulSet after its template has moved on: found, told and, when a person wants it, deleted.

A StatefulSet with ordered pods waits for each pod to become ready before it replaces the next. A broken pod of
an earlier revision never does, so that a rollback alone does not mend it (kubernetes #67250).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from releaseconsole.cluster.objects import StatefulSet
from releaseconsole.cluster.pods import pod_problem
from releaseconsole.cluster.rollout import stuck_ordered_pods
from releaseconsole.errors import GateClosed, ReleaseConsoleError
from releaseconsole.session.views import StuckPod

if TYPE_CHECKING:
    from releaseconsole.session.assemble import Family
    from releaseconsole.session.ledger import Ledger
    from releaseconsole.session.observer import Observer


def stuck_in(family: Family, target: str) -> tuple[StuckPod, ...]:
    """The pods that one workload waits for in vain; those that are being deleted already are left out. Pure."""
    if not isinstance(family.owner, StatefulSet):
        return ()
    names = stuck_ordered_pods(family.owner, family.pods)
    return tuple(
        StuckPod(f"{target}/{family.workload}", pod.metadata.name, pod.metadata.uid, pod_problem(pod) or "")
        for pod in family.pods
        if pod.metadata.name in names and pod.metadata.deletion_timestamp is None
    )


def stuck_sentence(stuck: Sequence[StuckPod]) -> str:
    """What the workload waits for, why in vain, and what helps; "" when it waits for nothing."""
    if not stuck:
        return ""
    more = f" and {len(stuck) - 1} more" if len(stuck) > 1 else ""
    return (
        f"waits for the pod {stuck[0].pod}{more} of the version that was rolled back ({stuck[0].why}); an ordered "
        "StatefulSet does not replace a pod that is not ready (kubernetes #67250), so it has to be deleted"
    )


def stuck_pods(observer: Observer) -> tuple[StuckPod, ...]:
    """Those of every workload of an environment."""
    return tuple(
        pod
        for target in observer.target_observers
        for workload in observer.environment.workloads
        for pod in target.stuck_pods(workload)
    )


async def delete_stuck_pod(observer: Observer, ledger: Ledger, key: str, pod: str) -> None:
    """Delete the pod by its UID, journalled before and after. Raises GateClosed when it is not stuck (any more),
    ClusterError when the API server refuses."""
    from releaseconsole.cluster.rollback_run import delete_pod

    found = next((one for one in stuck_pods(observer) if (one.key, one.pod) == (key, pod)), None)
    if found is None:
        raise GateClosed(f"Nothing waits for the pod {pod} any more.", "Look at the rollout again.")
    target = observer.target_of(key)
    said = {"environment": observer.name, "key": key, "pod": pod, "uid": found.uid}
    ledger.write_anyway("pod.deleting", {**said, "why": found.why})
    try:
        await delete_pod(await target.connected(), target.namespace, pod, found.uid)
    except ReleaseConsoleError as error:
        ledger.write_anyway("pod.deleted", {**said, "error": error.message})
        raise
    ledger.write_anyway("pod.deleted", said)
