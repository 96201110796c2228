"""The alerts of an environment, read again and again. A dead Prometheus makes these rows stale, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from releaseconsole.clock import Clock
from releaseconsole.errors import MetricsError
from releaseconsole.metrics.alerting import Alert, Alerting, Pairs, Rule, rank, read_alerting
from releaseconsole.metrics.belonging import Scope
from releaseconsole.session.focus import Focus
from releaseconsole.session.patience import within
from releaseconsole.session.views import AlertCounts, AlertView, Freshness, Liveness

if TYPE_CHECKING:
    from releaseconsole.metrics.client import PrometheusClient

POLL_EVERY = 15.0
"""Seconds between two readings; rules are seldom evaluated more often."""
STALE_AFTER = 3 * POLL_EVERY
_MOST_NAMED = 3
_GRAVE = rank("error")

Identity = tuple[str, str, Pairs]
Tell = Callable[[str, str], None]


@dataclass(slots=True)
class _Source:
    """One Prometheus and what it said last."""

    client: PrometheusClient
    reading: Alerting | None = None
    seen: float = 0.0
    """Monotonic seconds of the last reading."""
    error: str = ""


class AlertFeed:
    """Reads the alerting rules of each Prometheus of an environment while it is on the screen."""

    def __init__(
        self,
        title: str,
        clients: Mapping[str, PrometheusClient],
        scope: Callable[[], Scope],
        clock: Clock,
        touch: Callable[[], None],
        tell: Tell,
    ) -> None:
        self._title = title
        self._sources = {name: _Source(client) for name, client in clients.items()}
        self._scope = scope
        self._clock = clock
        self._touch = touch
        self._tell = tell
        self._firing: frozenset[Identity] = frozenset()
        self._views: tuple[AlertView, ...] = ()
        self._asked = asyncio.Event()

    async def answered(self, timeout: float) -> bool:
        """Wait until each Prometheus was asked once; False when that took longer than ``timeout`` seconds."""
        return bool(self._sources) and await within(timeout, self._asked.wait())

    async def run(self, focus: Focus) -> None:
        """Read until cancelled; a Prometheus that hangs keeps only its own alerts waiting."""
        async with asyncio.TaskGroup() as group:
            for name in self._sources:
                group.create_task(self._follow(name, focus), name=f"alerts {name}".rstrip())

    async def _follow(self, name: str, focus: Focus) -> None:
        while True:
            await focus.gained()
            await self.poll(name)
            await self._clock.sleep(POLL_EVERY)

    async def poll(self, name: str) -> None:
        """Read the rules of one Prometheus, once; what it said before stays when it gives no answer."""
        source = self._sources[name]
        try:
            source.reading = await read_alerting(source.client, self._scope())
        except MetricsError as error:
            source.error = error.message
        else:
            source.error, source.seen = "", self._clock.monotonic()
            self._take()
        if all(one.seen or one.error for one in self._sources.values()):
            self._asked.set()
        self._touch()

    def _take(self) -> None:
        """Make the rows anew, and tell of each alert that has begun to fire."""
        self._views = tuple(_rows(self._sources.values()))
        firing = {alert.identity: alert for alert in self._alerts() if alert.firing}
        self._announce([alert for identity, alert in firing.items() if identity not in self._firing])
        self._firing = frozenset(firing)

    def _announce(self, new: list[Alert]) -> None:
        if not new:
            return
        if len(new) == 1:
            text = f"the alert {_called(new[0])} fires. {new[0].summary}".rstrip()
        else:
            names = ", ".join(_called(alert) for alert in new[:_MOST_NAMED])
            more = f" and {len(new) - _MOST_NAMED} more" if len(new) > _MOST_NAMED else ""
            text = f"{len(new)} alerts fire: {names}{more}."
        grave = any(rank(alert.severity) <= _GRAVE for alert in new)
        self._tell(f"{self._title}: {text}", "error" if grave else "warning")

    def _alerts(self) -> Iterator[Alert]:
        return (alert for reading in self._readings() for alert in reading.alerts)

    def _readings(self) -> list[Alerting]:
        return [one.reading for one in self._sources.values() if one.reading is not None]

    def views(self) -> tuple[AlertView, ...]:
        """The rows: firing, pending, then rules of the release that cannot be evaluated."""
        return self._views

    def counts(self) -> AlertCounts:
        """What stands behind the rows."""
        readings = self._readings()
        shown = sum(alert.firing for one in readings for alert in one.alerts)
        hidden = sum(one.firing for one in readings) - shown
        return AlertCounts(
            rules=sum(one.watched for one in readings),
            named=sum(len(one.named) for one in readings),
            firing=sum(row.firing for row in self._views) + hidden,
            elsewhere=sum(one.elsewhere for one in readings),
            left_out=sum(one.left_out for one in readings),
            broken=sum(one.broken for one in readings),
        )

    def freshness(self) -> Freshness:
        """How far the rows can be believed; of several Prometheus, the oldest answer counts."""
        if not self._sources:
            return Freshness(Liveness.DENIED, 0.0, "the plan names no Prometheus for this environment")
        seen = min(one.seen for one in self._sources.values())
        error = next((one.error for one in self._sources.values() if one.error), "")
        if error:
            return Freshness(Liveness.STALE, seen, error)
        if not seen:
            return Freshness(Liveness.CONNECTING)
        old = self._clock.monotonic() - seen > STALE_AFTER
        return Freshness(Liveness.STALE if old else Liveness.LIVE, seen)


def _called(alert: Alert) -> str:
    return f"{alert.name} ({alert.severity})" if alert.severity else alert.name


def _rows(sources: Iterable[_Source]) -> Iterator[AlertView]:
    """An alert that two servers of a pair know is one row."""
    found: dict[Identity, tuple[Alert, str]] = {}
    broken: dict[str, AlertView] = {}
    for source in sources:
        for alert in source.reading.alerts if source.reading else ():
            known = found.get(alert.identity)
            if known is None or alert.firing > known[0].firing:
                found[alert.identity] = (alert, source.client.source.name)
        for rule in source.reading.named if source.reading else ():
            if rule.broken:
                row = _broken(rule, source.client.source.name)
                broken[row.key] = row
    ordered = sorted(found.values(), key=lambda one: (not one[0].firing, rank(one[0].severity)))
    yield from (_row(alert, where) for alert, where in ordered)
    yield from broken.values()


def _row(alert: Alert, source: str) -> AlertView:
    return AlertView(
        key=repr(alert.identity),
        name=alert.name,
        state=str(alert.state),
        severity=alert.severity,
        since=alert.since,
        summary=alert.summary,
        labels=alert.labels,
        annotations=alert.annotations,
        value=alert.value,
        group=alert.group,
        source=source,
    )


def _broken(rule: Rule, source: str) -> AlertView:
    return AlertView(
        key=f"broken {source}/{rule.group}/{rule.name}",
        name=rule.name,
        state="broken",
        severity=rule.severity,
        since=0.0,
        summary=f"cannot be evaluated: {rule.error or 'no reason given'}",
        labels=(),
        annotations=(),
        value=None,
        group=rule.group,
        source=source,
    )
