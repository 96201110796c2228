"""What the API server of scenario flaky-api does wrong, decided per request from a seed.

It is bounded so that a client with a sane back-off gets through: never more than two refusals in a row,
and a dropped watch has lived for a while.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Protocol

_MOST_REFUSALS_IN_A_ROW = 2


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one request; ``status`` 0 and ``drop_after`` None mean that it is answered."""

    delay: float = 0.0
    status: int = 0
    retry_after: int = 0
    drop_after: float | None = None


class Faults(Protocol):
    """Decides what goes wrong with a request."""

    def decide(self, *, watch: bool) -> Fault:
        """The fault of the next request; ``watch`` for streams."""
        ...


class NoFaults:
    """Nothing goes wrong."""

    def decide(self, *, watch: bool) -> Fault:
        return Fault()


@dataclass(frozen=True, slots=True)
class FaultRates:
    """How often, as shares of all requests, and how long in seconds."""

    late: float = 0.3
    longest_delay: float = 1.5
    throttled: float = 0.1
    failed: float = 0.1
    dropped: float = 0.7
    watch_lives: tuple[float, float] = (3.0, 12.0)


class FlakyApi:
    """Late answers, 429, 500 and dropped watches; the same for the same seed and order of requests."""

    def __init__(self, seed: int, *, on: bool = True, rates: FaultRates | None = None) -> None:
        self._random = random.Random(seed)
        self._rates = rates or FaultRates()
        self._refused = 0
        self.on = on

    def switch(self, on: bool) -> None:
        """Turns the faults on or off while the server runs."""
        self.on = on
        self._refused = 0

    def decide(self, *, watch: bool) -> Fault:
        """The fault of the next request."""
        if not self.on:
            return Fault()
        delay = self._delay()
        status = self._refusal()
        if status:
            return Fault(delay=delay, status=status, retry_after=1 if status == 429 else 0)
        return Fault(delay=delay, drop_after=self._drop() if watch else None)

    def _delay(self) -> float:
        late, size = self._random.random(), self._random.random()
        return size * self._rates.longest_delay if late < self._rates.late else 0.0

    def _refusal(self) -> int:
        dice = self._random.random()
        if self._refused >= _MOST_REFUSALS_IN_A_ROW or dice >= self._rates.throttled + self._rates.failed:
            self._refused = 0
            return 0
        self._refused += 1
        return 429 if dice < self._rates.throttled else 500

    def _drop(self) -> float | None:
        dice, size = self._random.random(), self._random.random()
        low, high = self._rates.watch_lives
        return low + size * (high - low) if dice < self._rates.dropped else None
