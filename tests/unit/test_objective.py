"""From the series of an answer to one number, and from an answer to a reading."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaseconsole.errors import MetricsError
from releaseconsole.metrics.client import Answer, PrometheusClient, Series, Source
from releaseconsole.metrics.objective import Across, collapse
from releaseconsole.metrics.reading import Question, take_reading, take_readings
from releaseconsole.metrics.trigger import Reading


def series(*values: float) -> tuple[Series, ...]:
    return tuple(Series({"pod": f"pod-{index}"}, 100.0 + index, value) for index, value in enumerate(values))


def test_one_series_is_its_value() -> None:
    assert collapse(series(0.42), None) == (0.42, "")


def test_an_empty_answer_is_no_value_and_not_zero() -> None:
    assert collapse((), None) == (None, "")
    assert collapse((), "sum") == (None, "")


def test_several_series_without_a_rule_are_a_problem() -> None:
    value, problem = collapse(series(1, 2, 3), None)
    assert value is None
    assert "3 series" in problem
    assert "across" in problem


@pytest.mark.parametrize(("across", "expected"), [("max", 4.0), ("min", 1.0), ("sum", 7.0), ("avg", 7 / 3)])
def test_several_series_are_put_together_by_the_rule_of_the_plan(across: Across, expected: float) -> None:
    assert collapse(series(1, 4, 2), across) == (expected, "")


@pytest.mark.parametrize(("across", "expected"), [("max", 2.0), ("min", 1.0)])
def test_a_quiet_series_hides_no_maximum_and_no_minimum(across: Across, expected: float) -> None:
    assert collapse(series(math.nan, 1, math.nan, 2), across) == (expected, "")


@pytest.mark.parametrize("across", ["max", "min"])
def test_a_maximum_of_nothing_but_nan_is_nan(across: Across) -> None:
    value, _ = collapse(series(math.nan, math.nan), across)
    assert value is not None
    assert math.isnan(value)


@pytest.mark.parametrize("across", ["sum", "avg"])
def test_nan_in_one_series_is_nan_for_a_sum_or_an_average(across: Across) -> None:
    value, problem = collapse(series(1, math.nan, 2), across)
    assert value is not None
    assert math.isnan(value)
    assert problem == ""


@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=2),
    st.sampled_from(["max", "min", "sum", "avg"]),
)
def test_any_numbers_can_be_put_together(values: list[float], across: Across) -> None:
    value, problem = collapse(series(*values), across)
    assert isinstance(value, float)
    assert problem == ""


class Scripted(PrometheusClient):
    """Answers by query; an exception is raised."""

    def __init__(self, answers: dict[str, Answer | MetricsError]) -> None:
        super().__init__(Source("http://prometheus.example"))
        self.answers = answers
        self.asked: list[str] = []

    async def instant(self, query: str, at: float | None = None) -> Answer:
        self.asked.append(query)
        answer = self.answers[query]
        if isinstance(answer, MetricsError):
            raise answer
        return answer


async def test_a_reading_carries_the_samples_own_time() -> None:
    client = Scripted({"q": Answer(series(0.5))})
    reading = await take_reading(client, "q", now=999.0, traffic="t")
    assert (reading.at, reading.value, reading.usable) == (100.0, 0.5, True)
    assert client.asked == ["q"], "the traffic is not asked for when the value tells"


@pytest.mark.parametrize("answer", [Answer(()), Answer(series(math.nan)), Answer(series(math.inf))])
async def test_the_traffic_is_asked_for_when_the_value_does_not_tell(answer: Answer) -> None:
    client = Scripted({"q": answer, "t": Answer(series(3.0, 4.0))})
    reading = await take_reading(client, "q", now=999.0, traffic="t")
    assert (reading.traffic, reading.usable) == (7.0, False)


async def test_an_empty_answer_about_traffic_is_not_zero_traffic() -> None:
    client = Scripted({"q": Answer(()), "t": Answer(())})
    assert (await take_reading(client, "q", now=999.0, traffic="t")).traffic is None


async def test_an_error_of_prometheus_is_a_reading_that_says_so() -> None:
    client = Scripted({"q": MetricsError("prometheus.example refused the connection.")})
    reading = await take_reading(client, "q", now=999.0)
    assert reading.provider_down
    assert "refused" in reading.problem
    assert reading.at == 999.0


async def test_an_error_while_asking_for_traffic_counts_too() -> None:
    client = Scripted({"q": Answer(()), "t": MetricsError("slow.")})
    assert (await take_reading(client, "q", now=999.0, traffic="t")).provider_down


async def test_a_value_with_warnings_is_shown_but_not_relied_on() -> None:
    client = Scripted({"q": Answer(series(99.0), ("partial response",))})
    reading = await take_reading(client, "q", now=999.0)
    assert reading.value == 99.0
    assert not reading.usable
    assert "partial response" in reading.problem


def labelled(**values: float) -> tuple[Series, ...]:
    return tuple(Series({"pod": name}, 100.0, value) for name, value in values.items())


async def readings_of(client: Scripted, **question: Any) -> dict[str, Reading]:
    return dict(await take_readings(client, Question(**{"query": "q", **question}), now=999.0))


async def test_each_series_is_a_reading_of_its_own() -> None:
    found = await readings_of(Scripted({"q": Answer(labelled(a=1.0, b=2.0))}), across="each")
    assert {name: one.value for name, one in found.items()} == {"pod=a": 1.0, "pod=b": 2.0}


async def test_of_several_series_only_the_silent_ones_need_the_traffic() -> None:
    client = Scripted({"q": Answer(labelled(a=1.0, b=math.nan)), "t": Answer(series(7.0))})
    found = await readings_of(client, across="each", traffic="t")
    assert (found["pod=a"].traffic, found["pod=b"].traffic) == (None, 7.0)


async def test_more_series_than_anybody_could_look_at_are_a_problem() -> None:
    many = labelled(**{f"p{number}": 1.0 for number in range(51)})
    (reading,) = (await readings_of(Scripted({"q": Answer(many)}), across="each")).values()
    assert "51 series" in reading.problem
    assert not reading.usable


async def test_the_long_window_is_asked_for_besides() -> None:
    client = Scripted({"q": Answer(series(9.0)), "long": Answer(series(0.5))})
    assert (await readings_of(client, long="long"))[""].long == 0.5
    each = Scripted({"q": Answer(labelled(a=9.0, b=9.0)), "long": Answer(labelled(a=0.5))})
    found = await readings_of(each, long="long", across="each")
    assert (found["pod=a"].long, found["pod=b"].long) == (0.5, None)


async def test_a_long_window_with_warnings_tells_nothing() -> None:
    client = Scripted({"q": Answer(series(9.0)), "long": Answer(series(9.0), ("partial",))})
    assert (await readings_of(client, long="long"))[""].long is None


async def test_an_outage_is_one_reading_whatever_was_asked() -> None:
    client = Scripted({"q": MetricsError("down.")})
    assert (await readings_of(client, across="each"))[""].provider_down
