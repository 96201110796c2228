"""The objectives: value, target, a chart, and how near the rollback is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.events import Resize

from releaseconsole.session.views import EnvironmentView, MetricView
from releaseconsole.ui.panes.base import Pane
from releaseconsole.ui.screens.metric_detail import MetricDetail
from releaseconsole.ui.styles import metric_mark
from releaseconsole.ui.widgets.cells import left, number, right, safe, sentence
from releaseconsole.ui.widgets.lines import Line, Piece, justified, line_width
from releaseconsole.ui.widgets.sparkline import sparkline
from releaseconsole.ui.widgets.table import Drawn, DrawnPainter, LineTable
from releaseconsole.ui.words import cell_len, whole_age

_OLD = 15.0
_CALM = frozenset({"OK", "PENDING", "WAITING"})


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
        ages = tuple(_age(metric, now_monotonic) for metric in view.objectives)
        wanted = (view.objectives, ages, self.table.size)
        if not view.objectives or not _same(wanted, self._laid_out):
            self._laid_out = wanted
            nothing = "The plan has no objective here."
            layout = _Layout(view.objectives, self.table.room, self.table.size.height)
            rows = tuple(
                Drawn(metric.id, line)
                for metric, age in zip(view.objectives, ages, strict=True)
                for line in layout.lines(metric, age)
            )
            self.table.set_rows(rows, None, self.emptiness(view, view.metrics, nothing))
            self.fit_rows()
        self.set_title(*_counts(view.objectives))
        self.set_freshness(view.metrics, self.panel_error(view), now_monotonic)
        self._refresh_detail(view)

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


def _age(metric: MetricView, now: float) -> str:
    if not metric.seen or now - metric.seen <= _OLD:
        return ""
    return f"{whole_age(now - metric.seen)} old"


def _counts(objectives: Sequence[MetricView]) -> tuple[str, ...]:
    burning = sum(metric.state in ("BREACH", "PENDING") for metric in objectives)
    if not objectives:
        return ()
    met = sum(metric.meets_target is True for metric in objectives)
    return f"{met} of {len(objectives)} on target", f"{burning} burning" if burning else ""


class _Layout:
    """One line for each metric where it is wide, else two; three with a taller chart where it is high."""

    def __init__(self, metrics: Sequence[MetricView], width: int, height: int) -> None:
        self._width = width
        self._title = min(26, max((cell_len(safe(each.title or each.id, 60)) for each in metrics), default=0))
        self._value = max((len(number(each.value)) for each in metrics), default=1)
        self._unit = min(8, max((cell_len(safe(each.unit, 20)) for each in metrics), default=0))
        self._state = max((cell_len(str(metric_mark(each))) for each in metrics), default=0)
        self._limits = max(
            (cell_len(text) for each in metrics for text in (_target(each), _trigger(each))), default=0
        )
        taken = self._title + self._value + self._unit + self._state + 2 * self._limits + 12
        self._one_line = width - taken >= 10
        self._number = self._value + self._unit + 2
        self._tight = width - self._state - self._number < min(12, self._title + 2)
        self._roomy = height >= 3 * len(metrics) and not self._tight
        self._chart = min(60, width - taken) if self._one_line else 0

    def lines(self, metric: MetricView, age: str) -> Iterator[Line]:
        if self._roomy:
            yield from self._three(metric, age)
        elif self._one_line:
            yield self._one(metric, age)
        else:
            yield from self._two(metric, age)

    def _head(self, metric: MetricView, age: str, title: int) -> Line:
        name = left(metric.title or metric.id, title, "plain")
        return (name,) if self._tight else (name, Piece(" "), *self._measured(metric, age))

    def _measured(self, metric: MetricView, age: str) -> Line:
        value = right(number(metric.value), self._value, "stale" if age else "strong")
        return (
            value,
            Piece(" "),
            left(metric.unit, self._unit, "quiet"),
            *((Piece(" "),) if self._tight else ()),
        )

    def _one(self, metric: MetricView, age: str) -> Line:
        mark = metric_mark(metric)
        note, tone = _note(metric, age)
        start = (
            *self._head(metric, age, self._title),
            Piece("  "),
            left(str(mark), self._state, mark.tone),
            Piece("  "),
            left(_target(metric), self._limits, "quiet"),
            Piece("  "),
        )
        if not metric.history:
            return (*start, left(note, self._chart + 2 + self._limits, tone))
        return (*start, *sparkline(metric, self._chart)[0], Piece("  "), left(note, self._limits, tone))

    def _first(self, metric: MetricView, age: str) -> Line:
        mark = metric_mark(metric)
        title = max(4, min(self._title, self._width - self._state - 1 - (0 if self._tight else self._number)))
        return justified(
            self._head(metric, age, title), (left(str(mark), self._state, mark.tone),), self._width
        )

    def _two(self, metric: MetricView, age: str) -> Iterator[Line]:
        yield self._first(metric, age)
        target = _target(metric)
        chart = max(8, min(24, self._width // 4))
        note, tone = _note(metric, age)
        value = self._measured(metric, age) if self._tight else ()
        room = self._width - chart - cell_len(target) - 6 - line_width(value)
        yield (
            Piece("  "),
            *value,
            *sparkline(metric, chart)[0],
            Piece("  "),
            Piece(sentence(target, self._width - chart - 4 - line_width(value)), "quiet"),
            Piece("  "),
            left(note, max(0, room), tone),
        )

    def _three(self, metric: MetricView, age: str) -> Iterator[Line]:
        yield self._first(metric, age)
        label = min(self._limits, max(14, self._width // 3))
        chart = sparkline(metric, max(4, self._width - label - 4), 2)
        note, tone = _note(metric, age)
        yield (Piece("  "), left(note, label, tone), Piece("  "), *chart[0])
        yield (Piece("  "), left(_target(metric), label, "quiet"), Piece("  "), *chart[1])


def _target(metric: MetricView) -> str:
    return f"target {safe(metric.target, 24)}" if metric.target else ""


def _trigger(metric: MetricView) -> str:
    return f"back at {safe(metric.trigger, 24)}" if metric.trigger else ""


def _note(metric: MetricView, age: str) -> tuple[str, str]:
    """What to say first: that the value is old, why the state is what it is, or where the rollback begins."""
    if age:
        return f"{age} · {metric.reason}" if metric.reason else age, "stale"
    if metric.state not in _CALM and metric.reason:
        return metric.reason, metric_mark(metric).tone
    return _trigger(metric), "quiet"
