"""Everything live about one environment: its targets, logs, metrics and the rehearsal of its rollback."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain
from operator import is_not
from typing import TYPE_CHECKING

from releaseconsole.clock import Clock
from releaseconsole.cluster.logs import LogBuffer
from releaseconsole.errors import OtherCluster
from releaseconsole.metrics.trigger import Judgement, TriggerState
from releaseconsole.outside.objectives import values_of
from releaseconsole.outside.returns import went_last
from releaseconsole.outside.scope import scope_of
from releaseconsole.outside.watched import around_kinds
from releaseconsole.outside.world import EnvironmentData
from releaseconsole.plan.model import Environment, Objective, Plan
from releaseconsole.record.watches import Standing
from releaseconsole.session.alerts import AlertFeed
from releaseconsole.session.eventrows import EventRows
from releaseconsole.session.feed import Feed
from releaseconsole.session.focus import Focus
from releaseconsole.session.guard import kept_going
from releaseconsole.session.hub import Hub
from releaseconsole.session.identity import Clusters
from releaseconsole.session.ledger import Ledger
from releaseconsole.session.patience import within
from releaseconsole.session.preflight import Preflight
from releaseconsole.session.prometheus import make_clients
from releaseconsole.session.rehearsal import Rehearsal
from releaseconsole.session.rows import TargetRows
from releaseconsole.session.target import TargetObserver
from releaseconsole.session.views import (
    AutomaticView,
    EnvironmentView,
    Freshness,
    Liveness,
    LogCoverage,
    PodView,
    Refusal,
)

if TYPE_CHECKING:
    from releaseconsole.session.setup import Setup

_WORST_FIRST = (Liveness.REFUSED, Liveness.DENIED, Liveness.STALE, Liveness.CONNECTING, Liveness.LIVE)


class Observer:
    """Watches while it runs, and assembles a view when somebody asks and something has changed."""

    def __init__(
        self,
        plan: Plan,
        name: str,
        environment: Environment,
        *,
        ledger: Ledger,
        hub: Hub,
        setup: Setup,
        clusters: Clusters,
    ) -> None:
        self.name = name
        self.environment = environment
        self.title = environment.title or name
        self.ledger = ledger
        self.focus = Focus()
        """Somebody looks at it."""
        self.duty = Focus()
        """It is being released, seen or not; kept by :class:`releaseconsole.session.duty.Duty`."""
        self.attention = Focus(self.focus, self.duty)
        self.started = False
        self._hub = hub
        self._setup = setup
        self._version = 0
        self._view: EnvironmentView | None = None
        self._view_key: object = None
        self._pod_parts: tuple[tuple[PodView, ...], ...] = ()
        self._all_pods: tuple[PodView, ...] = ()
        self._event_rows = EventRows()
        self.target_observers = tuple(
            TargetObserver(
                target, environment.workloads, setup, self.touch, clusters, around_kinds(plan, name)
            )
            for target in environment.targets
        )
        self._rows = {target.name: TargetRows(target.name) for target in self.target_observers}
        self.feed = Feed(
            plan.objectives_of(name),
            values_of(plan, name),
            setup.clock,
            self.touch,
            make_clients(environment, setup),
            self._judged,
        )
        self.alerts = AlertFeed(
            self.title,
            self.feed.clients,
            lambda: scope_of(self.data()),
            setup.clock,
            self.touch,
            hub.tell,
        )
        self.preflight = Preflight(
            plan,
            name,
            ledger=ledger,
            hub=hub,
            clock=setup.clock,
            touch=self.touch,
            make=partial(make_clients, environment, setup),
        )
        self.rehearsal = Rehearsal(self)
        self.logs = LogBuffer()
        self.watch: Standing | None = None
        """The newest observation window; kept by :class:`releaseconsole.session.watching.Watching`."""
        self.automatic: AutomaticView | None = None
        """The countdown under way; kept by :class:`releaseconsole.session.automatic.Automatic`."""

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
            await self.feed.close()

    def _workers(self) -> Iterator[tuple[str, Callable[[], Awaitable[None]]]]:
        for target in self.target_observers:
            yield f"watch {target.name}", target.run
            yield f"logs {target.name}", partial(target.follow_logs, self.logs, self.focus)
        yield f"metrics {self.name}", self._follow_metrics
        yield f"alerts {self.name}", self._follow_alerts
        yield f"preflight {self.name}", self.preflight.run
        yield f"rehearse {self.name}", self.rehearsal.run

    async def _follow_metrics(self) -> None:
        """Pods first: the metrics' library takes a while to load, and a bad moment is when people wait."""
        await self.synced(timeout=2)
        await self.feed.run(self.attention)

    async def _follow_alerts(self) -> None:
        """After the pods too: the Services of the release tell which alerts belong to it."""
        await self.synced(timeout=2)
        await self.alerts.run(self.attention)

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

    def fingerprint(self, target: TargetObserver, workload: str) -> object:
        """Changes whenever the rollback of the workload would have to be rehearsed anew."""
        key, state = f"{target.name}/{workload}", self.ledger.state
        pin = state.pins.get(key)
        went = None if pin else went_last(state, key)
        return target.fingerprint(workload), pin or (went.template if went else None)

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
            data = {
                "environment": self.name,
                "objective": objective.id,
                "state": str(now.state),
                "reason": now.reason,
            }
            since = {"since": now.since} if now.state is TriggerState.BREACH and now.since else {}
            self.ledger.write_anyway("trigger.changed", {**data, **since}, by="trigger")

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

    def refusals(self) -> tuple[Refusal, ...]:
        """The contexts that lead to another cluster than before."""
        found = (target.link.door.refusal for target in self.target_observers)
        return tuple(dict.fromkeys(one for one in found if one is not None))

    def refuse(self) -> None:
        """Raises OtherCluster while every context of the environment is refused."""
        refusals = self.refusals()
        if refusals and all(target.link.door.refusal for target in self.target_observers):
            raise OtherCluster(refusals[0].message, refusals[0].remedy)

    async def proven(self) -> None:
        """Whether every context leads, by the kubeconfig as it is now, to the known cluster. Raises ClusterError."""
        await asyncio.gather(*(target.link.proven() for target in self.target_observers))

    def _assemble(self, coverage: LogCoverage) -> EnvironmentView:
        state = self.ledger.state
        planned = {one.key: one for one in self.rehearsal.planned}
        errors: list[tuple[str, str]] = []
        for target in self.target_observers:
            self._rows[target.name].take(target.families() if target.was_synced else (), planned, state.pins)
            errors += target.panel_errors()
        lock = state.locks.get(self.name)
        return EnvironmentView(
            id=self.name,
            title=self.title,
            colour=self.environment.colour,
            targets=tuple(target.name for target in self.target_observers),
            cluster=_worst([target.freshness() for target in self.target_observers]),
            metrics=self.feed.freshness(),
            workloads=tuple(one for rows in self._rows.values() for one in rows.workloads),
            pods=self._pods(),
            events=self._event_rows.of(one for target in self.target_observers for one in target.events()),
            objectives=self.preflight.marked(self.feed.views()),
            alerts=self.alerts.views(),
            alert_counts=self.alerts.counts(),
            alerts_freshness=self.alerts.freshness(),
            logs=coverage,
            armed=self.rehearsal.armed(),
            lock=f"{lock.reason} ({lock.by})" if lock else "",
            panel_errors=tuple(errors),
            refusals=self.refusals(),
            watch=self.watch,
            automatic=self.automatic,
        )

    def _pods(self) -> tuple[PodView, ...]:
        """The rows of all targets; the same tuple as before when nothing has changed."""
        parts = tuple(rows.pods for rows in self._rows.values())
        if len(parts) == 1:
            return parts[0]
        if len(parts) != len(self._pod_parts) or any(map(is_not, parts, self._pod_parts)):
            self._pod_parts, self._all_pods = parts, tuple(chain.from_iterable(parts))
        return self._all_pods


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
