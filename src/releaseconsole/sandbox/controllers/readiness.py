"""Whether a pod is ready, for how long it has been, and what counts as available."""

from __future__ import annotations

from collections.abc import Iterable

from releaseconsole.sandbox.controllers.tools import NEVER, condition, is_true, when
from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.objects import deleted, dig


def active(pod: Obj) -> bool:
    """Neither on its way out nor ended."""
    return not deleted(pod) and dig(pod, "status", "phase") not in ("Succeeded", "Failed")


def ready_since(pod: Obj) -> float:
    """When its readiness last changed (epoch seconds)."""
    found = condition(pod, "Ready") or {}
    return when(found.get("lastTransitionTime"))


def running_and_ready(pod: Obj) -> bool:
    """Whether the pod runs and says that it is ready."""
    return dig(pod, "status", "phase") == "Running" and is_true(pod, "Ready")


def available(pod: Obj, wait: float, now: float) -> bool:
    """Ready for at least ``wait`` seconds."""
    return is_true(pod, "Ready") and (wait <= 0 or ready_since(pod) + wait <= now)


def next_available(pods: Iterable[Obj], wait: float, now: float) -> float:
    """When the next ready pod becomes available; NEVER when none will by waiting alone."""
    if wait <= 0:
        return NEVER
    moments = (ready_since(pod) + wait for pod in pods if is_true(pod, "Ready"))
    return min((moment for moment in moments if moment > now), default=NEVER)
