"""Whether the objectives of an environment can be measured, and their triggers fire."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from releaseconsole.doctor.case import Ward
from releaseconsole.doctor.finding import Finding, State, broken, finding
from releaseconsole.doctor.metrics import places_of, secret_findings
from releaseconsole.errors import PlanError
from releaseconsole.metrics.aim import Aim, Scene
from releaseconsole.metrics.preflight import preflight
from releaseconsole.outside.objectives import aim_of, values_of

if TYPE_CHECKING:
    from releaseconsole.metrics.client import PrometheusClient

AREA = "triggers"


async def examine_triggers(ward: Ward) -> list[Finding]:
    """Every objective, asked of its Prometheus; where that one's secrets lack, nothing is asked."""
    by_server: dict[str, list[Aim]] = {}
    values = values_of(ward.case.plan, ward.name)
    try:
        for objective in ward.case.plan.objectives_of(ward.name):
            by_server.setdefault(objective.prometheus or "", []).append(aim_of(objective, values))
    except PlanError as error:
        return [broken(AREA, ward.name, error)]
    if not by_server:
        return []
    usable = await asyncio.to_thread(_usable, ward)
    clients = ward.case.prometheus(ward.environment)
    scene = Scene(namespace=values["namespace"], pods=values["pods"], now=ward.case.clock.now())
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_examine(clients[name], aims, scene))
            for name, aims in by_server.items()
            if name in usable
        ]
    return [one for task in tasks for one in task.result()]


def _usable(ward: Ward) -> set[str]:
    """The Prometheus servers whose secrets are where the plan says."""
    case = ward.case
    return {
        name
        for name, place in places_of(ward).items()
        if not list(secret_findings(place, case.environ, case.folder))
    }


async def _examine(client: PrometheusClient, aims: Sequence[Aim], scene: Scene) -> list[Finding]:
    try:
        results = await preflight(client, aims, scene)
    finally:
        await client.close()
    return [finding(AREA, one.subject, State(one.outlook), one.sentence, one.remedy) for one in results]
