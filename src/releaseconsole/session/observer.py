"""Everything live about one environment: its targets, logs, metrics and the rehearsal of its rollback."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from releaseconsole.clock import Clock
from releaseconsole.cluster.logs import LogBuffer
from releaseconsole.cluster.objects import Event
from releaseconsole.metrics.trigger import Judgement, TriggerState
from releaseconsole.outside.world import EnvironmentData
from releaseconsole.plan.model import Environment, Objective, Plan, Prometheus
from releaseconsole.plan.variables import environment_values
from releaseconsole.session.assemble import PodRows, event_views, workload_view
from releaseconsole.session.feed import Feed
from releaseconsole.session.focus import Focus
from releaseconsole.session.guard import kept_going
from releaseconsole.session.hub import Hub
from releaseconsole.session.ledger import Ledger
from releaseconsole.session.patience import within
from releaseconsole.session.rehearsal import Rehearsal
from releaseconsole.session.target import TargetObserver
from releaseconsole.session.views import (
    EnvironmentView,
    Freshness,
    Liveness,
    LogCoverage,
    PodView,
    WorkloadView,
)

if TYPE_CHECKING:
    from releaseconsole.metrics.client import PrometheusClient
    from releaseconsole.session.setup import Setup

_WORST_FIRST = (Liveness.DENIED, Liveness.STALE, Liveness.CONNECTING, Liveness.LIVE)


class Observer:
    """Watches while it runs, and assembles a view when somebody asks and something has changed."""

    def __init__(
        self, plan: Plan, name: str, environment: Environment, *, ledger: Ledger, hub: Hub, setup: Setup
    ) -> None:
        self.name = name
        self.environment = environment
        self.title = environment.title or name
        self.ledger = ledger
        self.focus = Focus()
        self.started = False
        self._hub = hub
        self._setup = setup
        self._version = 0
        self._view: EnvironmentView | None = None
        self._view_key: object = None
        self._pod_rows: dict[str, PodRows] = {}
        self.target_observers = tuple(
            TargetObserver(target, environment.workloads, setup, self.touch) for target in environment.targets
        )
        self.feed = Feed(
            plan.objectives_of(name),
            {**environment_values(plan, name, environment.targets[0]), **_objective_values(environment)},
            setup.clock,
            self.touch,
            _prometheus(environment, setup),
            self._judged,
        )
        self.rehearsal = Rehearsal(self)
        self.logs = LogBuffer()

    @property
    def clock(self) -> Clock:
        return self._setup.clock

    @property
    def workload_count(self) -> int:
        return len(self.environment.workloads) * len(self.environment.targets)

    async def run(self) -> None:
        """Watch until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for name, work in self._workers():
                    group.create_task(kept_going(work, name, self._hub, self.clock), name=name)
        finally:
            if self.feed.client is not None:
                await self.feed.client.close()

    def _workers(self) -> Iterator[tuple[str, Callable[[], Awaitable[None]]]]:
        for target in self.target_observers:
            yield f"watch {target.name}", target.run
            yield f"logs {target.name}", partial(target.follow_logs, self.logs, self.focus)
        yield f"metrics {self.name}", self._follow_metrics
        yield f"rehearse {self.name}", self.rehearsal.run

    async def _follow_metrics(self) -> None:
        """Pods first: the metrics' library takes a while to load, and a bad moment is when people wait."""
        await self.synced(timeout=2)
        await self.feed.run(self.focus)

    def touch(self) -> None:
        """Something that the view shows has changed."""
        self._version += 1
        self._hub.touch()

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """Until ``event``, but no longer than ``seconds``."""
        waiting = asyncio.ensure_future(event.wait())
        sleeping = asyncio.ensure_future(self.clock.sleep(seconds))
        try:
            await asyncio.wait({waiting, sleeping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (waiting, sleeping):
                task.cancel()
            await asyncio.gather(waiting, sleeping, return_exceptions=True)

    async def synced(self, timeout: float) -> bool:
        """Wait for the first data of every target; False when it did not come in time."""
        return await within(timeout, asyncio.gather(*(target.synced() for target in self.target_observers)))

    def target_of(self, key: str) -> TargetObserver:
        """The observer whose target begins ``key`` (``context/namespace``, or a workload's key)."""
        for target in self.target_observers:
            if key == target.name or key.startswith(f"{target.name}/"):
                return target
        raise KeyError(key)

    def fingerprint(self) -> object:
        """Changes whenever a rollback would have to be rehearsed anew."""
        return tuple(target.fingerprint() for target in self.target_observers), self._pins()

    def burning(self) -> tuple[str, ...]:
        return self.feed.burning()

    async def recovered(self) -> str:
        """Wait until no trigger burns by readings from now on; "" when all are quiet, or why nobody can tell."""
        since = self.clock.monotonic()
        while (verdict := self.feed.recovered(since)) is None:
            await self.clock.sleep(1)
        return verdict

    def _judged(self, objective: Objective, now: Judgement, before: Judgement | None) -> None:
        """Journal what a trigger did, and raise the alarm on a breach. A first OK is no news."""
        if objective.rollback is None or now.state is TriggerState.PENDING:
            return
        if before is None and now.state is TriggerState.OK:
            return
        if now.state is TriggerState.BREACH:
            self._hub.tell(f"{self.title}: {objective.name} calls for a rollback. {now.reason}", "error")
        if not self.ledger.read_only:
            self.ledger.write_anyway(
                "trigger.changed",
                {
                    "environment": self.name,
                    "objective": objective.id,
                    "state": str(now.state),
                    "reason": now.reason,
                },
                by="trigger",
            )

    def data(self) -> EnvironmentData:
        """The live objects, for checks and actions."""
        return EnvironmentData(
            id=self.name,
            title=self.title,
            workloads=self.environment.workloads,
            targets=tuple(target.data() for target in self.target_observers),
            links=self.environment.links,
        )

    def view(self) -> EnvironmentView:
        """The newest view; the same object as before while nothing has changed."""
        state = self.ledger.state
        coverage = _coverage(
            [one.log_coverage() for one in self.target_observers], self.logs, self.clock.now()
        )
        key = (self._version, state.pins, state.locks.get(self.name))
        if self._view is None or key != self._view_key:
            self._view, self._view_key = self._assemble(coverage), key
        elif coverage != self._view.logs:
            self._view = replace(self._view, logs=coverage)
        return self._view

    def _pins(self) -> object:
        return tuple(pin for pin in self.ledger.state.pins.values() if pin.environment == self.name)

    def _assemble(self, coverage: LogCoverage) -> EnvironmentView:
        state = self.ledger.state
        planned = {one.key: one for one in self.rehearsal.planned}
        workloads: list[WorkloadView] = []
        pods: list[PodView] = []
        events: list[Event] = []
        errors: list[tuple[str, str]] = []
        for target in self.target_observers:
            found = target.families()
            for family in found if target.was_synced else ():
                one = planned.get(f"{target.name}/{family.workload}")
                workloads.append(
                    workload_view(
                        target.name,
                        family,
                        pinned=f"{target.name}/{family.workload}" in state.pins,
                        previous=one.target if one else None,
                        problem=one.problem if one else "",
                    )
                )
            pods += self._pod_rows.setdefault(target.name, PodRows()).of(target.name, found)
            events += target.events()
            errors += target.panel_errors()
        lock = state.locks.get(self.name)
        return EnvironmentView(
            id=self.name,
            title=self.title,
            colour=self.environment.colour,
            targets=tuple(target.name for target in self.target_observers),
            cluster=_worst([target.freshness() for target in self.target_observers]),
            metrics=self.feed.freshness(),
            workloads=tuple(workloads),
            pods=tuple(pods),
            events=event_views(events),
            objectives=self.feed.views(),
            logs=coverage,
            armed=self.rehearsal.armed(),
            lock=f"{lock.reason} ({lock.by})" if lock else "",
            panel_errors=tuple(errors),
        )


def _worst(found: list[Freshness]) -> Freshness:
    return min(found, key=lambda one: _WORST_FIRST.index(one.liveness))


def _coverage(found: list[LogCoverage], buffer: LogBuffer, now: float) -> LogCoverage:
    return LogCoverage(
        streams=sum(one.streams for one in found),
        total=sum(one.total for one in found),
        waiting=tuple(sentence for one in found for sentence in one.waiting),
        errors_per_minute=buffer.errors_per_minute(now),
        dropped=buffer.dropped,
    )


def _objective_values(environment: Environment) -> dict[str, str]:
    """What objectives may name besides: one window for all, and the workloads as a regular expression."""
    names = [re.escape(workload.partition("/")[2]) for workload in environment.workloads]
    either = "|".join(names)
    return {"window": "1m", "workload": either, "pods": f"({either})-.*"}


def _prometheus(environment: Environment, setup: Setup) -> PrometheusClient | None:
    """The client of the plan's Prometheus, its secret taken from where the plan says it is."""
    place = environment.prometheus
    if place is None:
        return None
    from releaseconsole.metrics.client import PrometheusClient, Source

    token = _token(place, setup)
    return PrometheusClient(
        Source(
            url=place.url, token=token, headers=place.headers, ca_file=place.ca_file, timeout=place.timeout
        )
    )


def _token(place: Prometheus, setup: Setup) -> str:
    """The bearer token from its variable or file; without either, Prometheus itself will say what is missing."""
    if place.token_file:
        try:
            return (setup.folder / place.token_file).read_text("utf-8").strip()
        except (OSError, ValueError):
            return ""
    return setup.environ.get(place.token_env or "", "")
