"""How far the controller is with a rollback. Pure."""

from __future__ import annotations

from collections.abc import Collection

from releaseconsole.cluster.argo import Rollout
from releaseconsole.cluster.argo_rollout import HEALTHY
from releaseconsole.cluster.objects import DaemonSet, Deployment, Pod, ReplicaSet, StatefulSet
from releaseconsole.cluster.pods import is_terminating
from releaseconsole.cluster.templates import controlled_by, new_replica_set


def progress(
    workload: Deployment | StatefulSet | DaemonSet | Rollout,
    replica_sets: Collection[ReplicaSet],
    pods: Collection[Pod],
    generation_after_patch: int,
) -> str:
    """How far the controller is with a patch: ``patched``, ``observed``, ``replaced`` or ``available``.

    An exceeded deadline plays no part: right after a rollback it is the bad revision's. Hold one of your own.
    """
    if workload.status.observed_generation < max(generation_after_patch, workload.metadata.generation):
        return "patched"
    if isinstance(workload, Rollout):
        return _promoted(workload)
    desired, updated, available, total = _figures(workload)
    if updated < desired or total > updated or _old_pods(workload, replica_sets, pods):
        return "observed"
    return "available" if available >= desired else "replaced"


def _promoted(rollout: Rollout) -> str:
    """The controller's own word decides: pods that it keeps for a while after a switch get no traffic."""
    status = rollout.status
    if status.phase == HEALTHY:
        return "available"
    replaced = status.updated_replicas >= rollout.spec.desired and status.replicas <= status.updated_replicas
    return "replaced" if replaced else "observed"


def _figures(workload: Deployment | StatefulSet | DaemonSet) -> tuple[int, int, int, int]:
    """Desired, updated, available and all pods."""
    if isinstance(workload, DaemonSet):
        of = workload.status
        updated = of.updated_number_scheduled
        return of.desired_number_scheduled, updated, of.number_available, of.current_number_scheduled
    status = workload.status
    available = status.ready_replicas if isinstance(workload, StatefulSet) else status.available_replicas
    return workload.spec.desired, status.updated_replicas, available, status.replicas


def _old_pods(
    workload: Deployment | StatefulSet | DaemonSet,
    replica_sets: Collection[ReplicaSet],
    pods: Collection[Pod],
) -> bool:
    """Whether a pod of an older ReplicaSet still serves; one that is terminating does not."""
    if not isinstance(workload, Deployment):
        return False
    new = new_replica_set(workload, replica_sets)
    if new is None:
        return False
    older = {one.metadata.uid for one in controlled_by(workload.metadata.uid, replica_sets) if one is not new}
    return any(pod.metadata.controller_uid() in older and not is_terminating(pod) for pod in pods)
