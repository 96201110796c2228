"""The types of the fields that controllers and tables rely on; a manifest with other types is refused (400).

Only what is relied on is named: all other fields may hold anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

import msgspec

from releaseconsole.sandbox.store.kinds import Kind, Obj
from releaseconsole.sandbox.store.refusals import bad_request

Labels = dict[str, str] | None
Int32 = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
IntOrString = Int32 | str | None


class _Owner(msgspec.Struct):
    uid: str = ""
    name: str = ""
    kind: str = ""
    controller: bool | None = None


class _Metadata(msgspec.Struct):
    name: str | None = None
    generateName: str | None = None  # noqa: N815
    namespace: str | None = None
    uid: str | None = None
    resourceVersion: str | None = None  # noqa: N815
    labels: Labels = None
    annotations: Labels = None
    finalizers: list[str] | None = None
    ownerReferences: list[_Owner] | None = None  # noqa: N815
    managedFields: list[dict[str, Any]] | None = None  # noqa: N815


class _Port(msgspec.Struct):
    containerPort: Int32 = 0  # noqa: N815
    name: str | None = None
    protocol: str | None = None


class _Variable(msgspec.Struct):
    name: str = ""
    value: str | None = None


class _Resources(msgspec.Struct):
    limits: dict[str, str | int | float] | None = None
    requests: dict[str, str | int | float] | None = None


class _Container(msgspec.Struct):
    name: str | None = None
    image: str | None = None
    ports: list[_Port] | None = None
    env: list[_Variable] | None = None
    resources: _Resources | None = None
    command: list[str] | None = None
    args: list[str] | None = None
    volumeMounts: list[dict[str, Any]] | None = None  # noqa: N815


class _PodSpec(msgspec.Struct):
    containers: list[_Container] | None = None
    initContainers: list[_Container] | None = None  # noqa: N815
    volumes: list[dict[str, Any]] | None = None
    nodeName: str | None = None  # noqa: N815
    nodeSelector: Labels = None  # noqa: N815
    restartPolicy: str | None = None  # noqa: N815
    terminationGracePeriodSeconds: Int32 | None = None  # noqa: N815
    readinessGates: list[dict[str, Any]] | None = None  # noqa: N815


class _Template(msgspec.Struct):
    metadata: _Metadata | None = None
    spec: _PodSpec | None = None


class _Expression(msgspec.Struct):
    key: str = ""
    operator: str = ""
    values: list[str] | None = None


class _Selector(msgspec.Struct):
    matchLabels: Labels = None  # noqa: N815
    matchExpressions: list[_Expression] | None = None  # noqa: N815


class _Rolling(msgspec.Struct):
    maxSurge: IntOrString = None  # noqa: N815
    maxUnavailable: IntOrString = None  # noqa: N815
    partition: Int32 | None = None


class _Strategy(msgspec.Struct):
    type: str | None = None
    rollingUpdate: _Rolling | None = None  # noqa: N815


class _WorkloadSpec(msgspec.Struct):
    replicas: Int32 | None = None
    selector: _Selector | None = None
    template: _Template | None = None
    strategy: _Strategy | None = None
    updateStrategy: _Strategy | None = None  # noqa: N815
    minReadySeconds: Int32 | None = None  # noqa: N815
    progressDeadlineSeconds: Int32 | None = None  # noqa: N815
    revisionHistoryLimit: Int32 | None = None  # noqa: N815
    paused: bool | None = None


class _ServicePort(msgspec.Struct):
    port: Int32 = 0
    name: str | None = None
    protocol: str | None = None
    targetPort: IntOrString = None  # noqa: N815
    nodePort: Int32 | None = None  # noqa: N815


class _ServiceSpec(msgspec.Struct):
    type: str | None = None
    clusterIP: str | None = None  # noqa: N815
    selector: Labels = None
    ports: list[_ServicePort] | None = None
    externalIPs: list[str] | None = None  # noqa: N815


class _State(msgspec.Struct):
    running: dict[str, Any] | None = None
    waiting: dict[str, Any] | None = None
    terminated: dict[str, Any] | None = None


class _ContainerStatus(msgspec.Struct):
    name: str = ""
    ready: bool | None = None
    restartCount: Int32 | None = None  # noqa: N815
    state: _State | None = None
    lastState: _State | None = None  # noqa: N815


class _PodStatus(msgspec.Struct):
    phase: str | None = None
    conditions: list[dict[str, Any]] | None = None
    containerStatuses: list[_ContainerStatus] | None = None  # noqa: N815
    initContainerStatuses: list[_ContainerStatus] | None = None  # noqa: N815


class _Status(msgspec.Struct):
    conditions: list[dict[str, Any]] | None = None


class _Any(msgspec.Struct):
    metadata: _Metadata
    spec: dict[str, Any] | None = None
    status: dict[str, Any] | None = None


class _Pod(msgspec.Struct):
    metadata: _Metadata
    spec: _PodSpec | None = None
    status: _PodStatus | None = None


class _Workload(msgspec.Struct):
    metadata: _Metadata
    spec: _WorkloadSpec | None = None
    status: _Status | None = None


class _Service(msgspec.Struct):
    metadata: _Metadata
    spec: _ServiceSpec | None = None
    status: dict[str, Any] | None = None


class _Data(msgspec.Struct):
    metadata: _Metadata
    data: Labels = None
    stringData: Labels = None  # noqa: N815


class _Target(msgspec.Struct):
    kind: str = ""
    name: str = ""


class _AutoscalerSpec(msgspec.Struct):
    minReplicas: Int32 | None = None  # noqa: N815
    maxReplicas: Int32 | None = None  # noqa: N815
    scaleTargetRef: _Target | None = None  # noqa: N815
    metrics: list[dict[str, Any]] | None = None


class _Autoscaler(msgspec.Struct):
    metadata: _Metadata
    spec: _AutoscalerSpec | None = None
    status: _Status | None = None


class _Event(msgspec.Struct):
    metadata: _Metadata
    involvedObject: dict[str, str] | None = None  # noqa: N815
    source: dict[str, str] | None = None
    series: dict[str, Any] | None = None
    count: Int32 | None = None
    type: str | None = None
    reason: str | None = None
    message: str | None = None
    firstTimestamp: str | None = None  # noqa: N815
    lastTimestamp: str | None = None  # noqa: N815
    eventTime: str | None = None  # noqa: N815


_SKELETONS: Mapping[str, type[msgspec.Struct]] = MappingProxyType(
    {
        "pods": _Pod,
        "deployments": _Workload,
        "replicasets": _Workload,
        "statefulsets": _Workload,
        "daemonsets": _Workload,
        "services": _Service,
        "configmaps": _Data,
        "secrets": _Data,
        "horizontalpodautoscalers": _Autoscaler,
        "events": _Event,
    }
)


def check_types(row: Kind, obj: Obj) -> None:
    """Raises StoreError (400) naming the field whose type is wrong."""
    try:
        msgspec.convert(obj, _SKELETONS.get(row.plural, _Any))
    except msgspec.ValidationError as error:
        raise bad_request(
            f'{row.kind} in version "{row.version}" cannot be handled as a {row.kind}: {error}'
        ) from error
