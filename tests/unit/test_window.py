"""What came of an objective over a window: times that add up, gaps that are never good, and the rule for a verdict."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaseconsole.metrics.answers import RangeAnswer, RangeSeries
from releaseconsole.metrics.window import MOST_CELLS, Grid, tally, values_of
from releaseconsole.record.watches import WatchWord, judge

START = 1_795_000_000


def below(bound: float):
    return lambda value: value < bound


values = st.lists(
    st.one_of(st.floats(0, 100), st.just(math.nan), st.sampled_from([math.inf, -math.inf])),
    min_size=1,
    max_size=200,
)


@given(seconds=st.floats(0.1, 366 * 86_400.0), start=st.floats(0, 4e9))
def test_a_window_of_any_length_has_a_bounded_number_of_cells_that_cover_it(
    seconds: float, start: float
) -> None:
    grid = Grid.of(start, seconds)
    assert 1 <= grid.cells <= MOST_CELLS
    assert grid.at(grid.cells - 1) < grid.start + grid.seconds <= grid.at(grid.cells)
    assert [grid.index(grid.at(cell)) for cell in (0, grid.cells - 1)] == [0, grid.cells - 1]


def test_a_day_is_looked_at_every_half_minute() -> None:
    assert Grid.of(START, 86_400).step == 30


@given(values=values, step=st.integers(1, 60), part=st.floats(-0.5, 1.5), bound=st.floats(0, 100))
def test_the_times_on_out_of_and_without_target_add_up_to_what_has_passed(
    values: list[float], step: int, part: float, bound: float
) -> None:
    grid = Grid(START, len(values) * step - step // 2, step)
    found = tally(values, grid, START + part * grid.seconds, below(bound), low=True)
    passed = min(max(0.0, part), 1.0) * grid.seconds
    assert found.on + found.out + found.unknown == pytest.approx(passed, abs=1e-6)
    assert 0 <= found.longest <= found.out + 1e-9
    assert found.unknown >= 0


@given(values=values, step=st.integers(1, 60))
def test_what_is_not_a_number_counts_as_unknown_and_as_nothing_else(values: list[float], step: int) -> None:
    grid = Grid(START, len(values) * step, step)
    found = tally(values, grid, START + grid.seconds, below(50), low=True)
    finite = [value for value in values if math.isfinite(value)]
    assert found.unknown == (len(values) - len(finite)) * step
    assert found.on == sum(value < 50 for value in finite) * step
    assert (found.minimum, found.maximum) == (min(finite, default=None), max(finite, default=None))


@given(values=values, more=st.integers(1, 20))
def test_a_gap_never_makes_a_verdict_better(values: list[float], more: int) -> None:
    order = [WatchWord.ON_TARGET, WatchWord.TOLERATED, WatchWord.UNKNOWN, WatchWord.FAILED]
    grid = Grid(START, len(values) * 10, 10)
    full = tally(values, grid, START + grid.seconds, below(50), low=True)
    holed = tally(
        [math.nan if cell < more and value < 50 else value for cell, value in enumerate(values)],
        grid, START + grid.seconds, below(50), low=True,
    )  # fmt: skip
    words = [
        judge(on=one.on, out=one.out, unknown=one.unknown, beyond=0, allow=30, hold=0)
        for one in (full, holed)
    ]
    assert order.index(words[1]) >= order.index(words[0])


def test_the_longest_stretch_and_the_worst_moment_are_found() -> None:
    values = [1, 9, 1, 9, 12, 9, 1, 1]
    found = tally(values, Grid(START, 80, 10), START + 80, below(5), low=True)
    assert (found.out, found.longest, found.longest_at, found.worst_at) == (40, 30, START + 30, START + 40)
    assert (found.minimum, found.maximum, found.last) == (1, 12, 1)


def test_for_a_value_that_should_be_high_the_lowest_is_the_worst() -> None:
    found = tally([99, 80, 95], Grid(START, 30, 10), START + 30, lambda value: value > 98, low=False)
    assert (found.out, found.worst_at) == (20, START + 10)


def test_a_gap_ends_a_stretch_out_of_target_but_not_the_time_beyond_the_rollback_line() -> None:
    values = [9, math.nan, 9, 1]
    found = tally(values, Grid(START, 40, 10), START + 40, below(5), low=True, beyond=lambda value: value > 8)
    assert (found.longest, found.beyond, found.unknown) == (10, 20, 10)


def test_before_it_begins_nothing_is_known() -> None:
    found = tally([1, 2], Grid(START, 20, 10), START - 5, below(5), low=True)
    assert (found.on, found.out, found.unknown, found.minimum) == (0, 0, 0, None)


@pytest.mark.parametrize(
    ("out", "unknown", "beyond", "hold", "word"),
    [
        (0, 0, 0, 60, WatchWord.ON_TARGET),
        (10, 0, 0, 60, WatchWord.TOLERATED),
        (30, 0, 0, 60, WatchWord.TOLERATED),
        (31, 0, 0, 60, WatchWord.FAILED),
        (20, 11, 0, 60, WatchWord.UNKNOWN),
        (0, 31, 0, 60, WatchWord.UNKNOWN),
        (0, 30, 0, 60, WatchWord.ON_TARGET),
        (10, 0, 60, 60, WatchWord.FAILED),
        (10, 0, 59, 60, WatchWord.TOLERATED),
        (10, 0, 1000, 0, WatchWord.TOLERATED),
    ],
)
def test_the_rule(out: float, unknown: float, beyond: float, hold: float, word: WatchWord) -> None:
    assert judge(on=1000, out=out, unknown=unknown, beyond=beyond, allow=30, hold=hold) is word


@pytest.mark.parametrize(("on", "unknown"), [(0.0, 0.0), (0.0, 5.0), (4.0, 5.0)])
def test_of_what_less_is_known_than_unknown_nothing_good_is_said(on: float, unknown: float) -> None:
    assert judge(on=on, out=0, unknown=unknown, beyond=0, allow=30, hold=0) is WatchWord.UNKNOWN


def answer(*series: list[tuple[float, float]]) -> RangeAnswer:
    return RangeAnswer(
        tuple(
            RangeSeries({"pod": str(number)}, tuple((START + at, value) for at, value in one))
            for number, one in enumerate(series)
        )
    )


TWO = answer([(0, 1), (10, 2), (20, 3)], [(10, 30), (20, 40)])


@pytest.mark.parametrize(
    ("across", "wanted"),
    [
        ("max", {0: 1, 1: 30, 2: 40}),
        ("min", {0: 1, 1: 2, 2: 3}),
        ("sum", {0: 1, 1: 32, 2: 43}),
        ("avg", {0: 1, 1: 16, 2: 21.5}),
        ("each", {0: 1, 1: 30, 2: 40}),
    ],
)
def test_several_series_become_one_moment_by_moment(across: str, wanted: dict[int, float]) -> None:
    grid = Grid(START, 40, 10)
    assert values_of(TWO, grid, across, below(5), low=True) == (wanted, "")


def test_several_series_without_across_tell_nothing_where_they_meet() -> None:
    found, problem = values_of(TWO, Grid(START, 40, 10), None, below(5), low=True)
    assert found == {0: 1}
    assert "2 series" in problem


def test_of_each_a_series_without_a_number_hides_nothing() -> None:
    grid = Grid(START, 40, 10)
    quiet = [(0, math.nan), (10, math.nan)]
    assert values_of(answer(quiet, [(0, 1), (10, 9)]), grid, "each", below(5), low=True) == ({1: 9}, "")
