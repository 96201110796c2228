"""Every key that works, made from the bindings themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import ModalScreen, Screen
from textual.widget import Widget

from releaseconsole.ui.keymap import bindings_of, writing_ids
from releaseconsole.ui.widgets.lines import Line, LineBlock, Piece, line
from releaseconsole.ui.words import cell_len, wrap

_WRITING = writing_ids()
_PHASE_KEY = "frame.phase-"


@dataclass(frozen=True, slots=True)
class HelpRow:
    """One binding as people read it."""

    keys: str
    description: str
    tooltip: str


Sections = Mapping[str, tuple[HelpRow, ...]]


class HelpScreen(ModalScreen[None]):
    """Closes with escape."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of("help")

    def __init__(self, sections: Sections) -> None:
        super().__init__()
        self._sections = sections

    def compose(self) -> ComposeResult:
        with Vertical(id="help", classes="dialog") as box:
            box.border_title = Content("Keys")
            box.border_subtitle = Content("esc close")
            with VerticalScroll(id="help-body"):
                yield LineBlock(self._lines)

    def _lines(self, width: int) -> list[Line]:
        rows = [row for section in self._sections.values() for row in section]
        keys = max((cell_len(row.keys) for row in rows), default=0) + 2
        words = max((cell_len(row.description) for row in rows), default=0) + 2
        lines: list[Line] = []
        for title, section in self._sections.items():
            lines += [(), line((title, "title"))] if lines else [line((title, "title"))]
            for row in section:
                lines += _row(row, keys, words, width)
        return lines


def _row(row: HelpRow, keys: int, words: int, width: int) -> Iterator[Line]:
    head = (Piece(" " + row.keys.ljust(keys), "key"), Piece(row.description.ljust(words)))
    room = width - keys - words - 1
    if room < 20:
        yield head
        for text in wrap(row.tooltip, width - 4, most=3) if row.tooltip else ():
            yield line("    ", (text, "quiet"))
        return
    first, *more = wrap(row.tooltip, room, most=3)
    yield (*head, Piece(first, "quiet"))
    for text in more:
        yield line(" " * (keys + words + 1), (text, "quiet"))


def live_sections(screen: Screen[Any], panes: Iterable[Widget], *, read_only: bool) -> Sections:
    """What is bound on the screen and in each of its panels, after any keymap of the user's."""
    sections: dict[str, tuple[HelpRow, ...]] = {
        "Everywhere": _rows(screen, (screen.app,), read_only),
        "This screen": _rows(screen, (screen,), read_only),
    }
    for pane in panes:
        nodes = (pane, *pane.walk_children(Widget))
        rows = _rows(screen, nodes, read_only)
        if rows:
            sections[f"{(pane.id or 'panel').capitalize()} panel"] = rows
    return sections


def _rows(screen: Screen[Any], nodes: Iterable[DOMNode], read_only: bool) -> tuple[HelpRow, ...]:
    found: dict[str, tuple[Binding, list[str]]] = {}
    for node in nodes:
        for binding in _bindings(screen, node):
            if read_only and binding.id in _WRITING:
                continue
            name = binding.id or binding.action
            display = screen.app.get_key_display(binding)
            known = found.setdefault(name, (binding, []))[1]
            if display not in known:
                known.append(display)
    rows = [
        HelpRow(" ".join(keys), binding.description, binding.tooltip)
        for binding, keys in found.values()
        if not (binding.id or "").startswith(_PHASE_KEY)
    ]
    phases = [keys[0] for binding, keys in found.values() if (binding.id or "").startswith(_PHASE_KEY)]
    if phases:
        rows.append(HelpRow(f"{phases[0]}–{phases[-1]}", "phase", "Show the phase of that number"))
    return tuple(rows)


def _bindings(screen: Screen[Any], node: DOMNode) -> Iterator[Binding]:
    bindings = node._bindings.copy()
    if screen.app._keymap:
        bindings.apply_keymap(screen.app._keymap)
    for _, binding in bindings:
        if binding.description and (binding.id or binding.action == "command_palette"):
            yield binding
