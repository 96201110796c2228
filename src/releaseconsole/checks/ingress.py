"""``ingress = "configured"``: the released workloads can be reached from outside."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from releaseconsole.checks.context import CheckContext
from releaseconsole.checks.data import all_or, live_data
from releaseconsole.checks.finding import Finding, failed
from releaseconsole.cluster.neighbours import BackendService, Ingress, has_port
from releaseconsole.cluster.objects import Service
from releaseconsole.outside import workloads
from releaseconsole.outside.world import EnvironmentData, TargetData
from releaseconsole.plan.model import Check, PlacedItem
from releaseconsole.text import plural

_MOST_NAMES = 3


async def ingress_configured(check: Check, placed: PlacedItem, context: CheckContext) -> Finding:
    """Each target has an Ingress to a released Service; its ports exist, and it was given an address."""
    data = live_data(placed, context, "ingresses", "services")
    reasons: list[str] = []
    found = 0
    for target in data.targets:
        released = _released(target, data)
        mine = [one for one in target.ingresses if any(to.name in released for to in one.services())]
        found += len(mine)
        if not mine:
            reasons.append(_nothing(target, released))
        for ingress in mine:
            reasons += _faults(ingress, target, released)
    if not found:
        return failed("; ".join(reasons))
    return all_or(reasons, f"{plural(found, 'Ingress')} with an address, every port exists")


def _released(target: TargetData, data: EnvironmentData) -> dict[str, Service]:
    """The Services that select pods of the released workloads, by name."""
    owners = (workloads.find(target, workload) for workload in data.workloads)
    services = (one for owner in owners if owner is not None for one in workloads.services_of(target, owner))
    return {one.metadata.name: one for one in services}


def _faults(ingress: Ingress, target: TargetData, released: dict[str, Service]) -> Iterator[str]:
    name = f"Ingress {ingress.metadata.name} in {target.target}"
    known = {one.metadata.name for one in target.services}
    for backend in dict.fromkeys(ingress.services()):
        if backend.name in released and not has_port(released[backend.name], backend.port):
            yield f"{name} sends to {backend.name}:{backend.port}, but the Service has {_ports(released, backend)}"
        elif backend.name not in known:
            yield f"{name} sends to the Service {backend.name}, which does not exist{_near(backend.name, known)}"
    if not ingress.has_address:
        yield f"{name} has no address: no ingress controller has taken it up"


def _ports(released: dict[str, Service], backend: BackendService) -> str:
    ports = released[backend.name].spec.ports or ()
    named = [f"{one.port} ({one.name})" if one.name else str(one.port) for one in ports]
    return _some(named) or "no port"


def _near(name: str, known: set[str]) -> str:
    near = get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f" (is {near[0]} meant?)" if near else ""


def _nothing(target: TargetData, released: dict[str, Service]) -> str:
    """Why no Ingress counts, with the names that somebody may have meant."""
    if not released:
        return f"no Service selects pods of the released workloads in {target.target}, so no Ingress can"
    wanted = f"no Ingress in {target.target} sends to {_some(sorted(released))}"
    there = [_described(one) for one in target.ingresses]
    return f"{wanted}; what is there: {_some(there)}" if there else wanted


def _described(ingress: Ingress) -> str:
    to = sorted({one.name for one in ingress.services()})
    return f"{ingress.metadata.name} → {_some(to)}" if to else ingress.metadata.name


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more
