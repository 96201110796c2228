"""Which lists are merged by which key: what strategic merge and server-side apply must know of the kinds.

The keys are those of the published API types (``patchMergeKey``, ``listMapKey``); a list that is not
named here is replaced as a whole, a map is merged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Shape:
    """One field. For a list, ``fields`` describes its items.

    ``patch_key`` is the key of strategic merge, ``map_keys`` those of server-side apply (a ``protocol``
    among them may be left out and is TCP), ``as_set`` a list of values that is merged, ``atomic`` a map or
    list with one owner.
    """

    fields: Mapping[str, Shape] = field(default_factory=lambda: MappingProxyType({}))
    patch_key: str = ""
    map_keys: tuple[str, ...] = ()
    as_set: bool = False
    atomic: bool = False

    def child(self, name: str) -> Shape:
        """The shape of a field; one without rules where nothing is known."""
        return self.fields.get(name, PLAIN)


def _map(**fields: Shape) -> Shape:
    return Shape(MappingProxyType(fields))


def _list(patch_key: str, map_keys: tuple[str, ...] = (), **fields: Shape) -> Shape:
    return Shape(MappingProxyType(fields), patch_key, map_keys or (patch_key,))


PLAIN = Shape()
_ATOMIC = Shape(atomic=True)
_SET = Shape(as_set=True)
_NAMES = _list("name")

_METADATA = _map(ownerReferences=_list("uid"), finalizers=_SET)
_VALUE_FROM = _map(fieldRef=_ATOMIC, resourceFieldRef=_ATOMIC, configMapKeyRef=_ATOMIC, secretKeyRef=_ATOMIC)
_CONTAINERS = _list(
    "name",
    ports=_list("containerPort", ("containerPort", "protocol")),
    env=_list("name", valueFrom=_VALUE_FROM),
    volumeMounts=_list("mountPath"),
    volumeDevices=_list("devicePath"),
)
_POD_SPEC = _map(
    containers=_CONTAINERS,
    initContainers=_CONTAINERS,
    ephemeralContainers=_CONTAINERS,
    volumes=_NAMES,
    imagePullSecrets=_NAMES,
    hostAliases=_list("ip"),
    topologySpreadConstraints=_list("topologyKey", ("topologyKey", "whenUnsatisfiable")),
    nodeSelector=_ATOMIC,
)
_TEMPLATE = _map(metadata=_METADATA, spec=_POD_SPEC)
_CONDITIONS = _map(conditions=_list("type"))


def _kind(spec: Shape = PLAIN, status: Shape = _CONDITIONS, **fields: Shape) -> Shape:
    return _map(metadata=_METADATA, spec=spec, status=status, **fields)


_WORKLOAD = _kind(_map(selector=_ATOMIC, template=_TEMPLATE))
_POD = _kind(_POD_SPEC, _map(conditions=_list("type"), podIPs=_list("ip"), hostIPs=_list("ip")))
_SERVICE = _kind(_map(ports=_list("port", ("port", "protocol")), selector=_ATOMIC))
_NODE = _kind(_map(podCIDRs=_SET), _map(conditions=_list("type"), addresses=_list("type")))
_ACCOUNT = _kind(secrets=_NAMES, imagePullSecrets=_NAMES)
_OTHER = _kind()

_SHAPES: Mapping[str, Shape] = MappingProxyType(
    {
        "pods": _POD,
        "deployments": _WORKLOAD,
        "replicasets": _WORKLOAD,
        "statefulsets": _WORKLOAD,
        "daemonsets": _WORKLOAD,
        "replicationcontrollers": _WORKLOAD,
        "jobs": _WORKLOAD,
        "services": _SERVICE,
        "nodes": _NODE,
        "serviceaccounts": _ACCOUNT,
    }
)


def shape_of(kind: str) -> Shape:
    """The shape of a kind, by its plural name."""
    return _SHAPES.get(kind, _OTHER)
