"""``watch = "complete"``: the environment was watched to the end, and every objective held."""

from __future__ import annotations

from releaseconsole.checks.context import CheckContext
from releaseconsole.checks.data import environment_of
from releaseconsole.checks.finding import Finding, failed, passed, unknown
from releaseconsole.plan.model import Check, PlacedItem
from releaseconsole.record.watches import progress


async def watched_to_the_end(check: Check, placed: PlacedItem, context: CheckContext) -> Finding:
    """Passed only when it is over and every objective was good; failed as soon as one can not be good any more."""
    environment = environment_of(placed)
    standing = context.watched(environment)
    if standing is None:
        return unknown(f"no observation window of {environment} is known")
    words = progress(standing, context.clock.now())
    watch = standing.watch
    if watch.outcome == "stopped" or standing.failed:
        return failed(words)
    complete = watch.judged and watch.outcome == "complete"
    good = len(standing.good) == len(standing.verdicts) > 0
    return passed(words) if complete and good else unknown(words)
