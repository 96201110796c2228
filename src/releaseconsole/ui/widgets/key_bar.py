"""The line at the bottom: the keys that work here, and the rollback key always."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events
from textual.screen import Screen

from releaseconsole.ui.keymap import ROLLBACK_ID
from releaseconsole.ui.widgets.lines import Line, LineWidget, Piece, line_width


@dataclass(frozen=True, slots=True)
class _Entry:
    key: str
    display: str
    description: str
    rollback: bool

    def pieces(self) -> Line:
        if self.rollback:
            return (Piece(f" {self.display} {self.description} ", "danger"),)
        return (Piece(self.display, "key"), Piece(f" {self.description}", "quiet"))


class KeyBar(LineWidget):
    """Shows as many of the screen's live bindings as there is room for; a click presses the key."""

    def __init__(self, hidden: frozenset[str] = frozenset()) -> None:
        """``hidden``: ids of bindings that are not offered, those that write in a read-only console."""
        super().__init__(id="key-bar")
        self._hidden = hidden
        self._entries: tuple[_Entry, ...] = ()
        self._spans: list[tuple[int, int, str]] = []

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._take)
        self.call_after_refresh(self._take, self.screen)

    def _take(self, screen: Screen[object]) -> None:
        if not self.is_attached or screen is not self.screen:
            return
        entries: dict[str, _Entry] = {}
        for key, active in screen.active_bindings.items():
            binding = active.binding
            if binding.id in self._hidden:
                continue
            if binding.show and active.enabled and binding.action not in entries:
                display = self.app.get_key_display(binding)
                entries[binding.action] = _Entry(key, display, binding.description, binding.id == ROLLBACK_ID)
        if tuple(entries.values()) != self._entries:
            self._entries = tuple(entries.values())
            self.refresh()

    def lines(self, width: int) -> list[Line]:
        last = [entry for entry in self._entries if entry.rollback]
        room = width - 1 - sum(line_width(entry.pieces()) + 1 for entry in last)
        pieces: list[Piece] = [Piece(" ")]
        self._spans = []
        at = 1
        for entry in self._entries:
            drawn = entry.pieces()
            if entry.rollback or at + line_width(drawn) > room:
                continue
            self._spans.append((at, at + line_width(drawn), entry.key))
            pieces += [*drawn, Piece("  ")]
            at += line_width(drawn) + 2
        for entry in last:
            drawn = entry.pieces()
            gap = max(0, width - at - line_width(drawn))
            pieces += [Piece(" " * gap), *drawn]
            self._spans.append((at + gap, width, entry.key))
        return [tuple(pieces)]

    def on_click(self, event: events.Click) -> None:
        for start, end, key in self._spans:
            if start <= event.x < end:
                self.app.simulate_key(key)
