"""The checklist of one phase: steps with their actions and items, one cursor through all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.content import Content
from textual.strip import Strip

from releaseconsole.ui.glyphs import UNICODE, Glyphs
from releaseconsole.ui.keymap import bindings_of
from releaseconsole.ui.messages import ActionWanted, CursorMoved, ItemVerb, ItemWanted, PreviewWanted
from releaseconsole.ui.panes.checklist_rows import (
    ActionRow,
    ItemRow,
    Row,
    RowPainter,
    searchable,
    selectable,
)
from releaseconsole.ui.widgets.line_scroll import LineScroll
from releaseconsole.ui.widgets.lines import Line, draw, line
from releaseconsole.ui.words import plain


@dataclass(slots=True)
class _Place:
    """Where somebody was in a phase."""

    cursor: str = ""
    scroll: int = 0


class ChecklistPane(LineScroll, can_focus=True):
    """Draws only the lines that are seen; keeps cursor and scroll when rows change."""

    BINDINGS: ClassVar = bindings_of("checklist")
    ALLOW_SELECT = False

    def __init__(self, *, glyphs: Glyphs = UNICODE) -> None:
        super().__init__()
        self.id = "checklist"
        self.add_class("pane")
        self._glyphs = glyphs
        self._rows: tuple[Row, ...] = ()
        self._starts: list[int] = []
        self._heights: list[int] = []
        self._line_rows: list[int] = []
        self._drawn: dict[int, list[Line]] = {}
        self._now = 0.0
        self._title = ""
        self._phase = ""
        self._places: dict[str, _Place] = {}
        self._painter = RowPainter(40, glyphs)

    # What is shown.

    def show(self, phase_id: str, title: str, rows: tuple[Row, ...], now: float) -> None:
        """Take the rows of a phase; ``now`` is seconds since the epoch."""
        moved = phase_id != self._phase
        if moved:
            self._leave_place()
            self._phase = phase_id
        if title != self._title:
            self._title = title
            self.border_title = Content(plain(title))
        if not moved and self._fits(rows, now):
            self._rows = rows
            self._grow_older(now)
            return
        self._rows, self._now = rows, now
        self._arrange()
        if moved:
            self._enter_place()
        elif self._index_of(self._place.cursor) is None:
            self._set_cursor(self._first_choice())
        self.refresh()

    def _fits(self, rows: tuple[Row, ...], now: float) -> bool:
        """Whether every row stays where it is, so that only those which look different need a repaint."""
        if len(rows) != len(self._rows):
            return False
        return all(
            new == old or (new.key == old.key and len(self._painter.lines(new, now)) == height)
            for new, old, height in zip(rows, self._rows, self._heights, strict=True)
        )

    def _grow_older(self, now: float) -> None:
        """Nothing has moved: repaint those visible rows that look different now."""
        before, self._drawn, self._now = self._drawn, {}, now
        top = self.scroll_offset.y
        for index in sorted(set(self._line_rows[top : top + self.size.height])):
            if before.get(index) != self._lines(index):
                self.refresh_lines(self._starts[index], self._heights[index])

    def _lines(self, index: int) -> list[Line]:
        """The lines of a row, drawn once for each moment."""
        if (lines := self._drawn.get(index)) is None:
            lines = self._drawn[index] = self._painter.lines(self._rows[index], self._now)
        return lines

    @property
    def _place(self) -> _Place:
        return self._places.setdefault(self._phase, _Place())

    def _leave_place(self) -> None:
        if self._phase:
            self._place.scroll = self.scroll_offset.y

    def _enter_place(self) -> None:
        if self._index_of(self._place.cursor) is None:
            self._place.cursor = self._first_choice()
        self.go_to(self._place.scroll)
        self._set_cursor(self._place.cursor)

    def _arrange(self) -> None:
        """Work out where each row starts; needed when rows or width have changed."""
        width = max(20, self.room)
        self._painter = RowPainter(width - 1, self._glyphs)
        self._drawn = {}
        self._starts, self._heights, self._line_rows = [], [], []
        for index in range(len(self._rows)):
            height = len(self._lines(index))
            self._starts.append(len(self._line_rows))
            self._heights.append(height)
            self._line_rows.extend([index] * height)
        self.set_extent(len(self._line_rows))

    def on_resize(self, event: events.Resize) -> None:
        self._arrange()
        self._reveal()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        base = self.tone("")
        number = y + self.scroll_offset.y
        if number >= len(self._line_rows):
            return Strip.blank(width, base)
        index = self._line_rows[number]
        row = self._rows[index]
        content = self._lines(index)
        offset = number - self._starts[index]
        pieces: Line = content[offset] if offset < len(content) else ()
        on_cursor = row.key == self._place.cursor and selectable(row)
        if not on_cursor:
            return draw(line(" ", *pieces), width, self.tone, base)
        tone = "cursor" if self.has_focus else "cursor-idle"
        over = self.tone(tone)
        mark = (self._glyphs.cursor if self.has_focus else " ", "active")
        return draw(line(mark, *pieces), width, self.tone, base, over)

    # The cursor.

    @property
    def current(self) -> Row | None:
        """The action or item under the cursor."""
        index = self._index_of(self._place.cursor)
        return None if index is None else self._rows[index]

    @property
    def current_item(self) -> str:
        """Id of the item under the cursor, or ""."""
        row = self.current
        return row.item.id if isinstance(row, ItemRow) else ""

    @property
    def current_action(self) -> str:
        """Id of the action under the cursor, or ""."""
        row = self.current
        return row.id if isinstance(row, ActionRow) else ""

    def select(self, key: str) -> None:
        """Put the cursor on the row of that key (``i:ITEM`` or ``a:ACTION``), if it is there."""
        if self._index_of(key) is not None:
            self._set_cursor(key)

    def _index_of(self, key: str) -> int | None:
        return next((index for index, row in enumerate(self._rows) if row.key == key), None)

    def _first_choice(self) -> str:
        rows = [row for row in self._rows if selectable(row)]
        waiting = (row for row in rows if isinstance(row, ItemRow) and row.needs_somebody)
        chosen = next(waiting, rows[0] if rows else None)
        return chosen.key if chosen else ""

    def _set_cursor(self, key: str) -> None:
        self._place.cursor = key
        self._reveal()
        self.refresh()
        self.refresh_bindings()
        self.post_message(CursorMoved(self.current_action, self.current_item))

    def _reveal(self) -> None:
        """Scroll just so far that the row under the cursor can be seen, a step's title with its first row."""
        index = self._index_of(self._place.cursor)
        height = self.size.height
        if index is None or height <= 0:
            return
        top, bottom = self._starts[index], self._starts[index] + self._heights[index]
        while index > 0 and not selectable(self._rows[index - 1]):
            index -= 1
            top = self._starts[index]
        offset = self.scroll_offset.y
        if top < offset or bottom - top > height:
            self.go_to(min(top, bottom - 1))
        elif bottom > offset + height:
            self.go_to(bottom - height)

    def _selectable_indexes(self) -> list[int]:
        return [index for index, row in enumerate(self._rows) if selectable(row)]

    def action_move(self, step: int) -> None:
        """One line up or down."""
        indexes = self._selectable_indexes()
        if not indexes:
            return
        here = self._index_of(self._place.cursor)
        position = indexes.index(here) if here in indexes else 0
        self._set_cursor(self._rows[indexes[max(0, min(len(indexes) - 1, position + step))]].key)

    def action_page(self, direction: int) -> None:
        """About one page up or down."""
        here = self._index_of(self._place.cursor)
        if here is None:
            return
        wanted = self._starts[here] + direction * max(1, self.size.height - 2)
        nearest = min(self._selectable_indexes(), key=lambda index: abs(self._starts[index] - wanted))
        self._set_cursor(self._rows[nearest].key)

    def action_edge(self, direction: int) -> None:
        """To the first or the last line."""
        indexes = self._selectable_indexes()
        if indexes:
            self._set_cursor(self._rows[indexes[0 if direction < 0 else -1]].key)
            if direction < 0:
                self.go_to(0)

    def action_next_open(self) -> None:
        """To the next item that needs somebody, round and round."""
        here = self._index_of(self._place.cursor) or 0
        indexes = self._selectable_indexes()
        for index in [i for i in indexes if i > here] + [i for i in indexes if i <= here]:
            row = self._rows[index]
            if isinstance(row, ItemRow) and row.needs_somebody:
                self._set_cursor(row.key)
                return

    def find(self, text: str, again: bool = False) -> str:
        """Go to the next row with that text; returns ``2 of 7``, or that there is none."""
        wanted = text.casefold()
        found = [i for i in self._selectable_indexes() if wanted and wanted in searchable(self._rows[i])]
        if not found:
            return "nothing found" if wanted else ""
        here = self._index_of(self._place.cursor) or 0
        later = [i for i in found if (i > here if again else i >= here)]
        chosen = later[0] if later else found[0]
        self._set_cursor(self._rows[chosen].key)
        return f"{found.index(chosen) + 1} of {len(found)}"

    def on_click(self, event: events.Click) -> None:
        content = event.get_content_offset(self)
        number = (content.y if content else -1) + self.scroll_offset.y
        if content and 0 <= number < len(self._line_rows):
            row = self._rows[self._line_rows[number]]
            if selectable(row):
                self._set_cursor(row.key)

    # What somebody wants.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        row = self.current
        if action == "item":
            return isinstance(row, ItemRow) and _applies(str(parameters[0]), row)
        if action == "run":
            return row is not None
        if action == "preview":
            return isinstance(row, ActionRow) and row.action.kind == "apply"
        return True

    def action_item(self, verb: ItemVerb) -> None:
        """Something with the item under the cursor."""
        if self.current_item:
            self.post_message(ItemWanted(self.current_item, verb))

    def action_run(self) -> None:
        """Run the action under the cursor; on an item: its check, or the tick."""
        row = self.current
        if isinstance(row, ActionRow):
            self.post_message(ActionWanted(row.id))
        elif isinstance(row, ItemRow):
            self.post_message(ItemWanted(row.item.id, "verify" if row.item.check else "tick"))

    def action_preview(self) -> None:
        """Show what the action under the cursor would change."""
        self.post_message(PreviewWanted(self.current_action))

    def action_cancel(self) -> None:
        """Stop the action under the cursor, or whichever runs."""
        self.post_message(ActionWanted(self.current_action, halt=True))

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()


def _applies(verb: str, row: ItemRow) -> bool:
    """Whether it makes sense to offer this for the item."""
    if verb == "verify":
        return row.item.check is not None
    if verb == "reopen":
        return row.state.at > 0
    return True
