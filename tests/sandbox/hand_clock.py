"""A clock that a test moves: hours go by in a moment, and nothing depends on how busy the machine is."""

from __future__ import annotations

import asyncio
import heapq
import itertools

_BREATH = 0.002
"""Real seconds in which everybody who was woken does something."""


class HandClock:
    """Whoever sleeps on it wakes when it has been moved far enough."""

    def __init__(self, at: float = 1_790_000_000.0) -> None:
        self.at = at
        self._sleepers: list[tuple[float, int, asyncio.Event]] = []
        self._number = itertools.count()

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        heapq.heappush(self._sleepers, (self.at + seconds, next(self._number), woken))
        await woken.wait()

    async def move(self, seconds: float, step: float = 1.0) -> None:
        """Let ``seconds`` go by, ``step`` at a time."""
        end = self.at + seconds
        while self.at < end - 1e-9:
            self.at = min(end, self.at + step)
            while self._sleepers and self._sleepers[0][0] <= self.at:
                heapq.heappop(self._sleepers)[2].set()
            await asyncio.sleep(_BREATH)
