"""The small chart of a metric: a fixed scale, gaps, and limits that can be seen."""

from __future__ import annotations

import math

import pytest
from panes_harness import EPOCH, metric, workload

from releaseconsole.ui.panes.images import image_change
from releaseconsole.ui.widgets.bars import rollout_bar, shares
from releaseconsole.ui.widgets.cells import cell_len, middle, name, number, safe
from releaseconsole.ui.widgets.lines import Line
from releaseconsole.ui.widgets.sparkline import cells, sparkline, tick, top_of_scale

NAN = math.nan


def text(line: Line) -> str:
    return "".join(piece.text for piece in line)


def tones(line: Line) -> list[str]:
    return [piece.tone for piece in line for _ in piece.text]


def series(*values: float, step: float = 5.0) -> tuple[tuple[float, float], ...]:
    return tuple((EPOCH + step * at, value) for at, value in enumerate(values))


def test_a_flat_good_value_and_a_flat_bad_one_do_not_look_alike() -> None:
    good = sparkline(metric(history=series(*[0.0] * 8)), 8)
    bad = sparkline(metric(history=series(*[1.05] * 8)), 8)
    assert text(good[0]) == "▁" * 8
    assert text(bad[0]) == "█" * 8
    assert set(tones(good[0])) == {"good"}
    assert set(tones(bad[0])) == {"failing"}


def test_what_was_not_measured_is_a_gap_and_a_measured_zero_is_not() -> None:
    drawn = text(sparkline(metric(history=series(0.5, NAN, NAN, 0.0)), 6)[0])
    assert drawn[:2] == "  "
    assert drawn[2] != " "
    assert drawn[3:5] == "  "
    assert drawn[5] == "▁"


def test_a_hole_in_time_is_a_gap_too() -> None:
    history = (*series(0.5, 0.5, 0.5), (EPOCH + 100, 0.5), (EPOCH + 105, 0.5))
    assert text(sparkline(metric(history=history), 6)[0]).count(" ") == 1


@pytest.mark.parametrize("history", [(), series(NAN, NAN), series(math.inf, -math.inf, NAN, 1e308)])
def test_any_history_draws_exactly_the_width_that_was_asked_for(
    history: tuple[tuple[float, float], ...],
) -> None:
    for height in (1, 2, 3):
        drawn = sparkline(metric(history=history), 12, height)
        assert [cell_len(text(line)) for line in drawn] == [12] * height


def test_the_scale_reaches_past_the_trigger_and_starts_at_zero() -> None:
    assert top_of_scale(metric(history=series(0.1))) == pytest.approx(1.1)
    assert top_of_scale(metric(history=series(7.0))) == 7.0
    assert top_of_scale(metric(target_value=0.0, trigger_value=None, history=())) == 1.0


def test_each_cell_has_the_tone_of_the_limit_it_crosses() -> None:
    drawn = sparkline(metric(history=series(0.05, 0.5, 1.5)), 3)
    assert tones(drawn[0]) == ["good", "waiting", "failing"]


def test_a_floor_is_crossed_from_above() -> None:
    throughput = metric(target=">= 8,500", target_value=8500.0, trigger="", trigger_value=None)
    drawn = sparkline(
        type(throughput)(**{**_fields(throughput), "history": series(9000.0, 8500.0, 8000.0)}), 3
    )
    assert tones(drawn[0]) == ["good", "good", "waiting"]


def _fields(value: object) -> dict[str, object]:
    return {field: getattr(value, field) for field in value.__dataclass_fields__}  # type: ignore[attr-defined]


def test_the_lines_of_target_and_trigger_are_drawn_above_low_values() -> None:
    upper, lower = sparkline(metric(target="< 1", target_value=1.0, trigger="> 3 for 1m", trigger_value=3.0,
                                    history=series(0.01, 0.01)), 4, 2)  # fmt: skip
    assert text(upper) == "┄┄┄┄"
    assert set(tones(upper)) == {"failing"}
    assert text(lower) == "┄┄▁▁"
    assert tones(lower)[:2] == ["waiting", "waiting"]


@pytest.mark.parametrize(("highest", "glyph"), [(0.1, "⠉"), (1.5, "⠒"), (3.0, "⠤"), (50.0, "⣀")])
def test_a_row_says_without_colour_how_high_the_rollback_line_is(highest: float, glyph: str) -> None:
    assert tick(metric(history=series(highest))).text == glyph
    assert tick(metric(history=series(highest), trigger="", trigger_value=None, target_value=0.0)).text == " "


def test_more_samples_than_cells_keep_the_worst_of_each_stretch() -> None:
    spike = series(*[0.0] * 50, 9.0, *[0.0] * 50)
    assert max(cells(spike, 10)) == 9.0
    dip = series(*[9.0] * 50, 1.0, *[9.0] * 50)
    assert min(value for value in cells(dip, 10, low_is_bad=True) if not math.isnan(value)) == 1.0


def test_the_chart_does_not_shimmer_when_a_late_sample_is_added() -> None:
    history = tuple((EPOCH + 5.0 * at + 0.003 * (at % 3), float(at * at % 17)) for at in range(97))
    before, after = cells(history, 20), cells((*history, (EPOCH + 5.0 * 97 + 0.04, 3.0)), 20)
    measured = [value for value in before if not math.isnan(value)][1:-1]
    again = [value for value in after if not math.isnan(value)]
    assert any(again[at : at + len(measured)] == measured for at in range(3))


def test_a_bar_shows_every_kind_of_pod_that_exists() -> None:
    assert shares((98, 1, 1, 0), 10) == (8, 1, 1, 0)
    assert shares((0, 0, 0, 0), 10) == (0, 0, 0, 0)
    assert sum(shares((3, 2, 5, 7), 10)) == 10
    bar = rollout_bar(workload(ready=2, updated=3, old=1, desired=4), 8, failing=False)
    assert text(bar) == "████▒▒░░"
    assert cell_len(text(rollout_bar(workload(ready=0, updated=0, desired=0), 8, failing=False))) == 8


@pytest.mark.parametrize(
    ("previous", "current", "told"),
    [
        ("r.example/pay:1.0.0", "r.example/pay:1.1.0", "1.0.0 → 1.1.0"),
        ("r.example/pay:1.1.0", "r.example/pay:1.1.0", "1.1.0"),
        ("", "r.example:5000/pay", "latest"),
        ("r.example/pay:1", "r.example/purse:2", "pay:1 → purse:2"),
        ("a.example/pay:1", "b.example/pay:1", "a.example/…:1 → b.example/…:1"),
        ("x/a:1, x/b:1", "x/a:1, x/b:2", "1 → 2"),
        ("x/a:1", "x/a@sha256:0123456789abcdef", "1 → sha256:01234567"),
        ("x/a:1", "", ""),
    ],
)
def test_of_two_images_only_what_differs_is_told(previous: str, current: str, told: str) -> None:
    assert image_change(previous, current) == told


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (8512.4, "8,512"), (38.24, "38.2"), (0.42, "0.42"), (0.0421, "0.042"), (0.0, "0"), (None, "–"),
        (NAN, "–"), (math.inf, "∞"), (-math.inf, "-∞"), (1e15, "1e+15"), (0.00001, "1.0e-05"),
        (-3.5, "-3.50"),
    ],
)  # fmt: skip
def test_numbers_are_short_and_say_when_there_is_none(value: float | None, told: str) -> None:
    assert number(value) == told


@pytest.mark.parametrize(
    "hostile", ["\x1b[2J", "a\x00b", "\u202eevil", "日本語のなまえ" * 9, "👨‍👩‍👧❤️👍🏽", "\ud800", "x" * 9999]
)
def test_a_column_keeps_its_width_whatever_is_in_it(hostile: str) -> None:
    for width in range(0, 12):
        assert cell_len(middle(hostile, width).text) == width
    assert all(ord(character) >= 32 and not 0x7F <= ord(character) < 0xA0 for character in safe(hostile))


def test_a_long_name_loses_its_middle() -> None:
    cut = name("command-service-5d8f7c9b6d-x2k9p", 15)
    assert cut.startswith("command")
    assert cut.endswith("x2k9p")
