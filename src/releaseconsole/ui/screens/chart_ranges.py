"""The spans of time that a chart can show, and how they are written. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from releaseconsole.session.chart_data import ChartData
from releaseconsole.text import duration

HOUR = 3600.0
_COARSE = 60.0
"""Seconds: most queries look back on a minute."""


@dataclass(frozen=True, slots=True)
class Range:
    """One of them; without ``seconds`` it reaches back to the last deploy."""

    title: str
    seconds: float | None = None


RANGES = (
    Range("10 m", 600.0),
    Range("1 h", HOUR),
    Range("6 h", 6 * HOUR),
    Range("24 h", 24 * HOUR),
    Range("since deploy"),
)


def range_words(chosen: int) -> str:
    """``[10 m]  1 h   6 h …``: brackets round the one that is shown."""
    return " ".join(
        f"[{one.title}]" if index == chosen else f" {one.title} " for index, one in enumerate(RANGES)
    )


def step_words(data: ChartData) -> str:
    """The distance between two points."""
    return f"a point every {duration(data.step)}"


def between_words(data: ChartData) -> str:
    """What a long distance means; "" for a short one."""
    return "shorter peaks can fall between two points" if data.step > _COARSE else ""
