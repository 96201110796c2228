"""The logs of all released pods in one stream."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import Input

from releaseconsole.session.views import EnvironmentView, LogCoverage
from releaseconsole.ui.panes.base import Pane
from releaseconsole.ui.port import LogBuffer
from releaseconsole.ui.widgets.cells import safe
from releaseconsole.ui.widgets.log_view import LogView
from releaseconsole.ui.words import counted


class LogsPane(Pane):
    """Follows the end until somebody scrolls up."""

    HEADING = "Logs"
    PANEL = "logs"
    PROMPT = "text to find"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "find", "search", id="logs.search", tooltip="Find text in the log"),
        Binding("n", "match(True)", "next", id="logs.next", show=False, tooltip="Go to the next match"),
        Binding(
            "N", "match(False)", "previous", id="logs.previous", show=False, tooltip="Go to the match before"
        ),
        Binding("f", "follow", "follow", id="logs.follow", tooltip="Go to the newest line and stay there"),
        Binding("e", "errors", "only errors", id="logs.errors", tooltip="Only errors, or all lines"),
        Binding("w", "wrap", "wrap", id="logs.wrap", tooltip="Break long lines, or let them run on"),
        Binding(
            "left", "shift(-1)", "left", id="logs.left", show=False, tooltip="Move long lines to the left"
        ),
        Binding(
            "right", "shift(1)", "right", id="logs.right", show=False, tooltip="Move long lines to the right"
        ),
        Binding("escape", "clear", "end search", id="logs.clear", show=False, tooltip="End the search"),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        self.log_view = LogView()
        super().__init__(self.log_view, id=id, classes=classes)
        self._view: EnvironmentView | None = None
        self._now = 0.0
        self._needle = ""

    def show(self, view: EnvironmentView, buffer: LogBuffer, now_monotonic: float, now_epoch: float) -> None:
        """Show what the buffer holds now; call it at most ten times a second."""
        self._view, self._now = view, now_monotonic
        self.log_view.sync(buffer, self._nothing(view))
        self.set_title(*_counts(view.logs))
        self._hint()

    def _nothing(self, view: EnvironmentView) -> str:
        if self.log_view.only_errors:
            return "No errors in the lines kept here."
        nothing = "No line yet."
        if view.logs.waiting:
            nothing = f"No line yet: {', '.join(safe(each, 80) for each in view.logs.waiting[:3])}."
        return self.emptiness(view, view.cluster, nothing)

    def _hint(self) -> None:
        view = self._view
        if view is None:
            return
        log, parts = self.log_view, []
        if self._needle:
            at, total, complete = log.search_state
            parts.append(f"“{self._needle}” {at}/{total}{'' if complete else ' searching…'}")
        if log.only_errors:
            parts.append("only errors")
        if not log.following:
            unseen = log.unseen
            parts.append(
                f"+{counted(unseen, 'new line')} · end to follow" if unseen else "paused · end to follow"
            )
        self.set_freshness(view.cluster, self.panel_error(view), self._now, " · ".join(parts))

    @on(LogView.Moved)
    def _moved(self, event: LogView.Moved) -> None:
        event.stop()
        self._hint()

    def action_follow(self) -> None:
        """Go to the newest line and stay there."""
        self.log_view.follow()

    def action_errors(self) -> None:
        """Only errors, or all lines."""
        self.log_view.show_errors(not self.log_view.only_errors)
        self._hint()

    def action_wrap(self) -> None:
        """Break long lines, or let them run on."""
        self.log_view.set_wrapped(not self.log_view.wrapped)

    def action_shift(self, by: int) -> None:
        """Move long lines sideways."""
        self.log_view.shift(by)

    def action_match(self, forward: bool) -> None:
        """The next or previous match."""
        self.log_view.go_to_match(forward)

    def action_clear(self) -> None:
        """End the search."""
        self._search("")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return bool(self._needle) if action in ("clear", "match") else True

    def on_input_submitted(self, event: Input.Submitted) -> None:
        super().on_input_submitted(event)
        self._search(event.value)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()

    def _search(self, text: str) -> None:
        self._needle = safe(text, 200)
        self.refresh_bindings()
        self.log_view.search(self._needle)
        self._hint()


def _counts(coverage: LogCoverage) -> tuple[str, ...]:
    if not coverage.total:
        return ()
    errors = coverage.errors_per_minute
    return (
        f"{coverage.streams}/{counted(coverage.total, 'stream')}",
        f"{counted(errors, 'error')}/min" if errors else "",
        _waiting(coverage.waiting),
        f"{coverage.dropped:,} skipped" if coverage.dropped else "",
    )


def _waiting(waiting: tuple[str, ...]) -> str:
    """``1 waiting: ImagePullBackOff``; the reasons stand behind the last colon of what the follower says."""
    if not waiting:
        return ""
    reasons = dict.fromkeys(safe(each.rpartition(": ")[2], 40) for each in waiting)
    return f"{len(waiting)} waiting: {', '.join(list(reasons)[:2])}"
