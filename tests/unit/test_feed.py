"""Objectives polled from one Prometheus, and what the panel shows of a good, a silent and a dead one."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from action_kit import FakeClock

from releaseconsole.errors import MetricsError
from releaseconsole.metrics.answers import Answer, RangeAnswer, Series
from releaseconsole.metrics.trigger import Judgement, TriggerState
from releaseconsole.plan.load import parse_plan
from releaseconsole.plan.model import Objective
from releaseconsole.session.feed import POLL_EVERY, STALE_AFTER, Feed
from releaseconsole.session.focus import Focus
from releaseconsole.session.objectives import HISTORY
from releaseconsole.session.views import Liveness

PLAN = parse_plan(
    """
[release]
name = "shop"
title = "Shop"
version = "1"
[environments.production]
targets = [{ context = "production", namespace = "shop" }]
workloads = ["deployment/web"]
prometheus = { url = "http://localhost:1" }
[[objectives]]
id = "errors"
query = 'errors{ns="$namespace"}'
traffic = 'traffic{ns="$namespace"}'
unit = "%"
target = "< 0.1"
rollback = { when = "> 1", for = "10s" }
[[phases]]
id = "p"
title = "P"
environment = "production"
[[phases.steps]]
id = "s"
title = "S"
items = [{ id = "i", text = "I", check = { objective = "errors" } }]
""",
    "plan.toml",
)


class Prometheus:
    """Answers with what a test says, at the time that a test says."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.values: list[float] = [0.05]
        self.traffic: list[float] = [100.0]
        self.error: MetricsError | None = None
        self.asked: list[str] = []

    async def instant(self, query: str) -> Answer:
        self.asked.append(query)
        if self.error is not None:
            raise self.error
        values = self.traffic if query.startswith("traffic") else self.values
        return Answer(tuple(Series({}, self.clock.now(), value) for value in values))

    async def range(self, *_: object) -> RangeAnswer:
        if self.error is not None:
            raise self.error
        return RangeAnswer(())


class Panel:
    """A feed and what came of it."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.prometheus = Prometheus(self.clock)
        self.judged: list[tuple[TriggerState, TriggerState | None]] = []
        self.touched = 0
        self.feed = self.made(self.prometheus)

    def made(self, client: Any) -> Feed:
        return Feed(
            PLAN.objectives_of("production"),
            {"namespace": "shop"},
            self.clock,
            self._touch,
            {"": client} if client else {},
            self._judge,
        )

    def _touch(self) -> None:
        self.touched += 1

    def _judge(self, _: Objective, now: Judgement, before: Judgement | None) -> None:
        self.judged.append((now.state, before.state if before else None))

    async def poll(self, *values: float) -> str:
        """One poll after the usual pause; the state of the trigger then."""
        self.prometheus.values = list(values)
        self.clock.at += POLL_EVERY
        await self.feed.poll()
        return self.view.state

    @property
    def view(self) -> Any:
        view = self.feed.view("errors")
        assert view is not None
        return view


@pytest.fixture
def panel() -> Panel:
    return Panel()


async def test_before_the_first_answer_nothing_is_claimed(panel: Panel) -> None:
    assert (panel.view.state, panel.view.value, panel.view.meets_target) == ("WAITING", None, None)
    assert panel.feed.freshness().liveness is Liveness.CONNECTING
    assert panel.feed.recovered(0.0) is None


async def test_a_good_value_meets_its_target_with_the_plans_own_namespace(panel: Panel) -> None:
    assert await panel.poll(0.05) == "OK"
    assert (panel.view.value, panel.view.meets_target, panel.view.target) == (0.05, True, "< 0.1")
    assert panel.prometheus.asked == ['errors{ns="shop"}']
    assert panel.feed.freshness().liveness is Liveness.LIVE
    assert panel.judged == [(TriggerState.OK, None)]
    assert panel.touched == 1


async def test_a_trigger_burns_only_when_its_condition_has_held_long_enough(panel: Panel) -> None:
    states = [await panel.poll(value) for value in (0.5, 5.0, 5.0, 5.0, 0.5, 0.5)]
    assert states == ["OK", "PENDING", "PENDING", "BREACH", "BREACH", "OK"], "calm after half of the hold"
    assert [now for now, _ in panel.judged] == ["OK", "PENDING", "BREACH", "OK"]


async def test_what_burns_is_said_in_words(panel: Panel) -> None:
    for _ in range(4):
        await panel.poll(5.0)
    (sentence,) = panel.feed.burning()
    assert "errors 5 %, beyond > 1 % for 15 s" in sentence


async def test_an_empty_answer_is_not_zero(panel: Panel) -> None:
    assert await panel.poll() == "NO DATA"
    assert (panel.view.value, panel.view.meets_target) == (None, None)
    panel.prometheus.traffic = []
    assert await panel.poll(math.nan) == "NO DATA"
    panel.prometheus.traffic = [0.0]
    assert await panel.poll(math.nan) == "NO TRAFFIC"
    assert panel.view.meets_target is None


async def test_a_dead_prometheus_is_never_a_breach_and_keeps_the_last_value(panel: Panel) -> None:
    await panel.poll(5.0)
    panel.prometheus.error = MetricsError("Prometheus does not answer.", "Start it.")
    for _ in range(10):
        assert await panel.poll() == "PROVIDER DOWN"
    assert panel.view.value == 5.0
    assert panel.view.meets_target is None
    freshness = panel.feed.freshness()
    assert (freshness.liveness, freshness.error) == (Liveness.STALE, "Prometheus does not answer.")
    panel.prometheus.error = None
    assert await panel.poll(0.05) == "OK"
    assert panel.feed.freshness().liveness is Liveness.LIVE


async def test_silence_alone_makes_it_stale(panel: Panel) -> None:
    await panel.poll(0.05)
    panel.clock.at += STALE_AFTER + 1
    assert panel.feed.freshness().liveness is Liveness.STALE


async def test_several_series_are_a_problem_and_not_the_first_of_them(panel: Panel) -> None:
    assert await panel.poll(0.0, 9.0) == "NO DATA"
    assert panel.view.value is None
    assert "series" in panel.view.reason


async def test_the_history_is_bounded_and_shows_gaps(panel: Panel) -> None:
    for number in range(HISTORY + 20):
        await panel.poll(float(number % 2) / 100)
    await panel.poll()
    history = panel.view.history
    assert len(history) == HISTORY
    assert math.isnan(history[-1][1])
    assert [at for at, _ in history] == sorted(at for at, _ in history)


async def test_recovery_counts_only_what_was_asked_for_since(panel: Panel) -> None:
    await panel.poll(0.05)
    since = panel.clock.monotonic() + 1
    assert panel.feed.recovered(since) is None
    await panel.poll(5.0)
    assert panel.feed.recovered(since) is None
    await panel.poll(0.05)
    assert panel.feed.recovered(since) == ""


async def test_recovery_that_nobody_can_confirm_is_said(panel: Panel) -> None:
    await panel.poll()
    assert "NO DATA" in (panel.feed.recovered(0.0) or "")
    assert "no trigger" in (panel.made(None).recovered(0.0) or "")


async def test_without_a_prometheus_the_panel_says_why_and_nobody_waits(panel: Panel) -> None:
    feed = panel.made(None)
    assert feed.freshness().liveness is Liveness.DENIED
    assert "no Prometheus" in feed.freshness().error
    assert await feed.answered(60.0) is False
    await feed.run(Focus())


async def test_it_polls_only_while_somebody_looks(panel: Panel) -> None:
    focus = Focus()
    async with following(panel.feed, focus):
        await asyncio.sleep(0)
        assert panel.prometheus.asked == []
        focus.set(True)
        assert await panel.feed.answered(5.0) is True
        focus.set(False)
        for _ in range(10):
            await asyncio.sleep(0)
        count = len(panel.prometheus.asked)
        for _ in range(50):
            await asyncio.sleep(0)
        assert len(panel.prometheus.asked) == count


@asynccontextmanager
async def following(feed: Feed, focus: Focus) -> AsyncIterator[None]:
    task = asyncio.create_task(feed.run(focus))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
