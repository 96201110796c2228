"""What the list of rows and the log window share: lines drawn on demand, a steady width, cheap growth."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from releaseconsole.ui.widgets.lines import TONE_CLASSES, Piece, draw, tone_style
from releaseconsole.ui.words import wrap


class LineScroll(ScrollView):
    """Base of widgets that draw one line at a time."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(TONE_CLASSES)
    DEFAULT_CSS = """
    LineScroll {
        height: 1fr;
        background: transparent;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        scrollbar-gutter: stable;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
        scrollbar-color: $foreground 20%;
        scrollbar-color-hover: $foreground 40%;
        scrollbar-color-active: $foreground 40%;
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._tones: dict[str, Style] = {}

    @property
    def room(self) -> int:
        """Cells for a line: the scrollbar's are kept free, so that nothing moves when it appears."""
        return max(0, self.size.width - self.styles.scrollbar_size_vertical)

    def set_extent(self, height: int) -> None:
        """Say how many lines there are. `virtual_size` would lay out the whole screen again each time."""
        size = Size(self.size.width, height)
        if size != self.virtual_size:
            self.set_reactive(Widget.virtual_size, size)
            if self.is_mounted:
                self._scroll_update(size)

    def go_to(self, row: int) -> None:
        """Scroll at once, also before the scrollbar knows that there is something to scroll."""
        self.scroll_to(y=max(0, row), animate=False, force=True)

    def tone(self, tone: str) -> Style:
        """The style of a tone in the present theme; "" for the widget's own."""
        if (style := self._tones.get(tone)) is None:
            style = self._tones[tone] = tone_style(self, tone) if tone else self.rich_style
        return style

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._tones.clear()

    def blank(self) -> Strip:
        """An empty line."""
        return Strip.blank(self.size.width, self.tone(""))

    def sentence_line(self, sentence: str, y: int) -> Strip:
        """Line ``y`` of a panel that has nothing to show but a sentence."""
        lines = wrap(sentence, max(8, self.room - 4), most=4) if sentence else []
        top = 1 if self.size.height > len(lines) + 1 else 0
        text = lines[y - top] if top <= y < top + len(lines) else ""
        return draw((Piece("  "), Piece(text, "quiet")), self.size.width, self.tone, self.tone(""))
