"""Following one objective, or a whole plan's, on a Prometheus that runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prom_situation import Situation, nothing

from releaseconsole.clock import SystemClock
from releaseconsole.metrics.client import PrometheusClient
from releaseconsole.metrics.reading import take_readings
from releaseconsole.metrics.trigger import Judgement, TriggerState
from releaseconsole.plan.load import parse_plan
from releaseconsole.plan.model import Objective
from releaseconsole.session.feed import Feed
from releaseconsole.session.objectives import watch
from releaseconsole.session.prometheus import make_clients
from releaseconsole.session.setup import Setup

POLL = 0.25
_PATIENCE = 30.0


def follow(client: PrometheusClient, namespace: str, **fields: Any) -> Follower:
    """Follow the objective that these fields of ``Situation`` describe."""
    situation = Situation(record=nothing, state=TriggerState.OK, reason="", **fields)
    return Follower(client, situation.objective(), namespace)


class Follower:
    """One objective, polled by hand."""

    def __init__(self, client: PrometheusClient, objective: Objective, namespace: str) -> None:
        self.client = client
        self.watched = watch(objective, {"namespace": namespace})

    async def poll(self) -> Judgement:
        """Ask once."""
        readings = await take_readings(self.client, self.watched.question, now=time.time())
        self.watched.take(readings, time.monotonic(), time.monotonic())
        assert self.watched.judgement is not None
        return self.watched.judgement

    async def until(self, state: TriggerState, words: str = "") -> list[Judgement]:
        """Poll until it is in this state, for a reason with these words in it; all judgements on the way."""
        found: list[Judgement] = []
        async with asyncio.timeout(_PATIENCE):
            while True:
                found.append(await self.poll())
                if found[-1].state is state and words in found[-1].reason:
                    return found
                await asyncio.sleep(POLL)

    async def during(self, seconds: float) -> list[Judgement]:
        """Poll for so long."""
        found = []
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found.append(await self.poll())
            await asyncio.sleep(POLL)
        return found


class ShiftedClock(SystemClock):
    """A machine's clock that is wrong by some seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def now(self) -> float:
        return time.time() + self._seconds


_PLAN = """
[release]
name = "shop"
title = "Shop"
version = "1"
[environments.production]
targets = [{{ context = "production", namespace = "{namespace}" }}]
workloads = ["deployment/web"]
prometheus = {main}
{others}
{objectives}
[[phases]]
id = "p"
title = "P"
environment = "production"
[[phases.steps]]
id = "s"
title = "S"
items = [{{ id = "i", text = "I" }}]
"""
_OBJECTIVE = """
[[objectives]]
id = "{id}"
query = '{query}'
target = "< 10"
rollback = {{ when = "> 10", for = "{hold}" }}
{more}
"""


@dataclass
class FeedOf:
    """A feed over a plan's environment, and what it told."""

    feed: Feed
    told: list[tuple[float, str, TriggerState]] = field(default_factory=list)
    """Monotonic time, objective and state at each change."""

    def note(self, objective: Objective, judgement: Judgement, _: Judgement | None) -> None:
        self.told.append((time.monotonic(), objective.id, judgement.state))

    async def until(self, state: TriggerState) -> None:
        """Wait until the last change was to this state."""
        async with asyncio.timeout(_PATIENCE):
            while not self.told or self.told[-1][2] is not state:  # noqa: ASYNC110 - no loop to be kept in step
                await asyncio.sleep(0.02)

    def state(self, objective: str = "level") -> str:
        """The state in an objective's row."""
        view = self.feed.view(objective)
        assert view is not None
        return view.state

    def reason(self, objective: str = "level") -> str:
        """The reason in an objective's row."""
        view = self.feed.view(objective)
        assert view is not None
        return view.reason


def objective_text(name: str, query: str, hold: str = "1s", more: str = "") -> str:
    """An objective of a plan, with its line at 10."""
    return _OBJECTIVE.format(id=name, query=query, hold=hold, more=more)


def feed_of(
    main: str,
    namespace: str,
    *objectives: str,
    others: str = "",
    folder: Path = Path(),
    environ: Mapping[str, str] | None = None,
    clock: SystemClock | None = None,
    touch: Callable[[], None] = lambda: None,
) -> FeedOf:
    """The feed of a plan with this ``prometheus``, as a session makes it."""
    text = _PLAN.format(main=main, namespace=namespace, others=others, objectives="".join(objectives))
    plan = parse_plan(text, "plan.toml")
    setup = Setup(
        kubeconfig=None, folder=folder, environ=environ or {}, user="test", clock=clock or SystemClock()
    )
    made: list[FeedOf] = []
    feed = Feed(
        plan.objectives_of("production"),
        {"namespace": namespace},
        setup.clock,
        touch,
        make_clients(plan.environments["production"], setup),
        lambda *words: made[0].note(*words),
    )
    made.append(FeedOf(feed))
    return made[0]
