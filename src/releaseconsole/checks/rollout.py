"""``rollout = "complete"``: every released workload runs its newest revision, and nothing else."""

from __future__ import annotations

from releaseconsole.checks.context import CheckContext
from releaseconsole.checks.data import CannotTell, all_or, first_few, live_data
from releaseconsole.checks.finding import Finding
from releaseconsole.cluster.rollout import RolloutState
from releaseconsole.outside import workloads
from releaseconsole.plan.model import Check, PlacedItem
from releaseconsole.text import plural


async def rollout_complete(check: Check, placed: PlacedItem, context: CheckContext) -> Finding:
    """Fails for any state but complete. What is under way, or cannot be followed, cannot be told yet."""
    data = live_data(placed, context, "pods", *_kinds(placed, context))
    verdicts = [
        (workloads.name_of(workload), workloads.verdict_of(target, workload))
        for target, workload in workloads.each(data)
    ]
    for name, verdict in verdicts:
        if verdict.state is RolloutState.UNKNOWN:
            raise CannotTell(f"{name}: {verdict.message}")
    broken = [one for one in verdicts if one[1].state not in (RolloutState.COMPLETE, *workloads.UNDER_WAY)]
    moving = [one for one in verdicts if one[1].state in workloads.UNDER_WAY]
    reasons = [f"{name} {workloads.sentence(verdict)}" for name, verdict in broken or moving]
    if moving and not broken:
        raise CannotTell(f"under way: {first_few(reasons)}")
    return all_or(reasons, f"{plural(len(verdicts), 'workload')} at the newest revision")


def _kinds(placed: PlacedItem, context: CheckContext) -> set[str]:
    """The plurals of the kinds that the environment's workloads are of."""
    data = live_data(placed, context)
    kinds = {workloads.KINDS.get(workload.partition("/")[0], "") for workload in data.workloads} - {""}
    return kinds | {"replicasets"} if kinds & {"deployments", "rollouts"} else kinds
