"""Text and numbers in a given number of terminal cells, whatever the text is made of."""

from __future__ import annotations

import math
import re

from rich.cells import cell_len, set_cell_size

from releaseconsole.text import visible
from releaseconsole.ui.widgets.lines import Piece
from releaseconsole.ui.words import cut_end, cut_middle

_LONGEST = 2000
# Terminals disagree about the width of joined emoji, skin tones and variants; single ones they agree on.
_JOINERS = re.compile("[\u200d\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]")


def safe(text: str, longest: int = _LONGEST) -> str:
    """At most ``longest`` characters, and nothing that moves the cursor or upsets widths."""
    text = text[:longest]
    return text if text.isascii() and text.isprintable() else visible(_JOINERS.sub("", text))


def safe_lines(text: str, longest: int = _LONGEST) -> str:
    """As `safe`, but line breaks stay."""
    return "\n".join(safe(each, longest) for each in text[:longest].splitlines())


def name(text: str, width: int) -> str:
    """A name in exactly ``width`` cells, cut in the middle."""
    if len(text) > _LONGEST:
        text = text[: _LONGEST // 2] + text[-_LONGEST // 2 :]
    return set_cell_size(cut_middle(safe(text), width), max(0, width))


def sentence(text: str, width: int) -> str:
    """A sentence in at most ``width`` cells, cut at its end."""
    return cut_end(safe(text), width)


def left(text: str, width: int, tone: str = "plain") -> Piece:
    """A column of ``width`` cells, cut at the end."""
    return Piece(set_cell_size(sentence(text, width), max(0, width)), tone)


def middle(text: str, width: int, tone: str = "plain") -> Piece:
    """A column of ``width`` cells for a name."""
    return Piece(name(text, width), tone)


def right(text: str, width: int, tone: str = "plain") -> Piece:
    """A column of ``width`` cells, its text at the right."""
    text = sentence(text, width)
    return Piece(" " * (width - cell_len(text)) + text, tone)


def number(value: float | None) -> str:
    """About three digits, thousands apart: ``8,512``, ``38.2``, ``0.042``; ``–`` when there is none."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    size = abs(value)
    if size >= 1e12:
        return f"{value:.3g}"
    decimals = 0 if size >= 100 or size == 0 else 1 if size >= 10 else 2 if size >= 0.1 else 3
    if size and size < 0.0005:
        return f"{value:.1e}"
    return f"{value:,.{decimals}f}"
