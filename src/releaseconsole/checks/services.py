"""``services = "reachable"``: behind every Service of the released workloads stands a ready pod."""

from __future__ import annotations

from releaseconsole.checks.context import CheckContext
from releaseconsole.checks.data import CannotTell, all_or, live_data
from releaseconsole.checks.finding import Finding
from releaseconsole.outside import workloads
from releaseconsole.plan.model import Check, PlacedItem
from releaseconsole.text import plural


async def services_reachable(check: Check, placed: PlacedItem, context: CheckContext) -> Finding:
    """Fails for a Service without a ready endpoint; without any Service it cannot be told."""
    data = live_data(placed, context, "services", "endpointslices")
    reasons: list[str] = []
    endpoints: dict[str, int] = {}
    for target, workload in workloads.each(data):
        owner = workloads.find(target, workload)
        if owner is None:
            reasons.append(f"{workload} does not exist in {target.target}")
            continue
        for service in workloads.services_of(target, owner):
            ready = workloads.ready_endpoints(target, service)
            endpoints[f"{target.target}/{service.metadata.name}"] = ready
            if not ready:
                reasons.append(f"{service.metadata.name} has no ready endpoint in {target.target}")
    if not endpoints and not reasons:
        raise CannotTell("no Service selects the pods of the released workloads")
    total = plural(sum(endpoints.values()), "ready endpoint")
    return all_or(list(dict.fromkeys(reasons)), f"{plural(len(endpoints), 'Service')}, {total}")
