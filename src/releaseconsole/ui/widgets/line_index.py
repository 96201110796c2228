"""Which lines of a log buffer match something, found a bounded piece at a time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

from releaseconsole.ui.port import LogBuffer, LogLine

_LINES_AT_ONCE = 2000
_CHARACTERS_AT_ONCE = 400_000
_KEPT = 200_000


class LineIndex:
    """Absolute numbers of matching lines, oldest first. `advance` until `complete`, and as lines come."""

    def __init__(self, matches: Callable[[LogLine], bool]) -> None:
        self._matches = matches
        self.numbers: list[int] = []
        self._next = 0
        self._end = 0

    @property
    def complete(self) -> bool:
        """Whether every line that was there at the last `advance` has been looked at."""
        return self._next >= self._end

    def advance(self, buffer: LogBuffer) -> None:
        """Forget what the buffer has dropped and look at some more lines: no more than a frame can bear."""
        gone = bisect_left(self.numbers, buffer.first)
        if gone:
            del self.numbers[:gone]
        self._next, self._end = max(self._next, buffer.first), buffer.end
        stop = min(self._end, self._next + _LINES_AT_ONCE)
        characters = 0
        while self._next < stop and characters < _CHARACTERS_AT_ONCE:
            line = buffer.line(self._next)
            characters += len(line.text)
            if self._matches(line):
                self.numbers.append(self._next)
            self._next += 1
        if len(self.numbers) > _KEPT:
            del self.numbers[:-_KEPT]

    def after(self, number: int) -> int | None:
        """The first match beyond ``number``, else the very first."""
        if not self.numbers:
            return None
        at = bisect_left(self.numbers, number + 1)
        return self.numbers[at] if at < len(self.numbers) else self.numbers[0]

    def before(self, number: int) -> int | None:
        """The last match before ``number``, else the very last."""
        if not self.numbers:
            return None
        return self.numbers[bisect_left(self.numbers, number) - 1]

    def rank(self, number: int) -> int:
        """1 for the oldest match; how many matches are not after ``number``."""
        return bisect_left(self.numbers, number + 1)
