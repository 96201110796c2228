"""What is in a practice cluster before anything happens: days of history, settled and quiet."""

from __future__ import annotations

import json
from collections.abc import Callable

from releaseconsole.clock import Clock
from releaseconsole.sandbox.release import manifests
from releaseconsole.sandbox.store.chance import unit
from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.objects import rfc3339
from releaseconsole.sandbox.store.store import Store

_HOUR = 3600.0
_DAY = 24 * _HOUR
#: How long ago each version came to a context, in seconds.
_VERSIONS = (("0.9.1", 41 * _DAY), ("0.9.2", 27 * _DAY), ("0.9.3", 13 * _DAY), ("0.9.4", 3 * _DAY))
_CLUSTER_AGE = 120 * _DAY
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_NODES = 3


class ShiftedClock:
    """Another clock, moved: the seed works in the past. ``shift`` is in seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.shift = 0.0

    def now(self) -> float:
        return self._clock.now() + self.shift

    def monotonic(self) -> float:
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)


def plant(store: Store, clock: ShiftedClock, context: str, step: Callable[[], float], number: int) -> None:
    """Fills an empty store; ``step`` lets the controllers work and says when they want to be called again.

    ``number`` is the seed: it decides at what minute each version came.
    """
    clock.shift = -_CLUSTER_AGE
    _plant_cluster(store, clock.now())
    for tag, ago in _VERSIONS:
        clock.shift = _HOUR * unit(number, context, tag) - ago - _offset(context)
        _release(store, clock, context, tag, last=tag == _VERSIONS[-1][0])
        _settle(clock, step)
    clock.shift = 0.0


def _offset(context: str) -> float:
    """Staging had each version first."""
    return {"staging": 50 * _HOUR, "uat": 26 * _HOUR}.get(context, 0.0)


def _settle(clock: ShiftedClock, step: Callable[[], float]) -> None:
    """Runs the controllers until they have nothing to do within the next minute."""
    for _ in range(200):
        wait = step() - clock.now()
        if wait > 60:
            return
        clock.shift += max(0.0, wait) + 0.7


def _plant_cluster(store: Store, now: float) -> None:
    for name in ("default", "kube-system", "kube-public", manifests.NAMESPACE):
        store.create("namespaces", _namespace(name))
        store.create("serviceaccounts", {"metadata": {"name": "default", "namespace": name}})
    for number in range(1, _NODES + 1):
        store.create("nodes", _node(number, now))


def _release(store: Store, clock: ShiftedClock, context: str, tag: str, *, last: bool) -> None:
    if tag == _VERSIONS[0][0]:
        _plant_services(store, context)
    pods = manifests.replicas(context)
    for name in manifests.SERVICES:
        _deploy(store, name, tag, pods[name] if last else 0)
    if last:
        _plant_scaling(store, context, clock.now())


def _deploy(store: Store, name: str, tag: str, size: int) -> None:
    wished = _applied(manifests.deployment(name, tag))
    wished["spec"]["replicas"] = size
    known = store.find("deployments", manifests.NAMESPACE, name)
    if known is None:
        store.create("deployments", wished)
        return

    def change(obj: Obj) -> None:
        obj["spec"].update(wished["spec"])
        obj["metadata"]["annotations"].update(wished["metadata"]["annotations"])

    store.update("deployments", manifests.NAMESPACE, name, change)


def _applied(manifest: Obj) -> Obj:
    """The manifest as ``kubectl apply`` leaves it: with a copy of itself in an annotation."""
    meta = dict(manifest["metadata"])
    copy = {**manifest, "metadata": {**meta, "annotations": {}}}
    text = json.dumps(copy, separators=(",", ":"), sort_keys=True) + "\n"
    return {**manifest, "metadata": {**meta, "annotations": {_LAST_APPLIED: text}}}


def _plant_services(store: Store, context: str) -> None:
    store.create("configmaps", _applied(manifests.config_map()))
    for name in manifests.SERVICES:
        store.create("services", _applied(manifests.service(name)))
    store.create("ingresses", _ingress(context))


def _plant_scaling(store: Store, context: str, now: float) -> None:
    size = manifests.replicas(context)["api-gateway"]
    store.create("horizontalpodautoscalers", _autoscaler(size, now))
    store.create("poddisruptionbudgets", _budget("api-gateway"))


def _namespace(name: str) -> Obj:
    return {
        "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


def _node(number: int, now: float) -> Obj:
    name = f"node-{number}"
    size = {"cpu": "16", "memory": "65536Mi", "pods": "250", "ephemeral-storage": "200Gi"}
    labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {"podCIDR": f"10.244.{number}.0/24"},
        "status": {
            "capacity": size,
            "allocatable": size,
            "addresses": [
                {"type": "InternalIP", "address": f"192.168.10.{10 + number}"},
                {"type": "Hostname", "address": name},
            ],
            "conditions": [_node_condition(*row, now) for row in _NODE_CONDITIONS],
            "nodeInfo": _NODE_INFO,
        },
    }


_NODE_CONDITIONS = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)
_NODE_INFO = {
    "architecture": "amd64",
    "containerRuntimeVersion": "containerd://2.0.5",
    "kernelVersion": "6.1.0-practice",
    "kubeletVersion": "v1.36.3",
    "operatingSystem": "linux",
    "osImage": "Practice Linux",
}


def _node_condition(kind: str, truth: str, reason: str, message: str, now: float) -> Obj:
    moment = rfc3339(now)
    times = {"lastHeartbeatTime": moment, "lastTransitionTime": moment}
    return {"type": kind, "status": truth, "reason": reason, "message": message, **times}


def _ingress(context: str) -> Obj:
    host = "api.healthpay.example" if context == "production" else f"{context}-api.healthpay.example"
    backend = {"service": {"name": "api-gateway", "port": {"name": "http"}}}
    rule = {"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    return {
        "metadata": {"name": "api", "namespace": manifests.NAMESPACE, "labels": {"app": "api-gateway"}},
        "spec": {
            "ingressClassName": "nginx",
            "rules": [rule],
            "tls": [{"hosts": [host], "secretName": "api-tls"}],
        },
        "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.10"}]}},
    }


def _autoscaler(size: int, now: float) -> Obj:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api-gateway"}
    wanted = {"type": "Utilization", "averageUtilization": 60}
    seen = {"averageUtilization": 34, "averageValue": "340m"}
    return {
        "metadata": {"name": "api-gateway", "namespace": manifests.NAMESPACE},
        "spec": {
            "scaleTargetRef": target,
            "minReplicas": size,
            "maxReplicas": size * 3,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": wanted}}],
        },
        "status": {
            "currentReplicas": size,
            "desiredReplicas": size,
            "currentMetrics": [{"type": "Resource", "resource": {"name": "cpu", "current": seen}}],
            "conditions": [
                _scaling("AbleToScale", "ReadyForNewScale", now),
                _scaling("ScalingActive", "ValidMetricFound", now),
            ],
        },
    }


def _scaling(kind: str, reason: str, now: float) -> Obj:
    return {"type": kind, "status": "True", "reason": reason, "lastTransitionTime": rfc3339(now)}


def _budget(name: str) -> Obj:
    return {
        "metadata": {"name": name, "namespace": manifests.NAMESPACE},
        "spec": {"minAvailable": "50%", "selector": {"matchLabels": {"app": name}}},
    }
