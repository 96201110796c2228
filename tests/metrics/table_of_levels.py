"""Situations of values that are there: holds, peaks, recoveries, several series, units."""

from __future__ import annotations

from typing import Any

from prom_situation import LEVEL, Number, Record, Situation, Space, then, together, turns

from releaseconsole.metrics.trigger import TriggerState

OK, PENDING, BREACH = TriggerState.OK, TriggerState.PENDING, TriggerState.BREACH
NO_DATA = TriggerState.NO_DATA

_NAN = float("nan")
_INF = float("inf")
HOSTILE = '[bold red]\x1b[31m\u202e\n"}{\\ $namespace'
_AVERAGE = f"avg_over_time({LEVEL}[$window])"


def _pods(**values: Number) -> Record:
    """One gauge for each pod."""

    def record(space: Space) -> None:
        for pod, value in values.items():
            space.level(value, pod=pod)

    return record


def _level(value: Number, **more: Any) -> Record:
    return lambda space: space.level(value, **more)


def _many(space: Space) -> None:
    for number in range(60):
        space.level(20, pod=f"pod-{number}")


def _hostile(space: Space) -> None:
    space.level(20, pod=HOSTILE)
    space.level(5, pod="calm")


def _endless(space: Space) -> None:
    space.level(20, pod="x" * 5000)
    space.level(5, pod="calm")


LEVELS: dict[str, Situation] = {
    "well all the time": Situation(record=_level(5), state=OK, reason="5 is on the safe side"),
    "beyond the line from the start": Situation(
        record=_level(20), state=BREACH, reason="20 is beyond the rollback line", alarms=[30]
    ),
    "beyond the line from the first minute": Situation(
        record=_level(then(5, (60, 20))), state=BREACH, reason="for 1 m 30 s now", alarms=[90]
    ),
    "a peak shorter than the hold": Situation(
        record=_level(then(5, (60, 20), (85, 5))), state=OK, reason="safe side"
    ),
    "a peak as long as the hold": Situation(
        record=_level(then(5, (60, 20), (95, 5))), state=OK, reason="safe side", alarms=[90]
    ),
    "a peak that has only begun": Situation(
        record=_level(then(5, (135, 20))), state=PENDING, reason="for 15 s of 30 s"
    ),
    "many short peaks": Situation(
        record=_level(lambda second: 20 if second % 30 < 20 else 5), state=PENDING, reason="0 s of 30 s"
    ),
    "exactly on a strict line": Situation(record=_level(10), state=OK, reason="safe side"),
    "exactly on a line that counts": Situation(
        record=_level(10), when=">= 10", state=BREACH, reason="beyond", alarms=[30]
    ),
    "flapping before any breach": Situation(
        record=_level(turns(5, 20)), state=OK, reason="safe side"
    ),
    "flapping after a breach": Situation(
        record=_level(lambda second: 20 if second <= 40 or second % 10 else 5),
        calm="20s", state=BREACH, reason="5 is on the safe side of the rollback line, for 0 s of 20 s",
        alarms=[30],
    ),
    "a breach and its recovery": Situation(
        record=_level(then(20, (90, 5))), state=OK, reason="safe side", alarms=[30]
    ),
    "a recovery that is too young": Situation(
        record=_level(then(20, (140, 5))), calm="20s", state=BREACH, reason="for 10 s of 20 s", alarms=[30]
    ),
    "a breach, a recovery, and another breach": Situation(
        record=_level(then(20, (45, 5), (85, 20))), state=BREACH, reason="beyond", alarms=[30, 115]
    ),
    "the shortest hold": Situation(
        record=_level(then(5, (60, 20))), hold="1s", state=BREACH, reason="beyond", alarms=[61]
    ),
    "a hold as long as the recording": Situation(
        record=_level(20), hold="150s", state=BREACH, reason="2 m 30 s now", alarms=[150]
    ),
    "a hold longer than the recording": Situation(
        record=_level(20), hold="10m", state=PENDING, reason="2 m 30 s of 10 m"
    ),
    "uptime falls below its line": Situation(
        record=_level(then(100, (60, 99))), when="< 99.5", state=BREACH, reason="99", alarms=[90]
    ),
    "uptime falls and comes back": Situation(
        record=_level(then(100, (60, 99), (80, 100))), when="< 99.5", state=OK, reason="100 is on the safe side"
    ),
    "negative and above the line that it may not fall below": Situation(
        record=_level(-20), when="> 10", state=OK, reason="-20 is on the safe side"
    ),
    "negative and below its line": Situation(
        record=_level(-20), when="< 5", state=BREACH, reason="-20 is beyond", alarms=[30]
    ),
    "a number with three hundred digits": Situation(
        record=_level(1e300), state=BREACH, reason="beyond the rollback line", alarms=[30]
    ),
    "a number that is nearly nothing": Situation(record=_level(1e-300), state=OK, reason="1e-300"),
    "zero is a value": Situation(record=_level(0), state=OK, reason="0 is on the safe side"),
    "infinite": Situation(record=_level(_INF), state=NO_DATA, reason="the value is infinite"),
    "infinite downwards": Situation(
        record=_level(-_INF), when="< 10", state=NO_DATA, reason="the value is infinite"
    ),
    "not a number, and no traffic query to tell why": Situation(
        record=_level(_NAN), state=NO_DATA, reason="NaN), and the traffic is unknown"
    ),
    "not a number in the middle of a hold": Situation(
        record=_level(lambda second: _NAN if 20 < second < 65 else 20),
        state=BREACH, reason="beyond", alarms=[75],
    ),
    "a gauge whose scrapes stop is believed for five minutes, as Prometheus does": Situation(
        record=_level(20, until=20), seconds=315, state=BREACH, reason="20 is beyond", alarms=[30]
    ),
    "after five minutes it is gone": Situation(
        record=_level(20, until=20), seconds=340, state=NO_DATA, reason="the query answered nothing", alarms=[30]
    ),
    # Several series.
    "two series and no rule for them": Situation(
        record=_pods(a=20, b=20), state=NO_DATA, reason="2 series, not one"
    ),
    "one of two is beyond the line, at most": Situation(
        record=_pods(a=5, b=20), across="max", state=BREACH, reason="20", alarms=[30]
    ),
    "one of two is beyond the line, at least": Situation(
        record=_pods(a=5, b=20), across="min", state=OK, reason="5 is on the safe side"
    ),
    "together beyond the line": Situation(
        record=_pods(a=6, b=6), across="sum", state=BREACH, reason="12", alarms=[30]
    ),
    "on average beyond the line": Situation(
        record=_pods(a=5, b=20), across="avg", state=BREACH, reason="12.5", alarms=[30]
    ),
    "each of two, one beyond": Situation(
        record=_pods(a=5, b=20), across="each", state=BREACH, reason="pod=b: 20 is beyond", alarms=[30]
    ),
    "each of two, taking turns": Situation(
        record=_pods(a=turns(5, 20), b=turns(20, 5)), across="each", state=PENDING, reason="0 s of 30 s"
    ),
    "the greatest of two that take turns": Situation(
        record=_pods(a=turns(5, 20), b=turns(20, 5)), across="max", state=BREACH, reason="20", alarms=[30]
    ),
    "a quiet pod beside a bad one does not hide it": Situation(
        record=_pods(a=_NAN, b=20), across="max", state=BREACH, reason="20", alarms=[30]
    ),
    "an average with a quiet pod is not known": Situation(
        record=_pods(a=_NAN, b=20), across="avg", state=NO_DATA, reason="NaN"
    ),
    "each of two, one quiet": Situation(
        record=_pods(a=_NAN, b=5), across="each", state=NO_DATA, reason="pod=a: the value is not a number"
    ),
    "each of two, a quiet one beside a bad one": Situation(
        record=_pods(a=_NAN, b=20), across="each", state=BREACH, reason="pod=b", alarms=[30]
    ),
    "a pod that is replaced takes its hold with it": Situation(
        record=together(_level(20, until=20, pod="old"), _level(then(20, (20, 5)), pod="new")),
        query=f"{LEVEL} unless timestamp({LEVEL}) < time() - 7",
        across="each", state=OK, reason="pod=new",
    ),
    "too many series to judge each": Situation(
        record=_many, across="each", state=NO_DATA, reason="60 series, more than 50"
    ),
    "labels that are markup and escapes": Situation(
        record=_hostile, across="each", state=BREACH, reason="[bold red]", alarms=[30]
    ),
    "a label without end": Situation(
        record=_endless, across="each", state=BREACH, reason="x…: 20 is beyond", alarms=[30]
    ),
    # Units.
    "seconds held against milliseconds": Situation(
        record=_level(0.8), unit="s", when="> 500 ms", state=BREACH, reason="0.8 is beyond", alarms=[30]
    ),
    "milliseconds held against seconds": Situation(
        record=_level(400), unit="ms", when="> 0.5 s", state=OK, reason="400 is on the safe side"
    ),
    # Windows.
    "a peak that the long window does not know": Situation(
        record=_level(then(5, (100, 14))), query=_AVERAGE, window="10s", long_window="2m",
        state=PENDING, reason="over the last 2 m it is 8.",
    ),
    "both windows burn": Situation(
        record=_level(then(5, (30, 20))), query=_AVERAGE, window="10s", long_window="1m",
        state=BREACH, reason="beyond", alarms=[65],
    ),
    "a release younger than its long window": Situation(
        record=_level(20, since=100), query=_AVERAGE, window="10s", long_window="1h",
        state=BREACH, reason="beyond", alarms=[130],
    ),
    "uptime over a window, minute by minute": Situation(
        record=_pods(a=then(1, (60, 0)), b=1), query=f"100 * avg_over_time(avg({LEVEL})[1m:5s])",
        when="< 90", state=BREACH, reason="is beyond", alarms=[100],
    ),
}  # fmt: skip
"""Beyond the line means above 10 unless a situation says otherwise; a pod's name stands for its series."""
