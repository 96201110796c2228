"""The triggers of one objective: one, or one for each of its series; the worst of them speaks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from releaseconsole.metrics.trigger import Judgement, Reading, Trigger, TriggerState
from releaseconsole.text import cut

_WORST_FIRST = (
    TriggerState.BREACH,
    TriggerState.PENDING,
    TriggerState.PROVIDER_DOWN,
    TriggerState.NO_DATA,
    TriggerState.NO_TRAFFIC,
    TriggerState.OK,
)
_LONGEST_NAME = 80
KEPT = 600.0
"""Seconds for which a series that is not in the answers any more (a pod that went) is remembered."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The worst judgement, and the reading that it is about."""

    judgement: Judgement
    reading: Reading
    series: str = ""
    """Its labels, when there are several."""


@dataclass(slots=True)
class _One:
    trigger: Trigger
    seen: float | None = None
    """Time of its newest sample; None before the first."""


class Triggers:
    """Takes the readings of one objective, poll by poll."""

    def __init__(self, make: Callable[[], Trigger]) -> None:
        self._make = make
        self._all: dict[str, _One] = {}

    def take(self, readings: Mapping[str, Reading]) -> Verdict:
        """Judge one poll's readings, which are never none."""
        self._forget([one.at for one in readings.values() if one.value is not None])
        for name in self._all.keys() - readings.keys():
            self._all[name].trigger.interrupt()
        found = [self._judge(name, one) for name, one in readings.items()]
        worst = min(found, key=lambda one: _WORST_FIRST.index(one.judgement.state))
        if not worst.series:
            return worst
        reason = f"{cut(worst.series, _LONGEST_NAME)}: {worst.judgement.reason}"
        return replace(worst, judgement=replace(worst.judgement, reason=reason))

    def _judge(self, name: str, reading: Reading) -> Verdict:
        one = self._all.setdefault(name, _One(self._make()))
        if reading.value is not None:
            one.seen = reading.at
        return Verdict(one.trigger.take(reading), reading, name)

    def _forget(self, times: Sequence[float]) -> None:
        """Compare times of samples only: those of empty answers are from another clock."""
        if not times:
            return
        newest = max(times)
        self._all = {
            name: one for name, one in self._all.items() if one.seen is None or abs(newest - one.seen) <= KEPT
        }
