"""The horizontal autoscaler: more pods while the CPU is busy, fewer when the load has been gone a while."""

from __future__ import annotations

import math

from releaseconsole.sandbox.controllers.tools import NEVER, Bench, counted, replicas, uid
from releaseconsole.sandbox.release.traffic import Traffic
from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.objects import clone, dig, place, rfc3339

_COMPONENT = "horizontal-pod-autoscaler"
_EVERY = 15.0
_DOWN_AFTER = 60.0
_TOLERANCE = 0.1
_SCALABLE = {"Deployment": "deployments", "StatefulSet": "statefulsets", "ReplicaSet": "replicasets"}


class AutoscalerController:
    """Reconciles HorizontalPodAutoscalers that look at the CPU of a Deployment.

    It looks only while a load test runs or has just run: the usual traffic never moves it.
    """

    def __init__(self, bench: Bench, traffic: Traffic) -> None:
        self._bench = bench
        self._traffic = traffic
        self._next: dict[str, float] = {}
        self._high: dict[str, float] = {}
        """When each autoscaler last wanted as many pods as there are."""

    def reconcile(self, autoscaler: Obj) -> float:
        """Scales the target if it is time; returns when to come back (epoch seconds)."""
        target = self._target(autoscaler)
        now = self._bench.clock.now()
        if target is None or not self._awake(autoscaler, target, now):
            self._mirror(autoscaler)
            return NEVER
        due = self._next.get(uid(autoscaler), now)
        if now < due:
            return due
        self._look(autoscaler, target, now)
        self._next[uid(autoscaler)] = now + self._bench.seconds(_EVERY)
        return self._next[uid(autoscaler)]

    def _target(self, autoscaler: Obj) -> Obj | None:
        reference = dig(autoscaler, "spec", "scaleTargetRef") or {}
        if reference.get("kind") != "Deployment":
            return None
        return self._bench.store.find("deployments", place(autoscaler)[0], str(reference.get("name")))

    def _mirror(self, autoscaler: Obj) -> None:
        """While nothing is scaled, the status tells the size of the target, whatever its kind."""
        reference = dig(autoscaler, "spec", "scaleTargetRef") or {}
        plural = _SCALABLE.get(str(reference.get("kind")))
        if plural is None:
            return
        target = self._bench.store.find(plural, place(autoscaler)[0], str(reference.get("name")))
        if target is None:
            return
        sizes = {"currentReplicas": counted(target, "replicas"), "desiredReplicas": replicas(target)}

        def change(obj: Obj) -> None:
            obj["status"] = {**(obj.get("status") or {}), **sizes}

        self._bench.store.update("horizontalpodautoscalers", *place(autoscaler), change, subresource="status")

    def _awake(self, autoscaler: Obj, target: Obj, now: float) -> bool:
        return self._traffic.under_load(now) or replicas(target) > _least(autoscaler)

    def _look(self, autoscaler: Obj, target: Obj, now: float) -> None:
        wanted = _utilization(autoscaler)
        busy = self._busy(target["metadata"]["name"], now)
        if wanted is None or busy is None:
            self._mirror(autoscaler)
            return
        size = self._size(autoscaler, replicas(target), busy / wanted, now)
        if size != replicas(target):
            self._scale(autoscaler, target, size, busy > wanted)
        self._write_status(autoscaler, replicas(target), size, busy, now)

    def _busy(self, service: str, now: float) -> float | None:
        """Average CPU of the ready pods, in percent of their limits."""
        pods = [pod for pod in self._traffic.timeline.latest.pods if pod.service == service and pod.ready]
        shares = [100 * self._traffic.cpu_cores(pod, now) / pod.cpu_limit for pod in pods if pod.cpu_limit]
        return sum(shares) / len(shares) if shares else None

    def _size(self, autoscaler: Obj, current: int, ratio: float, now: float) -> int:
        wished = current if abs(ratio - 1) <= _TOLERANCE else math.ceil(current * ratio)
        wished = min(max(wished, _least(autoscaler)), int(dig(autoscaler, "spec", "maxReplicas") or 1))
        if wished >= current:
            self._high[uid(autoscaler)] = now
            return wished
        quiet = now - self._high.setdefault(uid(autoscaler), now)
        return wished if quiet >= self._bench.seconds(_DOWN_AFTER) else current

    def _scale(self, autoscaler: Obj, target: Obj, size: int, above: bool) -> None:
        def change(obj: Obj) -> None:
            obj["spec"]["replicas"] = size

        self._bench.store.update("deployments", *place(target), change)
        why = "cpu resource utilization above target" if above else "All metrics below target"
        message = f"New size: {size}; reason: {why}"
        self._bench.events.normal(_COMPONENT, autoscaler, "SuccessfulRescale", message)

    def _write_status(self, autoscaler: Obj, had: int, size: int, busy: float, now: float) -> None:
        seen = {"averageUtilization": round(busy), "averageValue": f"{round(busy * 10)}m"}

        def change(obj: Obj) -> None:
            status = obj["status"] = clone(obj.get("status") or {})
            status["currentReplicas"], status["desiredReplicas"] = had, size
            status["currentMetrics"] = [{"type": "Resource", "resource": {"name": "cpu", "current": seen}}]
            if size != had:
                status["lastScaleTime"] = rfc3339(now)

        self._bench.store.update("horizontalpodautoscalers", *place(autoscaler), change, subresource="status")


def _least(autoscaler: Obj) -> int:
    return int(dig(autoscaler, "spec", "minReplicas") or 1)


def _utilization(autoscaler: Obj) -> float | None:
    """The wished CPU utilization in percent, if that is what the autoscaler looks at."""
    for metric in dig(autoscaler, "spec", "metrics") or ():
        wanted = dig(metric, "resource", "target", "averageUtilization")
        if dig(metric, "resource", "name") == "cpu" and wanted:
            return float(wanted)
    return None
