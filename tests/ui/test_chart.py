"""The chart of a metric: what can be read on it, its ranges, and what it does when nobody answers."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from panes_harness import EPOCH, PaneApp, metric, screen_lines, screen_text
from standin_charts import StandInCharts
from textual.pilot import Pilot
from textual.widgets import Static

from releaseconsole.session.chart_data import ChartData, ChartLine, ChartMark
from releaseconsole.session.chart_lines import grid
from releaseconsole.ui.screens.metric_detail import MetricDetail
from releaseconsole.ui.screens.raw_answer import RawAnswers
from releaseconsole.ui.widgets.cells import cell_len
from releaseconsole.ui.widgets.chart_axes import scale, times
from releaseconsole.ui.widgets.chart_picture import picture
from releaseconsole.ui.widgets.lines import Line
from releaseconsole.ui.widgets.metric_chart import MetricChart

DOTS = {chr(code) for code in range(0x2801, 0x2900)}
SIZES = [(80, 24), (200, 50)]
MINUTES = "10 m", "1 h", "6 h", "24 h", "since deploy"


class Opened:
    """The detail of one metric over an empty screen."""

    def __init__(self, pilot: Pilot[None], detail: MetricDetail, charts: StandInCharts) -> None:
        self.pilot = pilot
        self.detail = detail
        self.charts = charts

    @property
    def chart(self) -> str:
        return screen_text(self.detail.query_one(MetricChart))

    @property
    def facts(self) -> str:
        return str(self.detail.query_one("#metric-facts", Static).content)

    async def sees(self, *words: str) -> None:
        """Wait until all of these can be read."""
        async with asyncio.timeout(10):
            while not all(word in f"{self.chart}\n{self.facts}" for word in words):
                await self.pilot.pause(0.02)


@asynccontextmanager
async def opened(
    charts: StandInCharts | None = None, size: tuple[int, int] = (120, 40), **more: object
) -> AsyncIterator[Opened]:
    charts = charts or StandInCharts()
    detail = MetricDetail(metric(**more), "sum(rate(errors[1m]))", environment="production", charts=charts)
    app = PaneApp()
    async with app.run_test(size=size) as pilot:
        await app.push_screen(detail)
        yield Opened(pilot, detail, charts)


# On the screen.


@pytest.mark.parametrize("size", SIZES)
async def test_a_chart_shows_both_revisions_the_limits_and_the_moments_of_the_release(
    size: tuple[int, int],
) -> None:
    async with opened(size=size, state="PENDING", held=34.0) as shown:
        await shown.sees("old 1.0.0", "new 1.1.0", "▾ deploy", "▾ rollback", "◂ target", "◂ back")
        assert "╎" in shown.chart
        assert DOTS & set(shown.chart)
        for words in ("[10 m]", "a point every", "◐ PENDING 0:34/1:00", "roll back at > 1 for 1m"):
            assert words in shown.facts
        width = shown.detail.query_one(MetricChart).size.width
        assert all(cell_len(line) <= width for line in screen_lines(shown.detail.query_one(MetricChart)))


@pytest.mark.parametrize("size", SIZES)
async def test_about_two_points_are_asked_for_each_column(size: tuple[int, int]) -> None:
    async with opened(size=size) as shown:
        await shown.sees("new 1.1.0")
        _, _, seconds, points = shown.charts.asked[-1]
        assert seconds == 600.0
        width = shown.detail.query_one(MetricChart).size.width
        assert width < points <= 2 * width


@pytest.mark.parametrize(("key", "seconds"), [("2", 3600.0), ("3", 21_600.0), ("4", 86_400.0), ("5", 840.0)])
async def test_a_digit_chooses_how_far_back_the_chart_goes(key: str, seconds: float) -> None:
    async with opened() as shown:
        await shown.sees("new 1.1.0")
        await shown.pilot.press(key)
        await shown.sees(f"[{MINUTES[int(key) - 1]}]", "a point every")
        assert shown.charts.asked[-1][2] == seconds


async def test_brackets_go_to_a_longer_and_a_shorter_time_and_stop_at_the_ends() -> None:
    async with opened() as shown:
        await shown.pilot.press("left_square_bracket")
        assert "[10 m]" in shown.facts
        await shown.pilot.press(*["right_square_bracket"] * 9)
        assert "[since deploy]" in shown.facts
        await shown.pilot.press("left_square_bracket")
        await shown.sees("[24 h]", "shorter peaks can fall between two points")


async def test_keys_in_quick_succession_ask_only_for_the_last_range() -> None:
    async with opened() as shown:
        await shown.sees("new 1.1.0")
        before = len(shown.charts.asked)
        await shown.pilot.press("2", "3", "4")
        await shown.sees("[24 h]", "a point every")
        assert [seconds for _, _, seconds, _ in shown.charts.asked[before:]][-1] == 86_400.0
        assert len(shown.charts.asked) - before < 3


async def test_without_a_known_deploy_the_last_range_says_so() -> None:
    charts = StandInCharts()
    charts.deployed = None
    async with opened(charts) as shown:
        await shown.pilot.press("5")
        await shown.sees("No deploy of this environment is known yet.")


async def test_what_the_panel_has_gathered_is_drawn_before_the_answer_comes() -> None:
    charts = StandInCharts()
    charts.gate = asyncio.Event()
    async with opened(charts) as shown:
        await shown.sees("all pods", "asking Prometheus…")
        assert DOTS & set(shown.chart)
        charts.gate.set()
        await shown.sees("new 1.1.0")
        assert "asking" not in shown.facts


async def test_when_prometheus_dies_the_last_good_chart_stays_with_its_age() -> None:
    async with opened() as shown:
        await shown.sees("new 1.1.0")
        shown.charts.problem = "Prometheus at prometheus.example:9090 is out of reach."
        shown.detail.show_metric(metric(), 1042.0)
        await shown.pilot.press("t")
        await shown.sees("chart 42 s old", "is out of reach", "t tries again", "new 1.1.0")
        shown.charts.problem = ""
        await shown.pilot.press("t")
        async with asyncio.timeout(10):
            while "out of reach" in shown.facts:
                await shown.pilot.pause(0.02)


async def test_a_range_that_never_had_an_answer_shows_the_reason_and_no_line() -> None:
    charts = StandInCharts()
    charts.problem = "Prometheus at prometheus.example:9090 took longer than 4 s."
    async with opened(charts) as shown:
        await shown.pilot.press("4")
        await shown.sees("[24 h]", "took longer than 4 s", "t tries again")
        assert not DOTS & set(shown.chart)


async def test_closing_while_a_query_is_out_gives_it_up() -> None:
    charts = StandInCharts()
    charts.gate = asyncio.Event()
    async with opened(charts) as shown:
        async with asyncio.timeout(10):
            while not charts.asked:
                await shown.pilot.pause(0.02)
        await shown.pilot.press("escape")
        async with asyncio.timeout(10):
            while not charts.given_up:
                await shown.pilot.pause(0.02)
        assert not isinstance(shown.pilot.app.screen, MetricDetail)


async def test_the_raw_answer_is_one_key_away_and_its_labels_are_never_markup() -> None:
    charts = StandInCharts()
    charts.labels = {"pod": "[bold]x[/foo]", "evil": "a\x1b[2Jb"}
    async with opened(charts) as shown:
        await shown.sees("new 1.1.0")
        await shown.pilot.press("r")
        raw = shown.pilot.app.screen
        assert isinstance(raw, RawAnswers)
        told = "\n".join(f"{label}\n{text}" for label, text in raw.facts)
        for words in (
            'sum(rate(errors{pod=~"(api-5d8f-).*"}[1m]))',
            "prometheus.example:9090",
            "answered in 42 ms",
            "1 series",
            'pod="[bold]x[/foo]"',
            "one [/store] did not answer",
        ):
            assert words in told
        assert "\x1b" not in told
        await shown.pilot.press("y")
        assert 'pod="[bold]x[/foo]"' in shown.pilot.app.clipboard
        await shown.pilot.press("escape")
        assert shown.pilot.app.screen is shown.detail


async def test_a_defect_in_the_chart_source_is_told_and_does_not_end_the_console() -> None:
    class Broken(StandInCharts):
        async def chart(self, *_: object) -> ChartData:  # type: ignore[override]
            raise ZeroDivisionError("by [zero]")

    async with opened(Broken(), history=()) as shown:
        await shown.sees("A defect stopped the chart. ZeroDivisionError: by [zero]")


# The picture.


def text(line: Line) -> str:
    return "".join(piece.text for piece in line)


def drawing(*lines: ChartLine, marks: tuple[ChartMark, ...] = (), seconds: float = 600.0) -> ChartData:
    at = grid(EPOCH, seconds, 200)
    return ChartData("production", "errors", at.start, at.end, at.step, 0.0, lines, marks)


def wave(kind: str = "all", name: str = "all pods", factor: float = 1.0, seconds: float = 600.0) -> ChartLine:
    at = grid(EPOCH, seconds, 200)
    return ChartLine(name, kind, at.samples(factor * (1 + math.sin(index / 9)) for index in range(at.count)))


@pytest.mark.parametrize("width", [16, 38, 60, 140])
@pytest.mark.parametrize("height", [5, 8, 14, 40])
@pytest.mark.parametrize(
    "values",
    [
        (),
        (math.nan, math.nan),
        (math.inf, -math.inf, 1.0),
        (1e308, -1e308),
        (0.0, 0.0),
        (-5.0, 5.0),
        (1e-9, 2e-9),
        (99.99, 100.0),
    ],
)
def test_any_values_fit_the_space_they_are_given(width: int, height: int, values: tuple[float, ...]) -> None:
    samples = tuple((EPOCH - 600 + 100 * index, value) for index, value in enumerate(values))
    data = drawing(ChartLine("x" * 500, "all", samples), marks=(ChartMark(EPOCH, "日本" * 50, "deploy"),))
    drawn = picture(data, metric(unit="日本語のなまえ"), width, height)
    assert len(drawn) == height
    assert all(cell_len(text(line)) <= width for line in drawn)


def test_a_gap_is_a_gap() -> None:
    at = grid(EPOCH, 600, 200)
    values = [math.nan if 60 < index < 120 else 0.5 for index in range(at.count)]
    (row,) = [
        line
        for line in map(
            text, picture(drawing(ChartLine("all", "all", at.samples(values))), metric(), 110, 20)[1:]
        )
        if DOTS & set(line)
    ]
    dots = [index for index, character in enumerate(row) if character in DOTS]
    assert max(later - sooner for sooner, later in itertools.pairwise(dots)) > 20


def test_the_old_revision_is_dashed_so_that_it_is_told_apart_without_colour() -> None:
    def dots(kind: str) -> int:
        at = grid(EPOCH, 600, 200)
        flat = ChartLine("x", kind, at.samples([0.5] * at.count))
        drawn = "".join(map(text, picture(drawing(flat), metric(), 110, 20)[1:]))
        return sum(bin(ord(each) - 0x2800).count("1") for each in drawn if each in DOTS)

    assert dots("old") < 0.7 * dots("new")


def test_several_series_carry_letters_that_the_legend_explains() -> None:
    lines = [wave("all", "the worst", 3.0), *(wave("series", f"pod=api-{n}", 0.5 * n) for n in range(1, 4))]
    drawn = [text(line) for line in picture(drawing(*lines), metric(), 140, 30)]
    for letter, name in zip("abc", ("pod=api-1", "pod=api-2", "pod=api-3"), strict=True):
        assert f"⠒{letter}⠒ {name}" in drawn[0]
        assert any(letter in line for line in drawn[1:-1])


def test_what_lies_beyond_the_rollback_line_is_drawn_as_failing() -> None:
    tones = {
        piece.tone
        for line in picture(drawing(wave(factor=2.0)), metric(), 110, 20)[1:]
        for piece in line
        if DOTS & set(piece.text)
    }
    assert tones == {"key", "failing"}


def test_marks_that_are_close_to_each_other_stay_readable() -> None:
    marks = tuple(
        ChartMark(EPOCH - 30 + 10 * index, words, "deploy")
        for index, words in enumerate(("deploy", "rollback"))
    )
    drawn = [text(line) for line in picture(drawing(wave(), marks=marks), metric(), 110, 24)]
    assert sum("▾ deploy" in line for line in drawn) == 1
    assert sum("▾ rollback" in line for line in drawn) == 1


def test_the_words_of_two_limits_never_hide_each_other() -> None:
    near = replace(metric(), target_value=0.1, trigger_value=0.12)
    drawn = "\n".join(text(line) for line in picture(drawing(wave(factor=40.0)), near, 110, 16))
    assert drawn.index("◂ back") < drawn.index("◂ target")


def test_a_scale_starts_at_zero_unless_all_is_far_above_it_and_falling_matters() -> None:
    assert scale([0.4], [0.1, 1.0], low_is_bad=False, ticks=5).low == 0.0
    uptime = scale([99.95, 100.0], [99.9], low_is_bad=True, ticks=5)
    assert 99.0 < uptime.low < 99.9
    assert uptime.part(99.95) - uptime.part(99.9) > 0.2


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.003), (0.0, 1.1), (0.0, 8512.0), (0.0, 1e15)])
def test_ticks_are_round_and_all_different(low: float, high: float) -> None:
    found = scale([low, high], [], low_is_bad=False, ticks=6)
    assert 2 <= len(set(found.labels)) == len(found.ticks) <= 9
    assert found.ticks[0] == 0.0


@pytest.mark.parametrize("seconds", [60, 600, 3600, 21_600, 86_400, 30 * 86_400])
def test_times_are_round_and_few(seconds: float) -> None:
    found = times(EPOCH - seconds, EPOCH, 8)
    assert 1 <= len(found) <= 9
    assert all(EPOCH - seconds <= at <= EPOCH for at, _ in found)
    assert len({label for _, label in found}) == len(found)
