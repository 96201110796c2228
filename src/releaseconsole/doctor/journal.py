"""What the release's journal remembers, held against what is there now: the clusters, and the way back."""

from __future__ import annotations

import asyncio

from releaseconsole.cluster.access import may
from releaseconsole.cluster.rollback import PinnedRevision, RollbackTarget, plan_rollback
from releaseconsole.cluster.rollback_run import dry_run
from releaseconsole.doctor.case import Case, Visit
from releaseconsole.doctor.finding import Finding, broken, could_not_ask, failed, ok, warning
from releaseconsole.errors import ClusterError, Denied, NotFound, UsageError
from releaseconsole.outside.returns import pinned_revision, recorded_revision, went_last
from releaseconsole.record.clusters import SeenCluster
from releaseconsole.text import duration

ROLLBACK, CLUSTER = "rollback", "cluster"


async def examine_journal(case: Case) -> list[Finding]:
    """A journal that cannot be read: whatever rests on its pins cannot work."""
    return [broken("journal", "journal", case.unreadable)] if case.unreadable is not None else []


async def examine_identity(visit: Visit) -> list[Finding]:
    """Whether the context leads to the cluster that it led to before; nothing where it was never used."""
    context, case = visit.target.context, visit.ward.case
    before = case.known.clusters.get(context)
    if before is None:
        return []
    try:
        async with visit.turns:
            found = await visit.client.identity()
    except ClusterError as error:
        return [could_not_ask(CLUSTER, context, error)]
    now = SeenCluster(found.uid, found.server)
    if before.is_same(now):
        return [ok(CLUSTER, context, f"the context {context} leads to the same cluster as before")]
    moved = f"The context {context} led to another cluster before ({before}); it now leads to {now}."
    if context in case.accepted:
        return [warning(CLUSTER, context, moved, "It was accepted with --accept-cluster, for this once.")]
    return [
        failed(
            CLUSTER, context, f"{moved} Nothing else was asked of it.",
            f"If that is meant, confirm it in the console (A), or give --accept-cluster {context}; "
            "if not, mend the kubeconfig.",
        )
    ]  # fmt: skip


async def examine_rollback(visit: Visit) -> list[Finding]:
    """Whether what the journal has pinned here could be brought back now; nothing before anything was pinned."""
    workloads = visit.ward.environment.workloads
    if not any(_place(visit, workload)[0] for workload in workloads):
        return []
    found = await asyncio.gather(*(_examine(visit, workload) for workload in workloads))
    return [one for findings in found for one in findings]


def _place(visit: Visit, workload: str) -> tuple[PinnedRevision | None, str]:
    """Where it would return to, and since when that is known, in words."""
    case, key = visit.ward.case, f"{visit.target}/{workload}"
    pin = case.known.pins.get(key)
    if pin is not None:
        return pinned_revision(pin), f"pinned {duration(max(0.0, case.clock.now() - pin.at))} ago"
    went = went_last(case.known, key)
    return (recorded_revision(went), "where the last rollback went") if went is not None else (None, "")


async def _examine(visit: Visit, workload: str) -> list[Finding]:
    place, since = _place(visit, workload)
    if place is None:
        return [
            warning(
                ROLLBACK, workload, f"{workload} is not pinned, while others here are.",
                "Press p in the console to pin what runs now as the place to return to.",
            )
        ]  # fmt: skip
    try:
        async with visit.turns:
            planned = await plan_rollback(visit.client, visit.namespace, workload, pin=place, resume=True)
    except (Denied, NotFound, UsageError):
        return []  # The missing right, or workload, is a finding of its own.
    except ClusterError as error:
        return [could_not_ask(ROLLBACK, workload, error)]
    remarks = [warning(ROLLBACK, workload, f"{workload}: {one}") for one in planned.warnings]
    return [await _tried(visit, workload, planned, since), *remarks]


async def _tried(visit: Visit, workload: str, planned: RollbackTarget, since: str) -> Finding:
    """By a dry run of the patch; where there is nothing to patch, by the right to."""
    try:
        async with visit.turns:
            problem = await (_right(visit, planned) if planned.skipped else dry_run(visit.client, planned))
    except ClusterError as error:
        return could_not_ask(ROLLBACK, workload, error)
    if problem:
        return failed(ROLLBACK, workload, f"{workload} could not be brought back: {problem}")
    if planned.skipped:
        return ok(ROLLBACK, workload, f"{workload} runs what it would be brought back to ({since})")
    to = f"revision {planned.to_revision}" if planned.to_revision else "its recorded template"
    return ok(
        ROLLBACK, workload, f"{workload} could be brought back to {to} ({since}); the patch is accepted"
    )


async def _right(visit: Visit, planned: RollbackTarget) -> str:
    place = planned.place
    permission = await may(
        visit.client, "patch", place.resource.group, place.resource.plural, place.namespace, place.name
    )
    return "" if permission else permission.sentence
