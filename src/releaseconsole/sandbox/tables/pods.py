"""The row of a pod: what ``kubectl get pods`` says of it."""

from __future__ import annotations

from typing import Any

from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.objects import deleted, dig, parse_time
from releaseconsole.sandbox.tables.cells import NONE, Printer, age, columns, name, since


def _row(pod: Obj, now: float) -> list[Any]:
    spec, status = pod.get("spec", {}), pod.get("status", {})
    containers = status.get("containerStatuses") or []
    ready = sum(1 for item in containers if item.get("ready") and "running" in (item.get("state") or {}))
    restarts = sum(item.get("restartCount", 0) for item in containers)
    return [
        name(pod),
        f"{ready}/{len(spec.get('containers') or ())}",
        pod_reason(pod),
        _restarts(containers, restarts, now),
        age(pod, now),
        status.get("podIP") or NONE,
        spec.get("nodeName") or NONE,
        status.get("nominatedNodeName") or NONE,
        _gates(pod),
    ]


def _restarts(containers: list[Obj], restarts: int, now: float) -> str:
    times = [
        moment
        for item in containers
        if isinstance(moment := dig(item, "lastState", "terminated", "finishedAt"), str)
    ]
    if not restarts or not times:
        return str(restarts)
    return f"{restarts} ({since(max(times, key=parse_time), now)} ago)"


def _gates(pod: Obj) -> str:
    gates = dig(pod, "spec", "readinessGates") or []
    if not gates:
        return NONE
    conditions = {item.get("type"): item.get("status") for item in dig(pod, "status", "conditions") or []}
    true = sum(1 for gate in gates if conditions.get(gate.get("conditionType")) == "True")
    return f"{true}/{len(gates)}"


def pod_reason(pod: Obj) -> str:
    """The word in the STATUS column: phase, or what keeps the pod from it."""
    status = pod.get("status", {})
    reason = status.get("reason") or status.get("phase") or "Unknown"
    reason = _init_reason(pod) or _container_reason(status.get("containerStatuses") or [], reason, pod)
    if deleted(pod):
        return "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    return str(reason)


def _init_reason(pod: Obj) -> str:
    statuses = dig(pod, "status", "initContainerStatuses") or []
    for index, item in enumerate(statuses):
        state = item.get("state") or {}
        ended, waiting = state.get("terminated"), state.get("waiting")
        if ended is not None and ended.get("exitCode") == 0:
            continue
        if ended is not None:
            return f"Init:{_end_reason(ended)}"
        if waiting is not None and waiting.get("reason") not in (None, "", "PodInitializing"):
            return f"Init:{waiting['reason']}"
        return f"Init:{index}/{len(dig(pod, 'spec', 'initContainers') or statuses)}"
    return ""


def _end_reason(ended: Obj) -> str:
    if ended.get("reason"):
        return str(ended["reason"])
    return f"Signal:{ended['signal']}" if ended.get("signal") else f"ExitCode:{ended.get('exitCode', 0)}"


def _container_reason(containers: list[Obj], reason: str, pod: Obj) -> str:
    running = False
    for item in reversed(containers):
        state = item.get("state") or {}
        waiting, ended = state.get("waiting"), state.get("terminated")
        if waiting is not None and waiting.get("reason"):
            reason = waiting["reason"]
        elif ended is not None:
            reason = _end_reason(ended)
        elif item.get("ready") and "running" in state:
            running = True
    if reason == "Completed" and running:
        conditions = dig(pod, "status", "conditions") or []
        ready = any(item.get("type") == "Ready" and item.get("status") == "True" for item in conditions)
        return "Running" if ready else "NotReady"
    return reason


POD: Printer = (
    columns("Name Ready Status Restarts Age +IP +Node +Nominated_Node +Readiness_Gates"),
    _row,
)
