"""From the series of range queries to the lines of a chart. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from releaseconsole.metrics.answers import RangeSeries, Series
from releaseconsole.metrics.objective import Across, collapse
from releaseconsole.metrics.reading import name_of
from releaseconsole.session.chart_data import ChartLine, Samples

MOST_LINES = 5
"""Series that are drawn beside the worst of all."""
_STEPS = (
    1,
    2,
    5,
    10,
    15,
    20,
    30,
    60,
    90,
    120,
    180,
    240,
    300,
    600,
    900,
    1200,
    1800,
    3600,
    7200,
    14_400,
    28_800,
)
_NO_LABELS: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Grid:
    """The moments that are asked for: whole seconds, the last of them now."""

    start: float
    step: float
    count: int

    @property
    def end(self) -> float:
        return self.start + self.step * (self.count - 1)

    def place(self, values: Sequence[tuple[float, float]]) -> list[float]:
        """One value for each moment; NaN where there is none."""
        placed = [math.nan] * self.count
        for at, value in values:
            if math.isfinite(at) and 0 <= (index := round((at - self.start) / self.step)) < self.count:
                placed[index] = value
        return placed

    def samples(self, values: Iterable[float]) -> Samples:
        """The values with their moments."""
        return tuple((self.start + self.step * index, value) for index, value in enumerate(values))


def grid(end: float, seconds: float, points: int) -> Grid:
    """A round step that gives at most about ``points`` of them."""
    wanted = seconds / max(2, points)
    step = next((one for one in _STEPS if one >= wanted), math.ceil(wanted / 86_400) * 86_400)
    count = max(1, math.ceil(seconds / step))
    return Grid(math.floor(end) - float(step * count), float(step), count + 1)


def one_line(
    found: Sequence[RangeSeries], across: Across | None, at: Grid, name: str, kind: str
) -> tuple[ChartLine, ...]:
    """The one line that the objective makes of its series; none where it makes none of them."""
    if not found or (len(found) > 1 and across is None):
        return ()
    columns = [at.place(one.samples) for one in found]
    values = (
        columns[0] if len(columns) == 1 else [_collapsed(row, across) for row in zip(*columns, strict=True)]
    )
    return (ChartLine(name, kind, at.samples(values)),)


def _collapsed(row: Sequence[float], across: Across | None) -> float:
    """As the trigger collapses them; a series without a value at that moment does not count."""
    present = [Series(_NO_LABELS, 0.0, value) for value in row if not math.isnan(value)]
    value = collapse(present, across)[0]
    return math.nan if value is None else value


def worst_lines(found: Sequence[RangeSeries], at: Grid, *, low_is_bad: bool) -> tuple[ChartLine, ...]:
    """The worst value at each moment, and the series that come nearest to it at their worst."""
    columns = [(one, at.place(one.samples)) for one in found]
    worst = [_worst(row, low_is_bad) for row in zip(*(column for _, column in columns), strict=True)]
    measured = [
        (extreme, one, column)
        for one, column in columns
        if not math.isnan(extreme := _worst(column, low_is_bad))
    ]
    measured.sort(key=lambda entry: entry[0], reverse=not low_is_bad)
    return (
        *((ChartLine("the worst", "all", at.samples(worst)),) if len(found) > 1 else ()),
        *(ChartLine(_name(one), "series", at.samples(column)) for _, one, column in measured[:MOST_LINES]),
    )


def _worst(values: Iterable[float], low_is_bad: bool) -> float:
    there = [value for value in values if not math.isnan(value)]
    if not there:
        return math.nan
    return min(there) if low_is_bad else max(there)


def _name(series: RangeSeries) -> str:
    return name_of(Series(series.labels, 0.0, 0.0)) or "no labels"
