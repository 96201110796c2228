"""The lines of many containers in one bounded buffer with absolute line numbers.

A reader keeps its place by number while old lines leave: ``first`` and ``end`` say what is held.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

CAPACITY = 20_000
MOST_CHARACTERS = 16 * 1024 * 1024
GAP = "gap"
MINUTE = 60

_LOOKED_AT = 240
_LEVEL = re.compile(
    r"\b(?:(?P<error>ERROR|FATAL|PANIC|CRITICAL|SEVERE)|(?P<warn>WARN(?:ING)?)|(?P<info>INFO|NOTICE))\b"
    r"|\b(?:level|severity|lvl)\"?\s*[:=]\s*\"?(?i:(?P<e>err|fatal|panic|crit)|(?P<w>warn)|(?P<i>info|notice))"
    r"|\A(?:(?P<E>[EF])|(?P<W>W)|(?P<I>I))\d{4} \d\d:"
)
_WORDS = ("err", "info", "warn", "fatal", "panic", "crit", "notice", "severe")
_GLOG = ("i", "w", "e", "f")
_LEVELS = {"error": "error", "e": "error", "E": "error", "warn": "warn", "w": "warn", "W": "warn"}


class LogLine(msgspec.Struct, frozen=True, gc=False):
    """One line, safe to show: control characters visible, colours dropped."""

    at: float
    """Seconds since the epoch."""
    source: str
    """Name of the pod."""
    container: str
    text: str
    level: str = ""
    """``error``, ``warn``, ``info``, "" when it does not say, or ``gap`` where lines may be missing."""


def level_of(text: str) -> str:
    """The level that a line names for itself near its start, in the usual formats; else ""."""
    start = text[:_LOOKED_AT].lower()
    # Most lines name no level: plain searches tell that five times faster than the pattern.
    if start[:1] not in _GLOG and not any(word in start for word in _WORDS):
        return ""
    match = _LEVEL.search(text, 0, _LOOKED_AT)
    return _LEVELS.get(match.lastgroup or "", "info") if match else ""


class LogBuffer:
    """A ring of lines: at most ``capacity`` of them, and at most ``most_characters`` of text."""

    def __init__(self, capacity: int = CAPACITY, most_characters: int = MOST_CHARACTERS) -> None:
        self._capacity = capacity
        self._most_characters = most_characters
        self._lines: list[LogLine | None] = []
        self._left = 0
        """Places at the start of the list whose line has left."""
        self._first = 0
        self._characters = 0
        self._errors: dict[int, int] = {}

    @property
    def first(self) -> int:
        """Number of the oldest line held; also how many have left."""
        return self._first

    @property
    def end(self) -> int:
        """Number that the next line will get."""
        return self._first + len(self._lines) - self._left

    @property
    def dropped(self) -> int:
        """Lines that have left to keep the buffer bounded."""
        return self._first

    def append(self, lines: Iterable[LogLine]) -> None:
        """Add lines at the end; the oldest leave when there are too many."""
        for line in lines:
            self._lines.append(line)
            self._characters += len(line.text)
            if line.level == "error":
                second = int(line.at)
                self._errors[second] = self._errors.get(second, 0) + 1
        while self.end - self._first > self._capacity or (
            self._characters > self._most_characters and self.end - self._first > 1
        ):
            self._drop_oldest()
        self._forget_errors()

    def line(self, number: int) -> LogLine:
        """The line with this number. Raises IndexError when it has left or is not there yet."""
        if not self._first <= number < self.end:
            raise IndexError(number)
        line = self._lines[self._left + number - self._first]
        assert line is not None
        return line

    def slice(self, start: int, stop: int) -> list[LogLine]:
        """The lines from ``start`` up to ``stop``, as far as they are held."""
        return [self.line(number) for number in range(max(start, self._first), min(stop, self.end))]

    def errors_per_minute(self, now: float) -> int:
        """Lines of level error whose own time is within the minute before ``now``."""
        return sum(count for second, count in self._errors.items() if now - MINUTE < second <= now + 1)

    def _drop_oldest(self) -> None:
        line = self._lines[self._left]
        self._lines[self._left] = None
        self._left += 1
        self._first += 1
        self._characters -= len(line.text) if line else 0
        # Moving the rest is worth it once as many have left as may be held: constant work for each line.
        if self._left >= self._capacity:
            del self._lines[: self._left]
            self._left = 0

    def _forget_errors(self) -> None:
        if len(self._errors) > 2 * MINUTE:
            for second in sorted(self._errors)[:-MINUTE]:
                del self._errors[second]
