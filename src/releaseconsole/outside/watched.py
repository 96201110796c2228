"""Which kinds are watched for a plan's workloads: one table for the session, which watches them, and for the
doctor, which asks whether that is allowed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from releaseconsole.cluster import decode
from releaseconsole.plan.model import Plan

KINDS: dict[str, tuple[decode.Resource[Any], ...]] = {
    "deployment": (decode.DEPLOYMENTS, decode.REPLICA_SETS),
    "statefulset": (decode.STATEFUL_SETS, decode.CONTROLLER_REVISIONS),
    "daemonset": (decode.DAEMON_SETS, decode.CONTROLLER_REVISIONS),
    "rollout": (decode.ROLLOUTS, decode.REPLICA_SETS),
}
"""Kind in the plan → its own resource, and the one that holds its revisions."""
ALWAYS: tuple[decode.Resource[Any], ...] = (
    decode.PODS,
    decode.EVENTS,
    decode.SERVICES,
    decode.ENDPOINT_SLICES,
)

AROUND: tuple[decode.Resource[Any], ...] = (decode.AUTOSCALERS, decode.DISRUPTION_BUDGETS, decode.INGRESSES)
"""Kinds that explain, and that nothing waits for: they are watched after the others, and may be missing."""
_CHECKED: dict[str | None, decode.Resource[Any]] = {
    "autoscaled": decode.AUTOSCALERS,
    "disruption-budget": decode.DISRUPTION_BUDGETS,
}
"""What ``workloads = …`` looks at besides the workloads."""
ASIDE = frozenset(resource.plural for resource in AROUND)


def watched_kinds(workloads: Iterable[str]) -> dict[str, decode.Resource[Any]]:
    """The resources to watch for ``workloads`` (``deployment/api``), by plural, each once."""
    kinds = {resource.plural: resource for resource in ALWAYS}
    for workload in workloads:
        kinds |= {resource.plural: resource for resource in KINDS.get(workload.partition("/")[0], ())}
    return kinds


def around_kinds(plan: Plan, environment: str) -> dict[str, decode.Resource[Any]]:
    """What is watched beside them, by plural: Ingresses only where a check of the plan asks for them."""
    ingresses = decode.INGRESSES.plural in checked_kinds(plan, environment)
    return {one.plural: one for one in AROUND if ingresses or one is not decode.INGRESSES}


def checked_kinds(plan: Plan, environment: str) -> frozenset[str]:
    """Plurals of those of them that a check of the plan cannot do without."""
    found: set[str] = set()
    for one in plan.items.values():
        check = one.item.check
        if check is None or one.environment != environment:
            continue
        if check.ingress is not None:
            found.add(decode.INGRESSES.plural)
        if check.workloads in _CHECKED:
            found.add(_CHECKED[check.workloads].plural)
    return frozenset(found)
