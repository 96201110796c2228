"""Finding a plan's workloads, their pods and Services in live data. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from releaseconsole.cluster.argo import Rollout
from releaseconsole.cluster.argo_rollout import rollout_verdict
from releaseconsole.cluster.near import meant
from releaseconsole.cluster.objects import DaemonSet, Deployment, Pod, ReplicaSet, Service, StatefulSet
from releaseconsole.cluster.rollout import (
    RolloutState,
    Verdict,
    daemonset_verdict,
    deployment_verdict,
    statefulset_verdict,
)
from releaseconsole.cluster.templates import controlled_by, new_replica_set

if TYPE_CHECKING:
    from releaseconsole.outside.world import EnvironmentData, TargetData

Owner: TypeAlias = Deployment | StatefulSet | DaemonSet | Rollout

KINDS = {
    "deployment": "deployments",
    "statefulset": "statefulsets",
    "daemonset": "daemonsets",
    "rollout": "rollouts",
}
"""Kind in the plan → plural in the API, for the kinds that can be watched."""


UNDER_WAY = (RolloutState.PROGRESSING, RolloutState.WAITING)
"""A rollout that goes as it should and is not over."""


def each(data: EnvironmentData) -> Iterator[tuple[TargetData, str]]:
    """Every workload in every target."""
    for target in data.targets:
        for workload in data.workloads:
            yield target, workload


def name_of(workload: str) -> str:
    """``api-gateway`` of ``deployment/api-gateway``."""
    return workload.partition("/")[2]


def find(target: TargetData, workload: str) -> Owner | None:
    """The workload, or None when it does not exist."""
    kind, _, name = workload.partition("/")
    return next((one for one in _of_kind(target, kind) if one.metadata.name == name), None)


def _of_kind(target: TargetData, kind: str) -> Sequence[Any]:
    sources: dict[str, Sequence[Any]] = {
        "deployment": target.deployments,
        "statefulset": target.stateful_sets,
        "daemonset": target.daemon_sets,
        "rollout": target.rollouts,
    }
    return sources.get(kind, ())


def meant_instead(target: TargetData, workload: str) -> str:
    """What to say behind a workload that does not exist: names of its kind that are near, if there are any."""
    kind, _, name = workload.partition("/")
    return meant(name, (one.metadata.name for one in _of_kind(target, kind)))


def newest_set(target: TargetData, owner: Owner) -> ReplicaSet | None:
    """The ReplicaSet of a Deployment's or Rollout's present template; None for other kinds."""
    if isinstance(owner, Deployment | Rollout):
        return new_replica_set(owner, target.replica_sets)
    return None


def pods_of(target: TargetData, owner: Owner) -> list[Pod]:
    """The pods that the workload controls, itself or through its ReplicaSets."""
    uids = {owner.metadata.uid}
    uids |= {one.metadata.uid for one in controlled_by(owner.metadata.uid, target.replica_sets)}
    return [pod for pod in target.pods if pod.metadata.controller_uid() in uids]


def desired_of(owner: Owner) -> int:
    """How many pods there should be."""
    return owner.status.desired_number_scheduled if isinstance(owner, DaemonSet) else owner.spec.desired


def verdict_of(target: TargetData, workload: str) -> Verdict:
    """Where the workload's rollout stands."""
    kind = workload.partition("/")[0]
    owner: Any = find(target, workload)
    if owner is None and kind in KINDS:
        return Verdict(RolloutState.MISSING, f"does not exist{meant_instead(target, workload)}")
    if kind == "deployment":
        return deployment_verdict(owner, target.replica_sets, target.pods)
    if kind == "statefulset":
        return statefulset_verdict(owner, target.pods)
    if kind == "daemonset":
        return daemonset_verdict(owner, target.pods)
    if kind == "rollout" and (why := target.missing.get(KINDS[kind])):
        return Verdict(RolloutState.UNKNOWN, f"cannot be followed: {why}")
    if kind == "rollout":
        return rollout_verdict(owner, target.replica_sets, target.pods)
    return Verdict(RolloutState.UNKNOWN, f"a {kind} cannot be followed")


def sentence(verdict: Verdict) -> str:
    """State and message; the state is left out where the message says it."""
    said = verdict.state is RolloutState.MISSING or verdict.message.startswith(verdict.state)
    return verdict.message if said else f"{verdict.state}: {verdict.message}"


def services_of(target: TargetData, owner: Owner) -> list[Service]:
    """The Services that select the workload's pods, by the labels of its template."""
    labels = (owner.spec.template.get("metadata") or {}).get("labels") or {}
    return [
        service
        for service in target.services
        if service.spec.selector
        and all(labels.get(key) == value for key, value in service.spec.selector.items())
    ]


def ready_endpoints(target: TargetData, service: Service) -> int:
    """Endpoints of the Service that take traffic; an unknown readiness means ready, as the API has it."""
    return sum(
        len(endpoint.addresses or ())
        for one in target.endpoint_slices
        if one.metadata.labels.get("kubernetes.io/service-name") == service.metadata.name
        for endpoint in one.endpoints or ()
        if endpoint.conditions.ready is not False
    )
