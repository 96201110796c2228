"""How one line of a log is drawn: time, source, level, and the text or as much of it as is wanted."""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from rich.cells import chop_cells
from rich.segment import Segment
from rich.style import Style

from releaseconsole.ui.port import LogLine
from releaseconsole.ui.styles import level_mark
from releaseconsole.ui.widgets.cells import name, safe
from releaseconsole.ui.widgets.lines import Piece

LONGEST = 4000
"""Characters of a line that are drawn; the rest is counted."""
MOST_PARTS = 40
SOURCE_COLOURS = ("env-cyan", "env-blue", "env-magenta", "accent", "primary", "quiet")
"""Theme variables that the sources are told apart by: none of those that mean a state."""
SOURCE = "source:"


@dataclass(frozen=True, slots=True)
class Columns:
    """Widths of what stands before the text."""

    time: int
    source: int

    @classmethod
    def for_width(cls, width: int) -> Columns:
        source = 22 if width >= 110 else 16 if width >= 70 else 10 if width >= 44 else 6
        return cls(8 if width >= 36 else 0, source)

    @property
    def prefix(self) -> int:
        return (self.time + 1 if self.time else 0) + self.source + 1 + 2


def text_of(line: LogLine) -> str:
    """The text as it is drawn, searched and copied: harmless, and of bounded length."""
    if len(line.text) <= LONGEST:
        return safe(line.text, LONGEST)
    return f"{safe(line.text[:LONGEST], LONGEST)}… +{len(line.text) - LONGEST:,} characters"


def parts_of(text: str, room: int, wrapped: bool) -> list[tuple[int, str]]:
    """The text in pieces of ``room`` cells, each with its place in the text; one when not wrapped."""
    if not wrapped or len(text) * 2 <= room:
        return [(0, text)]
    parts: list[tuple[int, str]] = []
    at = 0
    for part in chop_cells(text, max(4, room))[:MOST_PARTS]:
        parts.append((at, part))
        at += len(part)
    return parts or [(0, "")]


def prefix(line: LogLine, columns: Columns) -> tuple[Piece, ...]:
    """Time, source and level sign, always of the same width."""
    mark = level_mark(line.level)
    glyph = mark.glyph if mark.tone in ("failing", "waiting") else " "
    moment = time.strftime("%H:%M:%S", time.localtime(line.at)) if line.at > 0 else "--:--:--"
    told = (Piece(f"{moment} ", "quiet"),) if columns.time else ()
    return (
        *told,
        Piece(f"{name(line.source, columns.source)} ", source_tone(line.source)),
        Piece(f"{glyph} ", mark.tone),
    )


def source_tone(source: str) -> str:
    """``source:`` and a theme variable: the same for the same source, in every session."""
    return SOURCE + SOURCE_COLOURS[zlib.crc32(source.encode("utf-8", "replace")) % len(SOURCE_COLOURS)]


def text_tone(level: str) -> str:
    """Errors and warnings stand out; the rest is plain."""
    tone = level_mark(level).tone
    return tone if tone in ("failing", "waiting") else "plain"


def gap_line(line: LogLine, width: int) -> tuple[Piece, ...]:
    """A rule across the panel: here something may be missing."""
    told = f"── {safe(line.text, 300) or 'lines may be missing here'} · {safe(line.source, 60)} "
    return (Piece(f"{told}{'─' * max(0, width)}", "stale"),)


def highlighted(part: str, tone: str, pattern: re.Pattern[str] | None) -> list[Piece]:
    """The part with what was searched for in the tone ``match``."""
    if pattern is None:
        return [Piece(part, tone)]
    pieces: list[Piece] = []
    at = 0
    for match in pattern.finditer(part):
        if match.start() > at:
            pieces.append(Piece(part[at : match.start()], tone))
        pieces.append(Piece(match.group(), "match"))
        at = match.end()
    return [*pieces, Piece(part[at:], tone)]


def contains(pattern: re.Pattern[str]) -> Callable[[LogLine], bool]:
    """Whether the text of a line, as it is drawn, holds the pattern."""
    return lambda line: pattern.search(text_of(line)) is not None


def is_error(line: LogLine) -> bool:
    """An error, or a gap in which there may have been one."""
    return line.level in ("error", "gap")


def lit(segments: list[Segment], span: tuple[int, int], start: int, style: Style) -> list[Segment]:
    """The segments with the characters of ``span`` in ``style``; ``start`` is where the first one begins."""
    result: list[Segment] = []
    at = start
    for text, own, _ in segments:
        low = max(0, min(len(text), span[0] - at))
        high = max(low, min(len(text), span[1] - at))
        pieces = ((text[:low], own), (text[low:high], own + style if own else style), (text[high:], own))
        result += [Segment(piece, look) for piece, look in pieces if piece]
        at += len(text)
    return result
