"""The objectives: value, target, a chart, and how near the rollback is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.events import Resize

from releaseconsole.session.views import EnvironmentView, MetricView
from releaseconsole.ui.panes.base import Pane
from releaseconsole.ui.panes.metric_rows import MetricLayout, age_of
from releaseconsole.ui.screens.metric_detail import MetricDetail
from releaseconsole.ui.widgets.table import Drawn, DrawnPainter, LineTable


class MetricsPane(Pane):
    """One entry an objective; enter opens its chart."""

    HEADING = "Metrics"
    PANEL = "metrics"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter", "detail", "chart", id="metrics.detail", tooltip="The metric on axes, with its query"
        ),
    ]

    def __init__(
        self,
        queries: Mapping[str, str] | None = None,
        *,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        """``queries``: the text of each objective's query, shown beside its chart."""
        self.table: LineTable[Drawn] = LineTable(DrawnPainter())
        super().__init__(self.table, id=id, classes=classes)
        self.queries = dict(queries or {})
        self._view: EnvironmentView | None = None
        self._now = (0.0, 0.0)
        self._laid_out: tuple[object, ...] = ()
        self._detail: MetricDetail | None = None

    def show(self, view: EnvironmentView, now_monotonic: float, now_epoch: float) -> None:
        """Show this view; the monotonic clock is for the age of the values."""
        self._view, self._now = view, (now_monotonic, now_epoch)
        ages = tuple(age_of(metric, now_monotonic) for metric in view.objectives)
        wanted = (view.objectives, ages, self.table.size)
        if not view.objectives or not _same(wanted, self._laid_out):
            self._laid_out = wanted
            nothing = "The plan has no objective here."
            rows = tuple(self._rows(view.objectives, ages))
            self.table.set_rows(rows, None, self.emptiness(view, view.metrics, nothing))
        self.set_title(*_counts(view.objectives))
        self.set_freshness(view.metrics, self.panel_error(view), now_monotonic)
        self._refresh_detail(view)

    def _rows(self, objectives: Sequence[MetricView], ages: Sequence[str]) -> Iterator[Drawn]:
        if not objectives:
            return
        layout = MetricLayout(objectives, self.table.room, self.table.size.height)
        for metric, age in zip(objectives, ages, strict=True):
            for line in layout.lines(metric, age):
                yield Drawn(metric.id, line)

    def _refresh_detail(self, view: EnvironmentView) -> None:
        if self._detail is None:
            return
        metric = next((each for each in view.objectives if each.id == self._detail.metric.id), None)
        if metric is not None:
            self._detail.show_metric(metric)

    def on_resize(self, _event: Resize) -> None:
        if self._view is not None:
            self.show(self._view, *self._now)

    def action_detail(self) -> None:
        """The chart of the objective under the cursor."""
        self.table.action_choose()

    @on(LineTable.Chosen)
    def _open(self, event: LineTable.Chosen) -> None:
        event.stop()
        objectives = self._view.objectives if self._view else ()
        metric = next((each for each in objectives if each.id == event.key), None)
        if metric is None:
            return
        self._detail = MetricDetail(metric, self.queries.get(metric.id, ""))
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
