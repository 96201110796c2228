"""When an objective calls for a rollback, and above all when it does not."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaseconsole.metrics.trigger import Judgement, Reading, Trigger, TriggerState, judge
from releaseconsole.metrics.triggers import Triggers
from releaseconsole.plan.model import Bound

HOLD = 60.0
LIMIT = Bound(">", 1.0)

OK, PENDING, BREACH = TriggerState.OK, TriggerState.PENDING, TriggerState.BREACH
NO_TRAFFIC, NO_DATA, DOWN = TriggerState.NO_TRAFFIC, TriggerState.NO_DATA, TriggerState.PROVIDER_DOWN


def sample(at: float, value: float | None, traffic: float | None = None) -> Reading:
    return Reading(at=at, value=value, traffic=traffic)


def down(at: float, why: str = "prometheus.example refused the connection.") -> Reading:
    return Reading(at=at, value=None, problem=why, provider_down=True)


def doubtful(at: float, value: float | None, problem: str) -> Reading:
    return Reading(at=at, value=value, problem=problem)


def every(step: float, first: float, last: float, value: float) -> list[Reading]:
    count = round((last - first) / step)
    return [sample(first + index * step, value) for index in range(count + 1)]


SITUATIONS: dict[str, tuple[list[Reading], TriggerState, str]] = {
    # Values that tell.
    "nothing was read yet": ([], NO_DATA, "no reading"),
    "one good sample": ([sample(0, 0.1)], OK, "0.1"),
    "a sample exactly on a strict bound": ([sample(0, 1.0)], OK, "safe side"),
    "the first bad sample": ([sample(0, 2.0)], PENDING, "0 s of 1 m"),
    "bad for half of the hold": (every(5, 0, 30, 2.0), PENDING, "30 s of 1 m"),
    "bad for a moment less than the hold": (every(5, 0, 55, 2.0), PENDING, "55 s of 1 m"),
    "bad for exactly the hold": (every(5, 0, 60, 2.0), BREACH, "1 m now"),
    "bad for longer than the hold": (every(5, 0, 90, 2.0), BREACH, "1 m 30 s"),
    "bad, but polled seldom": (every(20, 0, 60, 2.0), BREACH, "1 m"),
    "bad at the two ends of one gap of the hold": ([sample(0, 2.0), sample(60, 2.0)], PENDING, "0 s"),
    "many polls of the same sample": ([sample(0, 2.0)] * 100, PENDING, "0 s"),
    "many polls within ten seconds": (every(0.1, 0, 10, 2.0), PENDING, "10 s"),
    "one good sample in the middle": (
        [*every(5, 0, 40, 2.0), sample(45, 0.5), *every(5, 50, 80, 2.0)], PENDING, "30 s",
    ),
    "good again after a breach": ([*every(5, 0, 70, 2.0), sample(75, 0.2)], OK, "0.2"),
    "bad again after it was good": (
        [*every(5, 0, 70, 2.0), sample(75, 0.2), sample(80, 2.0)], PENDING, "0 s",
    ),
    "a value of thousands": ([sample(0, 12_345.0)], PENDING, "12,345"),
    "a negative value": ([sample(0, -5.0)], OK, "-5"),
    # No traffic, or no data.
    "an empty answer without traffic": ([sample(0, None, 0.0)], NO_TRAFFIC, "no traffic"),
    "NaN without traffic": ([sample(0, math.nan, 0.0)], NO_TRAFFIC, "NaN"),
    "a division by zero without traffic": ([sample(0, math.inf, 0.0)], NO_TRAFFIC, "infinite"),
    "an empty answer while traffic flows": ([sample(0, None, 850.0)], NO_DATA, "although there is traffic"),
    "NaN while traffic flows": ([sample(0, math.nan, 850.0)], NO_DATA, "traffic"),
    "an empty answer, traffic unknown": ([sample(0, None)], NO_DATA, "answered nothing"),
    "NaN, traffic unknown": ([sample(0, math.nan)], NO_DATA, "traffic is unknown"),
    "NaN of both": ([sample(0, math.nan, math.nan)], NO_DATA, "traffic is unknown"),
    "infinite although traffic flows": ([sample(0, math.inf, 10.0)], NO_DATA, "infinite"),
    "minus infinity": ([sample(0, -math.inf)], NO_DATA, "infinite"),
    "infinite for longer than the hold": (
        [sample(at, math.inf, 10.0) for at in range(0, 100, 5)], NO_DATA, "infinite",
    ),
    "NaN for longer than the hold": ([sample(at, math.nan, 10.0) for at in range(0, 100, 5)], NO_DATA, "NaN"),
    "several series": ([doubtful(0, None, "the query gave 3 series, not one")], NO_DATA, "3 series"),
    "a bad value with a warning": ([doubtful(0, 99.0, "Prometheus warns: partial")], NO_DATA, "partial"),
    "bad values with warnings for longer than the hold": (
        [doubtful(at, 99.0, "Prometheus warns: partial") for at in range(0, 100, 5)], NO_DATA, "partial",
    ),
    "traffic stops in a breach": ([*every(5, 0, 70, 2.0), sample(75, None, 0.0)], NO_TRAFFIC, "no traffic"),
    "traffic never came": ([sample(at, None, 0.0) for at in range(0, 200, 5)], NO_TRAFFIC, "no traffic"),
    # The provider.
    "Prometheus is down": ([down(0)], DOWN, "refused"),
    "Prometheus is down without a word": ([down(0, "")], DOWN, "no answer"),
    "Prometheus is down for longer than the hold": ([down(at) for at in range(0, 100, 5)], DOWN, "refused"),
    "Prometheus goes down in a breach": ([*every(5, 0, 70, 2.0), down(75)], DOWN, "refused"),
    "Prometheus goes down while it pends": ([*every(5, 0, 40, 2.0), down(45)], DOWN, "refused"),
    "an outage does not extend the hold": (
        [*every(5, 0, 40, 2.0), *map(down, range(45, 75, 5)), sample(75, 2.0)], PENDING, "40 s of 1 m",
    ),
    "an outage does not reset the hold": (
        [*every(5, 0, 40, 2.0), *map(down, range(45, 75, 5)), *every(5, 75, 95, 2.0)], BREACH, "1 m now",
    ),
    "one lost poll does not count as time": (
        [*every(5, 0, 30, 2.0), down(35), *every(5, 40, 60, 2.0)], PENDING, "50 s",
    ),
    "every second poll is lost": (
        [one for at in range(0, 200, 10) for one in (sample(at, 2.0), down(at + 5))][:-1], PENDING, "0 s",
    ),
    "a long outage does not reset the hold either": (
        [*every(5, 0, 40, 2.0), *map(down, range(45, 700, 5)), *every(5, 700, 720, 2.0)], BREACH, "1 m",
    ),
    "good after an outage": ([*every(5, 0, 50, 2.0), down(55), sample(60, 0.1)], OK, "0.1"),
    "an empty answer pauses the hold": (
        [*every(5, 0, 40, 2.0), sample(45, None, 9.0), *every(5, 50, 70, 2.0)], BREACH, "1 m",
    ),
    # Nobody looked, and clocks.
    "nobody looked for ten minutes": (
        [*every(5, 0, 50, 2.0), *every(5, 650, 660, 2.0)], PENDING, "10 s",
    ),
    "a gap of half a minute still holds": ([*every(30, 0, 60, 2.0)], BREACH, "1 m"),
    "a gap of a little more does not": ([*every(31, 0, 62, 2.0)], PENDING, "0 s"),
    "samples of two servers whose clocks differ": (
        [one for at in range(0, 50, 5) for one in (sample(at, 2.0), sample(at - 2, 2.0))], PENDING, "45 s",
    ),
    "a clock that is set back an hour": (
        [*every(5, 3600, 3640, 2.0), *every(5, 0, 20, 2.0)], BREACH, "1 m",
    ),
    "a clock that is set back and then good": (
        [*every(5, 3600, 3650, 2.0), sample(10, 0.1)], OK, "0.1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_state_and_its_reason(situation: str) -> None:
    history, state, word = SITUATIONS[situation]
    judgement = judge(history, LIMIT.holds, HOLD)
    assert (judgement.state, word in judgement.reason) == (state, True), judgement


def test_there_are_enough_situations_to_be_sure() -> None:
    assert len(SITUATIONS) >= 40


def test_without_a_trigger_a_value_is_fine_and_a_missing_one_is_still_told() -> None:
    assert judge([sample(0, 99.0)], None, 0.0).state is OK
    assert judge([sample(0, None, 0.0)], None, 0.0).state is NO_TRAFFIC
    assert judge([down(0)], None, 0.0).state is DOWN


def test_without_a_hold_the_first_bad_sample_is_a_breach() -> None:
    assert judge([sample(0, 2.0)], LIMIT.holds, 0.0).state is BREACH


def test_a_bound_from_below_works_the_same_way() -> None:
    assert judge(every(5, 0, 60, 90.0), Bound("<", 99.9).holds, HOLD).state is BREACH
    assert judge([sample(0, math.nan)], Bound("<", 99.9).holds, HOLD).state is NO_DATA


def test_a_hold_longer_than_any_history_is_counted_reading_by_reading() -> None:
    trigger = Trigger(LIMIT.holds, 3600.0)
    states = [trigger.take(sample(at, 2.0)).state for at in range(0, 3605, 5)]
    assert states.index(BREACH) == 720


def test_what_has_held_is_kept_while_nobody_can_tell() -> None:
    judgement = judge([*every(5, 0, 40, 2.0), down(45), down(50)], LIMIT.holds, HOLD)
    assert judgement == Judgement(DOWN, "prometheus.example refused the connection.", 40.0)


def damped(*readings: Reading) -> Judgement:
    trigger = Trigger(LIMIT.holds, HOLD, calm=30.0)
    return [trigger.take(one) for one in readings][-1]


BURNING = every(5, 0, 60, 2.0)


def test_one_good_sample_does_not_end_a_breach_that_has_to_calm_down() -> None:
    judgement = damped(*BURNING, sample(65, 0.2))
    assert judgement.state is BREACH
    assert "0.2 is on the safe side" in judgement.reason
    assert "0 s of 30 s" in judgement.reason


def test_a_value_that_flaps_around_the_line_keeps_the_alarm_up() -> None:
    flapping = [sample(at, 2.0 if at % 20 else 0.5) for at in range(65, 300, 5)]
    trigger = Trigger(LIMIT.holds, HOLD, calm=30.0)
    states = [trigger.take(one).state for one in (*BURNING, *flapping)]
    assert set(states[12:]) == {BREACH}


def test_a_breach_ends_after_its_time_on_the_safe_side() -> None:
    assert damped(*BURNING, *every(5, 65, 90, 0.2)).state is BREACH
    assert damped(*BURNING, *every(5, 65, 95, 0.2)).state is OK


def test_what_was_calm_begins_anew() -> None:
    assert damped(*BURNING, *every(5, 65, 95, 0.2), sample(100, 2.0)).state is PENDING


def test_a_long_window_that_does_not_burn_keeps_the_trigger_waiting() -> None:
    trigger = Trigger(LIMIT.holds, HOLD, long_window=600.0)
    peak = [replace(one, long=0.4) for one in every(5, 0, 120, 2.0)]
    judgement = [trigger.take(one) for one in peak][-1]
    assert judgement.state is PENDING
    assert "over the last 10 m it is 0.4" in judgement.reason
    assert trigger.take(Reading(at=125, value=2.0, long=1.5)).state is BREACH


@pytest.mark.parametrize("long", [None, math.nan, math.inf])
def test_a_long_window_without_a_value_is_no_breach(long: float | None) -> None:
    trigger = Trigger(LIMIT.holds, 0.0, long_window=600.0)
    judgement = trigger.take(Reading(at=0, value=2.0, long=long))
    assert judgement.state is PENDING
    assert "no value" in judgement.reason


def several(*series: tuple[str, float]) -> dict[str, Reading]:
    return {name: sample(0, value) for name, value in series}


def test_of_several_series_the_worst_speaks_and_is_named() -> None:
    triggers = Triggers(lambda: Trigger(LIMIT.holds, 0.0))
    verdict = triggers.take(several(("pod=a", 0.2), ("pod=b", 7.0), ("pod=c", math.nan)))
    assert verdict.judgement.state is BREACH
    assert verdict.judgement.reason.startswith("pod=b: 7 is beyond")
    assert verdict.reading.value == 7.0


def test_each_series_has_a_hold_of_its_own() -> None:
    triggers = Triggers(lambda: Trigger(LIMIT.holds, HOLD))
    for at in range(0, 60, 5):
        names = ("pod=a", "pod=b") if at % 10 else ("pod=b", "pod=a")
        taking_turns = {names[0]: sample(at, 2.0), names[1]: sample(at, 0.5)}
        assert triggers.take(taking_turns).judgement.state is PENDING


def test_series_that_went_are_forgotten() -> None:
    triggers = Triggers(lambda: Trigger(LIMIT.holds, HOLD))
    for number in range(5000):
        triggers.take({f"pod={number}": sample(number * 5.0, 2.0)})
    assert len(triggers._all) < 200


values = st.one_of(
    st.none(), st.floats(allow_nan=True, allow_infinity=True), st.sampled_from([0.0, 0.5, 1.0, 2.0, 50.0])
)


@st.composite
def readings(draw: st.DrawFn) -> list[Reading]:
    at, found = 1000.0, []
    for _ in range(draw(st.integers(0, 60))):
        at += draw(st.sampled_from([-3.0, 0.0, 1.0, 5.0, 5.0, 5.0, 20.0, 31.0, 120.0]))
        found.append(
            Reading(
                at=at,
                value=draw(values),
                traffic=draw(st.sampled_from([None, 0.0, 12.0, math.nan])),
                problem=draw(st.sampled_from(["", "", "", "several series"])),
                provider_down=draw(st.sampled_from([False, False, False, True])),
            )
        )
    return found


def states(history: Iterable[Reading], hold: float) -> list[Judgement]:
    trigger = Trigger(LIMIT.holds, hold)
    return [trigger.take(reading) for reading in history]


@given(readings(), st.sampled_from([0.0, 5.0, 30.0, 60.0]))
def test_there_is_no_breach_unless_every_usable_sample_of_the_hold_is_beyond_the_line(
    history: list[Reading], hold: float
) -> None:
    for index, judgement in enumerate(states(history, hold)):
        if judgement.state is not BREACH:
            continue
        assert history[index].usable
        covered, newest = 0.0, None
        for reading in reversed(history[: index + 1]):
            if covered >= hold and newest is not None:
                break
            if reading.usable:
                assert LIMIT.holds(reading.value or 0.0)
                covered += max(0.0, (newest if newest is not None else reading.at) - reading.at)
                newest = reading.at
        assert newest is not None


@given(readings())
def test_a_reading_that_tells_nothing_never_makes_a_breach(history: list[Reading]) -> None:
    for reading, judgement in zip(history, states(history, 5.0), strict=True):
        if reading.provider_down:
            assert judgement.state is DOWN
        if not reading.usable:
            assert judgement.state in (DOWN, NO_DATA, NO_TRAFFIC)


@given(readings())
def test_outages_neither_shorten_nor_lengthen_what_has_held(history: list[Reading]) -> None:
    for reading, before, after in zip(
        history[1:], states(history, HOLD), states(history, HOLD)[1:], strict=False
    ):
        if reading.provider_down:
            assert after.held == before.held


@given(readings())
def test_no_more_time_is_counted_than_has_passed(history: list[Reading]) -> None:
    if history:
        passed = max(one.at for one in history) - min(one.at for one in history)
        assert all(one.held <= passed + 1e-6 for one in states(history, HOLD))


@given(readings())
def test_every_judgement_has_a_reason(history: list[Reading]) -> None:
    assert all(re.search(r"\w", one.reason) for one in states(history, HOLD))


def test_two_peaks_with_half_a_day_of_silence_between_them_are_not_one_long_one() -> None:
    silence = [sample(at, None, 0.0) for at in range(45, 43_200, 5)]
    judgement = judge([*every(5, 0, 40, 2.0), *silence, *every(5, 43_200, 43_240, 2.0)], LIMIT.holds, HOLD)
    assert judgement.state is PENDING
    assert judgement.held == 40.0


def test_an_outage_is_not_counted_for_any_of_several_series() -> None:
    triggers = Triggers(lambda: Trigger(LIMIT.holds, HOLD))
    for at in range(0, 45, 5):
        triggers.take({"pod=a": sample(at, 2.0), "pod=b": sample(at, 0.1)})
    for at in range(45, 65, 5):
        triggers.take({"": down(at)})
    verdict = triggers.take({"pod=a": sample(65, 2.0), "pod=b": sample(65, 0.1)})
    assert (verdict.judgement.state, verdict.judgement.held) == (PENDING, 40.0)


def test_a_clock_that_is_a_quarter_of_an_hour_off_resets_no_hold() -> None:
    triggers = Triggers(lambda: Trigger(LIMIT.holds, HOLD))
    for at in range(0, 45, 5):
        triggers.take({"": sample(at, 2.0)})
    triggers.take({"": down(900)})
    triggers.take({"": sample(950, None, 0.0)})
    assert triggers.take({"": sample(55, 2.0)}).judgement.held == 40.0
