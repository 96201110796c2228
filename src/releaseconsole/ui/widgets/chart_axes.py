"""The axes of a chart: round ticks, their labels, and where a value or a time is. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

_ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)
_TIMES = (
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    10_800,
    14_400,
    21_600,
    43_200,
    86_400,
)
_MOST_TICKS = 8


@dataclass(frozen=True, slots=True)
class Scale:
    """The values from the lower to the upper edge."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def part(self, value: float) -> float:
        """Where it is, 0 at the lower edge and 1 at the upper one; what lies beyond is on the edge."""
        if math.isinf(value):
            return 1.0 if value > 0 else 0.0
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))

    @property
    def labels(self) -> tuple[str, ...]:
        """The ticks as numbers, all with as many decimals as the finest of them needs."""
        step = self.ticks[1] - self.ticks[0] if len(self.ticks) > 1 else self.high
        if not 1e-6 < step < 1e12:
            return tuple(f"{tick:.1e}" if tick else "0" for tick in self.ticks)
        decimals = next((n for n in range(7) if abs(step * 10**n - round(step * 10**n)) < 1e-6), 6)
        return tuple(f"{tick:,.{decimals}f}" for tick in self.ticks)


def scale(values: Iterable[float], limits: Sequence[float], *, low_is_bad: bool, ticks: int) -> Scale:
    """Zero is at the lower edge, unless all is far above it and it is the falling that matters."""
    known = [value for value in (*values, *limits) if math.isfinite(value) and abs(value) < 1e300]
    top, bottom = max(known, default=1.0), min(known, default=0.0)
    low = min(0.0, bottom)
    if low_is_bad and bottom > 0.6 * top:
        low = bottom - max((top - bottom) * 0.25, top * 0.001)
    high = top + (top - low) * 0.08 if top > low else low + 1.0
    step = _step((high - low) / max(1, min(_MOST_TICKS, ticks)))
    first = math.floor(low / step + 1e-9) if low else 0
    count = max(1, math.ceil((high - first * step) / step - 1e-9))
    return Scale(
        first * step,
        high if count > 1 else (first + 1) * step,
        tuple((first + n) * step for n in range(count)),
    )


def _step(wanted: float) -> float:
    """A round number that is not less than ``wanted``."""
    if not wanted > 0:
        return 1.0
    size = 10.0 ** math.floor(math.log10(wanted))
    return next((size * each for each in _ROUND if size * each >= wanted * (1 - 1e-9)), size * 10)


def times(start: float, end: float, most: int) -> tuple[tuple[float, str], ...]:
    """Round times of the person's own clock within a span, and how they are written."""
    span = max(1.0, end - start)
    step = next(
        (step for step in _TIMES if span / step <= max(1, most)),
        _TIMES[-1] * math.ceil(span / 86_400 / max(1, most)),
    )
    zone = datetime.fromtimestamp(start).astimezone().utcoffset()
    offset = zone.total_seconds() if zone else 0.0
    first = math.ceil((start + offset) / step) * step - offset
    found = [first + step * index for index in range(int((end - first) // step) + 1)]
    return tuple((at, _clock(at, step, span)) for at in found)


def _clock(at: float, step: float, span: float) -> str:
    moment = datetime.fromtimestamp(at).astimezone()
    if step % 86_400 == 0 or (span > 86_400 and moment.hour == moment.minute == 0):
        return f"{moment.day} {moment:%b}"
    return f"{moment:%H:%M}" if step % 60 == 0 else f"{moment:%H:%M:%S}"
