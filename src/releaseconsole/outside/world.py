"""The live data of an environment as checks and actions see it: plain values, taken anew at each look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from releaseconsole.plan.model import Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from releaseconsole.cluster.argo import Rollout
    from releaseconsole.cluster.neighbours import HorizontalPodAutoscaler, Ingress, PodDisruptionBudget
    from releaseconsole.cluster.objects import (
        ControllerRevision,
        DaemonSet,
        Deployment,
        EndpointSlice,
        Pod,
        ReplicaSet,
        Service,
        StatefulSet,
    )


@dataclass(frozen=True, slots=True)
class TargetData:
    """What is known of one namespace of one cluster."""

    target: Target
    stale: str = ""
    """"" while the data is live; else a sentence that says why it cannot be believed."""
    missing: Mapping[str, str] = field(default_factory=dict)
    """Plural of a kind (``services``) → why it could not be read, when only that kind could not."""
    deployments: Sequence[Deployment] = ()
    replica_sets: Sequence[ReplicaSet] = ()
    stateful_sets: Sequence[StatefulSet] = ()
    daemon_sets: Sequence[DaemonSet] = ()
    rollouts: Sequence[Rollout] = ()
    controller_revisions: Sequence[ControllerRevision] = ()
    pods: Sequence[Pod] = ()
    services: Sequence[Service] = ()
    endpoint_slices: Sequence[EndpointSlice] = ()
    ingresses: Sequence[Ingress] = ()
    autoscalers: Sequence[HorizontalPodAutoscaler] = ()
    disruption_budgets: Sequence[PodDisruptionBudget] = ()


@dataclass(frozen=True, slots=True)
class EnvironmentData:
    """One environment: its workloads as the plan names them (``deployment/api-gateway``), and its targets."""

    id: str
    title: str
    workloads: tuple[str, ...]
    targets: tuple[TargetData, ...]
    links: Mapping[str, str] = field(default_factory=dict)


class Armed(Protocol):
    """Whether a rollback would work now; :class:`releaseconsole.session.views.ArmedView` is one."""

    @property
    def ready(self) -> int: ...
    @property
    def total(self) -> int: ...
    @property
    def problems(self) -> tuple[str, ...]: ...


class Metric(Protocol):
    """What is known of one objective; :class:`releaseconsole.session.views.MetricView` is one."""

    @property
    def title(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def value(self) -> float | None: ...
    @property
    def target(self) -> str: ...
    @property
    def meets_target(self) -> bool | None: ...
    @property
    def state(self) -> str: ...
    @property
    def reason(self) -> str: ...
