"""A surface of dots, two across and four down in each terminal cell, and lines drawn on it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_BLANK = 0x2800
_DASH, _PAUSE = 3, 2
_STEEP = 3


class Braille:
    """``width`` × ``height`` cells. Where lines cross in a cell their dots are joined; the last one gives the tone."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.across, self.down = 2 * width, 4 * height
        self._dots = [[0] * width for _ in range(height)]
        self._tones = [[""] * width for _ in range(height)]

    def dot(self, x: int, y: int, tone: str) -> None:
        """One dot, counted from the upper left; outside it is left out."""
        if 0 <= x < self.across and 0 <= y < self.down:
            row, column = y >> 2, x >> 1
            self._dots[row][column] |= _BITS[y & 3][x & 1]
            self._tones[row][column] = tone

    def stroke(
        self, start: tuple[int, int], end: tuple[int, int], tone: str, *, dashed: bool = False
    ) -> None:
        """From one dot to another that is not to the left of it. A dashed one has gaps, but where it is steep."""
        (x0, y0), (x1, y1) = start, end
        before = y0
        for x in range(x0, x1 + 1):
            y = y1 if x == x1 else y0 + round((y1 - y0) * (x - x0) / (x1 - x0))
            if not dashed or x % (_DASH + _PAUSE) < _DASH or abs(y - before) >= _STEEP:
                for each in _between(before, y):
                    self.dot(x, each, tone)
            before = y

    def cell(self, column: int, row: int) -> tuple[str, str]:
        """The character of a cell and its tone; "" where there is no dot."""
        dots = self._dots[row][column]
        return (chr(_BLANK + dots), self._tones[row][column]) if dots else ("", "")


def _between(before: int, now: int) -> Iterator[int]:
    """What joins two heights, without the first one when it differs."""
    if before == now:
        yield now
    elif before < now:
        yield from range(before + 1, now + 1)
    else:
        yield from range(now, before)
