"""Text from outside made fit for a terminal, and spans of time in short words."""

from __future__ import annotations

import re
import unicodedata

ELLIPSIS = "…"

_SGR = re.compile(r"(?:\x1b\[|\x9b)[0-9;:]{0,64}m")
_UNSEEN = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0001-\U000e007f]"
)
_TAB = 8


def visible(text: str) -> str:
    """One line without anything that moves a cursor, rings, hides or turns text round.

    Colours (SGR sequences) are taken out, tabs become spaces, and every other control character, direction
    mark or zero-width character is shown: ``␛`` for an escape, ``<U+202E>`` for a mark that turns text round.
    """
    if text.isprintable():
        return text
    return _UNSEEN.sub(_shown, _SGR.sub("", text)).expandtabs(_TAB)


def _shown(match: re.Match[str]) -> str:
    number = ord(match[0])
    if number < 0x20:
        return chr(0x2400 + number)
    if number == 0x7F:
        return "␡"
    if 0xD800 <= number <= 0xDFFF:
        return "�"
    return f"<U+{number:04X}>"


def cells(text: str) -> int:
    """How many terminal cells ``text`` takes, by the East Asian width of its characters."""
    if text.isascii():
        return len(text)
    return sum(_cell(character) for character in text)


def _cell(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def cut(text: str, width: int) -> str:
    """``text`` in at most ``width`` cells; what is too long loses its end to an ellipsis."""
    if cells(text) <= width:
        return text
    return _first(text, width - 1) + ELLIPSIS if width > 0 else ""


def cut_middle(text: str, width: int) -> str:
    """``text`` in at most ``width`` cells; what is too long loses its middle to an ellipsis."""
    if cells(text) <= width:
        return text
    if width <= 0:
        return ""
    tail = (width - 1) // 2
    return _first(text, width - 1 - tail) + ELLIPSIS + _first(text[::-1], tail)[::-1]


def _first(text: str, width: int) -> str:
    taken = used = 0
    for character in text:
        used += _cell(character)
        if used > width:
            break
        taken += 1
    return text[:taken]


def duration(seconds: float) -> str:
    """A span of time by its two greatest units: ``0.4 s``, ``41 s``, ``1 m 4 s``, ``2 h``, ``3 d 4 h``."""
    if not seconds > 0:
        return "0 s"
    if seconds < 0.95:
        return f"{seconds:.1f} s" if seconds >= 0.05 else "0 s"
    whole = round(min(seconds, 1e12))
    for size, unit, smaller, small_unit in ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if whole >= size:
            great, rest = whole // size, whole % size // smaller
            return f"{great:,} {unit} {rest} {small_unit}" if rest else f"{great:,} {unit}"
    return f"{whole} s"


def age(seconds: float) -> str:
    """How long ago, by one unit: ``3 s``, ``2 m``, ``5 h``, ``4 d``."""
    return " ".join(duration(max(0.0, round(min(seconds, 1e12)) if seconds > 0 else 0.0)).split(" ")[:2])


def plural(number: int, one: str, many: str = "") -> str:
    """``1 pod``, ``2 pods``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
