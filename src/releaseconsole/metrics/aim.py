"""What a preflight examines, where, and what it finds. Values only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from releaseconsole.metrics.reading import Question
from releaseconsole.text import cut, visible

LONGEST = 800
"""Characters of a sentence; what comes from outside may be of any length."""


class Outlook(StrEnum):
    """From the best to the worst."""

    OK = "ok"
    WARNING = "warning"
    """It works, now or in general less well than it looks."""
    UNKNOWN = "unknown"
    """It could not be asked."""
    FAILED = "failed"
    """It cannot work like this."""


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that a preflight found."""

    subject: str
    """The objective's id, or the address of the Prometheus."""
    outlook: Outlook
    sentence: str
    remedy: str = ""
    lasting: bool = False
    """Whether it holds whatever values come: a quantile that no bucket lets reach its line."""


@dataclass(frozen=True, slots=True)
class Line:
    """A bound as a preflight needs it."""

    text: str
    """``> 500 ms``."""
    holds: Callable[[float], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """An objective whose trigger is to be examined."""

    id: str
    name: str
    question: Question
    target: Line
    line: Line | None = None
    """Beyond which the release goes back; None when nothing is triggered."""
    unit: str = ""
    hold: float = 0.0
    """Seconds for which the line has to be crossed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Where and when it is examined."""

    namespace: str
    pods: str
    """A regular expression that matches the names of the release's pods as a whole."""
    now: float
    """Seconds since the epoch."""
    poll: float = 5.0
    """Seconds between two readings."""
    since: float | None = None
    """When the version was brought that is to be judged, in seconds since the epoch; None when not known."""


def found(subject: str, outlook: Outlook, sentence: str, remedy: str = "", *, lasting: bool = False) -> Found:
    """A finding whose words are fit for a terminal, wherever they come from."""
    return Found(subject, outlook, _line(sentence), _line(remedy), lasting)


def _line(text: str) -> str:
    return cut(visible(" ".join(text.split("\n"))), LONGEST)
