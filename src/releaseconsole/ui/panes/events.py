"""What the cluster itself says about the environment's objects, the newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType

from releaseconsole.session.views import EnvironmentView, EventView
from releaseconsole.ui.panes.filtered import FilteredPane
from releaseconsole.ui.styles import event_mark
from releaseconsole.ui.widgets.cells import left, middle, right, safe
from releaseconsole.ui.widgets.lines import Line, Piece, line_width
from releaseconsole.ui.widgets.table import LineTable
from releaseconsole.ui.words import counted, local_time, whole_age


class _EventPainter:
    """Draws one event a line."""

    def __init__(self) -> None:
        self.now = 0.0

    def key(self, event: EventView, /) -> str:
        return event.uid

    def head(self, _width: int, /) -> Line:
        return ()

    def draw(self, event: EventView, width: int, /) -> Line:
        mark = event_mark(event)
        age = whole_age(self.now - event.at).replace(" ", "") if event.at else "–"
        wide = width >= 70
        pieces = [right(age, 4, "quiet"), Piece(" "), Piece(f"{mark.glyph} ", mark.tone)]
        if wide:
            pieces += [left(mark.word, 7, mark.tone), Piece(" ")]
        pieces += [
            left(event.reason, 18 if wide else 12, mark.tone if event.warning else "plain"),
            Piece(" "),
        ]
        pieces += [middle(event.object, min(34, width // 4) if wide else 12, "quiet"), Piece(" ")]
        times = f" ×{event.count}" if event.count > 1 else ""
        rest = width - line_width(pieces) - len(times)
        tone = "plain" if event.warning else "quiet"
        return (*pieces, left(event.message, max(0, rest), tone), Piece(times, "waiting"))


class EventsPane(FilteredPane):
    """Filter with ``/``, show only warnings with ``e``."""

    HEADING = "Events"
    PANEL = "events"
    PROMPT = "reason, object or message"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "find", "filter", id="events.filter", tooltip="Show only events with this text"),
        Binding(
            "e", "warnings", "only warnings", id="events.warnings", tooltip="Only warnings, or all events"
        ),
        Binding("enter", "detail", "detail", id="events.detail", tooltip="The whole message of the event"),
        Binding(
            "escape", "clear", "all events", id="events.clear", show=False, tooltip="Take the filter away"
        ),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        self._painter = _EventPainter()
        self.table: LineTable[EventView] = LineTable(self._painter)
        super().__init__(self.table, id=id, classes=classes)
        self._only_warnings = False

    def show(self, view: EnvironmentView, now_monotonic: float, now_epoch: float) -> None:
        """Show this view; the clocks are for ages."""
        self._view, self._now = view, (now_monotonic, now_epoch)
        self._painter.now = float(int(now_epoch))
        rows = self._select(view.events)
        nothing = "No event matches." if view.events else "No events in the last hour."
        self.table.set_rows(rows, int(now_epoch), self.emptiness(view, view.cluster, nothing))
        self.set_title(*self._counts(view, len(rows)))
        hint = "only warnings" if self._only_warnings else ""
        self.set_freshness(view.cluster, self.panel_error(view), now_monotonic, hint)

    def _select(self, events: Sequence[EventView]) -> Sequence[EventView]:
        needle = self._filter.casefold()
        if not needle and not self._only_warnings:
            return events
        return [
            event
            for event in events
            if (event.warning or not self._only_warnings)
            and needle in f"{event.reason} {event.object} {event.message}".casefold()
        ]

    def _counts(self, view: EnvironmentView, shown: int) -> tuple[str, ...]:
        warnings = sum(event.warning for event in view.events)
        if not view.events:
            return ()
        count = (
            f"{shown} of {len(view.events)} with “{self._filter}”" if self._filter else str(len(view.events))
        )
        return count, counted(warnings, "warning") if warnings else ""

    def action_warnings(self) -> None:
        """Only warnings, or all."""
        self._only_warnings = not self._only_warnings
        self.again()

    def action_detail(self) -> None:
        """The whole event under the cursor."""
        self.table.action_choose()

    @on(LineTable.Chosen)
    def _open(self, chosen: LineTable.Chosen) -> None:
        chosen.stop()
        event = next((event for event in self.table.rows if event.uid == chosen.key), None)
        if event is None:
            return
        now = self._now[1]
        facts = (
            ("message", event.message),
            ("object", event.object),
            ("kind", event_mark(event).word),
            ("seen", f"{counted(event.count, 'time')}, last at {local_time(event.at, now)}"),
        )
        self.open_detail(safe(event.reason, 100), facts)
