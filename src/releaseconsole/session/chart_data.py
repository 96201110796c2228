"""What a chart of one objective shows: plain values, made anew for each answer."""

from __future__ import annotations

from dataclasses import dataclass

from releaseconsole.metrics.answers import RangeSeries

Samples = tuple[tuple[float, float], ...]
"""(time, value), oldest first, one for every step; NaN where nothing was measured."""


@dataclass(frozen=True, slots=True)
class ChartLine:
    """One line of the chart. The name may hold labels: text from outside."""

    name: str
    kind: str
    """``all`` pods, the ``new`` or the ``old`` revision, or one ``series`` of several."""
    samples: Samples


@dataclass(frozen=True, slots=True)
class ChartMark:
    """A moment of the release: a deploy, a rollback."""

    at: float
    """Seconds since the epoch."""
    text: str
    tone: str
    """``deploy``, ``rollback``, ``back`` or ``failed``."""


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """One question to Prometheus and what it answered, as it is."""

    name: str
    query: str
    prometheus: str
    """Host and port."""
    at: float
    """When it was asked, in seconds since the epoch."""
    took: float
    start: float
    end: float
    step: float
    series: tuple[RangeSeries, ...] = ()
    """The first of them."""
    count: int = 0
    """How many there were."""
    warnings: tuple[str, ...] = ()
    problem: str = ""
    """Why there was no answer: a sentence and its remedy."""


@dataclass(frozen=True, slots=True)
class ChartData:
    """One objective over a span of time."""

    environment: str
    objective: str
    start: float
    end: float
    step: float
    """Seconds from one point to the next."""
    asked: float
    """Monotonic seconds."""
    lines: tuple[ChartLine, ...] = ()
    marks: tuple[ChartMark, ...] = ()
    note: str = ""
    """Why it is one line and not two, or what the lines leave out; a sentence without its period."""
    problem: str = ""
    """Why there are no lines; "" when there are."""
    warnings: tuple[str, ...] = ()
    answers: tuple[RawAnswer, ...] = ()

    @property
    def measured(self) -> bool:
        """Whether any line has a value."""
        return any(value == value for line in self.lines for _, value in line.samples)
