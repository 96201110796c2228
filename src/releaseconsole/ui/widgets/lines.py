"""Lines made of pieces of text, each with a tone: what the frame's own widgets draw.

Text never goes through markup: a piece is drawn as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from releaseconsole.ui.words import cell_len

TONES = (
    "plain", "strong", "quiet", "title", "key",
    "good", "failing", "waiting", "stale", "unknown",
    "badge-good", "badge-failing", "badge-waiting", "badge-stale", "danger",
    "env-green", "env-blue", "env-yellow", "env-magenta", "env-red", "env-cyan",
    "active", "cursor", "cursor-idle", "match", "added", "removed",
    "hue-1", "hue-2", "hue-3", "hue-4",
)  # fmt: skip
"""Every tone; its look is in ``app.tcss`` as ``.tone--NAME``."""

TONE_CLASSES = frozenset(f"tone--{tone}" for tone in TONES)


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text in one tone."""

    text: str
    tone: str = "plain"

    @property
    def width(self) -> int:
        return cell_len(self.text)


Line = tuple[Piece, ...]


def line(*parts: str | Piece | tuple[str, str]) -> Line:
    """A line of plain strings, ``(text, tone)`` pairs and pieces; empty ones are left out."""
    pieces = (_piece(part) for part in parts)
    return tuple(piece for piece in pieces if piece.text)


def _piece(part: str | Piece | tuple[str, str]) -> Piece:
    if isinstance(part, Piece):
        return part
    return Piece(part) if isinstance(part, str) else Piece(*part)


def line_width(pieces: Iterable[Piece]) -> int:
    """Its width in cells."""
    return sum(piece.width for piece in pieces)


def justified(left: Line, right: Line, width: int) -> Line:
    """``left`` and ``right`` at the two ends of ``width`` cells, at least one cell apart."""
    gap = max(1, width - line_width(left) - line_width(right))
    return (*left, Piece(" " * gap), *right)


def tone_style(widget: Widget, tone: str) -> Style:
    """The style of a tone in the present theme, without the widget's own background."""
    return widget.get_component_rich_style(f"tone--{tone}", partial=True)


def draw(
    pieces: Line, width: int, style_of: Callable[[str], Style], base: Style, over: Style | None = None
) -> Strip:
    """One line of exactly ``width`` cells; ``over`` lies on top of everything (the cursor)."""
    segments = [Segment(piece.text, _mixed(base, style_of(piece.tone), over)) for piece in pieces]
    return Strip(segments).adjust_cell_length(max(0, width), _mixed(base, None, over))


def _mixed(base: Style, tone: Style | None, over: Style | None) -> Style:
    style = base + tone if tone else base
    return style + over if over else style


class LineWidget(Widget):
    """A widget whose content is lines of pieces. Subclasses answer `lines`; nothing here wraps."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(TONE_CLASSES)
    ALLOW_SELECT = False

    def lines(self, width: int) -> list[Line]:
        """The content for that many cells."""
        raise NotImplementedError

    def render_line(self, y: int) -> Strip:
        width = self.size.width
        content = self.lines(width)
        pieces = content[y] if y < len(content) else ()
        return draw(pieces, width, lambda tone: tone_style(self, tone), self.rich_style)


class LineBlock(LineWidget):
    """Lines that are given to it; as high as they are many."""

    def __init__(self, make: Callable[[int], list[Line]], *, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self._make = make
        self._drawn: tuple[int, list[Line]] | None = None

    def lines(self, width: int) -> list[Line]:
        if self._drawn is None or self._drawn[0] != width:
            self._drawn = (width, self._make(width))
        return self._drawn[1]

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return max(1, len(self.lines(width)))

    def renew(self) -> None:
        """The lines have changed; lays out again only when there are more or fewer."""
        before = len(self._drawn[1]) if self._drawn else -1
        self._drawn = None
        self.refresh(layout=before != len(self.lines(self.size.width)))
