"""One thing that is wrong with a plan: where, what was found, what is expected."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

Path = tuple[str | int, ...]
_LONGEST_SHOWN = 80
_LONGEST_LIST = 20
_MOST_KEYS = 5


@dataclass(frozen=True, slots=True)
class Problem:
    """A line to mend. ``line`` is 0 when it is the file itself, ``column`` when only the line is known."""

    file: str
    line: int = 0
    column: int = 0
    path: str = ""
    """By numbers from 0: ``phases[3].steps[0].items[2].check.pods``."""
    place: str = ""
    """The same with the plan's ids: ``phases[production].steps[deploy].items[all-pods].check.pods``."""
    found: str = ""
    expected: str = ""
    hint: str = ""

    def __str__(self) -> str:
        column = f":{self.column}" if self.column and not self.path else ""
        where = f"{self.file}:{self.line}{column}" if self.line else self.file
        place = f": {self.place}" if self.place else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{where}{place}: found {self.found}, expected {self.expected}{hint}"

    def as_dict(self) -> dict[str, object]:
        """What ``validate --json`` prints; unknown places are null."""
        return {
            "file": self.file,
            "line": self.line or None,
            "column": self.column or None,
            "path": self.path,
            "place": self.place,
            "found": self.found,
            "expected": self.expected,
            "hint": self.hint,
            "message": str(self),
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem before its line is known: where in the plan, what was found, what is expected."""

    path: Path
    found: str
    expected: str
    hint: str = ""
    other: Path | None = None
    """A second place that ``expected`` names as ``{line}``."""


def show(value: object) -> str:
    """A value in a few words that fit a line; what is nested is only named."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, dict):
        keys = ", ".join(quote(str(key)) for key in list(value)[:_MOST_KEYS])
        return f"a table of {keys}{', …' if len(value) > _MOST_KEYS else ''}" if value else "an empty table"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}" if value else "an empty list"
    if isinstance(value, int):
        return str(value) if abs(value) < 10**18 else "a huge number"
    return _printable(str(value))


def quote(text: str) -> str:
    """``text`` in double quotes, cut to fit a line, with nothing in it that could move a cursor."""
    return f'"{_printable(text)}"'


def _printable(text: str) -> str:
    cut = text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in cut
    )


def one_of(names: Iterable[str]) -> str:
    """``one of "a", "b"``, or what to say when there is nothing to choose from."""
    known = list(dict.fromkeys(names))
    if not known:
        return "one that the plan defines (it defines none)"
    shown = ", ".join(quote(name) for name in known[:_LONGEST_LIST])
    more = len(known) - _LONGEST_LIST
    prefix = "one of " if len(known) > 1 else ""
    return prefix + shown + (f" and {more} more" if more > 0 else "")


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """``did you mean "needs"?``, or nothing when no name is near."""
    near = difflib.get_close_matches(word[:_LONGEST_SHOWN], list(names)[:2000], n=1, cutoff=0.6)
    return f"did you mean {quote(near[0])}?" if near else ""


def number_path(path: Path) -> str:
    """``phases[3].steps[0]``."""
    return _join(f"[{part}]" if isinstance(part, int) else part for part in path)


def named_path(path: Path, raw: object) -> str:
    """The path with the ids that stand in ``raw`` in place of the numbers."""
    parts: list[str] = []
    for part in path:
        raw = _inside(raw, part)
        name = raw.get("id") if isinstance(part, int) and isinstance(raw, dict) else None
        if isinstance(part, int):
            parts.append(f"[{_printable(name) if isinstance(name, str) and name else part}]")
        else:
            parts.append(_printable(part))
    return _join(parts)


def _inside(raw: object, part: str | int) -> object:
    if isinstance(part, int):
        return raw[part] if isinstance(raw, list) and part < len(raw) else None
    return raw.get(part) if isinstance(raw, dict) else None


def _join(parts: Iterable[str]) -> str:
    return "".join(part if part.startswith("[") else f".{part}" for part in parts).removeprefix(".")
