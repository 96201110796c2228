"""``releaseconsole doctor``: can this plan work from here?"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from releaseconsole.commands.output import print_json, say
from releaseconsole.commands.reach import accepted
from releaseconsole.errors import RecordError, UsageError

if TYPE_CHECKING:
    from releaseconsole.doctor.examine import Group, Report
    from releaseconsole.plan.model import Plan
    from releaseconsole.record.model import ReleaseState

QUIET = 1.0
"""Seconds before the person is told what is still waited for."""
GLYPHS = {"ok": "✔", "warning": "!", "failed": "✘", "unknown": "?"}


def run_doctor(
    plan: Plan,
    *,
    environments: tuple[str, ...],
    as_json: bool,
    kubeconfig: Path | None,
    folder: Path,
    state: Path | None = None,
    accept: Collection[str] = (),
) -> int:
    """Examine and tell; the exit code: 0 fine, 1 something does not hold, 3 something could not be asked."""
    names = chosen(plan, environments)
    report = asyncio.run(_examine(plan, names, kubeconfig, folder, state, accepted(plan, accept)))
    if as_json:
        print_json(describe(plan, report))
    else:
        for line in lines(plan, report):
            click.echo(line)
    return report.exit_code


def chosen(plan: Plan, environments: tuple[str, ...]) -> tuple[str, ...]:
    """The environments to examine, in the plan's order. Raises UsageError for one that the plan does not have."""
    strangers = [name for name in environments if name not in plan.environments]
    if strangers:
        known = ", ".join(plan.environments) or "none"
        raise UsageError(f"The plan has no environment “{strangers[0]}”.", f"It has {known}.")
    return tuple(name for name in plan.environments if name in environments or not environments)


async def _examine(
    plan: Plan,
    names: tuple[str, ...],
    kubeconfig: Path | None,
    folder: Path,
    state: Path | None,
    accept: frozenset[str],
) -> Report:
    from releaseconsole.clock import SystemClock
    from releaseconsole.doctor.case import Case
    from releaseconsole.doctor.examine import examine
    from releaseconsole.session.prometheus import make_clients
    from releaseconsole.session.setup import Setup

    clock, environ = SystemClock(), dict(os.environ)
    setup = Setup(kubeconfig=kubeconfig, folder=folder, environ=environ, user="", clock=clock, read_only=True)
    known, unreadable = _remembered(plan, state)
    case = Case(
        plan, kubeconfig, folder, environ, clock, names, partial(make_clients, setup=setup),
        known=known, unreadable=unreadable, accepted=accept,
    )  # fmt: skip
    waiting = [str(target) for name in names for target in plan.environments[name].targets]
    telling = asyncio.create_task(_tell(waiting)) if sys.stderr.isatty() else None
    try:
        return await examine(case, waiting.remove)
    finally:
        if telling is not None:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)


def _remembered(plan: Plan, state: Path | None) -> tuple[ReleaseState, RecordError | None]:
    """What the journal says, without taking its lock; and why it could not be read."""
    from releaseconsole.record.fold import fold
    from releaseconsole.record.model import ReleaseState
    from releaseconsole.session.opening import journal_folder, read_journal

    if not journal_folder(plan, state).exists():
        return ReleaseState(), None
    try:
        return fold(read_journal(plan, state)[0]), None
    except RecordError as error:
        return ReleaseState(), error


async def _tell(waiting: list[str]) -> None:
    """Say what is still waited for, whenever that has changed."""
    told = None
    while True:
        await asyncio.sleep(QUIET)
        if waiting and waiting != told:
            told = list(waiting)
            more = f" and {len(told) - 4} more" if len(told) > 4 else ""
            say(f"Waiting for {', '.join(told[:4])}{more} …")


def describe(plan: Plan, report: Report) -> dict[str, Any]:
    """The report as one JSON document."""
    from releaseconsole.doctor.finding import count

    return {
        "release": plan.release.name,
        "version": plan.release.version,
        "ok": report.exit_code == 0,
        "counts": {str(state): number for state, number in count(report.findings()).items()},
        "groups": [
            {
                "environment": group.environment,
                "target": group.target,
                "findings": [one.as_dict() for one in group.findings],
            }
            for group in report.groups
        ],
    }


def lines(plan: Plan, report: Report) -> Iterator[str]:
    """The report for people: a heading for each environment and target, a line for each finding."""
    heading = None
    for group in report.groups:
        if group.environment != heading:
            heading = group.environment
            yield _title(plan, heading)
        yield from _group_lines(group)
    yield _summary(report)


def _title(plan: Plan, name: str) -> str:
    if not name:
        return "This machine"
    title = plan.environments[name].title
    return f"{title} ({name})" if title and title != name else name


def _group_lines(group: Group) -> Iterator[str]:
    if group.environment:
        yield f"  {group.target or 'whole environment'}"
    for one in group.findings:
        yield f"    {GLYPHS[one.state]} {one.state:<7}  {one.area:<11}  {one.sentence}"
        if one.remedy and one.state != "ok":
            yield f"{'':<15}  {'':<11}  → {one.remedy}"


def _summary(report: Report) -> str:
    from releaseconsole.doctor.finding import count
    from releaseconsole.text import plural

    counted = {str(state): number for state, number in count(report.findings()).items()}
    if not report.groups:
        return "The plan names no environment: there is nothing to ask."
    return (
        f"{counted['failed']} failed, {counted['unknown']} could not be asked, "
        f"{plural(counted['warning'], 'warning')}, {counted['ok']} ok."
    )
