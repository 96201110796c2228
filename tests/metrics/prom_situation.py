"""One situation: what was recorded, what the plan asks, and what the trigger has to say to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prom_recording import Recording, scrapes

from releaseconsole.metrics.trigger import TriggerState
from releaseconsole.plan.objectives import Objective

LEVEL = 'level{namespace="$namespace"}'
_REQUESTS = 'sum(rate(http_requests_total{namespace="$namespace"}[$window]))'
_ERRORS = 'sum(rate(http_requests_total{namespace="$namespace",code=~"5.."}[$window]))'
ERROR_RATE = f"100 * {_ERRORS} / {_REQUESTS}"
ERROR_RATE_OR_ZERO = f"100 * ({_ERRORS} or vector(0)) / {_REQUESTS}"
TRAFFIC = _REQUESTS
_BUCKETS = 'rate(http_request_duration_seconds_bucket{namespace="$namespace"}[$window])'
P99 = f"1000 * histogram_quantile(0.99, sum by (le) ({_BUCKETS}))"
P99_OF_PODS = f"1000 * histogram_quantile(0.99, sum by (le, pod) ({_BUCKETS}))"
BOUNDS = (0.1, 0.5, 1.0)

Number = float | Callable[[float], float]
"""A number, or one for each second."""
Record = Callable[["Space"], None]
"""Writes what was scraped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What was recorded over some seconds, and how it has to be judged when polled every five of them."""

    record: Record
    state: TriggerState
    """At the end."""
    reason: str
    """Words that the reason at the end has in it."""
    alarms: Sequence[float] = ()
    """Seconds at which a breach begins in truth: when the condition has held for as long as the plan says."""
    seconds: float = 150.0
    query: str = LEVEL
    traffic: str | None = None
    unit: str = ""
    when: str | None = "> 10"
    hold: str = "30s"
    calm: str | None = None
    long_window: str | None = None
    window: str = "30s"
    across: str | None = None

    def objective(self) -> Objective:
        """As a plan would say it."""
        rollback = {"when": self.when, "for": self.hold, "calm": self.calm, "long_window": self.long_window}
        return Objective.model_validate(
            {
                "id": "situation",
                "query": self.query,
                "traffic": self.traffic,
                "unit": self.unit,
                "window": self.window,
                "target": "> 0",
                "across": self.across,
                "rollback": rollback if self.when else None,
            }
        )


@dataclass(frozen=True, slots=True)
class Space:
    """The part of a recording that is one situation's."""

    recording: Recording
    namespace: str
    seconds: float

    def level(self, value: Number, *, until: float | None = None, since: float = 0.0, **labels: str) -> None:
        """A gauge."""
        self.gauge("level", value, until=until, since=since, **labels)

    def gauge(
        self, name: str, value: Number, *, until: float | None = None, since: float = 0.0, **labels: str
    ) -> None:
        """A gauge of some name, scraped from ``since`` to ``until``."""
        last = self.seconds if until is None else until
        self.recording.series(
            name, self._labels(labels), lambda second: _at(value, second), last, since=since
        )

    def counter(
        self,
        name: str,
        rate: Number,
        *,
        first: float = 0.0,
        since: float = 0.0,
        until: float | None = None,
        restarts: Sequence[float] = (),
        gap: tuple[float, float] = (0.0, 0.0),
        **labels: str,
    ) -> None:
        """A counter that begins with ``first`` and grows by ``rate`` a second; 0 again after each restart."""
        value, before = first, since
        for second in scrapes(since, self.seconds if until is None else until):
            value += _at(rate, before) * (second - before)
            value, before = (0.0 if second in restarts else value), second
            if not gap[0] <= second < gap[1]:
                self.recording.sample(name, self._labels(labels), second, value)

    def requests(self, rate: Number, code: str = "200", **more: Any) -> None:
        """Requests a second that were answered with a status."""
        self.counter("http_requests_total", rate, code=code, **more)

    def latencies(
        self,
        shares: Mapping[float, float],
        rate: Number = 100.0,
        bounds: Sequence[float] = BOUNDS,
        **more: Any,
    ) -> None:
        """A histogram: the share of the answers that took so many seconds, and how many there were a second."""
        for bound in (*bounds, float("inf")):
            below = sum(share for seconds, share in shares.items() if seconds <= bound)
            le = "+Inf" if bound == float("inf") else f"{bound:g}"
            grown = (
                (lambda second, below=below: _at(rate, second) * below) if callable(rate) else rate * below
            )
            self.counter("http_request_duration_seconds_bucket", grown, le=le, **more)

    def _labels(self, labels: Mapping[str, str]) -> dict[str, str]:
        return {"namespace": self.namespace, **labels}


def _at(value: Number, second: float) -> float:
    return value(second) if callable(value) else value


def together(*records: Record) -> Record:
    """All of them."""

    def record(space: Space) -> None:
        for one in records:
            one(space)

    return record


def then(first: float, *changes: tuple[float, float]) -> Callable[[float], float]:
    """``then(5, (60, 20))``: 5, and 20 from second 60 on."""

    def value(second: float) -> float:
        found = first
        for since, changed in changes:
            found = changed if second >= since else found
        return found

    return value


def turns(one: float, other: float, every: float = 5.0) -> Callable[[float], float]:
    """The one and the other in turns."""
    return lambda second: one if second // every % 2 == 0 else other


def nothing(_: Space) -> None:
    """Not one sample."""
