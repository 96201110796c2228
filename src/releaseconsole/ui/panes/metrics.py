"""The objectives: value, target, a chart, and how near the rollback is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.events import Resize

from releaseconsole.plan.model import Objective
from releaseconsole.session.views import EnvironmentView, MetricView
from releaseconsole.ui.messages import Wanted
from releaseconsole.ui.panes.base import Pane
from releaseconsole.ui.panes.metric_rows import MetricLayout, age_of
from releaseconsole.ui.panes.watch_rows import strip
from releaseconsole.ui.port import ChartSource
from releaseconsole.ui.screens.metric_detail import MetricDetail
from releaseconsole.ui.widgets.table import Drawn, DrawnPainter, LineTable

_WINDOW = "observation window"
"""Key of the line on it; no id of an objective has a space."""


class MetricsPane(Pane):
    """One entry an objective; enter opens its chart."""

    HEADING = "Metrics"
    PANEL = "metrics"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter", "detail", "chart", id="metrics.detail", tooltip="The metric on axes, with its query"
        ),
        Binding(
            "w", "window", "watch", id="metrics.window", tooltip="The observation window and its verdicts"
        ),
    ]

    def __init__(
        self,
        objectives: Iterable[Objective] = (),
        *,
        charts: ChartSource | None = None,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        """``objectives`` are the plan's, for their queries; ``charts`` asks for what a chart shows."""
        self.table: LineTable[Drawn] = LineTable(DrawnPainter())
        super().__init__(self.table, id=id, classes=classes)
        self._planned = {one.id: one for one in objectives}
        self._charts = charts
        self._view: EnvironmentView | None = None
        self._now = (0.0, 0.0)
        self._laid_out: tuple[object, ...] = ()
        self._detail: MetricDetail | None = None

    def show(self, view: EnvironmentView, now_monotonic: float, now_epoch: float) -> None:
        """Show this view; the monotonic clock is for the age of the values."""
        self._view, self._now = view, (now_monotonic, now_epoch)
        ages = tuple(age_of(metric, now_monotonic) for metric in view.objectives)
        window = self._strip(view, now_epoch)
        wanted = (view.objectives, ages, self.table.size, window)
        if not view.objectives or not _same(wanted, self._laid_out):
            self._laid_out = wanted
            nothing = "The plan has no objective here."
            rows = (*window, *self._rows(view.objectives, ages, len(window)))
            self.table.set_rows(rows, None, self.emptiness(view, view.metrics, nothing))
        self.set_title(*_counts(view.objectives))
        self.set_freshness(view.metrics, self.panel_error(view), now_monotonic)
        self._refresh_detail(view)

    def _strip(self, view: EnvironmentView, now: float) -> tuple[Drawn, ...]:
        """One line on the observation window, where there is one."""
        if view.watch is None or not view.objectives:
            return ()
        return (Drawn(_WINDOW, strip(view.watch, self.table.room, now)),)

    def _rows(self, objectives: Sequence[MetricView], ages: Sequence[str], taken: int) -> Iterator[Drawn]:
        if not objectives:
            return
        layout = MetricLayout(objectives, self.table.room, self.table.size.height - taken)
        for metric, age in zip(objectives, ages, strict=True):
            for line in layout.lines(metric, age):
                yield Drawn(metric.id, line)

    def _refresh_detail(self, view: EnvironmentView) -> None:
        if self._detail is None or self._detail.environment != view.id:
            return
        metric = next((each for each in view.objectives if each.id == self._detail.metric.id), None)
        if metric is not None:
            self._detail.show_metric(metric, self._now[0])

    def on_resize(self, _event: Resize) -> None:
        if self._view is not None:
            self.show(self._view, *self._now)

    def action_detail(self) -> None:
        """The chart of the objective under the cursor."""
        self.table.action_choose()

    def action_window(self) -> None:
        """The observation window."""
        self.post_message(Wanted("watch-window"))

    @on(LineTable.Chosen)
    def _open(self, event: LineTable.Chosen) -> None:
        event.stop()
        if event.key == _WINDOW:
            self.action_window()
            return
        view = self._view
        metric = next((each for each in view.objectives if each.id == event.key), None) if view else None
        if view is None or metric is None:
            return
        planned = self._planned.get(metric.id)
        self._detail = MetricDetail(
            metric,
            planned.query if planned else "",
            environment=view.id,
            charts=self._charts,
        )
        self.app.push_screen(self._detail, self._chart_closed)

    def _chart_closed(self, _result: None) -> None:
        self._detail = None


def _same(one: Sequence[object], other: Sequence[object]) -> bool:
    """The objectives by identity, since a gap is NaN and never equal to itself."""
    return len(other) == len(one) and one[0] is other[0] and one[1:] == other[1:]


def _counts(objectives: Sequence[MetricView]) -> tuple[str, ...]:
    burning = sum(metric.state in ("BREACH", "PENDING") for metric in objectives)
    if not objectives:
        return ()
    met = sum(metric.meets_target is True for metric in objectives)
    return f"{met} of {len(objectives)} on target", f"{burning} burning" if burning else ""
