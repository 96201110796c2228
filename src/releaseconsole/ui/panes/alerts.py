"""What Prometheus' own rules say of the release: alerts that fire, that are about to, and rules that cannot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType

from releaseconsole.session.views import AlertView, EnvironmentView, Freshness, Liveness
from releaseconsole.ui.panes.filtered import FilteredPane
from releaseconsole.ui.styles import alert_mark
from releaseconsole.ui.widgets.cells import left, middle, number, right, safe
from releaseconsole.ui.widgets.lines import Line, Piece, line_width
from releaseconsole.ui.widgets.table import LineTable
from releaseconsole.ui.words import counted, local_time, whole_age

_WIDE = 100
"""Cells from which a row shows labels too."""


class _AlertPainter:
    """Draws one alert a line."""

    def __init__(self) -> None:
        self.now = 0.0

    def key(self, alert: AlertView, /) -> str:
        return alert.key

    def head(self, _width: int, /) -> Line:
        return ()

    def draw(self, alert: AlertView, width: int, /) -> Line:
        mark = alert_mark(alert)
        age = whole_age(self.now - alert.since).replace(" ", "") if alert.since else "–"
        pieces = [
            Piece(f"{mark.glyph} ", mark.tone),
            left(mark.word, 8, mark.tone),
            Piece(" "),
            middle(alert.name, min(36, width // 3), mark.tone if alert.firing else "plain"),
            Piece(" "),
            right(age, 4, "quiet"),
            Piece(" "),
        ]
        rest = max(0, width - line_width(pieces))
        labels = rest // 3 if width >= _WIDE else 0
        pieces.append(left(alert.summary, rest - labels, "plain" if alert.firing else "quiet"))
        return (*pieces, Piece(" "), left(_labels(alert), labels - 1, "quiet")) if labels else tuple(pieces)


class AlertsPane(FilteredPane):
    """Filter with ``/``; enter opens everything that is known of an alert."""

    HEADING = "Alerts"
    PANEL = "alerts"
    PROMPT = "name, summary or label"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "find", "filter", id="alerts.filter", tooltip="Show only alerts with this text"),
        Binding(
            "enter",
            "detail",
            "detail",
            id="alerts.detail",
            tooltip="Annotations, runbook and labels of the alert",
        ),
        Binding(
            "escape", "clear", "all alerts", id="alerts.clear", show=False, tooltip="Take the filter away"
        ),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        self._painter = _AlertPainter()
        self.table: LineTable[AlertView] = LineTable(self._painter)
        super().__init__(self.table, id=id, classes=classes)

    def show(self, view: EnvironmentView, now_monotonic: float, now_epoch: float) -> None:
        """Show this view; the clocks are for ages."""
        self._view, self._now = view, (now_monotonic, now_epoch)
        self._painter.now = float(int(now_epoch))
        rows = self._select(view.alerts)
        nothing = "No alert matches." if view.alerts else _calm(view)
        self.table.set_rows(rows, int(now_epoch), self.emptiness(view, view.alerts_freshness, nothing))
        self.set_title(*self._counts(view, len(rows)))
        self.set_freshness(view.alerts_freshness, self.panel_error(view), now_monotonic)

    def emptiness(self, view: EnvironmentView, freshness: Freshness, nothing: str) -> str:
        """As for every panel, but it is Prometheus that answers here, not the cluster."""
        if self.panel_error(view) or freshness.liveness is Liveness.LIVE:
            return super().emptiness(view, freshness, nothing)
        if freshness.liveness is Liveness.DENIED:
            return f"No alerts: {freshness.error}."
        if freshness.liveness is Liveness.STALE:
            return f"The alerts are not known. {freshness.error}"
        return "Waiting for the first answer of Prometheus…"

    def _select(self, alerts: Sequence[AlertView]) -> Sequence[AlertView]:
        needle = self._filter.casefold()
        if not needle:
            return alerts
        return [
            alert
            for alert in alerts
            if needle in f"{alert.name} {alert.severity} {alert.summary} {_labels(alert)}".casefold()
        ]

    def _counts(self, view: EnvironmentView, shown: int) -> Iterator[str]:
        counts = view.alert_counts
        if self._filter:
            yield f"{shown} of {len(view.alerts)} with “{self._filter}”"
        states = [alert.state for alert in view.alerts]
        pending = states.count("pending")
        yield f"{counts.firing} firing" if counts.firing else ""
        yield f"{pending} pending" if pending else ""
        yield f"{counts.left_out} not shown" if counts.left_out else ""
        yield f"{counts.elsewhere} firing elsewhere" if counts.elsewhere else ""
        yield counted(counts.broken, "broken rule") if counts.broken else ""

    def action_detail(self) -> None:
        """Everything about the alert under the cursor."""
        self.table.action_choose()

    @on(LineTable.Chosen)
    def _open(self, chosen: LineTable.Chosen) -> None:
        chosen.stop()
        alert = next((alert for alert in self.table.rows if alert.key == chosen.key), None)
        if alert is not None:
            self.open_detail(safe(alert.name, 100), tuple(_facts(alert, self._now[1])))


def _calm(view: EnvironmentView) -> str:
    """``No alert fires for healthpay · 12 rules watched, 2 of them name it.``"""
    counts = view.alert_counts
    if not counts.rules:
        return "This Prometheus has no alerting rule: nothing can fire."
    names = dict.fromkeys(target.rpartition("/")[2] for target in view.targets)
    rules = f"{counted(counts.rules, 'rule')} watched, {counts.named or 'none'} of them for it"
    return f"No alert fires for {' and '.join(names)} · {rules}."


def _facts(alert: AlertView, now: float) -> Iterator[tuple[str, str]]:
    since = (
        f", since {local_time(alert.since, now)} ({whole_age(now - alert.since)} ago)" if alert.since else ""
    )
    severity = f", {alert.severity}" if alert.severity else ""
    yield "state", f"{alert.state}{severity}{since}"
    if alert.state == "broken":
        yield "why", alert.summary
    yield from ((safe(name, 100), text) for name, text in alert.annotations)
    yield "value", "" if alert.value is None else number(alert.value)
    yield "labels", "\n".join(f"{name} = {value}" for name, value in alert.labels)
    yield "rule group", alert.group
    yield "told by", alert.source


def _labels(alert: AlertView) -> str:
    """The namespace is the release's own and says nothing new."""
    return " ".join(f"{name}={value}" for name, value in alert.labels if name != "namespace")
