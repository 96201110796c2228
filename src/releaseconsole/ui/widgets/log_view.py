"""A window on a log buffer that never stops moving.

Lines are known by their absolute numbers, so that a reader who has scrolled up keeps the same line on the
same row while older ones are dropped. Only what is on the screen is drawn, and each drawn line is kept.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Hashable, Sequence

from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.color import Color
from textual.events import Resize
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip
from textual.timer import Timer

from releaseconsole.ui.port import LogBuffer, LogLine
from releaseconsole.ui.widgets.line_index import LineIndex
from releaseconsole.ui.widgets.line_scroll import LineScroll
from releaseconsole.ui.widgets.lines import Piece, draw
from releaseconsole.ui.widgets.log_line import (
    SOURCE,
    Columns,
    contains,
    gap_line,
    highlighted,
    is_error,
    lit,
    parts_of,
    prefix,
    text_of,
    text_tone,
)  # fmt: skip

_SCAN_EVERY = 0.04
_MOST_COPIED = 20_000
_SHIFT = 16


class LogView(LineScroll, can_focus=True):
    """Follows the end until somebody scrolls up; `sync` tells it that the buffer has moved on."""

    class Moved(Message):
        """It follows or no longer does, or a search has come further."""

    ALLOW_SELECT = True

    def __init__(self) -> None:
        super().__init__()
        self._buffer: LogBuffer | None = None
        self._shown: Sequence[int] = range(0)
        self._sentence_shown = ""
        self._only_errors: LineIndex | None = None
        self._found: LineIndex | None = None
        self._pattern: re.Pattern[str] | None = None
        self._at_match: int | None = None
        self._following = True
        self._placing = False
        self._seen_end = 0
        self._wrapped = False
        self._shift = 0
        self._layout_of: tuple[Hashable, list[tuple[int, int]]] = (None, [])
        self._strips: LRUCache[Hashable, Strip] = LRUCache(1024)
        self._scanner: Timer | None = None

    @property
    def following(self) -> bool:
        """Whether the newest line stays in view."""
        return self._following

    @property
    def only_errors(self) -> bool:
        return self._only_errors is not None

    @property
    def wrapped(self) -> bool:
        return self._wrapped

    @property
    def unseen(self) -> int:
        """Lines that came since the reader scrolled up."""
        if self._following or self._buffer is None:
            return 0
        return len(self._shown) - bisect_left(self._shown, self._seen_end)

    @property
    def search_state(self) -> tuple[int, int, bool]:
        """(which match the reader is at, how many there are, whether all lines were searched)."""
        if self._found is None:
            return 0, 0, True
        rank = self._found.rank(self._at_match) if self._at_match is not None else 0
        return rank, len(self._found.numbers), self._found.complete

    @property
    def top_line(self) -> int | None:
        """Absolute number of the uppermost line on the screen."""
        top = self.scroll_offset.y
        return self._shown[top] if top < len(self._shown) else None

    def on_mount(self) -> None:
        super().on_mount()  # type: ignore[no-untyped-call]
        self._scanner = self.set_interval(_SCAN_EVERY, self._scan, name="log-scan", pause=True)

    def sync(self, buffer: LogBuffer, sentence: str = "") -> None:
        """Show what the buffer holds now; ``sentence`` stands there while nothing does."""
        if buffer is not self._buffer:
            self._start_over(buffer)
        top = self.top_line
        before = (self._shown[0] if self._shown else -1, len(self._shown), self._sentence_shown)
        self._sentence_shown = sentence
        self._shown = self._rows(buffer)
        if before == (self._shown[0] if self._shown else -1, len(self._shown), sentence):
            return
        self._place(top)
        if self._following or not self._shown:
            self.refresh()

    def _start_over(self, buffer: LogBuffer) -> None:
        self._buffer, self._following, self._at_match = buffer, True, None
        self._strips.clear()
        if self._only_errors is not None:
            self._only_errors = LineIndex(is_error)
        if self._pattern is not None:
            self._found = LineIndex(contains(self._pattern))
        self._wake_scanner()

    def _rows(self, buffer: LogBuffer) -> Sequence[int]:
        for index in (self._only_errors, self._found):
            if index is not None:
                index.advance(buffer)
        self._wake_scanner()
        if self._only_errors is not None:
            return tuple(self._only_errors.numbers)
        return range(buffer.first, buffer.end)

    def _place(self, top: int | None) -> None:
        """Fit the scrollbar to the rows, and keep the end or the reader's line where it was."""
        self._placing = True
        self.set_extent(self._tail_top() + self._page if self._wrapped else len(self._shown))
        if self._following:
            self._seen_end = self._buffer.end if self._buffer else 0
            self.go_to(self.max_scroll_y)
        elif top is not None:
            row = bisect_left(self._shown, top)
            if row != self.scroll_offset.y:
                self.go_to(row)
            if self._shown and self._shown[0] > top:
                self.refresh()
        self._placing = False

    @property
    def _page(self) -> int:
        return max(1, self.size.height)

    def _tail_top(self) -> int:
        """The uppermost row from which all the rest fits on the screen, when lines are wrapped."""
        room = self._page
        row = len(self._shown)
        while row > 0:
            room -= len(self._parts(self._shown[row - 1]))
            if room < 0 and row < len(self._shown):
                break
            row -= 1
            if room <= 0:
                break
        return row

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self._placing or round(old_value) == round(new_value):
            return
        self._set_following(round(new_value) >= self.max_scroll_y)

    def _set_following(self, following: bool) -> None:
        if following == self._following:
            return
        self._following = following
        self._seen_end = self._buffer.end if self._buffer else 0
        self.post_message(self.Moved())

    def on_resize(self, _event: Resize) -> None:
        self._place(self.top_line)
        self.refresh()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()

    # What the panel's keys do.

    def follow(self) -> None:
        """Go to the end and stay there."""
        self._set_following(True)
        self._place(None)
        self.refresh()

    def show_errors(self, only: bool) -> None:
        """Only lines of level error and the gaps between them, or all lines."""
        top = self.top_line
        self._only_errors = LineIndex(is_error) if only else None
        self._redo(top)

    def set_wrapped(self, wrapped: bool) -> None:
        """Break long lines, or let them run out of the window."""
        top = self.top_line
        self._wrapped, self._shift = wrapped, 0
        self._redo(top)

    def shift(self, by: int) -> None:
        """Move the text to the left or right in steps, when it is not wrapped."""
        if not self._wrapped:
            self._shift = max(0, min(4000, self._shift + by * _SHIFT))
            self.refresh()

    def search(self, text: str) -> None:
        """Light up every place of ``text`` and go to the newest one; "" ends the search."""
        self._strips.clear()
        self._at_match = None
        self._pattern = re.compile(re.escape(text), re.IGNORECASE) if text else None
        self._found = LineIndex(contains(self._pattern)) if self._pattern else None
        if self._buffer is not None:
            self._redo(self.top_line)
            self._scan()

    def go_to_match(self, forward: bool) -> bool:
        """To the next or the previous match, round the ends; False when there is none."""
        if self._found is None:
            return False
        here = self._at_match if self._at_match is not None else self._bottom_line() + 1
        number = self._found.after(here) if forward else self._found.before(here)
        if number is None:
            return False
        self._at_match = number
        self._bring_into_view(number)
        self.post_message(self.Moved())
        return True

    def _redo(self, top: int | None) -> None:
        self._strips.clear()
        if self._buffer is not None:
            self._shown = self._rows(self._buffer)
        self._place(top)
        self.refresh()

    def _bottom_line(self) -> int:
        layout = self._viewport()
        return layout[-1][0] if layout else 0

    def _bring_into_view(self, number: int) -> None:
        row = bisect_left(self._shown, number)
        top = self.scroll_offset.y
        if not top <= row < top + self._page or self._wrapped:
            self.go_to(row - self._page // 2)
        self.refresh()

    def _wake_scanner(self) -> None:
        if self._scanner is None:
            return
        pending = any(index is not None and not index.complete for index in (self._only_errors, self._found))
        waiting = self._found is not None and self._at_match is None
        if pending or waiting:
            self._scanner.resume()
        else:
            self._scanner.pause()

    def _scan(self) -> None:
        """A piece more of what is being searched."""
        if self._buffer is None:
            return
        self.sync(self._buffer, self._sentence_shown)
        if self._found is not None and self._found.complete and self._at_match is None:
            if not self.go_to_match(forward=False) and self._scanner is not None:
                self._scanner.pause()
            self.post_message(self.Moved())

    # Drawing.

    def tone(self, tone: str) -> Style:
        """As in every panel; besides, a soft colour for each source."""
        if tone.startswith(SOURCE) and tone not in self._tones:
            variables = self.app.theme_variables
            foreground = Color.parse(variables["foreground"])
            found = variables.get(tone.removeprefix(SOURCE), variables["accent"])
            self._tones[tone] = Style(color=Color.parse(found).blend(foreground, 0.35, 1.0).rich_color)
        return super().tone(tone)

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        if not self._shown:
            return self.sentence_line(self._sentence_shown, y)
        layout = self._viewport()
        if y >= len(layout) or self._buffer is None:
            return self.blank()
        number, part = layout[y]
        if not self._buffer.first <= number < self._buffer.end:
            return self.blank()
        key = (number, part, width, self._shift, self._pattern, number == self._at_match)
        if (span := self._selected(number)) is not None:
            return self._strip(number, part, width, span)
        if (strip := self._strips.get(key)) is None:
            strip = self._strips[key] = self._strip(number, part, width, None)
        return strip

    def _viewport(self) -> list[tuple[int, int]]:
        """(number, part) of each row on the screen."""
        top, page = self.scroll_offset.y, self._page
        if not self._wrapped:
            return [(number, 0) for number in self._shown[top : top + page]]
        key = (top, page, self.size.width, len(self._shown), self._shown[0] if self._shown else 0)
        if self._layout_of[0] != key:
            rows: list[tuple[int, int]] = []
            for number in self._shown[top : top + page]:
                rows += [(number, part) for part in range(len(self._parts(number)))]
                if len(rows) >= page:
                    break
            self._layout_of = (key, rows[:page])
        return self._layout_of[1]

    def _parts(self, number: int) -> list[tuple[int, str]]:
        line = self._line(number)
        if line is None or line.level == "gap":
            return [(0, "")]
        room = self.room
        return parts_of(text_of(line), room - Columns.for_width(room).prefix, self._wrapped)

    def _line(self, number: int) -> LogLine | None:
        buffer = self._buffer
        return buffer.line(number) if buffer is not None and buffer.first <= number < buffer.end else None

    def _strip(self, number: int, part: int, width: int, selected: tuple[int, int] | None) -> Strip:
        line = self._line(number)
        if line is None:
            return self.blank()
        if line.level == "gap":
            return draw(gap_line(line, self.room), width, self.tone, self.tone("")).apply_offsets(0, number)
        columns = Columns.for_width(self.room)
        before = draw(self._before(line, part, columns, number), columns.prefix, self.tone, self.tone(""))
        start, text = self._parts(number)[part]
        drawn = text[self._shift :]
        pieces = highlighted(drawn, text_tone(line.level), self._pattern)
        after = self._text_strip(pieces, max(0, self.room - columns.prefix), start + self._shift, selected)
        strip = Strip.join([before, after.apply_offsets(start + self._shift, number)])
        return strip.adjust_cell_length(width, self.tone(""))

    def _before(self, line: LogLine, part: int, columns: Columns, number: int) -> tuple[Piece, ...]:
        if part:
            return (Piece(" " * columns.prefix),)
        pieces = prefix(line, columns)
        return (*pieces[:-1], Piece("▸ ", "key")) if number == self._at_match else pieces

    def _text_strip(
        self, pieces: list[Piece], width: int, start: int, selected: tuple[int, int] | None
    ) -> Strip:
        base = self.tone("")
        segments = [Segment(piece.text, base + self.tone(piece.tone)) for piece in pieces if piece.text]
        if selected is not None:
            segments = lit(
                segments, selected, start, self.screen.get_component_rich_style("screen--selection")
            )
        return Strip(segments).adjust_cell_length(width, base)

    # Selecting text with the mouse.

    def _selected(self, number: int) -> tuple[int, int] | None:
        selection = self.text_selection
        if selection is None or (span := selection.get_span(number)) is None:
            return None
        return (span[0], 1_000_000) if span[1] == -1 else span

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The text of the selected lines, without time and source."""
        first = selection.start.y if selection.start is not None else 0
        rows = self._shown[bisect_left(self._shown, first) :][:_MOST_COPIED]
        copied: list[str] = []
        for number in rows:
            if selection.end is not None and number > selection.end.y:
                break
            line, span = self._line(number), selection.get_span(number)
            if line is not None and span is not None:
                copied.append(text_of(line)[span[0] : None if span[1] == -1 else span[1]])
        return "\n".join(copied), "\n"
