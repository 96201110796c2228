"""One objective on axes, with its lines, its query and how far back the data reaches."""

from __future__ import annotations

import asyncio
import importlib
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from releaseconsole.session.views import MetricView
from releaseconsole.ui.styles import metric_mark
from releaseconsole.ui.widgets.cells import number, safe, safe_lines
from releaseconsole.ui.widgets.lines import TONE_CLASSES, tone_style
from releaseconsole.ui.words import counted, span

if TYPE_CHECKING:
    from releaseconsole.ui.widgets.metric_chart import MetricChart


class MetricDetail(ModalScreen[None]):
    """Lies over the panels, which live on; the one who opened it keeps it fresh with `show_metric`."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(TONE_CLASSES)
    DEFAULT_CSS = """
    MetricDetail {
        align: center middle;
        & > Vertical {
            width: 92%;
            max-width: 140;
            height: 88%;
            max-height: 44;
            border: round $accent;
            border-title-color: $foreground;
            background: $surface;
            padding: 0 2;
        }
        & #metric-facts { height: auto; margin-bottom: 1; }
        & #metric-chart { height: 1fr; }
        & #metric-chart > .-note { color: $foreground 60%; }
        & #metric-query { height: auto; max-height: 8; color: $foreground 70%; margin-top: 1; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "close", id="metric.close", tooltip="Close the chart"),
    ]

    def __init__(self, metric: MetricView, query: str = "") -> None:
        super().__init__()
        self.metric = metric
        self._query = query
        self._chart: MetricChart | None = None

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = Content(safe(self.metric.title or self.metric.id, 200))
            box.border_subtitle = Content("esc close")
            yield Static(id="metric-facts")
            with Vertical(id="metric-chart"):
                yield Static(Content("drawing…"), classes="-note")
            yield Static(Content(safe_lines(self._query.strip(), 4000)), id="metric-query")

    def on_mount(self) -> None:
        self._tell()
        self._bring_chart()

    @work(group="metric-chart", exclusive=True, exit_on_error=False)
    async def _bring_chart(self) -> None:
        """The library takes a moment to import: the panels must not wait for it."""
        place = self.query_one("#metric-chart")
        try:
            module = await asyncio.to_thread(
                importlib.import_module, "releaseconsole.ui.widgets.metric_chart"
            )
        except ImportError as error:
            self.query_one("#metric-chart > .-note", Static).update(
                Content(f"No chart: {safe(str(error), 200)}")
            )
            return
        chart: MetricChart = module.MetricChart()
        await place.remove_children()
        await place.mount(chart)
        self._chart = chart
        chart.draw_metric(self.metric)
        chart.focus()

    def show_metric(self, metric: MetricView) -> None:
        """The same objective, later."""
        changed = metric.history is not self.metric.history
        self.metric = metric
        if not self.is_mounted:
            return
        self._tell()
        if self._chart is not None and changed:
            self._chart.draw_metric(metric)

    def _tell(self) -> None:
        self.query_one("#metric-facts", Static).update(Content("\n").join(self._facts()))

    def _facts(self) -> list[Content]:
        metric = self.metric
        mark = metric_mark(metric)
        value = f"{number(metric.value)} {safe(metric.unit, 20)}".strip()
        first = Content.assemble(Content(f"{value}   "), self._toned(str(mark), mark.tone))
        if metric.reason:
            first = Content.assemble(first, Content(f"   {safe(metric.reason, 300)}"))
        lines = [first]
        limits = [self._toned(f"┄ target {safe(metric.target, 40)}", "waiting")] if metric.target else []
        if metric.trigger:
            limits.append(self._toned(f"┄ roll back at {safe(metric.trigger, 60)}", "failing"))
        lines.append(Content("   ").join([*limits, Content(_reach(metric))]))
        return lines

    def _toned(self, text: str, tone: str) -> Content:
        colour = tone_style(self, tone).color
        return Content(text).stylize(colour.name) if colour else Content(text)


def _reach(metric: MetricView) -> str:
    if not metric.history:
        return "nothing measured yet"
    first, last = metric.history[0][0], metric.history[-1][0]
    since = datetime.fromtimestamp(first).astimezone()
    return f"{counted(len(metric.history), 'sample')} in {span(last - first)}, since {since:%H:%M:%S}"
