"""A small chart of one metric on a scale that starts at zero, with the lines it must not cross.

The scale is fixed by the target, the trigger and what was measured, so that a flat good value and a flat bad
one do not look alike. What was not measured is a gap.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence

from releaseconsole.session.views import MetricView
from releaseconsole.ui.widgets.lines import Line, Piece

History = Sequence[tuple[float, float]]
_BLOCKS = " ▁▂▃▄▅▆▇█"
_RULE = "┄"
_TICKS = "⣀⠤⠒⠉"
_GAP = math.nan


def top_of_scale(metric: MetricView) -> float:
    """The value at the upper edge; zero is at the lower one."""
    limits = [limit * 1.1 for limit in (metric.target_value, metric.trigger_value) if limit and limit > 0]
    values = [value for _, value in metric.history if math.isfinite(value)]
    return max((*limits, *values), default=1.0) or 1.0


def tone_of(metric: MetricView, value: float) -> str:
    """``failing`` beyond the trigger, ``waiting`` off the target, else ``good``."""
    if (
        metric.trigger
        and metric.trigger_value is not None
        and _holds(metric.trigger, value, metric.trigger_value)
    ):
        return "failing"
    return "good" if not metric.target or _holds(metric.target, value, metric.target_value) else "waiting"


def cells(history: History, width: int, low_is_bad: bool = False) -> tuple[float, ...]:
    """``width`` values, the newest last: the worst of the samples that each stands for, NaN for none."""
    if width <= 0:
        return ()
    if len(history) > width:
        history = _gathered(history, math.ceil(len(history) / width), low_is_bad)
    values = _with_gaps(history)[-width:]
    return (*[_GAP] * (width - len(values)), *values)


def sparkline(metric: MetricView, width: int, height: int = 1) -> tuple[Line, ...]:
    """``height`` lines of ``width`` cells, the uppermost first; limits show where nothing covers them."""
    top = top_of_scale(metric)
    values = cells(metric.history, width, low_is_bad=metric.target.startswith(">"))
    rules = _rules(metric, top, height) if height > 1 else {}
    return tuple(_row(metric, values, row, height, top, rules) for row in range(height - 1, -1, -1))


def tick(metric: MetricView) -> Piece:
    """How high the rollback line is on the scale of one row (the target, without one), in one cell: a bar that
    reaches above it is beyond, also where there are no colours."""
    limit, tone = (
        (metric.trigger_value, "failing") if metric.trigger_value else (metric.target_value, "waiting")
    )
    if not limit or not 0 < limit < math.inf:
        return Piece(" ")
    return Piece(_TICKS[min(len(_TICKS) - 1, int(limit / top_of_scale(metric) * len(_TICKS)))], tone)


def _row(
    metric: MetricView, values: Sequence[float], row: int, height: int, top: float, rules: dict[int, str]
) -> Line:
    drawn: list[Piece] = []
    for value in values:
        glyph, tone = " ", "quiet"
        eighths = _eighths(value, top, height) - row * 8
        if eighths > 0:
            glyph, tone = _BLOCKS[min(8, eighths)], tone_of(metric, value)
        elif row in rules:
            glyph, tone = _RULE, rules[row]
        if drawn and drawn[-1].tone == tone:
            drawn[-1] = Piece(drawn[-1].text + glyph, tone)
        else:
            drawn.append(Piece(glyph, tone))
    return tuple(drawn)


def _eighths(value: float, top: float, height: int) -> int:
    """Height of a value in eighths of a cell; 0 for a gap, and at least 1 for a measured zero."""
    if math.isnan(value):
        return 0
    if math.isinf(value):
        return height * 8 if value > 0 else 1
    return max(1, min(height * 8, round(value / top * height * 8)))


def _rules(metric: MetricView, top: float, height: int) -> dict[int, str]:
    """Row (from below) of each limit, and its tone; where both fall into one row, the trigger's stands."""
    limits = ((metric.target_value, "waiting"), (metric.trigger_value, "failing"))
    return {min(height - 1, int(limit / top * height)): tone for limit, tone in limits if limit and limit > 0}


def _gathered(history: History, count: int, low_is_bad: bool) -> History:
    """One sample for every ``count``, in spans of time that stay where they are as new samples come."""
    # Rounded, since the clock of the samples jitters and the spans must not move with it.
    span = float(f"{usual_step(history):.1g}") * count
    worst: dict[int, tuple[float, float]] = {}
    for at, value in history:
        slot = int(at // span)
        kept = worst.get(slot)
        if kept is None or _worse(value, kept[1], low_is_bad):
            worst[slot] = (slot * span, value)
    return tuple(worst[slot] for slot in sorted(worst))


def _worse(value: float, than: float, low_is_bad: bool) -> bool:
    if math.isnan(value):
        return False
    return math.isnan(than) or (value < than if low_is_bad else value > than)


def _with_gaps(history: History) -> list[float]:
    """The values, with one gap wherever samples are missing."""
    step = usual_step(history)
    values: list[float] = []
    before: float | None = None
    for at, value in history:
        if before is not None and at - before > step * 2.5:
            values.append(_GAP)
        values.append(value)
        before = at
    return values


def usual_step(history: History) -> float:
    """The usual time between two samples."""
    between = [later[0] - sooner[0] for sooner, later in itertools.pairwise(history)]
    positive = [each for each in between if each > 0 and math.isfinite(each)]
    return statistics.median(positive) if positive else 1.0


def _holds(bound: str, value: float, limit: float) -> bool:
    if bound.startswith("<="):
        return value <= limit
    if bound.startswith(">="):
        return value >= limit
    return value < limit if bound.startswith("<") else value > limit
