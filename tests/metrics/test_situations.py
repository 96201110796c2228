"""Recorded situations, judged by the console as they were: no false alarm, and none that is missed or late.

Each is polled every five seconds of its recording, through the plan's objective, the console's own client and
the triggers, against a real Prometheus.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from prom_recording import START, Recording
from prom_server import Connect, Keeper, Prometheus, Wanted
from prom_situation import Situation, Space
from table_of_levels import HOSTILE, LEVELS
from table_of_rates import RATES

from releaseconsole.metrics.client import PrometheusClient
from releaseconsole.metrics.reading import take_readings
from releaseconsole.metrics.trigger import Judgement, TriggerState
from releaseconsole.session.objectives import watch

POLL = 5.0
SITUATIONS = {**LEVELS, **RATES}
NAMESPACES = {name: f"situation-{number}" for number, name in enumerate(SITUATIONS)}


@dataclass(frozen=True, slots=True)
class Judged:
    """What was said at one poll."""

    second: float
    judgement: Judgement


@pytest.fixture(scope="module")
def recorded(keeper: Keeper) -> Iterator[Prometheus]:
    """One Prometheus with all situations in it, each in a namespace of its own."""
    recording = Recording()
    for name, situation in SITUATIONS.items():
        situation.record(Space(recording, NAMESPACES[name], situation.seconds))
    made = keeper.start(Wanted(recording=recording))
    yield made
    made.close()


async def polled(client: PrometheusClient, situation: Situation, namespace: str) -> list[Judged]:
    watched = watch(situation.objective(), {"namespace": namespace})
    found = []
    for number in range(round(situation.seconds / POLL) + 1):
        second = number * POLL
        at = START + second
        readings = await take_readings(client, watched.question, now=at, at=at)
        watched.take(readings, second, second)
        assert watched.judgement is not None
        found.append(Judged(second, watched.judgement))
    return found


def plain(situation: Situation) -> bool:
    """Whether its query gives one number, and no other window has a say."""
    judged = situation.when is not None and situation.state is not TriggerState.PROVIDER_DOWN
    return judged and situation.across is None and situation.long_window is None


def beginnings(polls: list[Judged]) -> list[float]:
    """The seconds at which an alarm began."""
    burning = [False, *(one.judgement.state is TriggerState.BREACH for one in polls)]
    return [one.second for one, before, now in zip(polls, burning, burning[1:], strict=False) if now > before]


def test_there_are_enough_situations_to_be_sure() -> None:
    assert len(SITUATIONS) >= 50
    assert len(LEVELS) + len(RATES) == len(SITUATIONS)
    assert {one.state for one in SITUATIONS.values()} == set(TriggerState)


@pytest.mark.parametrize("name", SITUATIONS)
async def test_a_situation(name: str, recorded: Prometheus, connect: Connect) -> None:
    situation = SITUATIONS[name]
    polls = await polled(connect(recorded.url), situation, NAMESPACES[name])
    last = polls[-1].judgement
    assert (last.state, situation.reason in last.reason) == (situation.state, True), last
    alarms = beginnings(polls)
    assert len(alarms) == len(situation.alarms), f"alarms at {alarms}, in truth at {situation.alarms}"
    for alarm, truth in zip(alarms, situation.alarms, strict=True):
        assert truth <= alarm <= truth + POLL, f"alarms at {alarms}, in truth at {situation.alarms}"


def first_alarm_in_truth(recorded: Prometheus, situation: Situation, namespace: str) -> float | None:
    """By the query's values second by second, asked and counted without the console's own code."""
    objective = situation.objective()
    assert objective.rollback is not None
    query = situation.query.replace("$namespace", namespace).replace("$window", situation.window)
    result = recorded.query_range(query, START, START + situation.seconds, 1.0)
    values = {
        round(at - START): float(value) for at, value in (result[0]["values"] if len(result) == 1 else ())
    }
    held, before = 0, None
    for second in range(round(situation.seconds) + 1):
        value = values.get(second)
        if value is None or not math.isfinite(value):
            before = None
            continue
        beyond = objective.rollback.when.holds(value)
        held = (held + 1 if before is not None and second - before == 1 else held) if beyond else 0
        if beyond and held >= objective.rollback.hold:
            return second
        before = second if beyond else None
    return None


@pytest.mark.parametrize("name", [name for name, one in SITUATIONS.items() if plain(one)])
def test_the_table_says_when_an_alarm_is_due_in_truth(name: str, recorded: Prometheus) -> None:
    situation = SITUATIONS[name]
    truth = first_alarm_in_truth(recorded, situation, NAMESPACES[name])
    assert (truth is None) == (not situation.alarms)
    if truth is not None:
        assert truth == pytest.approx(situation.alarms[0], abs=POLL)


async def test_what_a_label_says_is_shown_and_not_obeyed(recorded: Prometheus, connect: Connect) -> None:
    name = "labels that are markup and escapes"
    polls = await polled(connect(recorded.url), SITUATIONS[name], NAMESPACES[name])
    for one in polls:
        assert one.judgement.reason.isprintable()
        assert HOSTILE not in one.judgement.reason
        assert len(one.judgement.reason) < 300
