"""Situations of counters and histograms, of answers that are not there, and of queries that cannot be answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prom_situation import (
    ERROR_RATE,
    ERROR_RATE_OR_ZERO,
    LEVEL,
    P99,
    P99_OF_PODS,
    TRAFFIC,
    Number,
    Record,
    Situation,
    Space,
    nothing,
    then,
    together,
)

from releaseconsole.metrics.trigger import TriggerState

OK, PENDING, BREACH = TriggerState.OK, TriggerState.PENDING, TriggerState.BREACH
NO_TRAFFIC, NO_DATA = TriggerState.NO_TRAFFIC, TriggerState.NO_DATA
DOWN = TriggerState.PROVIDER_DOWN

_QUICK = {0.05: 1.0}
_SLOW = {0.05: 0.9, 0.7: 0.1}


def _level(value: Number, **more: Any) -> Record:
    return lambda space: space.level(value, **more)


def _requests(rate: Number, code: str = "200", **more: Any) -> Record:
    return lambda space: space.requests(rate, code, **more)


def _errors(share: Number, **more: Any) -> Record:
    """100 requests a second, of which a share fails."""
    failed = share if callable(share) else then(share)
    return together(
        _requests(lambda second: 100 * (1 - failed(second)), **more),
        _requests(lambda second: 100 * failed(second), "500", **more),
    )


def _silent(space: Space) -> None:
    """The counters exist, and nobody asks anything."""
    space.requests(0, first=1000)
    space.requests(0, first=3, code="500")
    space.latencies(_QUICK, 0)


def _never_failed(rate: float) -> Record:
    return _requests(rate, first=1000)


def _rolled(space: Space) -> None:
    """Old pods go, new ones come, and the share of errors stays what it is."""
    for code, rate in (("200", 100.0), ("500", 0.1)):
        space.requests(rate, code, pod="old", first=90_000, until=70)
        space.requests(rate, code, pod="new", since=70)


def _latencies(shares: Mapping[float, float], **more: Any) -> Record:
    return together(_requests(100), lambda space: space.latencies(shares, **more))


def _two_pods(space: Space) -> None:
    space.requests(100)
    space.latencies(_QUICK, 0, pod="idle")
    space.latencies(_SLOW, pod="slow")


def _rate(record: Record, state: TriggerState, reason: str, **more: Any) -> Situation:
    """An error rate that may not be above 1 %."""
    fields: dict[str, Any] = {"query": ERROR_RATE, "traffic": TRAFFIC, "unit": "%", "when": "> 1", **more}
    return Situation(record=record, state=state, reason=reason, **fields)


def _p99(record: Record, state: TriggerState, reason: str, **more: Any) -> Situation:
    """A slowest percent that may not take more than half a second."""
    fields: dict[str, Any] = {"query": P99, "traffic": TRAFFIC, "unit": "ms", "when": "> 500 ms", **more}
    return Situation(record=record, state=state, reason=reason, **fields)


RATES: dict[str, Situation] = {
    "few errors": _rate(_errors(0.001), OK, "0.1 is on the safe side"),
    "many errors": _rate(_errors(0.05), BREACH, "5 is beyond", alarms=[35]),
    "errors begin": _rate(_errors(then(0.0, (60, 0.1))), BREACH, "10 is beyond", alarms=[95]),
    "one burst of errors, half as long as the window": _rate(
        _errors(then(0.0, (60, 0.1), (65, 0.0))), OK, "safe side", hold="40s"
    ),
    "a restart of every pod is no spike": _rate(_errors(0.001, restarts=(60,)), OK, "safe side"),
    "restarts again and again are no spike": _rate(
        _errors(0.001, restarts=(20, 45, 70, 95, 120, 145)), OK, "safe side"
    ),
    "a new pod whose counters begin high is no spike": _rate(
        together(_errors(0.001), _requests(0.01, "503", first=1e6, since=60, pod="new")),
        OK, "safe side",
    ),
    "pods are replaced while all is well": _rate(_rolled, OK, "safe side"),
    "throughput at a restart": _rate(
        _requests(100, restarts=(60,)),
        OK, "100 is on the safe side", query=TRAFFIC, unit="/s", when="< 50",
    ),
    "throughput falls": _rate(
        _requests(then(100, (60, 10))), BREACH, "10 is beyond",
        query=TRAFFIC, unit="/s", when="< 50", alarms=[110],
    ),
    "no error was ever counted": _rate(_never_failed(100), NO_DATA, "although there is traffic (100)"),
    "no error was ever counted, and the plan is told what to do": _rate(
        _never_failed(100), NO_DATA, "`or vector(0)`"
    ),
    "no error was ever counted, and the plan knows": _rate(
        _never_failed(100), OK, "0 is on the safe side", query=ERROR_RATE_OR_ZERO
    ),
    "the first error series appears, and is more than one percent": _rate(
        together(_requests(100), _requests(10, "500", since=60)),
        BREACH, "beyond", query=ERROR_RATE_OR_ZERO, alarms=[95],
    ),
    "no error was ever counted, and nobody asks": _rate(
        _never_failed(0), NO_TRAFFIC, "no traffic: the query answered nothing"
    ),
    "nothing divided by nothing": _rate(_silent, NO_TRAFFIC, "no traffic: the value is not a number"),
    "a quantile of no answers": _p99(_silent, NO_TRAFFIC, "no traffic: the value is not a number"),
    "a quantile of no answers, and no traffic query": _p99(
        _silent, NO_DATA, "the traffic is unknown", traffic=None
    ),
    "a metric that does not exist any more": _rate(nothing, NO_DATA, "nothing, and the traffic is unknown"),
    "the errors' metric was renamed": _rate(
        _errors(0.5), NO_DATA, "although there is traffic (100)",
        query=ERROR_RATE.replace("http_requests_total", "http_server_requests_total"),
    ),
    "a target that is down": _rate(
        lambda space: space.gauge("up", then(1, (60, 0))), BREACH, "0 is beyond",
        query='up{namespace="$namespace"}', traffic=None, unit="", when="< 1", alarms=[90],
    ),
    "a series whose absence is the alarm": _rate(
        _requests(100, until=0), BREACH, "1 is beyond",
        query='absent(rate(http_requests_total{namespace="$namespace"}[$window]))',
        traffic=None, unit="", when="> 0", alarms=[30],
    ),
    "the target goes away in the middle of a breach": _rate(
        _errors(0.1, until=80), NO_DATA, "nothing, and the traffic is unknown", alarms=[35]
    ),
    "a gap in the recording pauses the hold": _rate(
        _errors(0.1, gap=(60, 120)), BREACH, "beyond", hold="90s", alarms=[140]
    ),
    "a gap in the recording begins no breach": _rate(
        _errors(0.1, gap=(60, 120)), PENDING, "of 2 m", hold="2m"
    ),
    "nobody asks anything in the middle of a hold": _rate(
        together(
            _requests(then(90, (40, 0), (100, 90))), _requests(then(10, (40, 0), (100, 10)), "500")
        ),
        BREACH, "beyond", hold="90s", alarms=[130],
    ),
    "a release younger than its window": _rate(
        _errors(0.05, since=100), BREACH, "5 is beyond", window="1h", alarms=[135]
    ),
    "a release younger than its window is well": _rate(
        _errors(0.005, since=100), OK, "0.5 is on the safe side", window="1h"
    ),
    "one sample makes no rate": _rate(_errors(0.5, since=150), NO_DATA, "nothing, and the traffic is unknown"),
    "quick answers": _p99(_latencies(_QUICK), OK, "99 is on the safe side"),
    "slow answers": _p99(_latencies(_SLOW), BREACH, "950 is beyond", alarms=[35]),
    "answers at a restart": _p99(_latencies(_QUICK, restarts=(60,)), OK, "safe side"),
    "answers beyond the highest bucket give its bound": _p99(
        _latencies({5.0: 1.0}), BREACH, "1,000 is beyond", alarms=[35]
    ),
    "a line beyond the highest bucket is never reached": _p99(
        _latencies({5.0: 1.0}), OK, "1,000 is on the safe side", when="> 2 s"
    ),
    "a histogram without a finite bucket": _p99(
        _latencies({5.0: 1.0}, bounds=()), NO_DATA, "NaN) although there is traffic"
    ),
    "a quantile above one": _p99(
        _latencies(_QUICK), NO_DATA, "the value is infinite although there is traffic",
        query=P99.replace("0.99", "1.5"),
    ),
    "a quantile below zero": _p99(
        _latencies(_QUICK), NO_DATA, "the value is infinite", query=P99.replace("0.99", "-1"), when="< 1"
    ),
    "the slowest percent of each pod, one idle": _p99(
        _two_pods, BREACH, "pod=slow: 950 is beyond", query=P99_OF_PODS, across="each", alarms=[35]
    ),
    "the slowest percent of the slowest pod, one idle": _p99(
        _two_pods, BREACH, "950 is beyond", query=P99_OF_PODS, across="max", alarms=[35]
    ),
    # Queries that are unusual, or wrong.
    "a plain number": Situation(record=nothing, query="20", state=BREACH, reason="20", alarms=[30]),
    "a filter that lets nothing through": Situation(
        record=_level(5), query=f"{LEVEL} > 10", state=NO_DATA, reason="answered nothing"
    ),
    "no line to roll back at": Situation(
        record=_level(20), when=None, state=OK, reason="names no rollback"
    ),
    "a query that is none": Situation(
        record=nothing, query="sum(rate(", state=DOWN, reason="refused the query"
    ),
    "series that cannot be matched": Situation(
        record=together(_level(1, pod="a"), _level(2, pod="b")),
        query=f"{LEVEL} / on (namespace) {LEVEL}", state=DOWN, reason="refused the query",
    ),
    "text in place of a number": Situation(
        record=nothing, query='"twenty"', state=DOWN, reason="not numbers"
    ),
    "a stretch of time in place of a moment": Situation(
        record=_level(20), query=f"{LEVEL}[1m]", state=DOWN, reason="not numbers"
    ),
}  # fmt: skip
