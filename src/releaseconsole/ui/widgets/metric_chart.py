"""One metric on axes: its lines, its limits, and the moments of the release."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from releaseconsole.session.chart_data import ChartData, ChartLine
from releaseconsole.session.views import MetricView
from releaseconsole.ui.widgets.chart_picture import picture, plot_width
from releaseconsole.ui.widgets.lines import Line, LineWidget, line
from releaseconsole.ui.widgets.sparkline import History, usual_step
from releaseconsole.ui.words import wrap

POINTS_A_COLUMN = 2


class MetricChart(LineWidget):
    """Draws what it is given; a gap in the data is a gap in the line."""

    DEFAULT_CSS = """
    MetricChart { height: 1fr; min-height: 6; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._shown: tuple[ChartData, MetricView] | None = None
        self._instead = ""
        self._drawn: tuple[object, list[Line]] = (None, [])

    @property
    def points(self) -> int:
        """How many points fit."""
        return POINTS_A_COLUMN * plot_width(self.size.width or 120)

    def draw_chart(self, data: ChartData, metric: MetricView) -> None:
        """Show this in place of what was shown."""
        if self._shown and self._shown[0] is data and _limits(self._shown[1]) == _limits(metric):
            return
        self._shown, self._instead = (data, metric), ""
        self._renew()

    def say(self, sentence: str) -> None:
        """Show a sentence where there is nothing to draw."""
        if sentence != self._instead:
            self._shown, self._instead = None, sentence
            self._renew()

    def _renew(self) -> None:
        self._drawn = (None, [])
        self.refresh()

    def lines(self, width: int) -> list[Line]:
        if self._drawn[0] != self.size:
            self._drawn = (self.size, self._lines(width, self.size.height))
        return self._drawn[1]

    def _lines(self, width: int, height: int) -> list[Line]:
        if self._shown is not None:
            return picture(*self._shown, width, height)
        told = wrap(self._instead, min(70, width - 4), 6) if self._instead else []
        above: list[Line] = [()] * max(0, (height - len(told)) // 2)
        return [*above, *(line("  ", (each, "quiet")) for each in told)]


def _limits(metric: MetricView) -> object:
    return metric.target, metric.target_value, metric.trigger, metric.trigger_value, metric.unit


def of_history(metric: MetricView, environment: str) -> ChartData:
    """What the panel's own polling has gathered: it is there at once."""
    samples = tuple(_with_gaps(metric.history))
    start, end = (samples[0][0], samples[-1][0]) if samples else (0.0, 1.0)
    return ChartData(
        environment=environment,
        objective=metric.id,
        start=start,
        end=max(end, start + 1.0),
        step=usual_step(metric.history),
        asked=metric.seen,
        lines=(ChartLine("all pods", "all", samples),),
    )


def _with_gaps(history: History) -> Iterator[tuple[float, float]]:
    """In order of time, with a gap wherever samples are missing."""
    step = usual_step(history)
    known = sorted((each for each in history if math.isfinite(each[0])), key=lambda each: each[0])
    for before, now in itertools.pairwise([(math.inf, 0.0), *known]):
        if now[0] - before[0] > 2.5 * step:
            yield (before[0] + now[0]) / 2, math.nan
        yield now
