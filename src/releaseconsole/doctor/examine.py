"""The examination of a whole plan: everything at once, and what is out of reach hides nothing else.

What is examined stands in three tables, by what it is about. To add an examination, add a function to one of them:
it takes a ``Case``, a ``Ward`` (one environment) or a ``Visit`` (one target that answers) and gives findings.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from typing import Any

from releaseconsole.doctor.age import examine_age
from releaseconsole.doctor.case import (
    ANSWERS_PATIENCE,
    REQUESTS,
    Case,
    CaseExamination,
    EnvironmentExamination,
    TargetExamination,
    Visit,
    Ward,
)
from releaseconsole.doctor.connection import connection
from releaseconsole.doctor.finding import Finding, State, count, unknown
from releaseconsole.doctor.journal import examine_identity, examine_journal, examine_rollback
from releaseconsole.doctor.machine import examine_commands, examine_links
from releaseconsole.doctor.manifests import Loaded, load, resolve
from releaseconsole.doctor.metrics import examine_prometheus
from releaseconsole.doctor.review import ask_rights, right_findings
from releaseconsole.doctor.rights import needed_rights
from releaseconsole.doctor.triggers import examine_triggers
from releaseconsole.doctor.workloads import examine_contents
from releaseconsole.plan.model import Target

OF_THE_CASE: tuple[CaseExamination, ...] = (examine_journal, examine_commands)
OF_AN_ENVIRONMENT: tuple[EnvironmentExamination, ...] = (
    examine_prometheus,
    examine_triggers,
    examine_links,
)
OF_A_TARGET: tuple[TargetExamination, ...] = (examine_contents, examine_age, examine_rollback)
AT_A_TIME = 16
"""Targets that are visited at the same time."""

Told = Callable[[str], None]
"""Told the name of each target that is done with."""


@dataclass(frozen=True, slots=True)
class Group:
    """Findings under one heading."""

    environment: str
    """"" for what belongs to no environment."""
    target: str
    """``context/namespace``; "" for what belongs to the environment as a whole."""
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was found, in the plan's order."""

    groups: tuple[Group, ...] = ()

    def findings(self) -> tuple[Finding, ...]:
        return tuple(one for group in self.groups for one in group.findings)

    @property
    def exit_code(self) -> int:
        """0 all fine but for warnings, 1 something does not hold, 3 something could not be asked."""
        counted = count(self.findings())
        return 1 if counted[State.FAILED] else 3 if counted[State.UNKNOWN] else 0


async def examine(case: Case, told: Told = lambda _: None) -> Report:
    """Examine the environments of the case. Raises nothing for what is out of reach: that is a finding."""
    turns = asyncio.Semaphore(AT_A_TIME)
    async with asyncio.TaskGroup() as group:
        machine = group.create_task(_all(run(case) for run in OF_THE_CASE))
        wards = [
            group.create_task(_examine_ward(Ward(case, name), turns, told)) for name in case.environments
        ]
    groups = [one for task in wards for one in task.result()]
    if found := machine.result():
        groups.append(Group("", "", tuple(found)))
    return Report(tuple(groups))


async def _examine_ward(ward: Ward, turns: asyncio.Semaphore, told: Told) -> list[Group]:
    loaded = await load(ward)
    async with asyncio.TaskGroup() as group:
        whole = group.create_task(_all(run(ward) for run in OF_AN_ENVIRONMENT))
        targets = [
            group.create_task(_examine_target(ward, target, loaded, turns, told))
            for target in ward.environment.targets
        ]
    found = [task.result() for task in targets]
    rest = [*loaded.findings, *whole.result()]
    return [*found, *([Group(ward.name, "", tuple(rest))] if rest else [])]


async def _examine_target(
    ward: Ward, target: Target, loaded: Loaded, turns: asyncio.Semaphore, told: Told
) -> Group:
    async with turns, connection(ward.case, target.context) as reached:
        found = list(reached.findings)
        if reached.client is not None:
            visit = Visit(ward, target, reached.client, asyncio.Semaphore(REQUESTS))
            found += await _identified(visit, loaded)
    told(str(target))
    return Group(ward.name, str(target), tuple(found))


async def _identified(visit: Visit, loaded: Loaded) -> list[Finding]:
    """The cluster first: what another one says of workloads and rights would only mislead."""
    found = await examine_identity(visit)
    if any(one.state is State.FAILED for one in found):
        return found
    return [*found, *await _visit(visit, loaded)]


async def _visit(visit: Visit, loaded: Loaded) -> list[Finding]:
    """Everything that is asked of a server which has answered; what was answered in time is kept."""
    parts = [*(run(visit) for run in OF_A_TARGET), _examine_rights(visit, loaded)]
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        await asyncio.wait(tasks, timeout=ANSWERS_PATIENCE)
        found = [one for task in tasks if task.done() for one in task.result()]
        if not all(task.done() for task in tasks):
            found.append(_too_slow(visit))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return found


async def _examine_rights(visit: Visit, loaded: Loaded) -> list[Finding]:
    applied, found = await resolve(visit, loaded)
    case = visit.ward.case
    rights = needed_rights(case.plan, visit.ward.name, visit.target, applied)
    return [*found, *right_findings(await ask_rights(visit, rights))]


def _too_slow(visit: Visit) -> Finding:
    return unknown(
        "server",
        visit.client.server,
        f"{visit.client.server} did not answer everything within {ANSWERS_PATIENCE:.0f} s.",
        "It is busy or the network is slow: try again.",
    )


async def _all(parts: Iterable[Coroutine[Any, Any, list[Finding]]]) -> list[Finding]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(part) for part in parts]
    return [one for task in tasks for one in task.result()]
