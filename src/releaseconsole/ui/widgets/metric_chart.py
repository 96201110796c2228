"""One metric on axes. Imports the chart library, so import this module only when a chart is wanted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from textual_plot import AxisFormatter, HiResMode, PlotWidget

from releaseconsole.session.views import MetricView
from releaseconsole.ui.widgets.lines import TONE_CLASSES, tone_style
from releaseconsole.ui.widgets.sparkline import top_of_scale

_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400)
_RULE_POINTS = 400


class TimeAxis(AxisFormatter):
    """Ticks at round times of the person's own clock; seconds since the epoch in, ``09:12`` out."""

    def get_ticks(self, min_: float, max_: float, max_ticks: int = 8) -> list[float]:
        span = max(1.0, max_ - min_)
        most = max(1, min(max_ticks, 6))
        step = next((step for step in _STEPS if span / step <= most), _STEPS[-1])
        first = math.ceil(min_ / step) * step
        return [float(first + step * at) for at in range(int((max_ - first) // step) + 1)]

    def get_labels_for_ticks(self, ticks: Sequence[float]) -> list[str]:
        whole = all(tick % 60 == 0 for tick in ticks)
        return [
            f"{datetime.fromtimestamp(tick).astimezone():{'%H:%M' if whole else '%H:%M:%S'}}"
            for tick in ticks
        ]


class MetricChart(PlotWidget):
    """The history of a metric with its target and trigger; a gap in the data is a gap in the line."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(TONE_CLASSES)
    DEFAULT_CSS = """
    MetricChart {
        height: 1fr;
        min-height: 8;
        & > .plot--axis { color: $foreground 35%; }
        &:focus > .plot--axis { color: $accent; }
        & > .plot--tick { color: $foreground 60%; text-style: none; }
        & > .plot--label { color: $foreground 60%; text-style: none; }
    }
    """

    def draw_metric(self, metric: MetricView) -> None:
        """Draw it anew; the scale starts at zero."""
        self.clear()
        self.set_x_formatter(TimeAxis())
        times = [at for at, _ in metric.history if math.isfinite(at)]
        start, end = (min(times), max(times)) if times else (0.0, 1.0)
        self.set_xlimits(start, end if end > start else start + 1.0)
        self.set_ylimits(0.0, top_of_scale(metric) * 1.02)
        self.set_ylabel(metric.unit if metric.unit.isprintable() else "")
        self._rule(start, end, metric.target_value, "waiting")
        self._rule(start, end, metric.trigger_value, "failing")
        for piece in unbroken(metric.history):
            self._line(piece)

    def _line(self, piece: Sequence[tuple[float, float]]) -> None:
        xs, ys = [at for at, _ in piece], [value for _, value in piece]
        self.plot(xs, ys, line_style=self._colour("strong"), hires_mode=HiResMode.BRAILLE)
        if len(piece) == 1:
            self.scatter(xs, ys, marker="•", marker_style=self._colour("strong"))

    def _rule(self, start: float, end: float, value: float | None, tone: str) -> None:
        if value is None or not math.isfinite(value):
            return
        xs = [start + (end - start) * at / _RULE_POINTS for at in range(_RULE_POINTS + 1)]
        self.scatter(xs, [value] * len(xs), marker="┄", marker_style=self._colour(tone))

    def _colour(self, tone: str) -> str:
        colour = tone_style(self, tone).color
        return colour.name if colour else "white"


def unbroken(history: Sequence[tuple[float, float]]) -> list[list[tuple[float, float]]]:
    """The stretches of a history between its gaps."""
    stretches: list[list[tuple[float, float]]] = [[]]
    for at, value in history:
        if math.isfinite(at) and math.isfinite(value):
            stretches[-1].append((at, value))
        elif stretches[-1]:
            stretches.append([])
    return [stretch for stretch in stretches if stretch]
