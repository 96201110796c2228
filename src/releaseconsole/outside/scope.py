"""What belongs to a release, as far as the labels of alerts can tell. Pure."""

from __future__ import annotations

from releaseconsole.metrics.belonging import Scope
from releaseconsole.outside.workloads import each, find, services_of
from releaseconsole.outside.world import EnvironmentData


def scope_of(data: EnvironmentData) -> Scope:
    """The namespaces, the workloads and the Services that lead to them; without live data, no Services."""
    owners = ((target, find(target, workload)) for target, workload in each(data))
    services = (
        service.metadata.name
        for target, owner in owners
        if owner is not None
        for service in services_of(target, owner)
    )
    namespaces = frozenset(target.target.namespace for target in data.targets)
    return Scope(namespaces, data.workloads, frozenset(services))
