"""Polling an environment's objectives, and what the metrics panel shows of them."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from releaseconsole.clock import Clock
from releaseconsole.errors import MetricsError
from releaseconsole.metrics.reading import take_reading
from releaseconsole.metrics.trigger import Judgement, Reading, Trigger, TriggerState
from releaseconsole.plan.model import Objective
from releaseconsole.plan.variables import substitute
from releaseconsole.session.focus import Focus
from releaseconsole.session.patience import within
from releaseconsole.session.views import Freshness, Liveness, MetricView
from releaseconsole.text import duration

if TYPE_CHECKING:
    from releaseconsole.metrics.client import PrometheusClient

POLL_EVERY = 5.0
HISTORY = 120
STALE_AFTER = 3 * POLL_EVERY
BACKFILL = 600.0
"""Seconds of history that are asked for once, when an objective is first shown."""


Judged = Callable[[Objective, Judgement, Judgement | None], None]
"""Told when an objective's state changes: the objective, the judgement now, and the one before."""


@dataclass(slots=True)
class _Watched:
    objective: Objective
    query: str
    traffic: str
    trigger: Trigger
    history: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=HISTORY))
    """(time, value), oldest first; NaN where there was none."""
    last: Reading | None = None
    asked: float = -math.inf
    """Monotonic seconds at which the last reading was asked for."""
    judgement: Judgement | None = None
    seen: float = 0.0
    value: float | None = None


class Feed:
    """Asks one Prometheus for one environment's objectives; a slow or dead one makes only this stale."""

    def __init__(
        self,
        objectives: tuple[Objective, ...],
        values: Mapping[str, str],
        clock: Clock,
        touch: Callable[[], None],
        client: PrometheusClient | None,
        judged: Judged,
    ) -> None:
        self._clock = clock
        self._judged = judged
        self._touch = touch
        self.client = client
        self._error = "" if client else "the plan names no Prometheus for this environment"
        self._seen = 0.0
        self._watched = {one.id: _watched(one, values) for one in objectives}
        self.polled = asyncio.Event()
        """Set once every objective has been asked for."""

    async def answered(self, timeout: float) -> bool:
        """Wait until every objective was asked for once; False when that took longer than ``timeout`` seconds."""
        if self.client is None:
            return False
        return await within(timeout, self.polled.wait())

    async def run(self, focus: Focus) -> None:
        """Poll while the environment is on the screen."""
        if self.client is None:
            return
        await focus.gained()
        await self._backfill()
        while True:
            await focus.gained()
            await self.poll()
            await self._clock.sleep(POLL_EVERY)

    async def _backfill(self) -> None:
        """What was before the console looked, for the charts; no trigger counts it."""
        end = self._clock.now()
        async with asyncio.TaskGroup() as group:
            for watched in self._watched.values():
                group.create_task(self._fill(watched, end), name=f"history {watched.objective.id}")
        self._touch()

    async def _fill(self, watched: _Watched, end: float) -> None:
        assert self.client is not None
        try:
            answer = await self.client.range(watched.query, end - BACKFILL, end, BACKFILL / HISTORY)
        except MetricsError:
            return
        if len(answer.series) == 1:
            watched.history.extendleft(reversed(answer.series[0].samples[-HISTORY:]))

    async def poll(self) -> None:
        """Ask for every objective once, in parallel."""
        if self.client is None:
            return
        async with asyncio.TaskGroup() as group:
            for watched in self._watched.values():
                group.create_task(self._ask(watched), name=f"objective {watched.objective.id}")
        self.polled.set()
        self._touch()

    async def _ask(self, watched: _Watched) -> None:
        asked = self._clock.monotonic()
        reading = await self._read(watched)
        watched.last, watched.asked = reading, asked
        watched.history.append((reading.at, math.nan if reading.value is None else reading.value))
        if reading.value is not None and not math.isnan(reading.value):
            watched.value, watched.seen = reading.value, self._clock.monotonic()
        before, watched.judgement = watched.judgement, watched.trigger.take(reading)
        if before is None or before.state is not watched.judgement.state:
            self._judged(watched.objective, watched.judgement, before)

    async def _read(self, watched: _Watched) -> Reading:
        assert self.client is not None
        reading = await take_reading(
            self.client,
            watched.query,
            now=self._clock.now(),
            traffic=watched.traffic,
            across=watched.objective.across,
        )
        if reading.provider_down:
            self._error = reading.problem
        else:
            self._error, self._seen = "", self._clock.monotonic()
        return reading

    def freshness(self) -> Freshness:
        """How far the panel's numbers can be believed."""
        if self.client is None:
            return Freshness(Liveness.DENIED, 0.0, self._error)
        if not self._seen:
            return Freshness(Liveness.STALE if self._error else Liveness.CONNECTING, 0.0, self._error)
        stale = bool(self._error) or self._clock.monotonic() - self._seen > STALE_AFTER
        return Freshness(Liveness.STALE if stale else Liveness.LIVE, self._seen, self._error)

    def burning(self) -> tuple[str, ...]:
        """The triggers in breach, in words."""
        return tuple(
            f"{one.objective.name} {one.value:,.4g} {one.objective.unit}, beyond {one.objective.rollback.when} "
            f"{one.objective.unit} for {duration(one.judgement.held)}"
            for one in self._watched.values()
            if one.judgement
            and one.objective.rollback
            and one.judgement.state is TriggerState.BREACH
            and one.value is not None
        )

    def recovered(self, since: float) -> str | None:
        """By readings asked for after ``since`` (monotonic): None while a trigger burns or is not read yet, ""
        when all are quiet, a sentence when nobody can tell."""
        triggers = [one for one in self._watched.values() if one.objective.rollback]
        if self.client is None or not triggers:
            return "no trigger of the plan can confirm the recovery"
        if any(one.asked < since or one.judgement is None for one in triggers):
            return None
        states = [one.judgement.state for one in triggers if one.judgement]
        if TriggerState.BREACH in states or TriggerState.PENDING in states:
            return None
        silent = [state for state in states if state is not TriggerState.OK]
        return f"the metrics cannot confirm it: {silent[0]}" if silent else ""

    def view(self, objective_id: str) -> MetricView | None:
        """One objective's row, or None when it is not watched here."""
        watched = self._watched.get(objective_id)
        return _view(watched) if watched else None

    def views(self) -> tuple[MetricView, ...]:
        return tuple(_view(watched) for watched in self._watched.values())


def _watched(objective: Objective, values: Mapping[str, str]) -> _Watched:
    rollback = objective.rollback
    trigger = Trigger(rollback.when.holds if rollback else None, rollback.hold if rollback else 0.0)
    query, traffic = substitute(objective.query, values), substitute(objective.traffic or "", values)
    return _Watched(objective, query, traffic, trigger)


def _view(watched: _Watched) -> MetricView:
    objective, judgement, rollback = watched.objective, watched.judgement, watched.objective.rollback
    current = watched.last is not None and watched.last.usable
    return MetricView(
        id=objective.id,
        title=objective.name,
        unit=objective.unit,
        value=watched.value,
        target=str(objective.target),
        target_value=objective.target.value,
        meets_target=objective.target.holds(watched.value) if current and watched.value is not None else None,
        trigger=f"{rollback.when} for {rollback.hold:.0f}s" if rollback else "",
        trigger_value=rollback.when.value if rollback else None,
        state=str(judgement.state) if judgement else "WAITING",
        reason=judgement.reason if judgement else "",
        held=judgement.held if judgement else 0.0,
        hold=rollback.hold if rollback else 0.0,
        history=tuple(watched.history),
        seen=watched.seen,
    )
