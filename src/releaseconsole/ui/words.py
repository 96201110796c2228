"""How the screen writes times, ages and long names. Pure functions; widths are terminal cells."""

from __future__ import annotations

import unicodedata
from datetime import datetime

from rich.cells import cell_len as cell_len
from rich.cells import chop_cells, set_cell_size

ELLIPSIS = "…"
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def plain(text: str) -> str:
    """One line without anything that could move the cursor or turn the text around."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if character in "\n\r\t":
        return " "
    return "·" if unicodedata.category(character) in _INVISIBLE else character


def age(seconds: float) -> str:
    """How long ago: ``0.4 s``, ``12 s``, ``3 m``, ``2 h``, ``4 d``."""
    seconds = max(0.0, seconds)
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    for size, unit, limit in ((1, "s", 90), (60, "m", 5400), (3600, "h", 172_800)):
        if seconds < limit:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86400:.0f} d"


def whole_age(seconds: float) -> str:
    """As `age`, without tenths: ``3 s``."""
    return f"{max(0.0, seconds):.0f} s" if seconds < 9.5 else age(seconds)


def span(seconds: float) -> str:
    """How long something takes: ``0:41``, ``1:02:03``."""
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def took(seconds: float) -> str:
    """The length of something finished: ``2.1 s``, or ``1:04`` from a minute on."""
    return f"{max(0.0, seconds):.1f} s" if seconds < 59.95 else span(seconds)


def local_time(at: float, now: float) -> str:
    """``09:12``, or ``17 Nov 09:12`` on another day; the person's own time zone."""
    moment = datetime.fromtimestamp(at).astimezone()
    today = datetime.fromtimestamp(now).astimezone()
    return f"{moment:%H:%M}" if moment.date() == today.date() else f"{moment.day} {moment:%b %H:%M}"


def release_clock(started: float, now: float) -> str:
    """``day 4 · 00:42:10``: which day of the release this is, and how far into it."""
    elapsed = max(0, int(now - started))
    days, rest = divmod(elapsed, 86400)
    return f"day {days + 1} · {rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"


def cut_middle(text: str, width: int) -> str:
    """``text`` in at most ``width`` cells; too long a name loses its middle."""
    text = plain(text)
    if cell_len(text) <= width:
        return text
    if width <= 1:
        return ELLIPSIS[:width]
    head = (width - 1 + 1) // 2
    return _first(text, head) + ELLIPSIS + _last(text, width - 1 - head)


def cut_end(text: str, width: int) -> str:
    """``text`` in at most ``width`` cells, its end cut off."""
    text = plain(text)
    if cell_len(text) <= width:
        return text
    return _first(text, width - 1) + ELLIPSIS if width > 1 else ELLIPSIS[: max(0, width)]


def fit(text: str, width: int) -> str:
    """``text`` cut in the middle or padded to exactly ``width`` cells."""
    return set_cell_size(cut_middle(text, width), max(0, width))


def _first(text: str, width: int) -> str:
    taken, cells = 0, 0
    for character in text:
        cells += cell_len(character)
        if cells > width:
            break
        taken += 1
    return text[:taken]


def _last(text: str, width: int) -> str:
    return _first(text[::-1], width)[::-1]


def wrap(text: str, width: int, most: int = 20) -> list[str]:
    """``text`` in lines of at most ``width`` cells, broken at spaces if possible, at most ``most``."""
    width = max(1, width)
    lines: list[str] = []
    line = ""
    for word in plain(text).split():
        for part in _parts(word, width):
            if line and cell_len(line) + 1 + cell_len(part) > width:
                lines.append(line)
                line = part
            else:
                line = f"{line} {part}" if line else part
        if len(lines) > most:
            break
    lines.append(line)
    if len(lines) > most:
        lines = [*lines[: most - 1], cut_end(lines[most - 1] + ELLIPSIS, width)]
    return lines


def _parts(word: str, width: int) -> list[str]:
    return [word] if cell_len(word) <= width else chop_cells(word, width)


def counted(number: int, one: str, many: str = "") -> str:
    """``1 pod``, ``2 pods``."""
    return f"{number} {one if number == 1 else many or one + 's'}"
