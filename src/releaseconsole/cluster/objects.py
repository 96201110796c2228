"""Just the fields of Kubernetes objects that the console uses, as frozen structs.

Every field has a default, so an object that lacks one is still readable. Nulls where the API's Go types say
``omitempty`` are healed in ``decode``; fields that are null on healthy servers say so in their type. Times
stay the text that the server sent until somebody asks (``seconds``): of 5,000 pods only a screenful is shown.
Pod templates stay plain dicts, complete and unchanged, because a rollback sends them back.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec


class _Object(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """Base of all: camel-case on the wire, immutable here."""


class OwnerReference(_Object, frozen=True):
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool = False


class ObjectMeta(_Object, frozen=True):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    owner_references: tuple[OwnerReference, ...] = ()

    def controller_uid(self) -> str:
        """UID of the object that controls this one, or ""."""
        for owner in self.owner_references:
            if owner.controller:
                return owner.uid
        return ""


class ListMeta(_Object, frozen=True):
    resource_version: str = ""
    continue_: str = msgspec.field(default="", name="continue")


class Condition(_Object, frozen=True):
    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    last_transition_time: str | None = None
    last_update_time: str | None = None


class SelectorTerm(_Object, frozen=True):
    key: str = ""
    operator: str = ""
    values: tuple[str, ...] | None = None


class LabelSelector(_Object, frozen=True):
    match_labels: dict[str, str] = {}
    match_expressions: tuple[SelectorTerm, ...] = ()


# Pods


class ContainerStateWaiting(_Object, frozen=True):
    reason: str = ""
    message: str = ""


class ContainerStateRunning(_Object, frozen=True):
    started_at: str | None = None


class ContainerStateTerminated(_Object, frozen=True):
    exit_code: int = 0
    signal: int = 0
    reason: str = ""
    message: str = ""
    started_at: str | None = None
    finished_at: str | None = None
    container_id: str = msgspec.field(default="", name="containerID")


class ContainerState(_Object, frozen=True):
    waiting: ContainerStateWaiting | None = None
    running: ContainerStateRunning | None = None
    terminated: ContainerStateTerminated | None = None


class ContainerStatus(_Object, frozen=True):
    name: str = ""
    ready: bool = False
    started: bool | None = None
    restart_count: int = 0
    image: str = ""
    container_id: str = msgspec.field(default="", name="containerID")
    state: ContainerState = ContainerState()
    last_state: ContainerState = ContainerState()


class Container(_Object, frozen=True):
    name: str = ""
    image: str = ""
    restart_policy: str = ""


class ReadinessGate(_Object, frozen=True):
    condition_type: str = ""


class PodSpec(_Object, frozen=True):
    node_name: str = ""
    containers: tuple[Container, ...] | None = ()
    init_containers: tuple[Container, ...] = ()
    restart_policy: str = ""
    readiness_gates: tuple[ReadinessGate, ...] = ()


class PodStatus(_Object, frozen=True):
    phase: str = ""
    reason: str = ""
    message: str = ""
    pod_ip: str = msgspec.field(default="", name="podIP")
    conditions: tuple[Condition, ...] = ()
    container_statuses: tuple[ContainerStatus, ...] = ()
    init_container_statuses: tuple[ContainerStatus, ...] = ()


class Pod(_Object, frozen=True):
    metadata: ObjectMeta = ObjectMeta()
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()


# Workloads


class RollingUpdate(_Object, frozen=True):
    partition: int = 0


class Strategy(_Object, frozen=True):
    type: str = ""
    rolling_update: RollingUpdate | None = None


class WorkloadSpec(_Object, frozen=True):
    """The spec of a Deployment, ReplicaSet, StatefulSet or DaemonSet."""

    replicas: int | None = None
    paused: bool = False
    selector: LabelSelector | None = None
    template: dict[str, Any] = {}
    strategy: Strategy = Strategy()
    update_strategy: Strategy = Strategy()
    pod_management_policy: str = ""
    progress_deadline_seconds: int | None = None
    revision_history_limit: int | None = None

    @property
    def desired(self) -> int:
        """Replicas wanted; the API's default is one."""
        return 1 if self.replicas is None else self.replicas


class DeploymentStatus(_Object, frozen=True):
    observed_generation: int = 0
    replicas: int = 0
    updated_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    unavailable_replicas: int = 0
    conditions: tuple[Condition, ...] = ()


class Deployment(_Object, frozen=True):
    metadata: ObjectMeta = ObjectMeta()
    spec: WorkloadSpec = WorkloadSpec()
    status: DeploymentStatus = DeploymentStatus()


class ReplicaSet(_Object, frozen=True):
    metadata: ObjectMeta = ObjectMeta()
    spec: WorkloadSpec = WorkloadSpec()
    status: DeploymentStatus = DeploymentStatus()


class StatefulSetStatus(_Object, frozen=True):
    observed_generation: int = 0
    replicas: int = 0
    updated_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    current_revision: str = ""
    update_revision: str = ""


class StatefulSet(_Object, frozen=True):
    metadata: ObjectMeta = ObjectMeta()
    spec: WorkloadSpec = WorkloadSpec()
    status: StatefulSetStatus = StatefulSetStatus()


class DaemonSetStatus(_Object, frozen=True):
    observed_generation: int = 0
    desired_number_scheduled: int = 0
    current_number_scheduled: int = 0
    updated_number_scheduled: int = 0
    number_ready: int = 0
    number_available: int = 0


class DaemonSet(_Object, frozen=True):
    metadata: ObjectMeta = ObjectMeta()
    spec: WorkloadSpec = WorkloadSpec()
    status: DaemonSetStatus = DaemonSetStatus()


class ControllerRevision(_Object, frozen=True):
    metadata: ObjectMeta = ObjectMeta()
    revision: int = 0
    data: dict[str, Any] = {}


# Everything else


class ObjectReference(_Object, frozen=True):
    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""


class EventSeries(_Object, frozen=True):
    count: int = 0
    last_observed_time: str | None = None


class Event(_Object, frozen=True):
    metadata: ObjectMeta = ObjectMeta()
    type: str = ""
    reason: str = ""
    message: str = ""
    count: int = 0
    involved_object: ObjectReference = ObjectReference()
    first_timestamp: str | None = None
    last_timestamp: str | None = None
    event_time: str | None = None
    series: EventSeries | None = None

    def at(self) -> float:
        """When it last happened, in seconds since the epoch."""
        last = self.series.last_observed_time if self.series else None
        return seconds(last or self.last_timestamp or self.event_time or self.metadata.creation_timestamp)

    def times(self) -> int:
        """How often it happened, at least once."""
        return max(1, self.count, self.series.count if self.series else 0)


class ServicePort(_Object, frozen=True):
    name: str = ""
    port: int = 0
    protocol: str = ""


class ServiceSpec(_Object, frozen=True):
    type: str = ""
    selector: dict[str, str] = {}
    ports: tuple[ServicePort, ...] | None = None


class Service(_Object, frozen=True):
    metadata: ObjectMeta = ObjectMeta()
    spec: ServiceSpec = ServiceSpec()


class EndpointConditions(_Object, frozen=True):
    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class Endpoint(_Object, frozen=True):
    addresses: tuple[str, ...] | None = None
    conditions: EndpointConditions = EndpointConditions()
    target_ref: ObjectReference | None = None


class EndpointSlice(_Object, frozen=True):
    metadata: ObjectMeta = ObjectMeta()
    endpoints: tuple[Endpoint, ...] | None = None


class Namespace(_Object, frozen=True):
    metadata: ObjectMeta = ObjectMeta()


class StatusCause(_Object, frozen=True):
    reason: str = ""
    message: str = ""
    field: str = ""


class StatusDetails(_Object, frozen=True):
    name: str = ""
    kind: str = ""
    retry_after_seconds: int = 0
    causes: tuple[StatusCause, ...] = ()


class Status(_Object, frozen=True):
    """What the API server says instead of an object when it refuses."""

    status: str = ""
    message: str = ""
    reason: str = ""
    code: int = 0
    details: StatusDetails | None = None


def seconds(text: str | None) -> float:
    """A Kubernetes timestamp in seconds since the epoch; 0 when it is absent or unreadable."""
    if not text:
        return 0.0
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return 0.0
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
