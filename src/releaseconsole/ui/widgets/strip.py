"""One line of tabs that shortens itself until it fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events

from releaseconsole.ui.widgets.lines import Line, LineWidget, Piece, line_width
from releaseconsole.ui.words import cut_end


@dataclass(frozen=True, slots=True)
class Tab:
    """A tab in several lengths, the longest first."""

    key: str
    forms: tuple[Line, ...]
    active: bool = False

    def form(self, level: int) -> Line:
        return self.forms[min(level, len(self.forms) - 1)]


class TabStrip(LineWidget):
    """Draws tabs with a separator; the active one keeps its longest form as far as there is room."""

    def __init__(self, *, id: str, separator: str = "│") -> None:  # noqa: A002
        super().__init__(id=id)
        self._tabs: tuple[Tab, ...] = ()
        self._separator = separator
        self._spans: list[tuple[int, int, str]] = []

    def set_tabs(self, tabs: Sequence[Tab]) -> None:
        """Take new tabs; repaints only when they differ."""
        if tuple(tabs) != self._tabs:
            self._tabs = tuple(tabs)
            self.refresh()

    def lines(self, width: int) -> list[Line]:
        chosen = self._choose(width)
        pieces: list[Piece] = []
        self._spans = []
        at = 0
        for index, (tab, form) in enumerate(zip(self._tabs, chosen, strict=True)):
            if index and self._separator:
                pieces.append(Piece(self._separator, "quiet"))
                at += len(self._separator)
            shown = _padded(form, tab.active)
            self._spans.append((at, at + line_width(shown), tab.key))
            pieces.extend(shown)
            at += line_width(shown)
        return [tuple(pieces)]

    def _choose(self, width: int) -> list[Line]:
        gap = len(self._separator)
        levels = max((len(tab.forms) for tab in self._tabs), default=1)
        forms: list[Line] = []
        for level in range(levels):
            for active_level in range(level + 1):
                forms = [tab.form(active_level if tab.active else level) for tab in self._tabs]
                if sum(line_width(form) + 2 + gap for form in forms) - gap <= width:
                    return forms
        return forms

    def on_click(self, event: events.Click) -> None:
        for start, end, key in self._spans:
            if start <= event.x < end:
                self.chosen(key)

    def chosen(self, key: str) -> None:
        """A tab was clicked."""
        raise NotImplementedError


def _padded(form: Line, active: bool) -> Line:
    if not active:
        return (Piece(" "), *form, Piece(" "))
    return (Piece(" ", "active"), *(Piece(piece.text, "active") for piece in form), Piece(" ", "active"))


def short_title(title: str, width: int) -> str:
    """The first word of a title, or as much of it as fits."""
    return cut_end(title.split()[0] if title.split() else title, width)
