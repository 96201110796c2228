"""A chart of 24 hours, from its data to the painted frame, beside the same points in textual-plot."""

from __future__ import annotations

import asyncio
import math
import statistics
import time
from collections.abc import Callable

from textual.app import App, ComposeResult
from textual.widget import Widget

from benchmarks.measure import line
from benchmarks.metric import ERROR_RATE
from releaseconsole.session.chart_data import ChartData, ChartLine, ChartMark
from releaseconsole.session.chart_lines import Grid, grid
from releaseconsole.ui.widgets.metric_chart import MetricChart

RUNS = 15
SIZE = (200, 50)
DAY = 86_400.0
END = 1_795_000_000.0


class OneWidget(App[None]):
    """An application of one widget."""

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self.widget = widget

    def compose(self) -> ComposeResult:
        yield self.widget


def main() -> None:
    """Print the median of both in milliseconds, with the CPU time in it."""
    ours, cpu = asyncio.run(_ours())
    theirs = asyncio.run(_theirs())
    peer = "textual-plot is not installed"
    if theirs:
        peer = f"textual-plot, its lines alone: {theirs[0] * 1000:.0f} ms, {theirs[1] * 1000:.0f} ms of CPU"
    told = f"{cpu * 1000:.0f} ms of CPU; {peer}"
    line(f"chart of 24 h, data to frame, median of {RUNS}", f"{ours * 1000:.0f} ms", "150 ms", told)


async def _ours() -> tuple[float, float]:
    chart = MetricChart()
    app = OneWidget(chart)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        at, metric = grid(END, DAY, chart.points), ERROR_RATE
        data = [_data(at, run) for run in range(RUNS)]
        return await _median(app, [lambda one=one: chart.draw_chart(one, metric) for one in data])  # type: ignore[misc]


async def _theirs() -> tuple[float, float] | None:
    try:
        from textual_plot import HiResMode, PlotWidget
    except ImportError:
        return None
    plot = PlotWidget()
    app = OneWidget(plot)

    def draw(data: ChartData) -> None:
        plot.clear()
        plot.set_xlimits(data.start, data.end)
        plot.set_ylimits(0.0, 2.0)
        for one in data.lines:
            xs, ys = zip(*one.samples, strict=True)
            plot.plot(xs, ys, hires_mode=HiResMode.BRAILLE)

    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        at = grid(END, DAY, 2 * (SIZE[0] - 12))
        return await _median(app, [lambda run=run: draw(_data(at, run)) for run in range(RUNS)])  # type: ignore[misc]


async def _median(app: App[None], draws: list[Callable[[], None]]) -> tuple[float, float]:
    """Seconds of wall and of CPU time."""
    wall, cpu = [], []
    for draw in draws:
        painted = asyncio.Event()
        started, used = time.perf_counter(), time.process_time()
        draw()
        app.call_after_refresh(painted.set)
        await painted.wait()
        app.screen._compositor.render_strips()
        wall.append(time.perf_counter() - started)
        cpu.append(time.process_time() - used)
    return statistics.median(wall), statistics.median(cpu)


def _data(at: Grid, run: int) -> ChartData:
    deploy = at.count * 3 // 4

    def value(index: int) -> float:
        return abs(0.3 + 0.2 * math.sin(index / 9 + run) + 0.1 * math.sin(index * 1.7))

    old = at.samples(value(index) if index < deploy + 2 else math.nan for index in range(at.count))
    new = at.samples(math.nan if index < deploy else 2 * value(index) for index in range(at.count))
    return ChartData(
        environment="production",
        objective="error-rate",
        start=at.start,
        end=at.end,
        step=at.step,
        asked=0.0,
        lines=(ChartLine("old 1.0.0", "old", old), ChartLine("new 1.1.0", "new", new)),
        marks=(ChartMark(at.start + at.step * deploy, "deploy", "deploy"),),
    )


if __name__ == "__main__":
    main()
