"""The output of an action, as it comes."""

from __future__ import annotations

from itertools import chain
from typing import ClassVar

from rich.cells import chop_cells
from textual import events
from textual.content import Content
from textual.strip import Strip

from releaseconsole.record.model import ActionState, ActionStatus
from releaseconsole.ui.glyphs import ACTION_TONES, UNICODE, Glyphs
from releaseconsole.ui.keymap import bindings_of
from releaseconsole.ui.messages import ActionWanted
from releaseconsole.ui.widgets.line_scroll import LineScroll
from releaseconsole.ui.widgets.lines import Line, Piece, draw, justified, line
from releaseconsole.ui.words import cut_middle, plain, span, took


class OutputPane(LineScroll, can_focus=True):
    """The tail of one action's output; follows the end unless somebody has scrolled up."""

    BINDINGS: ClassVar = bindings_of("output")
    ALLOW_SELECT = False

    def __init__(self, *, glyphs: Glyphs = UNICODE) -> None:
        super().__init__()
        self.id = "output"
        self.add_class("pane")
        self._glyphs = glyphs
        self._action = ""
        self._label = ""
        self._state = ActionState()
        self._output: tuple[str, ...] = ()
        self._folded: list[str] = []
        self._now = 0.0
        self._sought = ""
        self.border_title = Content("Output")

    def show(
        self, action_id: str, label: str, state: ActionState, output: tuple[str, ...], now: float
    ) -> None:
        """Take what an action has printed; an empty id means that none was run."""
        other = action_id != self._action
        changed = other or output is not self._output
        follow = other or self._at_end()
        self._action, self._label, self._state, self._now = action_id, label, state, now
        self._output = output
        if changed:
            self._fold()
            if follow:
                self.go_to(int(self.max_scroll_y))
        if other:
            self.refresh_bindings()
        self.refresh()

    @property
    def title(self) -> str:
        """What the border says."""
        return f"Output ── {cut_middle(self._label, 40)}" if self._action else "Output"

    def _at_end(self) -> bool:
        return self.scroll_offset.y >= self.max_scroll_y - 1

    def _fold(self) -> None:
        self.border_title = Content(plain(self.title))
        width = max(8, self.room)
        self._folded = list(chain.from_iterable(_fold(text, width) for text in self._output))
        self.set_extent(len(self._folded) + 1)

    def on_resize(self, event: events.Resize) -> None:
        follow = self._at_end()
        self._fold()
        if follow:
            self.go_to(int(self.max_scroll_y))

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        pieces = self._line(y + self.scroll_offset.y, width)
        return draw(pieces, width, self.tone, self.tone(""))

    def _line(self, number: int, width: int) -> Line:
        if not self._action:
            return line((" No action of this phase was run yet.", "quiet")) if number == 0 else ()
        if number == len(self._folded):
            return self._end(width)
        if number > len(self._folded):
            return ()
        text = self._folded[number]
        found = bool(self._sought) and self._sought in text.casefold()
        return line(" ", (text, "match" if found else "plain"))

    def _end(self, width: int) -> Line:
        """The last line: how the action stands."""
        status, tone = self._state.status, ACTION_TONES[self._state.status]
        running = status is ActionStatus.RUNNING
        seconds = (self._now if running else self._state.ended) - self._state.started
        time = (span(seconds) if running else took(seconds)) if self._state.started else ""
        summary = cut_middle(self._state.summary, max(4, width - 30))
        left = line(" ", (f"{self._glyphs.actions[status]} {status.value}", tone), "  ", (summary, "quiet"))
        return justified(left, (Piece(time, "quiet"), Piece(" ")), width)

    def find(self, text: str, again: bool = False) -> str:
        """Mark the lines with that text and go to one, upwards from where it stands."""
        self._sought = text.casefold()
        found = [n for n, one in enumerate(self._folded) if self._sought and self._sought in one.casefold()]
        self.refresh()
        if not found:
            return "nothing found" if text else ""
        top = self.scroll_offset.y
        above = [n for n in found if n < top]
        chosen = above[-1] if again and above else found[-1]
        self.go_to(chosen)
        return f"{found.index(chosen) + 1} of {len(found)}"

    def action_cancel(self) -> None:
        """Stop the action that is shown."""
        self.post_message(ActionWanted(self._action, halt=True))


def _fold(text: str, width: int) -> list[str]:
    text = plain(text.expandtabs(8))
    width -= 1
    return [text] if len(text) <= width and text.isascii() else (chop_cells(text, width) or [""])
