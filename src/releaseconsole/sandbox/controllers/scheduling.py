"""Where pods can go: the nodes that fit, and what the scheduler says of a pod that fits none."""

from __future__ import annotations

from releaseconsole.sandbox.controllers.tools import condition
from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.objects import dig, rfc3339
from releaseconsole.sandbox.store.selectors import of_label_selector

SCHEDULER = "default-scheduler"


def fitting(pod: Obj, nodes: list[Obj]) -> list[Obj]:
    """The nodes that take new pods and carry the labels that the pod asks for."""
    chosen = of_label_selector({"matchLabels": dig(pod, "spec", "nodeSelector")})
    usable = [node for node in nodes if not dig(node, "spec", "unschedulable")] or nodes
    return [node for node in usable if chosen(node)]


def why_not(nodes: int) -> str:
    """The scheduler's sentence."""
    return f"0/{nodes} nodes are available: {nodes} node(s) didn't match Pod's node affinity/selector."


def is_told(pod: Obj) -> bool:
    """Whether the pod's status says already that no node will do."""
    found = condition(pod, "PodScheduled")
    return found is not None and found.get("reason") == "Unschedulable"


def unplaced(pod: Obj, nodes: int, now: float) -> Obj:
    """The status of a pod that fits no node; ``now`` is in epoch seconds."""
    told = {
        "type": "PodScheduled",
        "status": "False",
        "lastProbeTime": None,
        "lastTransitionTime": rfc3339(now),
        "reason": "Unschedulable",
        "message": why_not(nodes),
    }
    return {**(pod.get("status") or {}), "phase": "Pending", "conditions": [told]}
