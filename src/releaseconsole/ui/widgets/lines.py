"""Lines made of pieces of text, each with a tone: what the frame's own widgets draw.

Text never goes through markup: a piece is drawn as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from releaseconsole.ui.words import cell_len

_LOOKS: Mapping[str, tuple[str, str, bool]] = {
    # tone: (theme variable of the text, of the ground, bold)
    "plain": ("foreground", "", False),
    "strong": ("foreground", "", True),
    "quiet": ("quiet", "", False),
    "title": ("foreground", "", True),
    "key": ("accent", "", False),
    "good": ("good", "", False),
    "failing": ("failing", "", True),
    "waiting": ("waiting", "", False),
    "stale": ("stale", "", False),
    "unknown": ("unknown", "", False),
    "badge-good": ("background", "good", False),
    "badge-failing": ("background", "failing", True),
    "badge-waiting": ("background", "waiting", False),
    "badge-stale": ("background", "stale", True),
    "danger": ("env-text", "env-red", True),
    **{
        f"env-{colour}": ("env-text", f"env-{colour}", True)
        for colour in ("green", "blue", "yellow", "magenta", "red", "cyan")
    },
    "active": ("accent", "cursor-line", True),
    "cursor": ("", "cursor-line", False),
    "cursor-idle": ("", "panel", False),
    "match": ("background", "waiting", False),
    "added": ("good", "", False),
    "removed": ("failing", "", False),
    # To tell the sources of log lines apart; no meaning.
    "hue-1": ("accent", "", False),
    "hue-2": ("unknown", "", False),
    "hue-3": ("primary", "", False),
    "hue-4": ("foreground", "", False),
}
TONES = tuple(_LOOKS)
"""Every tone: one meaning each, on every screen."""

_STANDARD = {"good": "success", "failing": "error", "waiting": "warning", "cursor-line": "panel"}
"""What stands in for our variables in a theme that is not ours."""

TONE_CLASSES: frozenset[str] = frozenset()
"""Tones are no component classes: forty of them on each widget would make every change of focus slow."""


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
    """The style of a tone in the present theme; an unknown tone looks plain."""
    text, ground, bold = _LOOKS.get(tone, _LOOKS["plain"])
    variables = widget.app.theme_variables
    return _style(_colour(variables, text), _colour(variables, ground), bold)


def _colour(variables: Mapping[str, str], name: str) -> str:
    return variables.get(name) or variables.get(_STANDARD.get(name, "foreground"), "") if name else ""


@lru_cache(maxsize=512)
def _style(text: str, ground: str, bold: bool) -> Style:
    return Style(
        color=Color.parse(text).rich_color if text else None,
        bgcolor=Color.parse(ground).rich_color if ground else None,
        bold=bold or None,
    )


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
