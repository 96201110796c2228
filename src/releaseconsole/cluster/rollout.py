"""Where a rollout stands. Pure: it reads objects and says what they mean.

The order of the questions is that of ``kubectl rollout status``. Two things differ on purpose: pods of the
new revision that cannot work make it *failing* at once, and not after the progress deadline; and a deadline
that was exceeded by an earlier revision is not held against the present one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from releaseconsole.cluster.objects import Condition, DaemonSet, Deployment, Pod, ReplicaSet, StatefulSet
from releaseconsole.cluster.pods import is_ready, pod_phase, pod_problem, problems_of
from releaseconsole.cluster.templates import controlled_by, new_replica_set
from releaseconsole.cluster.text import clean

__all__ = [
    "RolloutCounts",
    "RolloutState",
    "Verdict",
    "daemonset_verdict",
    "deployment_counts",
    "deployment_verdict",
    "new_replica_set",
    "pod_phase",
    "pod_problem",
    "statefulset_verdict",
    "stuck_ordered_pods",
]

DEADLINE = "ProgressDeadlineExceeded"
REVISION_LABEL = "controller-revision-hash"
GENERATION_LABEL = "pod-template-generation"
TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"


class RolloutState(StrEnum):
    """A rollout's state; only COMPLETE is good news."""

    COMPLETE = "complete"
    PROGRESSING = "progressing"
    WAITING = "waiting"
    FAILING = "failing"
    FAILED = "failed"
    PAUSED = "paused"
    SCALED_TO_ZERO = "scaled to zero"
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A state, and the sentence that explains it."""

    state: RolloutState
    message: str


@dataclass(frozen=True, slots=True)
class RolloutCounts:
    """Replicas: wanted; of the new revision, ready and available ones of those; and old ones still there."""

    desired: int = 0
    updated: int = 0
    ready: int = 0
    available: int = 0
    old: int = 0


MISSING = Verdict(RolloutState.MISSING, "does not exist")
BEING_DELETED = Verdict(RolloutState.FAILED, "is being deleted")
NOT_SEEN = Verdict(RolloutState.WAITING, "waiting for the controller to see the change")


def deployment_counts(deployment: Deployment, replica_sets: Collection[ReplicaSet]) -> RolloutCounts:
    """The counts of a Deployment; of the new revision when its ReplicaSet is among ``replica_sets``."""
    status = deployment.status
    new = new_replica_set(deployment, replica_sets)
    older = [one for one in controlled_by(deployment.metadata.uid, replica_sets) if one is not new]
    if new is None and not older:
        updated, ready, available = status.updated_replicas, status.ready_replicas, status.available_replicas
        return RolloutCounts(
            deployment.spec.desired, updated, ready, available, max(0, status.replicas - updated)
        )
    counted = new.status if new is not None else None
    return RolloutCounts(
        desired=deployment.spec.desired,
        updated=counted.replicas if counted else 0,
        ready=counted.ready_replicas if counted else 0,
        available=counted.available_replicas if counted else 0,
        old=sum(one.status.replicas for one in older),
    )


def deployment_verdict(
    deployment: Deployment | None, replica_sets: Collection[ReplicaSet], pods: Collection[Pod]
) -> Verdict:
    """Where a Deployment's rollout stands; None for one that is not there."""
    if deployment is None:
        return MISSING
    if deployment.metadata.deletion_timestamp is not None:
        return BEING_DELETED
    if deployment.metadata.generation > deployment.status.observed_generation:
        return NOT_SEEN
    new = new_replica_set(deployment, replica_sets)
    problem = held_up(pods_of_set(new, pods))
    moving = _moving(deployment)
    timed_out = _timed_out(deployment, new)
    if timed_out:
        return Verdict(RolloutState.FAILED, f"{timed_out}; {problem}" if problem else timed_out)
    if moving and problem:
        return Verdict(RolloutState.FAILING, problem)
    if moving and (refused := _pods_refused(deployment)):
        return Verdict(RolloutState.FAILING, refused)
    if deployment.spec.paused:
        return Verdict(RolloutState.PAUSED, f"paused; {moving}" if moving else "paused")
    if moving:
        return Verdict(RolloutState.PROGRESSING, moving)
    if deployment.spec.desired == 0:
        return Verdict(RolloutState.SCALED_TO_ZERO, "scaled to zero: nothing runs")
    return Verdict(
        RolloutState.COMPLETE, f"{replicas_text(deployment.status.updated_replicas)} updated and available"
    )


def statefulset_verdict(stateful_set: StatefulSet | None, pods: Collection[Pod]) -> Verdict:
    """Where a StatefulSet's rollout stands."""
    if stateful_set is None:
        return MISSING
    spec, status = stateful_set.spec, stateful_set.status
    if stateful_set.metadata.deletion_timestamp is not None:
        return BEING_DELETED
    if spec.update_strategy.type == "OnDelete":
        return Verdict(RolloutState.UNKNOWN, "updates only pods that somebody deletes (OnDelete)")
    if status.observed_generation == 0 or stateful_set.metadata.generation > status.observed_generation:
        return NOT_SEEN
    moving = _ordered_moving(stateful_set)
    own = [pod for pod in pods if pod.metadata.controller_uid() == stateful_set.metadata.uid]
    if moving and (problem := held_up(own)):
        return Verdict(RolloutState.FAILING, problem)
    if moving:
        return Verdict(RolloutState.PROGRESSING, moving)
    if spec.desired == 0:
        return Verdict(RolloutState.SCALED_TO_ZERO, "scaled to zero: nothing runs")
    return Verdict(RolloutState.COMPLETE, f"{replicas_text(status.ready_replicas)} updated and ready")


def daemonset_verdict(daemon_set: DaemonSet | None, pods: Collection[Pod]) -> Verdict:
    """Where a DaemonSet's rollout stands."""
    if daemon_set is None:
        return MISSING
    status = daemon_set.status
    if daemon_set.metadata.deletion_timestamp is not None:
        return BEING_DELETED
    if daemon_set.spec.update_strategy.type == "OnDelete":
        return Verdict(RolloutState.UNKNOWN, "updates only pods that somebody deletes (OnDelete)")
    if daemon_set.metadata.generation > status.observed_generation:
        return NOT_SEEN
    desired = status.desired_number_scheduled
    moving = ""
    if status.updated_number_scheduled < desired:
        moving = f"{status.updated_number_scheduled} of {desired} pods updated"
    elif status.number_available < desired:
        moving = f"{status.number_available} of {desired} updated pods available"
    if moving and (problem := held_up(_newest_daemons(daemon_set, pods))):
        return Verdict(RolloutState.FAILING, problem)
    if moving:
        return Verdict(RolloutState.PROGRESSING, moving)
    if desired == 0:
        return Verdict(RolloutState.SCALED_TO_ZERO, "no node wants it: nothing runs")
    return Verdict(RolloutState.COMPLETE, f"{replicas_text(desired)} updated and available")


def stuck_ordered_pods(stateful_set: StatefulSet, pods: Collection[Pod]) -> tuple[str, ...]:
    """Names of broken pods that an ordered StatefulSet waits for although its template has moved on.

    Its controller replaces a pod only after the one before is ready, so such a pod has to be deleted by hand.
    """
    if stateful_set.spec.pod_management_policy == "Parallel":
        return ()
    wanted = stateful_set.status.update_revision
    return tuple(
        pod.metadata.name
        for pod in pods
        if pod.metadata.controller_uid() == stateful_set.metadata.uid
        and pod.metadata.labels.get(REVISION_LABEL) != wanted
        and not is_ready(pod)
        and pod_problem(pod)
    )


def _moving(deployment: Deployment) -> str:
    """What the rollout still has to do, or ""."""
    status, desired = deployment.status, deployment.spec.desired
    if status.updated_replicas < desired:
        return f"{status.updated_replicas} of {desired} replicas updated"
    if status.replicas > status.updated_replicas:
        old = status.replicas - status.updated_replicas
        return f"{old} old {'replica' if old == 1 else 'replicas'} still there"
    if status.available_replicas < status.updated_replicas:
        return f"{status.available_replicas} of {status.updated_replicas} updated replicas available"
    return ""


def _ordered_moving(stateful_set: StatefulSet) -> str:
    spec, status = stateful_set.spec, stateful_set.status
    if status.ready_replicas < spec.desired:
        return f"{status.ready_replicas} of {spec.desired} pods ready"
    rolling = spec.update_strategy.rolling_update
    if rolling is not None and rolling.partition > 0:
        wanted = spec.desired - rolling.partition
        if status.updated_replicas < wanted:
            return f"{status.updated_replicas} of {wanted} pods updated (partition {rolling.partition})"
        return ""
    if status.update_revision != status.current_revision:
        return f"{status.updated_replicas} of {spec.desired} pods at the new revision"
    return ""


def _timed_out(deployment: Deployment, new: ReplicaSet | None) -> str:
    """The message of an exceeded deadline, unless it is an earlier revision's.

    The controller leaves the condition as it was while its reason stays the same, message included, and the
    message names the ReplicaSet: one that is not the new one's says nothing about the new one.
    """
    condition = _condition(deployment, "Progressing")
    if condition is None or condition.reason != DEADLINE:
        return ""
    named = condition.message.split('"')[1] if condition.message.count('"') >= 2 else ""
    about_a_set = condition.message.startswith("ReplicaSet")
    if about_a_set and named and (new is None or named != new.metadata.name):
        return ""
    return clean(condition.message.rstrip("."), 300) or "the progress deadline was exceeded"


def _pods_refused(deployment: Deployment) -> str:
    condition = _condition(deployment, "ReplicaFailure")
    if condition is None or condition.status != "True":
        return ""
    return clean(f"{condition.reason}: {condition.message}", 300)


def _condition(deployment: Deployment, kind: str) -> Condition | None:
    return next((one for one in deployment.status.conditions if one.type == kind), None)


def pods_of_set(replica_set: ReplicaSet | None, pods: Collection[Pod]) -> list[Pod]:
    """Those of ``pods`` that the ReplicaSet controls."""
    if replica_set is None:
        return []
    return [pod for pod in pods if pod.metadata.controller_uid() == replica_set.metadata.uid]


def held_up(pods: Sequence[Pod]) -> str:
    """The first pod that cannot work, and how many more there are."""
    found = sorted(problems_of(pods), key=lambda pair: pair[0].metadata.name)
    if not found:
        return ""
    pod, problem = found[0]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return f"{pod.metadata.name}{more}: {problem}"


def _newest_daemons(daemon_set: DaemonSet, pods: Collection[Pod]) -> list[Pod]:
    newest = daemon_set.metadata.annotations.get(TEMPLATE_GENERATION)
    return [
        pod
        for pod in pods
        if pod.metadata.controller_uid() == daemon_set.metadata.uid
        and newest in (None, pod.metadata.labels.get(GENERATION_LABEL))
    ]


def replicas_text(number: int) -> str:
    """``1 replica``, ``3 replicas``."""
    return "1 replica" if number == 1 else f"{number} replicas"
