"""``workloads = "autoscaled"`` and ``"disruption-budget"``: what guards the released workloads' pods."""

from __future__ import annotations

from collections.abc import Iterator

from releaseconsole.checks.context import CheckContext
from releaseconsole.checks.data import CannotTell, all_or, live_data
from releaseconsole.checks.finding import Finding
from releaseconsole.cluster.neighbours import PodDisruptionBudget, autoscaler_of, budgets_of, pod_labels
from releaseconsole.cluster.objects import DaemonSet
from releaseconsole.outside import workloads
from releaseconsole.outside.workloads import Owner
from releaseconsole.outside.world import EnvironmentData, TargetData
from releaseconsole.plan.model import PlacedItem
from releaseconsole.text import plural


async def autoscaled(placed: PlacedItem, context: CheckContext) -> Finding:
    """Every workload has an autoscaler whose bounds hold its present replicas; DaemonSets have none."""
    data = live_data(placed, context, "horizontalpodautoscalers")
    reasons: list[str] = []
    count = 0
    for target, workload, owner in _owners(data, placed, context, reasons):
        if not isinstance(owner, DaemonSet):
            count += 1
            reasons += _unscaled(target, workload, owner.spec.desired)
    if not count and not reasons:
        raise CannotTell("a DaemonSet runs a pod on each node, no autoscaler sets their number")
    return all_or(reasons, f"{plural(count, 'workload')} with an autoscaler, replicas within its bounds")


async def budgeted(placed: PlacedItem, context: CheckContext) -> Finding:
    """Every workload has a disruption budget, and one eviction is allowed now.

    While a rollout is under way, a budget that is used up cannot be told from one that is too tight.
    """
    data = live_data(placed, context, "poddisruptionbudgets", "pods")
    reasons: list[str] = []
    moving: list[str] = []
    count = 0
    for target, workload, owner in _owners(data, placed, context, reasons):
        count += 1
        found = list(_unbudgeted(target, workload, owner))
        used_up = workloads.verdict_of(target, workload).state in workloads.UNDER_WAY and _budgets(
            target, owner
        )
        (moving if used_up else reasons).extend(found)
    if moving and not reasons:
        raise CannotTell(f"{moving[0]} while the rollout is under way")
    return all_or(reasons, f"{plural(count, 'workload')} with a disruption budget that allows an eviction")


def _owners(
    data: EnvironmentData, placed: PlacedItem, context: CheckContext, reasons: list[str]
) -> Iterator[tuple[TargetData, str, Owner]]:
    """Every workload that exists; the others go into ``reasons``. Raises CannotTell."""
    for target, workload in workloads.each(data):
        live_data(placed, context, workloads.KINDS.get(workload.partition("/")[0], ""))
        owner = workloads.find(target, workload)
        if owner is None:
            reasons.append(f"{workload} does not exist in {target.target}")
        else:
            yield target, workload, owner


def _unscaled(target: TargetData, workload: str, replicas: int) -> Iterator[str]:
    kind, _, name = workload.partition("/")
    scaler = autoscaler_of(kind, name, target.autoscalers)
    if scaler is None:
        yield f"no autoscaler sets the replicas of {name} in {target.target}"
    elif replicas == 0 and scaler.least > 0:
        yield f"{name} is scaled to zero, where its autoscaler {scaler.metadata.name} rests"
    elif not scaler.least <= replicas <= scaler.spec.max_replicas:
        yield f"{name} has {plural(replicas, 'replica')}, its autoscaler {scaler.metadata.name} allows {scaler.bounds}"


def _budgets(target: TargetData, owner: Owner) -> tuple[PodDisruptionBudget, ...]:
    return budgets_of(pod_labels(owner.spec.template), target.disruption_budgets)


def _unbudgeted(target: TargetData, workload: str, owner: Owner) -> Iterator[str]:
    name, budgets = workloads.name_of(workload), _budgets(target, owner)
    if not budgets:
        yield f"no disruption budget counts the pods of {name} in {target.target}"
    for budget in budgets:
        status = budget.status
        if not budget.known:
            yield f"the disruption budget {budget.metadata.name} of {name} has not been counted"
        elif status.disruptions_allowed < 1:
            healthy = f"{status.current_healthy} healthy, {status.desired_healthy} needed"
            yield f"{budget.metadata.name} allows no eviction of {name} ({healthy})"
