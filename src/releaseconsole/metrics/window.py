"""What an objective did over a span of time: how long it was on target, out of it, and unknown. Pure.

The span is cut into cells of equal length. The sample at the beginning of a cell speaks for the whole cell, so the
three times add up to the span exactly, and a cell without a finite sample is unknown: never good, never bad.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from releaseconsole.metrics.answers import RangeAnswer, Series
from releaseconsole.metrics.objective import Across, collapse
from releaseconsole.metrics.reading import MOST_EACH

MOST_CELLS = 2_880
"""Of one span: a day in steps of half a minute."""
_SHORTEST_STEP = 15
_FEWEST_CELLS = 100
"""A span too short for that many cells of the shortest step has shorter ones, down to a second."""

Holds = Callable[[float], bool]


@dataclass(frozen=True, slots=True)
class Grid:
    """The cells of a span; all in whole seconds, since range queries are."""

    start: int
    """Seconds since the epoch."""
    seconds: int
    step: int

    @classmethod
    def of(cls, start: float, seconds: float) -> Grid:
        """At most MOST_CELLS cells over a span that begins at ``start``."""
        whole = max(1, math.ceil(seconds))
        finest = max(1, min(_SHORTEST_STEP, whole // _FEWEST_CELLS))
        return cls(math.floor(start), whole, max(finest, math.ceil(whole / MOST_CELLS)))

    @property
    def cells(self) -> int:
        return math.ceil(self.seconds / self.step)

    def index(self, at: float) -> int:
        """The cell whose sample was taken at ``at``."""
        return round((at - self.start) / self.step)

    def at(self, cell: int) -> int:
        """When the sample of a cell is taken."""
        return self.start + cell * self.step


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Times in seconds; moments in seconds since the epoch, 0 where there was none."""

    minimum: float | None = None
    maximum: float | None = None
    last: float | None = None
    on: float = 0.0
    out: float = 0.0
    unknown: float = 0.0
    longest: float = 0.0
    """The longest stretch out of target; an unknown cell ends it."""
    longest_at: float = 0.0
    worst_at: float = 0.0
    """When the value was farthest on the wrong side of the target, if it was there at all."""
    beyond: float = 0.0
    """The longest time beyond the rollback line. As in a trigger, an unknown cell neither adds to it nor ends it."""


def tally(
    values: Sequence[float],
    grid: Grid,
    until: float,
    holds: Holds,
    *,
    low: bool,
    beyond: Holds | None = None,
) -> Tally:
    """Count the cells from the beginning to ``until`` (seconds since the epoch); NaN stands for no value.

    ``holds`` is the target, ``low`` whether smaller values are better, ``beyond`` the rollback line.
    """
    span = min(max(0.0, until - grid.start), float(grid.seconds))
    known: list[float] = []
    times = {True: 0.0, False: 0.0}
    stretch = _Stretch()
    line = _Stretch()
    worst, worst_at = math.inf, 0.0
    for cell in range(min(grid.cells, math.ceil(span / grid.step))):
        length = min(float(grid.step), span - cell * grid.step)
        value = values[cell]
        if not math.isfinite(value):
            stretch.end()
            continue
        known.append(value)
        good = holds(value)
        times[good] += length
        stretch.take(not good, length, grid.at(cell))
        if beyond is not None:
            line.take(beyond(value), length, grid.at(cell))
        rank = -value if low else value
        if not good and rank < worst:
            worst, worst_at = rank, float(grid.at(cell))
    return Tally(
        minimum=min(known, default=None),
        maximum=max(known, default=None),
        last=known[-1] if known else None,
        on=times[True],
        out=times[False],
        unknown=max(0.0, span - times[True] - times[False]),
        longest=stretch.longest,
        longest_at=stretch.longest_at,
        worst_at=worst_at,
        beyond=line.longest,
    )


@dataclass(slots=True)
class _Stretch:
    """The longest of the stretches over which something was so."""

    longest: float = 0.0
    longest_at: float = 0.0
    _now: float = 0.0
    _since: float = 0.0

    def take(self, so: bool, seconds: float, at: float) -> None:
        if not so:
            self.end()
            return
        self._since = self._since if self._now else at
        self._now += seconds
        if self._now > self.longest:
            self.longest, self.longest_at = self._now, self._since

    def end(self) -> None:
        self._now = 0.0


def values_of(
    answer: RangeAnswer, grid: Grid, across: Across | None, holds: Holds, *, low: bool
) -> tuple[dict[int, float], str]:
    """One value for each cell that the answer speaks of, and why others have none ("" when nothing is wrong).

    Of several series each moment is taken by itself. With ``across = "each"`` the worst series speaks; one
    without a number makes the moment unknown unless another is out of target.
    """
    moments: dict[int, list[Series]] = {}
    for series in answer.series:
        for at, sampled in series.samples:
            moments.setdefault(grid.index(at), []).append(Series(series.labels, at, sampled))
    found: dict[int, float] = {}
    problem = ""
    for cell, each in moments.items():
        value, why = _worst(each, holds, low=low) if across == "each" else collapse(each, across)
        if value is not None and math.isfinite(value):
            found[cell] = value
        problem = problem or why
    return found, problem


def _worst(each: list[Series], holds: Holds, *, low: bool) -> tuple[float | None, str]:
    if len(each) > MOST_EACH:
        return None, f"the query gave {len(each)} series, more than {MOST_EACH}: aggregate in the query"
    finite = [one.value for one in each if math.isfinite(one.value)]
    if not finite:
        return None, ""
    worst = max(finite) if low else min(finite)
    if holds(worst) and len(finite) < len(each):
        return None, ""
    return worst, ""
