"""A list of rows that draws only the lines on the screen, and keeps its cursor on a row by the row's key.

Rows are plain values; a painter turns one into a line when it is needed. Several rows with the same key make
one entry: the cursor stands on the first and lights them all.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.events import Click, Resize
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from releaseconsole.ui.widgets.line_scroll import LineScroll
from releaseconsole.ui.widgets.lines import Line, draw

RowT = TypeVar("RowT", bound=Hashable)
PaintedT = TypeVar("PaintedT", bound=Hashable, contravariant=True)


class Painter(Protocol[PaintedT]):
    """How rows look."""

    def key(self, row: PaintedT, /) -> str:
        """What makes the row the same one after a change; "" for a line the cursor passes over."""
        ...

    def head(self, width: int, /) -> Line:
        """The line above all rows; empty for none."""
        ...

    def draw(self, row: PaintedT, width: int, /) -> Line:
        """One row in ``width`` cells."""
        ...


@dataclass(frozen=True, slots=True)
class Drawn:
    """A row that is a line already."""

    key: str
    line: Line


class DrawnPainter:
    """For panels of few rows, which draw them all at once."""

    def key(self, row: Drawn, /) -> str:
        return row.key

    def head(self, _width: int, /) -> Line:
        return ()

    def draw(self, row: Drawn, _width: int, /) -> Line:
        return row.line


class LineTable(LineScroll, Generic[RowT], can_focus=True):
    """Draws the rows it was given last; moving the cursor scrolls."""

    class Chosen(Message):
        """Enter or a double click on an entry."""

        def __init__(self, table: LineTable[Any], key: str) -> None:
            super().__init__()
            self.table = table
            self.key = key

        @property
        def control(self) -> LineTable[Any]:
            return self.table

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False, id="table.up", tooltip="Move up one row"),
        Binding("down,j", "move(1)", "down", show=False, id="table.down", tooltip="Move down one row"),
        Binding("pageup", "page(-1)", "page up", show=False, id="table.page-up", tooltip="Move up one page"),
        Binding(
            "pagedown", "page(1)", "page down", show=False, id="table.page-down", tooltip="Move down one page"
        ),
        Binding("home", "first", "first", show=False, id="table.first", tooltip="Go to the first row"),
        Binding("end", "last", "last", show=False, id="table.last", tooltip="Go to the last row"),
    ]

    def __init__(self, painter: Painter[RowT]) -> None:
        super().__init__()
        self._painter: Painter[RowT] = painter
        self._rows: Sequence[RowT] = ()
        self._head: Line = ()
        self._empty = ""
        self._stamp: Hashable = None
        self._cursor = ""
        self._strips: LRUCache[Hashable, Strip] = LRUCache(512)
        self._painted: dict[int, Strip] = {}

    @property
    def rows(self) -> Sequence[RowT]:
        """The rows as they were given."""
        return self._rows

    @property
    def cursor(self) -> str:
        """Key of the entry under the cursor; "" until somebody moved it."""
        return self._cursor

    @property
    def _head_height(self) -> int:
        return 1 if self._head else 0

    def set_rows(self, rows: Sequence[RowT], stamp: Hashable = None, empty: str = "") -> None:
        """Show these rows.

        Args:
            rows: Hashable values, in their order.
            stamp: What else the drawing depends on (a time, a mode); when it differs, rows are drawn anew.
            empty: The sentence in place of rows, when there are none.
        """
        if self._cursor or self.scroll_offset.y:
            anchor, offset = self._anchor()
            self._take(rows, stamp, empty)
            self._return_to(anchor, offset)
        else:
            self._take(rows, stamp, empty)
        self.repaint()

    def _take(self, rows: Sequence[RowT], stamp: Hashable, empty: str) -> None:
        self._rows, self._stamp, self._empty = rows, stamp, empty
        self._head = self._painter.head(self.room) if rows else ()
        self.set_extent(len(rows) + self._head_height)

    def _anchor(self) -> tuple[str, int]:
        """A key on the screen and how far below the top of the view it is."""
        top = self.scroll_offset.y
        at = self._find(self._cursor)
        if at is not None and top <= at < top + self._page:
            return self._cursor, at - top
        for offset, row in enumerate(self._rows[top : top + self._page]):
            if key := self._painter.key(row):
                return key, offset
        return "", 0

    def _return_to(self, anchor: str, offset: int) -> None:
        cursor = self._find(self._cursor)
        if self._cursor and cursor is None:
            self._cursor = ""
        at = self._find(anchor)
        if at is None:
            return
        if self.scroll_offset.y or at >= self._page:
            self.go_to(at - offset)

    def _find(self, key: str) -> int | None:
        if not key:
            return None
        of = self._painter.key
        return next((at for at, row in enumerate(self._rows) if of(row) == key), None)

    def repaint(self) -> None:
        """Refresh those lines on the screen that would look different now."""
        if not self.is_mounted or not self._painted:
            self.refresh()
            return
        width, height = self.size
        for y in range(height):
            if self._painted.get(y) != self._line(y, width):
                self.refresh(Region(0, y, width, 1))

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()

    def on_resize(self, _event: Resize) -> None:
        self._painted.clear()
        self._take(self._rows, self._stamp, self._empty)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._painted.clear()

    def render_line(self, y: int) -> Strip:
        strip = self._line(y, self.size.width)
        self._painted[y] = strip
        return strip

    def _line(self, y: int, width: int) -> Strip:
        if not self._rows:
            return self.sentence_line(self._empty, y)
        if y < self._head_height:
            return self._strip(self._head, width, lit=False)
        at = y - self._head_height + self.scroll_offset.y
        if at >= len(self._rows):
            return self.blank()
        row = self._rows[at]
        lit = bool(self._cursor) and self.has_focus and self._painter.key(row) == self._cursor
        cached = (row, self._stamp, width, lit)
        if (strip := self._strips.get(cached)) is None:
            strip = self._strip(self._painter.draw(row, self.room), width, lit)
            self._strips[cached] = strip
        return strip

    def _strip(self, pieces: Line, width: int, lit: bool) -> Strip:
        over = self.tone("cursor") if lit else None
        return draw(pieces, width, self.tone, self.tone(""), over)

    @property
    def _page(self) -> int:
        return max(1, self.size.height - self._head_height)

    def action_move(self, by: int) -> None:
        at = self._find(self._cursor)
        if at is None:
            self._stand_on(self._next(self.scroll_offset.y, 1))
            return
        self._stand_on(self._next(at + by, by))

    def action_page(self, by: int) -> None:
        at = self._find(self._cursor)
        start = self.scroll_offset.y if at is None else at
        target = min(max(0, start + by * self._page), len(self._rows) - 1)
        self._stand_on(self._next(target, by) or self._next(target, -by))

    def action_first(self) -> None:
        self._stand_on(self._next(0, 1))
        self.go_to(0)

    def action_last(self) -> None:
        self._stand_on(self._next(len(self._rows) - 1, -1))

    def action_choose(self) -> None:
        """Tell that the entry under the cursor was chosen; without a cursor, the first on the screen."""
        if not self._cursor:
            self._stand_on(self._next(self.scroll_offset.y, 1))
        if self._cursor:
            self.post_message(self.Chosen(self, self._cursor))

    def _next(self, at: int, step: int) -> int | None:
        """The first row from ``at`` on, in steps of ``step``, that starts another entry than the cursor's."""
        of = self._painter.key
        while 0 <= at < len(self._rows):
            key = of(self._rows[at])
            if key and key != self._cursor:
                break
            at += step
        else:
            return None
        while at > 0 and of(self._rows[at - 1]) == of(self._rows[at]):
            at -= 1
        return at

    def _stand_on(self, at: int | None) -> None:
        if at is None:
            return
        self._cursor = self._painter.key(self._rows[at])
        top = self.scroll_offset.y
        last = at + self._lines_of(at) - 1
        if at < top:
            self.go_to(at)
        elif last >= top + self._page:
            self.go_to(min(at, last - self._page + 1))
        self.repaint()

    def _lines_of(self, at: int) -> int:
        count = 1
        while at + count < len(self._rows) and self._painter.key(self._rows[at + count]) == self._cursor:
            count += 1
        return count

    def on_click(self, event: Click) -> None:
        at = event.y - self._head_height + self.scroll_offset.y
        if event.y < self._head_height or not 0 <= at < len(self._rows):
            return
        self._cursor = self._painter.key(self._rows[at]) or self._cursor
        self.repaint()
        if event.chain == 2:
            self.action_choose()

    def on_focus(self) -> None:
        self.repaint()

    def on_blur(self) -> None:
        self.repaint()
