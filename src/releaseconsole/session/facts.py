"""What the panels ask of a pod again and again, worked out once for each of its versions. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from releaseconsole.cluster.objects import Pod
from releaseconsole.cluster.pods import is_ready, is_terminating, pod_problem


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """One version of a pod, and what it means."""

    pod: Pod
    controller: str
    """UID of the object that controls it, or ""."""
    ready: bool
    """It takes traffic."""
    going: bool
    """It is being deleted."""
    problem: str
    """Why it cannot work as it is; "" when it may still become ready."""


def facts_of(pod: Pod) -> Facts:
    """The facts of one pod."""
    return Facts(
        pod, pod.metadata.controller_uid(), is_ready(pod), is_terminating(pod), pod_problem(pod) or ""
    )
