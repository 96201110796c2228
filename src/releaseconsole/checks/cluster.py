"""``cluster = "reachable"``: the API server of every target answers."""

from __future__ import annotations

import asyncio

from releaseconsole.checks.context import CheckContext
from releaseconsole.checks.data import environment_of, first_few
from releaseconsole.checks.finding import Finding, passed, unknown
from releaseconsole.errors import Denied, NotFound, ReleaseConsoleError
from releaseconsole.plan.model import Check, PlacedItem, Target


async def cluster_reachable(check: Check, placed: PlacedItem, context: CheckContext) -> Finding:
    """Whether each says that it is ready. One that gives no answer cannot be told from a broken network."""
    data = context.environment(environment_of(placed))
    targets = [one.target for one in data.targets]
    found = await asyncio.gather(*(_ask(target, context) for target in targets))
    problems = [
        f"{target.context}: {problem}" for target, problem in zip(targets, found, strict=True) if problem
    ]
    if problems:
        return unknown(first_few(problems))
    return passed(f"{', '.join(dict.fromkeys(target.context for target in targets))} answers")


async def _ask(target: Target, context: CheckContext) -> str:
    """Why the API server is not ready, or "". Where ``/readyz`` is not for everybody, the version is."""
    try:
        client = await context.client(target)
        try:
            await client.get("/readyz")
        except (Denied, NotFound):
            await client.get("/version")
    except ReleaseConsoleError as error:
        return error.message
    return ""
