"""A chart as lines of text: a legend, the plot with its limits and marks, and the axes. Pure."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from releaseconsole.session.chart_data import ChartData, ChartLine, ChartMark
from releaseconsole.session.views import MetricView
from releaseconsole.ui.widgets.braille import Braille
from releaseconsole.ui.widgets.cells import left, right, safe
from releaseconsole.ui.widgets.chart_axes import Scale, scale, times
from releaseconsole.ui.widgets.lines import Line, Piece, line_width
from releaseconsole.ui.widgets.sparkline import tone_of
from releaseconsole.ui.words import cell_len, cut_end, cut_middle

_TONES = {"all": "key", "new": "key", "old": "quiet"}
_SERIES = ("hue-2", "strong", "hue-3", "plain", "quiet")
_LETTERS = "abcdefgh"
_LETTER_EVERY = 24
_MARKS = {"deploy": "strong", "rollback": "failing", "back": "good", "failed": "failing"}
_GUTTER = len(" ◂ target")
_LONGEST_NAME = 36
_ROOMY = 11
"""Lines from which the words of marks may take a second row."""


@dataclass(frozen=True, slots=True)
class Pen:
    """How one line is drawn, so that it can be told from the others without colour."""

    tone: str
    dashed: bool = False
    letter: str = ""

    @property
    def sample(self) -> str:
        """Its piece in the legend."""
        return f"⠒{self.letter}⠒" if self.letter else "⠒⠂⠒" if self.dashed else "⠒⠒⠒"


def pens(lines: Sequence[ChartLine]) -> list[Pen]:
    """One for each line: the old revision dashed and quiet, several series with letters on them."""
    number = itertools.count()
    return [_pen(one, number) for one in lines]


def _pen(one: ChartLine, number: itertools.count[int]) -> Pen:
    if one.kind != "series":
        return Pen(_TONES.get(one.kind, "key"), dashed=one.kind == "old")
    index = next(number)
    return Pen(_SERIES[index % len(_SERIES)], letter=_LETTERS[index % len(_LETTERS)])


@dataclass(frozen=True, slots=True)
class _Frame:
    """What a picture is made of, measured."""

    metric: MetricView
    data: ChartData
    scale: Scale
    labels: int
    """Cells of the numbers at the left."""
    gutter: int
    width: int
    height: int
    """Of the plot, in cells."""

    def column(self, at: float) -> int:
        return min(self.width - 1, int(self._part(at) * self.width))

    def dot(self, at: float, value: float) -> tuple[int, int]:
        return round(self._part(at) * (2 * self.width - 1)), round(
            (1 - self.scale.part(value)) * (4 * self.height - 1)
        )

    def row(self, value: float) -> int:
        return round((1 - self.scale.part(value)) * (4 * self.height - 1)) // 4

    def _part(self, at: float) -> float:
        return min(1.0, max(0.0, (at - self.data.start) / max(1e-9, self.data.end - self.data.start)))


def plot_width(width: int) -> int:
    """About how many columns the plot has in so many cells, whatever its numbers are."""
    return max(10, width - 7 - (_GUTTER if width >= 50 else 0))


def picture(data: ChartData, metric: MetricView, width: int, height: int) -> list[Line]:
    """Exactly ``height`` lines of at most ``width`` cells."""
    if width < 16 or height < 5:
        return [()] * max(0, height)
    shown = _marks_that_fit(data, height)
    rows = int(bool(shown))
    frame = _frame(data, metric, width, height - 3 - rows)
    if height >= _ROOMY and sum(map(len, _placed(frame, shown, rows))) < len(shown):
        rows += 1
        frame = _frame(data, metric, width, height - 3 - rows)
    body = [*_mark_rows(frame, shown, rows), *_plot(frame, shown), *_time_axis(frame)]
    return [_legend(frame, width), *body]


def _marks_that_fit(data: ChartData, height: int) -> tuple[ChartMark, ...]:
    return tuple(mark for mark in data.marks if mark.at >= data.start) if height >= 8 else ()


def _frame(data: ChartData, metric: MetricView, width: int, height: int) -> _Frame:
    values = (value for one in data.lines for _, value in one.samples)
    limits = [limit for limit in (metric.target_value, metric.trigger_value) if limit is not None]
    axis = scale(values, limits, low_is_bad=metric.target.startswith(">"), ticks=max(2, height // 3))
    labels = min(12, max(map(len, axis.labels)))
    gutter = _GUTTER if width >= 50 else 0
    return _Frame(metric, data, axis, labels, gutter, max(4, width - labels - 1 - gutter), height)


def _legend(frame: _Frame, width: int) -> Line:
    pieces: list[Piece] = [right(safe(frame.metric.unit, 12), frame.labels, "quiet"), Piece(" ")]
    for one, pen in zip(frame.data.lines, pens(frame.data.lines), strict=True):
        name = cut_middle(safe(one.name, 200), _LONGEST_NAME)
        if line_width(pieces) + 7 + cell_len(name) > width:
            pieces.append(Piece("…", "quiet"))
            break
        pieces += [Piece(pen.sample, pen.tone), Piece(f" {name}   ")]
    return tuple(pieces)


def _mark_rows(frame: _Frame, marks: Sequence[ChartMark], rows: int) -> Iterator[Line]:
    for row in reversed(_placed(frame, marks, rows)):
        yield tuple(_spread(frame.labels + 1, row))


def _placed(frame: _Frame, marks: Sequence[ChartMark], rows: int) -> list[list[tuple[int, str, str]]]:
    """The words of the marks, each above its column and apart from its neighbours; from the lowest row up."""
    placed: list[list[tuple[int, str, str]]] = [[] for _ in range(rows)]
    for mark in marks:
        text = cut_end(f"▾ {safe(mark.text, 60)}", frame.width)
        start = min(frame.column(mark.at), frame.width - cell_len(text))
        row = next((row for row in placed if not row or row[-1][0] + cell_len(row[-1][1]) < start), None)
        if row is not None:
            row.append((start, text, _MARKS.get(mark.tone, "plain")))
    return placed


def _spread(indent: int, row: Sequence[tuple[int, str, str]]) -> Iterator[Piece]:
    at = -indent
    for start, text, tone in row:
        yield Piece(" " * (start - at))
        yield Piece(text, tone)
        at = start + cell_len(text)


def _plot(frame: _Frame, marks: Sequence[ChartMark]) -> Iterator[Line]:
    surface = _surface(frame)
    rules = _rules(frame)
    words = _words(frame)
    uprights = {frame.column(mark.at): _MARKS.get(mark.tone, "plain") for mark in marks}
    ticks = {
        frame.row(tick): label for tick, label in zip(frame.scale.ticks, frame.scale.labels, strict=True)
    }
    for row in range(frame.height):
        label = ticks.get(row)
        yield (
            right(label or "", frame.labels, "quiet"),
            Piece("┤" if label is not None else "│", "quiet"),
            *_joined(_cell(surface, column, row, rules, uprights) for column in range(frame.width)),
            *_beside(frame, words, row),
        )


def _beside(frame: _Frame, words: dict[int, tuple[str, str]], row: int) -> Iterator[Piece]:
    if frame.gutter and row in words:
        text, tone = words[row]
        yield left(text, frame.gutter, tone)


def _cell(
    surface: _Surface, column: int, row: int, rules: dict[int, str], uprights: dict[int, str]
) -> tuple[str, str]:
    glyph, tone = surface.cell(column, row)
    if glyph:
        return glyph, tone
    if column in uprights:
        return ("┼" if row in rules else "╎"), uprights[column]
    return ("┄", rules[row]) if row in rules else (" ", "plain")


def _joined(cells: Iterator[tuple[str, str]]) -> Iterator[Piece]:
    for tone, group in itertools.groupby(cells, key=lambda cell: cell[1]):
        yield Piece("".join(glyph for glyph, _ in group), tone)


class _Surface:
    """The dots of all lines, with the letters on them."""

    def __init__(self, width: int, height: int) -> None:
        self.dots = Braille(width, height)
        self.letters: dict[tuple[int, int], tuple[str, str]] = {}

    def cell(self, column: int, row: int) -> tuple[str, str]:
        return self.letters.get((column, row)) or self.dots.cell(column, row)


def _surface(frame: _Frame) -> _Surface:
    """The worst and the newest are drawn last, so that nothing hides them."""
    surface = _Surface(frame.width, frame.height)
    drawn = list(zip(frame.data.lines, pens(frame.data.lines), strict=True))
    for index, (one, pen) in enumerate(sorted(drawn, key=lambda each: each[0].kind != "series")):
        _draw(frame, surface, one, pen, index)
    return surface


def _draw(frame: _Frame, surface: _Surface, one: ChartLine, pen: Pen, index: int) -> None:
    before: tuple[int, int] | None = None
    for at, value in one.samples:
        if math.isnan(value) or not math.isfinite(at):
            before = None
            continue
        here = frame.dot(at, value)
        tone = "failing" if tone_of(frame.metric, value) == "failing" else pen.tone
        surface.dots.stroke(before or (max(0, here[0] - 1), here[1]), here, tone, dashed=pen.dashed)
        if pen.letter and (here[0] // 2) % _LETTER_EVERY == (3 + 4 * index) % _LETTER_EVERY:
            surface.letters[here[0] // 2, here[1] // 4] = (pen.letter, tone)
        before = here


def _rules(frame: _Frame) -> dict[int, str]:
    """Row → tone of the limits; where both fall into one row, the rollback's stands."""
    return {row: tone for row, _, tone in _limits(frame)}


def _limits(frame: _Frame) -> Iterator[tuple[int, str, str]]:
    metric = frame.metric
    if metric.target and math.isfinite(metric.target_value):
        yield frame.row(metric.target_value), " ◂ target", "waiting"
    if metric.trigger_value is not None and math.isfinite(metric.trigger_value):
        yield frame.row(metric.trigger_value), " ◂ back", "failing"


def _words(frame: _Frame) -> dict[int, tuple[str, str]]:
    """What stands beside the limits; two that share a row are set one above the other, the greater one above."""
    found = list(_limits(frame))
    if len(found) == 2 and found[0][0] == found[1][0]:
        target_above = frame.metric.target_value > (frame.metric.trigger_value or 0.0)
        upper, lower = found if target_above else reversed(found)
        row = min(upper[0], frame.height - 2)
        return {row: upper[1:], row + 1: lower[1:]}
    return {row: (text, tone) for row, text, tone in found}


def _time_axis(frame: _Frame) -> Iterator[Line]:
    ticks = {
        frame.column(at): label for at, label in times(frame.data.start, frame.data.end, frame.width // 12)
    }
    base = "".join("┴" if column in ticks else "─" for column in range(frame.width))
    yield (Piece(" " * frame.labels + "└" + base, "quiet"),)
    row: list[tuple[int, str, str]] = []
    for column, label in sorted(ticks.items()):
        start = min(max(0, column - len(label) // 2), frame.width - len(label))
        if not row or row[-1][0] + len(row[-1][1]) < start:
            row.append((start, label, "quiet"))
    yield tuple(_spread(frame.labels + 1, row))
