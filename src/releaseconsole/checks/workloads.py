"""``workloads = …``: what the released workloads' own specs say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from releaseconsole.checks.around import autoscaled, budgeted
from releaseconsole.checks.context import CheckContext
from releaseconsole.checks.data import all_or, live_data
from releaseconsole.checks.finding import Finding
from releaseconsole.outside import workloads
from releaseconsole.plan.model import Check, PlacedItem
from releaseconsole.text import plural, visible

Container = Mapping[str, Any]


async def workloads_have(check: Check, placed: PlacedItem, context: CheckContext) -> Finding:
    """Exist; and every container has limits of CPU and memory, or probes; or what guards them is there."""
    assert check.workloads is not None
    if check.workloads == "autoscaled":
        return await autoscaled(placed, context)
    if check.workloads == "disruption-budget":
        return await budgeted(placed, context)
    lacks, good = _WANTED[check.workloads]
    data = live_data(placed, context)
    reasons: list[str] = []
    count = 0
    for target, workload in workloads.each(data):
        kind = workloads.KINDS.get(workload.partition("/")[0], "")
        live_data(placed, context, kind)
        owner = workloads.find(target, workload)
        if owner is None:
            near = workloads.meant_instead(target, workload)
            reasons.append(f"{workload}{near} does not exist in {target.target}")
            continue
        count += 1
        for container in _containers(owner.spec.template):
            name = visible(str(container.get("name", "?")))
            reasons += [f"{workloads.name_of(workload)}/{name} has no {what}" for what in lacks(container)]
    return all_or(reasons, f"{plural(count, 'workload')} {good}")


def _containers(template: Mapping[str, Any]) -> Iterator[Container]:
    for container in (template.get("spec") or {}).get("containers") or ():
        if isinstance(container, dict):
            yield container


def _nothing(container: Container) -> list[str]:
    return []


def _limits(container: Container) -> list[str]:
    limits = (container.get("resources") or {}).get("limits") or {}
    return [
        f"limit of {words}" for key, words in (("cpu", "CPU"), ("memory", "memory")) if not limits.get(key)
    ]


def _probe(*kinds: str) -> Callable[[Container], list[str]]:
    def lacks(container: Container) -> list[str]:
        return [f"{kind} probe" for kind in kinds if not container.get(f"{kind}Probe")]

    return lacks


_WANTED: Mapping[str, tuple[Callable[[Container], list[str]], str]] = {
    "exist": (_nothing, "found"),
    "limits": (_limits, "with limits of CPU and memory"),
    "probes": (_probe("liveness", "readiness"), "with liveness and readiness probes"),
    "liveness": (_probe("liveness"), "with liveness probes"),
    "readiness": (_probe("readiness"), "with readiness probes"),
}
