"""What every check of live cluster data asks first: is there data, and can it be believed."""

from __future__ import annotations

from collections.abc import Iterable

from releaseconsole.checks.context import CheckContext
from releaseconsole.checks.finding import Finding, failed, passed
from releaseconsole.outside.workloads import KINDS
from releaseconsole.outside.world import EnvironmentData
from releaseconsole.plan.model import PlacedItem
from releaseconsole.text import cut

MOST_REASONS = 3
LONGEST = 400


class CannotTell(Exception):
    """A check found out that it cannot know; the message says why."""


def environment_of(placed: PlacedItem) -> str:
    """The environment that the item's check looks at. Raises CannotTell."""
    if placed.environment is None:
        raise CannotTell("neither the item nor its phase names an environment")
    return placed.environment


def live_data(placed: PlacedItem, context: CheckContext, *kinds: str) -> EnvironmentData:
    """The environment's data. Raises CannotTell when it is stale or one of ``kinds`` could not be read.

    The same goes for the kinds that its workloads are of.
    """
    data = context.environment(environment_of(placed))
    kinds = (*kinds, *(KINDS.get(workload.partition("/")[0], "") for workload in data.workloads))
    for target in data.targets:
        if target.stale:
            raise CannotTell(f"no live data of {target.target}: {target.stale}")
        for kind in kinds:
            if kind in target.missing:
                raise CannotTell(f"the {kind} of {target.target} cannot be read: {target.missing[kind]}")
    return data


def first_few(reasons: Iterable[str]) -> str:
    """Some of the reasons, and how many more there are."""
    found = list(reasons)
    more = f"; and {len(found) - MOST_REASONS} more" if len(found) > MOST_REASONS else ""
    return cut("; ".join(found[:MOST_REASONS]), LONGEST) + more


def all_or(reasons: list[str], good: str) -> Finding:
    """Passed with ``good`` when nothing speaks against it."""
    return failed(first_few(reasons)) if reasons else passed(good)
