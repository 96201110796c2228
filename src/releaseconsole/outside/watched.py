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
ASIDE = frozenset(resource.plural for resource in AROUND)


def watched_kinds(workloads: Iterable[str]) -> dict[str, decode.Resource[Any]]:
    """The resources to watch for ``workloads`` (``deployment/api``), by plural, each once."""
    kinds = {resource.plural: resource for resource in ALWAYS}
    for workload in workloads:
        kinds |= {resource.plural: resource for resource in KINDS.get(workload.partition("/")[0], ())}
    return kinds


def around_kinds(plan: Plan, environment: str) -> dict[str, decode.Resource[Any]]:
    """What is watched beside them, by plural: Ingresses only where a check of the plan asks for them."""
    checks = (one.item.check for one in plan.items.values() if one.environment == environment)
    ingresses = any(check is not None and check.ingress is not None for check in checks)
    return {one.plural: one for one in AROUND if ingresses or one is not decode.INGRESSES}
