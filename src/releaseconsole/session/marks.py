"""The moments of a release that a chart marks: its deploys and rollbacks, from the journal and the cluster. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from releaseconsole.plan.model import Plan
from releaseconsole.record.model import ReleaseState, RollbackState
from releaseconsole.session.chart_data import ChartMark
from releaseconsole.session.revisions import Revisions

_SAME = 120.0
"""Seconds within which a new ReplicaSet belongs to a deploy or rollback of ours."""
_OUTCOMES = {
    "complete": ("rolled back", "back"),
    "failed": ("rollback failed", "failed"),
    "cancelled": ("rollback stopped", "failed"),
    "interrupted": ("rollback interrupted", "failed"),
}


def marks(plan: Plan, state: ReleaseState, environment: str, found: Revisions) -> tuple[ChartMark, ...]:
    """In order of time."""
    ours = [*_deploys(plan, state, environment), *_rollbacks(state, environment)]
    return tuple(sorted([*ours, *_foreign(found, ours)], key=lambda mark: mark.at))


def last_deploy(plan: Plan, state: ReleaseState, environment: str, found: Revisions) -> float:
    """When something new was last deployed, with the console or without it; 0 when nobody knows."""
    return max([found.since, *(mark.at for mark in _deploys(plan, state, environment))])


def _deploys(plan: Plan, state: ReleaseState, environment: str) -> Iterator[ChartMark]:
    for name, action in state.actions.items():
        placed = plan.actions.get(name)
        if placed is None or placed.action.kind != "apply" or placed.environment != environment:
            continue
        if action.started:
            yield ChartMark(action.started, "deploy", "deploy")


def _rollbacks(state: ReleaseState, environment: str) -> Iterator[ChartMark]:
    for one in state.rollbacks:
        if one.environment == environment:
            yield ChartMark(one.started, "rollback", "rollback")
            yield from _end(one)


def _end(rollback: RollbackState) -> Iterator[ChartMark]:
    if rollback.ended:
        text, tone = _OUTCOMES.get(rollback.outcome, ("rollback ended", "failed"))
        yield ChartMark(rollback.ended, text, tone)


def _foreign(found: Revisions, ours: list[ChartMark]) -> Iterator[ChartMark]:
    """A revision that came from elsewhere: no action of ours was near."""
    if found.since and found.new and not any(abs(mark.at - found.since) < _SAME for mark in ours):
        yield ChartMark(found.since, f"new {found.new.tags}", "deploy")
