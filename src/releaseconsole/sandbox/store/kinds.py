"""The kinds of objects the practice cluster knows: one row each, and no code of their own.

The rows say what discovery tells of a kind; storage, handlers and watches are the same for all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

#: A Kubernetes object as it is in JSON.
Obj = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the registry; ``plural`` is the key everywhere."""

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    short: tuple[str, ...] = ()
    namespaced: bool = True
    subresources: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        """``apps/v1``, or ``v1`` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def group_resource(self) -> str:
        """``deployments.apps``, or ``pods``: how the API server names a kind in its sentences."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def has_status(self) -> bool:
        """Whether the status is written through a subresource of its own."""
        return "status" in self.subresources


_ALL = ("all",)
_SCALED = ("status", "scale")

_ROWS = (
    Kind("", "v1", "Namespace", "namespaces", "namespace", ("ns",), False, ("status", "finalize")),
    Kind("", "v1", "Node", "nodes", "node", ("no",), False, ("status",)),
    Kind("", "v1", "PersistentVolume", "persistentvolumes", "persistentvolume", ("pv",), False, ("status",)),
    Kind("", "v1", "Pod", "pods", "pod", ("po",), True, ("status", "log", "eviction"), _ALL),
    Kind("", "v1", "Service", "services", "service", ("svc",), True, ("status",), _ALL),
    Kind("", "v1", "Endpoints", "endpoints", "endpoints", ("ep",)),
    Kind("", "v1", "Event", "events", "event", ("ev",)),
    Kind("", "v1", "ConfigMap", "configmaps", "configmap", ("cm",)),
    Kind("", "v1", "Secret", "secrets", "secret"),
    Kind("", "v1", "ServiceAccount", "serviceaccounts", "serviceaccount", ("sa",)),
    Kind("", "v1", "LimitRange", "limitranges", "limitrange", ("limits",)),
    Kind("", "v1", "ResourceQuota", "resourcequotas", "resourcequota", ("quota",), True, ("status",)),
    Kind(
        "",
        "v1",
        "PersistentVolumeClaim",
        "persistentvolumeclaims",
        "persistentvolumeclaim",
        ("pvc",),
        True,
        ("status",),
    ),
    Kind(
        "",
        "v1",
        "ReplicationController",
        "replicationcontrollers",
        "replicationcontroller",
        ("rc",),
        True,
        _SCALED,
        _ALL,
    ),
    Kind("apps", "v1", "Deployment", "deployments", "deployment", ("deploy",), True, _SCALED, _ALL),
    Kind("apps", "v1", "ReplicaSet", "replicasets", "replicaset", ("rs",), True, _SCALED, _ALL),
    Kind("apps", "v1", "StatefulSet", "statefulsets", "statefulset", ("sts",), True, _SCALED, _ALL),
    Kind("apps", "v1", "DaemonSet", "daemonsets", "daemonset", ("ds",), True, ("status",), _ALL),
    Kind("apps", "v1", "ControllerRevision", "controllerrevisions", "controllerrevision"),
    Kind("batch", "v1", "Job", "jobs", "job", (), True, ("status",), _ALL),
    Kind("batch", "v1", "CronJob", "cronjobs", "cronjob", ("cj",), True, ("status",), _ALL),
    Kind(
        "autoscaling",
        "v2",
        "HorizontalPodAutoscaler",
        "horizontalpodautoscalers",
        "horizontalpodautoscaler",
        ("hpa",),
        True,
        ("status",),
        _ALL,
    ),
    Kind(
        "policy",
        "v1",
        "PodDisruptionBudget",
        "poddisruptionbudgets",
        "poddisruptionbudget",
        ("pdb",),
        True,
        ("status",),
    ),
    Kind("networking.k8s.io", "v1", "Ingress", "ingresses", "ingress", ("ing",), True, ("status",)),
    Kind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", "networkpolicy", ("netpol",)),
    Kind("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", "endpointslice"),
    Kind("coordination.k8s.io", "v1", "Lease", "leases", "lease"),
)

#: Every stored kind by its plural name.
KINDS: Mapping[str, Kind] = MappingProxyType({row.plural: row for row in _ROWS})

#: The newer face of the same events; converted on the way in and out.
EVENTS_V1 = Kind("events.k8s.io", "v1", "Event", "events", "event", ("ev",))

#: The older face of the same autoscalers.
AUTOSCALERS_V1 = Kind(
    "autoscaling",
    "v1",
    "HorizontalPodAutoscaler",
    "horizontalpodautoscalers",
    "horizontalpodautoscaler",
    ("hpa",),
    True,
    ("status",),
    _ALL,
)

#: Every served kind, in the order discovery shows the groups.
SERVED: tuple[Kind, ...] = (*_ROWS, EVENTS_V1, AUTOSCALERS_V1)


def by_kind(api_version: str, kind: str) -> Kind | None:
    """The row of an object's ``apiVersion`` and ``kind``."""
    for row in SERVED:
        if row.kind == kind and row.api_version == api_version:
            return row
    return None


def find(group: str, version: str, plural: str) -> Kind | None:
    """The row that is served under a path, if any."""
    for row in SERVED:
        if row.plural == plural and row.group == group and row.version == version:
            return row
    return None


def groups() -> dict[str, tuple[str, ...]]:
    """Every named API group with its versions (the core group is ``""``)."""
    found: dict[str, tuple[str, ...]] = {}
    for row in SERVED:
        versions = found.get(row.group, ())
        if row.version not in versions:
            found[row.group] = (*versions, row.version)
    return found
