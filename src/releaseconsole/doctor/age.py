"""How old the release is, against how far its triggers look back."""

from __future__ import annotations

import asyncio

from releaseconsole.cluster.decode import REPLICA_SETS, decode
from releaseconsole.cluster.objects import ReplicaSet, seconds
from releaseconsole.cluster.workload import read_history
from releaseconsole.doctor.case import Visit
from releaseconsole.doctor.finding import Finding, warning
from releaseconsole.doctor.triggers import AREA
from releaseconsole.errors import ClusterError, PlanError, UsageError
from releaseconsole.metrics.aim import Scene
from releaseconsole.metrics.preflight_words import age_remarks
from releaseconsole.outside.objectives import aim_of, values_of

WITH_REPLICA_SETS = ("deployment/", "rollout/")
"""Workloads of which a new version begins with a new object."""


async def examine_age(visit: Visit) -> list[Finding]:
    """Which triggers mix in the version before what runs now; silent where the age is not known."""
    plan, name = visit.ward.case.plan, visit.ward.name
    objectives = [one for one in plan.objectives_of(name) if one.rollback is not None]
    if not objectives:
        return []
    since = await _since(visit)
    values = values_of(plan, name)
    scene = Scene(
        namespace=visit.namespace, pods=values["pods"], now=visit.ward.case.clock.now(), since=since or None
    )
    try:
        remarks = [one for objective in objectives for one in age_remarks(aim_of(objective, values), scene)]
    except PlanError:
        return []  # Told with the environment.
    return [warning(AREA, one.subject, one.sentence) for one in remarks]


async def _since(visit: Visit) -> float:
    """When the newest of the versions that run was made; 0 when not known."""
    workloads = [one for one in visit.ward.environment.workloads if one.startswith(WITH_REPLICA_SETS)]
    return max(await asyncio.gather(*(_made(visit, one) for one in workloads)), default=0.0)


async def _made(visit: Visit, workload: str) -> float:
    """What keeps this from being read is a finding of its own elsewhere."""
    try:
        async with visit.turns:
            current = (await read_history(visit.client, visit.namespace, workload)).current
        if current is None:
            return 0.0
        async with visit.turns:
            found = await visit.client.get(REPLICA_SETS.path(visit.namespace, current.holder))
        return seconds(decode(ReplicaSet, found).metadata.creation_timestamp)
    except (ClusterError, UsageError):
        return 0.0
