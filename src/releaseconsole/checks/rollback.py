"""``rollback = "ready"``: the rollback key would work now."""

from __future__ import annotations

from releaseconsole.checks.context import CheckContext
from releaseconsole.checks.data import environment_of, first_few
from releaseconsole.checks.finding import Finding, failed, passed, unknown
from releaseconsole.plan.model import Check, PlacedItem
from releaseconsole.text import plural


async def rollback_ready(check: Check, placed: PlacedItem, context: CheckContext) -> Finding:
    """What the last rehearsal of the rollback found."""
    armed = context.armed(environment_of(placed))
    if armed.problems:
        return failed(f"{armed.ready} of {armed.total}; {first_few(armed.problems)}")
    if not armed.total or armed.ready < armed.total:
        return unknown(f"{armed.ready} of {armed.total} rehearsed so far")
    return passed(f"{plural(armed.total, 'workload')} could be brought back now")
