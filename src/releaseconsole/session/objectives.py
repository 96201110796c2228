"""One objective under watch: what is asked, what came, how it is judged, and its row in the metrics panel."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from releaseconsole.metrics.reading import Question
from releaseconsole.metrics.trigger import Judgement, Reading, Trigger, TriggerState
from releaseconsole.metrics.triggers import Triggers
from releaseconsole.outside.objectives import question_of
from releaseconsole.plan.model import Objective
from releaseconsole.session.prometheus import MAIN
from releaseconsole.session.views import MetricView
from releaseconsole.text import duration

HISTORY = 120


@dataclass(slots=True)
class Watched:
    """An objective in one environment."""

    objective: Objective
    question: Question
    triggers: Triggers
    history: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=HISTORY))
    """(time, value), oldest first; NaN where there was none."""
    last: Reading | None = None
    """The newest reading; of several series, the worst."""
    beyond: bool = False
    """Whether a usable value of the newest readings lies beyond the rollback line."""
    asked: float = -math.inf
    """Monotonic seconds at which the last reading was asked for."""
    asking: bool = False
    judgement: Judgement | None = None
    seen: float = 0.0
    value: float | None = None

    @property
    def source(self) -> str:
        """Which Prometheus it is asked of."""
        return self.objective.prometheus or MAIN

    def take(self, readings: Mapping[str, Reading], asked: float, now: float) -> Judgement | None:
        """Judge what was read; returns the judgement before. Both times in monotonic seconds."""
        verdict = self.triggers.take(readings)
        before, self.judgement = self.judgement, verdict.judgement
        self.last, self.asked = verdict.reading, asked
        rollback = self.objective.rollback
        self.beyond = rollback is not None and any(
            one.usable and one.value is not None and rollback.when.holds(one.value)
            for one in readings.values()
        )
        value = verdict.reading.value
        if value is not None or self.history:
            # Before the first sample nobody knows how Prometheus' clock stands to ours.
            self.history.append((verdict.reading.at, math.nan if value is None else value))
        if value is not None and not math.isnan(value):
            self.value, self.seen = value, now
        return before

    def left(self) -> float:
        """Seconds until the hold of a pending trigger ends, if the condition stays; infinite for others."""
        rollback, judgement = self.objective.rollback, self.judgement
        if rollback is None or judgement is None or judgement.state is not TriggerState.PENDING:
            return math.inf
        return rollback.hold - judgement.held

    def burns(self) -> bool:
        return self.judgement is not None and self.judgement.state is TriggerState.BREACH

    def sentence(self) -> str:
        """A burning trigger in words."""
        assert self.judgement is not None
        assert self.objective.rollback is not None
        unit = f" {self.objective.unit}" if self.objective.unit else ""
        value = "no value" if self.value is None else f"{self.value:,.4g}{unit}"
        line = f"{self.objective.rollback.when}{unit}"
        if not self.beyond:
            return f"{self.objective.name} was beyond {line} a moment ago, now {value}"
        return f"{self.objective.name} {value}, beyond {line} for {duration(self.judgement.held)}"

    def view(self) -> MetricView:
        """Its row."""
        objective, judgement, rollback = self.objective, self.judgement, self.objective.rollback
        current = self.last is not None and self.last.usable and self.value is not None
        return MetricView(
            id=objective.id,
            title=objective.name,
            unit=objective.unit,
            value=self.value,
            target=str(objective.target),
            target_value=objective.target.value,
            meets_target=objective.target.holds(self.value or 0.0) if current else None,
            trigger=f"{rollback.when} for {rollback.hold:.0f}s" if rollback else "",
            trigger_value=rollback.when.value if rollback else None,
            state=str(judgement.state) if judgement else "WAITING",
            reason=judgement.reason if judgement else "",
            held=judgement.held if judgement else 0.0,
            hold=rollback.hold if rollback else 0.0,
            history=tuple(self.history),
            seen=self.seen,
        )


def watch(objective: Objective, values: Mapping[str, str]) -> Watched:
    """The objective with the environment's values in its queries."""
    return Watched(objective, question_of(objective, values), Triggers(lambda: _trigger(objective)))


def _trigger(objective: Objective) -> Trigger:
    rollback = objective.rollback
    if rollback is None:
        return Trigger(None, 0.0)
    calm = rollback.hold / 2 if rollback.calm is None else rollback.calm
    return Trigger(rollback.when.holds, rollback.hold, calm=calm, long_window=rollback.long_window or 0.0)
