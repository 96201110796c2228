"""The fields that the API server fills in when a manifest leaves them out."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.objects import clone, dig

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_SERVICE_NET = (10, 96)
_NODE_PORTS = (30000, 2768)
_TEMPLATES = "deprecated.daemonset.template.generation"


def apply(kind: str, obj: Obj, old: Obj | None = None) -> None:
    """Fills ``obj`` in place; ``old`` is what it replaces, if any. What has a wrong type stays."""
    filler = _FILLERS.get(kind)
    if filler is not None:
        filler(obj, old)


def pod_spec(spec: Obj) -> None:
    """Fills a pod's spec, as it stands in a pod or in the template of a workload."""
    _fill(
        spec,
        restartPolicy="Always",
        terminationGracePeriodSeconds=30,
        dnsPolicy="ClusterFirst",
        schedulerName="default-scheduler",
        securityContext={},
    )
    for field in ("containers", "initContainers"):
        for container in _dicts(spec.get(field)):
            _container(container)
    for volume in _dicts(spec.get("volumes")):
        _volume(volume)


def _fill(target: Obj, **values: Any) -> None:
    for key, value in values.items():
        if target.get(key) is None:
            target[key] = clone(value)


def _dicts(value: Any) -> list[Obj]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _section(obj: Obj, *path: str) -> Obj | None:
    """The object under a path, made where it is missing; None where something else stands there."""
    for key in path:
        found = obj.get(key)
        if found is None:
            found = obj[key] = {}
        if not isinstance(found, dict):
            return None
        obj = found
    return obj


def _container(container: Obj) -> None:
    image = container.get("image")
    _fill(
        container,
        imagePullPolicy=_pull_policy(image if isinstance(image, str) else ""),
        resources={},
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
    )
    for port in _dicts(container.get("ports")):
        _fill(port, protocol="TCP")
    for variable in _dicts(container.get("env")):
        reference = dig(variable, "valueFrom", "fieldRef")
        if isinstance(reference, dict):
            _fill(reference, apiVersion="v1")
    for probe in _PROBES:
        if isinstance(container.get(probe), dict):
            _probe(container[probe])


def _pull_policy(image: str) -> str:
    name = image.rsplit("/", 1)[-1]
    if "@" in name:
        return "IfNotPresent"
    tag = name.partition(":")[2]
    return "Always" if tag in ("", "latest") else "IfNotPresent"


def _probe(probe: Obj) -> None:
    _fill(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
    if isinstance(probe.get("httpGet"), dict):
        _fill(probe["httpGet"], path="/", scheme="HTTP")


def _volume(volume: Obj) -> None:
    sources = [key for key in volume if key != "name"]
    if not sources:
        volume["emptyDir"] = {}
    for source in ("configMap", "secret", "projected", "downwardAPI"):
        if isinstance(volume.get(source), dict):
            _fill(volume[source], defaultMode=420)


def _template(spec: Obj) -> None:
    template = spec.get("template")
    if isinstance(template, dict) and isinstance(template.get("spec"), dict):
        pod_spec(template["spec"])


def _strategy(spec: Obj, field: str, **values: Any) -> None:
    """Rolling is the default, with ``values`` as its limits."""
    strategy = _section(spec, field)
    if strategy is None:
        return
    _fill(strategy, type="RollingUpdate")
    rolling = _section(strategy, "rollingUpdate") if strategy["type"] == "RollingUpdate" else None
    if rolling is not None:
        _fill(rolling, **values)


def _deployment(obj: Obj, old: Obj | None) -> None:
    spec = _section(obj, "spec")
    if spec is None:
        return
    _fill(spec, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    _strategy(spec, "strategy", maxUnavailable="25%", maxSurge="25%")
    _template(spec)
    obj.setdefault("status", {})


def _replicaset(obj: Obj, old: Obj | None) -> None:
    spec = _section(obj, "spec")
    if spec is not None:
        _fill(spec, replicas=1)
        _template(spec)
    obj.setdefault("status", {"replicas": 0})


def _statefulset(obj: Obj, old: Obj | None) -> None:
    spec = _section(obj, "spec")
    if spec is None:
        return
    _fill(spec, replicas=1, revisionHistoryLimit=10, podManagementPolicy="OrderedReady")
    _fill(spec, persistentVolumeClaimRetentionPolicy={"whenDeleted": "Retain", "whenScaled": "Retain"})
    _strategy(spec, "updateStrategy", partition=0)
    _template(spec)
    obj.setdefault("status", {"replicas": 0, "availableReplicas": 0})


def _daemonset(obj: Obj, old: Obj | None) -> None:
    spec = _section(obj, "spec")
    if spec is None:
        return
    _fill(spec, revisionHistoryLimit=10)
    _strategy(spec, "updateStrategy", maxUnavailable=1, maxSurge=0)
    _template(spec)
    _count_template(obj, old)
    counts = ("currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady")
    obj.setdefault("status", dict.fromkeys(counts, 0))


def _count_template(obj: Obj, old: Obj | None) -> None:
    """The API server counts a DaemonSet's templates in an annotation, which nobody else can change."""
    notes = _section(obj, "metadata", "annotations")
    if notes is None:
        return
    before = dig(old, "metadata", "annotations", _TEMPLATES)
    number = int(before) if isinstance(before, str) and before.isdigit() else 0
    changed = dig(old, "spec", "template") != dig(obj, "spec", "template")
    notes[_TEMPLATES] = str(number + 1 if changed or not number else number)


def _pod(obj: Obj, old: Obj | None) -> None:
    spec = _section(obj, "spec")
    if spec is None:
        return
    pod_spec(spec)
    _fill(spec, serviceAccountName="default", enableServiceLinks=True)
    _fill(spec, preemptionPolicy="PreemptLowerPriority", priority=0)
    status = _section(obj, "status")
    if status is not None:
        _fill(status, phase="Pending", qosClass=_qos(spec))


def _qos(spec: Obj) -> str:
    """The quality of service class, from requests and limits of cpu and memory."""
    resources = [dig(item, "resources") or {} for item in _dicts(spec.get("containers"))]
    if not any(entry.get("requests") or entry.get("limits") for entry in resources):
        return "BestEffort"
    for entry in resources:
        limits = entry.get("limits") or {}
        requests = {**limits, **(entry.get("requests") or {})}
        if any(name not in limits or limits[name] != requests[name] for name in ("cpu", "memory")):
            return "Burstable"
    return "Guaranteed"


def _service(obj: Obj, old: Obj | None) -> None:
    spec = _section(obj, "spec")
    if spec is None:
        return
    _fill(spec, type="ClusterIP", sessionAffinity="None")
    for port in _dicts(spec.get("ports")):
        _fill(port, protocol="TCP", targetPort=port.get("port"))
    obj.setdefault("status", {"loadBalancer": {}})
    if spec["type"] == "ExternalName":
        return
    _fill(spec, clusterIP=dig(old, "spec", "clusterIP") or _cluster_ip(obj))
    _fill(spec, clusterIPs=[spec["clusterIP"]], internalTrafficPolicy="Cluster")
    _fill(spec, ipFamilies=["IPv4"], ipFamilyPolicy="SingleStack")
    if spec["type"] in ("NodePort", "LoadBalancer"):
        _fill(spec, externalTrafficPolicy="Cluster")
        for position, port in enumerate(_dicts(spec.get("ports"))):
            _fill(port, nodePort=_NODE_PORTS[0] + (_digest(obj)[0] * 251 + position) % _NODE_PORTS[1])


def _digest(obj: Obj) -> bytes:
    return hashlib.sha256(str(obj["metadata"].get("uid") or obj["metadata"].get("name")).encode()).digest()


def _cluster_ip(obj: Obj) -> str:
    digest = _digest(obj)
    return f"{_SERVICE_NET[0]}.{_SERVICE_NET[1]}.{digest[0]}.{1 + digest[1] % 254}"


def _namespace(obj: Obj, old: Obj | None) -> None:
    labels = _section(obj, "metadata", "labels")
    if labels is not None:
        labels["kubernetes.io/metadata.name"] = obj["metadata"].get("name", "")
    spec = _section(obj, "spec")
    if spec is not None:
        _fill(spec, finalizers=["kubernetes"])
    status = _section(obj, "status")
    if status is not None:
        _fill(status, phase="Active")


def _secret(obj: Obj, old: Obj | None) -> None:
    _fill(obj, type="Opaque")
    plain = obj.pop("stringData", None)
    data = _section(obj, "data") if isinstance(plain, dict) else None
    if data is not None:
        for key, value in plain.items():
            data[key] = base64.b64encode(str(value).encode()).decode()


def _autoscaler(obj: Obj, old: Obj | None) -> None:
    spec = _section(obj, "spec")
    if spec is not None:
        _fill(spec, minReplicas=1)
    obj.setdefault("status", {"currentMetrics": None, "desiredReplicas": 0})


def _budget(obj: Obj, old: Obj | None) -> None:
    counts = ("currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods")
    obj.setdefault("status", dict.fromkeys(counts, 0))


_FILLERS: Mapping[str, Callable[[Obj, Obj | None], None]] = MappingProxyType(
    {
        "deployments": _deployment,
        "replicasets": _replicaset,
        "statefulsets": _statefulset,
        "daemonsets": _daemonset,
        "pods": _pod,
        "services": _service,
        "namespaces": _namespace,
        "secrets": _secret,
        "horizontalpodautoscalers": _autoscaler,
        "poddisruptionbudgets": _budget,
    }
)
