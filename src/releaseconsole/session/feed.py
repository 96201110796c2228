"""Polling an environment's objectives. A slow or dead Prometheus makes its own rows stale, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from releaseconsole.clock import Clock
from releaseconsole.errors import MetricsError
from releaseconsole.metrics.reading import Question, take_readings
from releaseconsole.metrics.trigger import Judgement, TriggerState
from releaseconsole.plan.model import Objective
from releaseconsole.session.focus import Focus
from releaseconsole.session.objectives import HISTORY, Watched, watch
from releaseconsole.session.patience import within
from releaseconsole.session.prometheus import MAIN
from releaseconsole.session.views import Freshness, Liveness, MetricView
from releaseconsole.undisturbed import close_all

if TYPE_CHECKING:
    from releaseconsole.metrics.client import PrometheusClient

POLL_EVERY = 5.0
_MARGIN = 0.05
"""Seconds between the end of a hold and the poll that shall see it."""
STALE_AFTER = 3 * POLL_EVERY
BACKFILL = 600.0
"""Seconds of history that are asked for once, when an objective is first shown."""


Judged = Callable[[Objective, Judgement, Judgement | None], None]
"""Told when an objective's state changes: the objective, the judgement now, and the one before."""


class Feed:
    """Asks for one environment's objectives, each of the Prometheus that its plan names."""

    def __init__(
        self,
        objectives: tuple[Objective, ...],
        values: Mapping[str, str],
        clock: Clock,
        touch: Callable[[], None],
        clients: Mapping[str, PrometheusClient],
        judged: Judged,
    ) -> None:
        self._clock = clock
        self._judged = judged
        self._touch = touch
        self.clients = clients
        self._values = values
        self._chart_clients: dict[str, PrometheusClient] = {}
        self._errors: dict[str, str] = {}
        """By the name of the Prometheus that gave no answer."""
        self._ahead = dict.fromkeys(clients, 0.0)
        """Seconds, by the name of the Prometheus."""
        self._seen = 0.0
        self._watched = {one.id: watch(one, values) for one in objectives}
        self.polled = asyncio.Event()
        """Set once every objective has been asked for."""

    @property
    def client(self) -> PrometheusClient | None:
        """The environment's own Prometheus."""
        return self.clients.get(MAIN)

    async def close(self) -> None:
        """Let go of every connection."""
        await close_all((*self.clients.values(), *self._chart_clients.values()))

    def client_of(self, objective_id: str) -> PrometheusClient | None:
        """The Prometheus that an objective is asked of."""
        watched = self._watched.get(objective_id)
        return self.clients.get(watched.source) if watched else None

    def chart_client(self, objective_id: str) -> PrometheusClient | None:
        """The same Prometheus with threads of its own, so that the long queries of a chart never delay a poll."""
        watched, client = self._watched.get(objective_id), self.client_of(objective_id)
        if watched is None or client is None:
            return None
        if watched.source not in self._chart_clients:
            self._chart_clients[watched.source] = type(client)(client.source)
        return self._chart_clients[watched.source]

    def query(self, objective_id: str, pods: str = "") -> str:
        """What is asked for an objective, with its variables filled in; "" for one that is not watched here.

        ``pods``: a pattern that stands for ``$pods`` in place of that of all the release's pods.
        """
        watched = self._watched.get(objective_id)
        if watched is None or not pods:
            return watched.question.query if watched else ""
        return watch(watched.objective, {**self._values, "pods": pods}).question.query

    def question(self, objective_id: str) -> Question | None:
        """The same with everything else that is asked; None for an objective that is not watched here."""
        watched = self._watched.get(objective_id)
        return watched.question if watched else None

    async def answered(self, timeout: float) -> bool:
        """Wait until every objective was asked for once; False when that took longer than ``timeout`` seconds."""
        if not self.clients:
            return False
        return await within(timeout, self.polled.wait())

    async def run(self, focus: Focus) -> None:
        """Poll while the environment is on the screen. A poll whose answer is still out is not made again."""
        if not self.clients:
            return
        await focus.gained()
        await self._backfill()
        async with asyncio.TaskGroup() as group:
            while True:
                await focus.gained()
                for watched in self._askable():
                    if not watched.asking:
                        watched.asking = True
                        group.create_task(
                            self._ask_until_due(watched), name=f"objective {watched.objective.id}"
                        )
                await self._clock.sleep(POLL_EVERY)

    async def _ask_until_due(self, watched: Watched) -> None:
        """Ask, and once more when a hold ends before the next poll, so that no alarm comes a poll late."""
        await self._ask(watched)
        left = watched.left()
        if 0 < left < POLL_EVERY:
            await self._clock.sleep(left + _MARGIN)
            if not watched.asking:
                watched.asking = True
                await self._ask(watched)

    def _askable(self) -> Iterable[Watched]:
        return [one for one in self._watched.values() if one.source in self.clients]

    async def _backfill(self) -> None:
        """What was before the console looked, for the charts; no trigger counts it."""
        end = self._clock.now()
        async with asyncio.TaskGroup() as group:
            for watched in self._askable():
                group.create_task(self._fill(watched, end), name=f"history {watched.objective.id}")
        self._touch()

    async def _fill(self, watched: Watched, end: float) -> None:
        client = self.clients[watched.source]
        try:
            answer = await client.range(watched.question.query, end - BACKFILL, end, BACKFILL / HISTORY)
        except MetricsError:
            return
        if len(answer.series) == 1:
            watched.history.extendleft(reversed(answer.series[0].samples[-HISTORY:]))

    async def poll(self) -> None:
        """Ask for every objective once, in parallel."""
        async with asyncio.TaskGroup() as group:
            for watched in self._askable():
                group.create_task(self._ask(watched), name=f"objective {watched.objective.id}")

    async def _ask(self, watched: Watched) -> None:
        asked = self._clock.monotonic()
        try:
            readings = await take_readings(
                self.clients[watched.source],
                watched.question,
                now=self._clock.now() + self._ahead[watched.source],
            )
        finally:
            watched.asking = False
        before = watched.take(readings, asked, self._clock.monotonic())
        self._compare_clocks(watched)
        self._note(watched)
        if all(one.last is not None for one in self._askable()):
            self.polled.set()
        self._touch()
        assert watched.judgement is not None
        if before is None or before.state is not watched.judgement.state:
            self._judged(watched.objective, watched.judgement, before)

    def _compare_clocks(self, watched: Watched) -> None:
        """How far Prometheus' clock is ahead of ours, so that its empty answers take their place among samples."""
        assert watched.last is not None
        if watched.last.value is not None:
            self._ahead[watched.source] = watched.last.at - self._clock.now()

    def _note(self, watched: Watched) -> None:
        assert watched.last is not None
        if watched.last.provider_down:
            self._errors[watched.source] = watched.last.problem
        else:
            self._errors.pop(watched.source, None)
            self._seen = self._clock.monotonic()

    def freshness(self) -> Freshness:
        """How far the panel's numbers can be believed."""
        if not self.clients:
            return Freshness(Liveness.DENIED, 0.0, "the plan names no Prometheus for this environment")
        error = next(iter(self._errors.values()), "")
        if not self._seen:
            return Freshness(Liveness.STALE if error else Liveness.CONNECTING, 0.0, error)
        stale = bool(error) or self._clock.monotonic() - self._seen > STALE_AFTER
        return Freshness(Liveness.STALE if stale else Liveness.LIVE, self._seen, error)

    def burning(self) -> tuple[str, ...]:
        """The triggers in breach, in words."""
        return tuple(
            one.sentence() for one in self._watched.values() if one.objective.rollback and one.burns()
        )

    def burns(self, objective_id: str) -> str:
        """The trigger in words while it is in breach by a fresh reading; "" otherwise, also when nobody can tell."""
        watched = self._watched.get(objective_id)
        if watched is None or not watched.burns():
            return ""
        fresh = self._clock.monotonic() - watched.asked <= STALE_AFTER
        return watched.sentence() if fresh else ""

    def beyond(self, objective_id: str) -> bool:
        """Whether the newest reading itself lies beyond the rollback line."""
        watched = self._watched.get(objective_id)
        return watched is not None and watched.beyond

    def recovered(self, since: float) -> str | None:
        """By readings asked for after ``since`` (monotonic): None while a value is beyond its line or not read
        yet, "" when all are on the safe side, a sentence when nobody can tell."""
        triggers = [one for one in self._watched.values() if one.objective.rollback]
        if not self.clients or not triggers:
            return "no trigger of the plan can confirm the recovery"
        if any(one.asked < since or one.judgement is None or one.beyond for one in triggers):
            return None
        states = [
            one.judgement.state for one in triggers if one.judgement and one.last and not one.last.usable
        ]
        silent = [state for state in states if state not in (TriggerState.OK, TriggerState.BREACH)]
        return f"the metrics cannot confirm it: {silent[0]}" if silent else ""

    def view(self, objective_id: str) -> MetricView | None:
        """One objective's row, or None when it is not watched here."""
        watched = self._watched.get(objective_id)
        return watched.view() if watched else None

    def views(self) -> tuple[MetricView, ...]:
        return tuple(watched.view() for watched in self._watched.values())
