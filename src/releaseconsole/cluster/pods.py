"""What one pod is doing, in kubectl's words, and whether it can ever work. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from releaseconsole.cluster.objects import ContainerStatus, Pod
from releaseconsole.cluster.text import clean

TROUBLE = frozenset(
    {
        "CrashLoopBackOff",
        "ImagePullBackOff",
        "ErrImagePull",
        "ErrImageNeverPull",
        "InvalidImageName",
        "ImageInspectError",
        "RegistryUnavailable",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "PostStartHookError",
    }
)
"""Reasons of a waiting container that do not pass by themselves."""

_ENDED = ("Failed", "Succeeded")


def ready_containers(pod: Pod) -> tuple[int, int]:
    """Ready containers and all containers: kubectl's READY column, sidecars included."""
    sidecars = {one.name for one in pod.spec.init_containers if one.restart_policy == "Always"}
    shown = [one for one in pod.status.init_container_statuses if one.name in sidecars]
    shown += pod.status.container_statuses
    total = len(pod.spec.containers or ()) + len(sidecars)
    return sum(one.ready for one in shown), max(total, len(shown))


def restarts(pod: Pod) -> int:
    """Restarts of all its containers."""
    return sum(one.restart_count for one in pod.status.container_statuses)


def is_ready(pod: Pod) -> bool:
    """Whether it takes traffic: the Ready condition holds and it is not being deleted."""
    return pod.metadata.deletion_timestamp is None and _condition(pod, "Ready") == "True"


def is_terminating(pod: Pod) -> bool:
    """Whether it is being deleted."""
    return pod.metadata.deletion_timestamp is not None


def pod_phase(pod: Pod) -> str:
    """The STATUS column of ``kubectl get pods``: Running, CrashLoopBackOff, Init:0/1, Terminating …"""
    phase = pod.status.phase
    reason = pod.status.reason or phase or "Unknown"
    if _gated(pod):
        reason = "SchedulingGated"
    initialising = None if _initialized(pod) else _init_reason(pod)
    reason = _container_reason(pod, reason) if initialising is None else initialising
    if pod.metadata.deletion_timestamp is not None:
        if pod.status.reason == "NodeLost":
            return "Unknown"
        if phase not in _ENDED:
            return "Terminating"
    return clean(reason, 100)


def pod_problem(pod: Pod) -> str | None:
    """Why this pod cannot work as it is, as ``reason: message``; None when it may still become ready."""
    if pod.metadata.deletion_timestamp is not None or pod.status.phase == "Succeeded":
        return None
    if pod.status.phase == "Failed":
        return _sentence(pod.status.reason or "Failed", pod.status.message)
    for one in pod.status.conditions:
        if one.type == "PodScheduled" and one.status == "False" and one.reason == "Unschedulable":
            return _sentence("Unschedulable", one.message)
    for container in (*pod.status.init_container_statuses, *pod.status.container_statuses):
        problem = _container_problem(container)
        if problem:
            return problem
    return None


def _container_problem(container: ContainerStatus) -> str | None:
    waiting = container.state.waiting
    if waiting is not None and waiting.reason in TROUBLE:
        return _sentence(waiting.reason, waiting.message or _last_end(container))
    # Between two crashes a container runs, or shows its end, for a while: still a crash loop.
    if not container.ready and container.restart_count >= 2 and _last_end(container):
        return _sentence("Crashing", f"{container.restart_count} restarts, {_last_end(container)}")
    return None


def _last_end(container: ContainerStatus) -> str:
    """How the container last failed, or ""."""
    ended = container.state.terminated or container.last_state.terminated
    if ended is None or (ended.exit_code == 0 and not ended.signal):
        return ""
    code = f"signal {ended.signal}" if ended.signal else f"exit code {ended.exit_code}"
    return f"last ended with {code}" + (f" ({ended.reason})" if ended.reason else "")


def _sentence(reason: str, message: str) -> str:
    return clean(f"{reason}: {message}" if message else reason, 300)


def _condition(pod: Pod, kind: str) -> str:
    return next((one.status for one in pod.status.conditions if one.type == kind), "")


def _gated(pod: Pod) -> bool:
    return any(
        one.type == "PodScheduled" and one.reason == "SchedulingGated" for one in pod.status.conditions
    )


def _initialized(pod: Pod) -> bool:
    return _condition(pod, "Initialized") == "True"


def _init_reason(pod: Pod) -> str | None:
    """What the first unfinished init container is doing; None when all are through."""
    sidecars = {one.name for one in pod.spec.init_containers if one.restart_policy == "Always"}
    total = len(pod.spec.init_containers)
    for index, one in enumerate(pod.status.init_container_statuses):
        ended, waiting = one.state.terminated, one.state.waiting
        if ended is not None and ended.exit_code == 0:
            continue
        if one.name in sidecars and one.started:
            continue
        if ended is not None:
            return "Init:" + (ended.reason or _code(ended.signal, ended.exit_code))
        if waiting is not None and waiting.reason and waiting.reason != "PodInitializing":
            return f"Init:{waiting.reason}"
        return f"Init:{index}/{total}"
    return None


def _container_reason(pod: Pod, otherwise: str) -> str:
    """As kubectl finds it: it walks the containers from the end, so the first one has the last word."""
    found, running = otherwise, False
    for one in reversed(pod.status.container_statuses):
        waiting, ended = one.state.waiting, one.state.terminated
        if waiting is not None and waiting.reason:
            found = waiting.reason
        elif ended is not None:
            found = ended.reason or _code(ended.signal, ended.exit_code)
        elif one.ready and one.state.running is not None:
            running = True
    if found == "Completed" and running:
        return "Running" if _condition(pod, "Ready") == "True" else "NotReady"
    return found


def _code(signal: int, exit_code: int) -> str:
    return f"Signal:{signal}" if signal else f"ExitCode:{exit_code}"


def problems_of(pods: Iterable[Pod]) -> list[tuple[Pod, str]]:
    """Pods that hold up a rollout, with the reason; a pod that has ended is replaced and holds up nothing."""
    found = [(pod, pod_problem(pod)) for pod in pods if pod.status.phase not in _ENDED]
    return [(pod, problem) for pod, problem in found if problem]
