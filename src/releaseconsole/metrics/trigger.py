"""Whether an objective calls for a rollback: by its samples, and never because nobody could tell.

The hold is counted by the samples' own times. Only the time between two neighbouring readings that both
satisfy the condition counts; a reading without a usable value (an outage, no traffic, no data) neither resets
nor extends it, for as long as what was before still tells something (REMEMBERED). Where the plan asks for a
long window besides, both have to satisfy it (multi-window alerts of the SRE workbook), and a breach ends only
after some time on the safe side, so that a value which flaps around the line does not flicker.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from releaseconsole.text import duration

LONGEST_GAP = 30.0
"""Seconds between two samples over which the condition is still taken to have held."""
FORGOTTEN_AFTER = 60.0
"""Seconds without any reading (nobody looked), or the hold if longer, after which counting starts anew."""
REMEMBERED = 3600.0
"""Seconds without a usable value, or the hold if longer, after which counting starts anew: two short peaks with
half a day of silence between them are not one long one."""


class TriggerState(StrEnum):
    """Only ``BREACH`` may suggest a rollback."""

    OK = "OK"
    PENDING = "PENDING"
    BREACH = "BREACH"
    NO_TRAFFIC = "NO TRAFFIC"
    NO_DATA = "NO DATA"
    PROVIDER_DOWN = "PROVIDER DOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One look at an objective."""

    at: float
    """The sample's own time, seconds since the epoch; without a sample, the time of asking."""
    value: float | None
    """None when the answer was empty or unusable."""
    traffic: float | None = None
    """None when it was not asked for or could not be told."""
    long: float | None = None
    """The value over the trigger's long window; None when that was not asked for or gave none."""
    problem: str = ""
    """Why the answer cannot be relied on; such a reading never counts towards a breach."""
    provider_down: bool = False
    """Prometheus itself gave no usable answer."""

    @property
    def usable(self) -> bool:
        """Whether the value may be compared with a bound."""
        return (
            self.value is not None
            and math.isfinite(self.value)
            and not self.problem
            and not self.provider_down
        )


@dataclass(frozen=True, slots=True)
class Judgement:
    """A state, why, and for how many seconds the condition has held."""

    state: TriggerState
    reason: str
    held: float = 0.0
    since: float = 0.0
    """Time of the first sample that counts for ``held``; 0 when there is none."""


_NEVER_COUNTED = (
    "; if it counts errors of which there was never one, the plan needs `or vector(0)` behind them"
)
"""A ratio is empty while its numerator has no series. Nobody but the plan can tell "no error ever" from a metric
that was renamed, so that it is no data until the plan says."""

NOTHING_READ = Judgement(TriggerState.NO_DATA, "no reading yet")


class Trigger:
    """Takes one reading after the other; needs no history, so that a hold may be of any length."""

    def __init__(
        self,
        bound_holds: Callable[[float], bool] | None,
        hold_seconds: float,
        *,
        calm: float = 0.0,
        long_window: float = 0.0,
    ) -> None:
        """``calm``: seconds on the safe side before a breach ends; ``long_window``: its seconds, 0 for none."""
        self._bound_holds = bound_holds
        self._hold = hold_seconds
        self._calm = calm
        self._long_window = long_window
        self._burning = False
        self._safe_since: float | None = None
        self._held = 0.0
        self._held_until: float | None = None
        """Up to which sample the hold is counted; None when the last reading did not hold."""
        self._began = 0.0
        """The first sample that counts for what is held."""
        self._newest: float | None = None
        """The newest sample that was ever counted, so that no second counts twice when clocks disagree."""
        self._read_at: float | None = None
        """The last sample; None after a reading that told nothing."""
        self._told_at: float | None = None
        """The last sample, whatever came after it."""

    def interrupt(self) -> None:
        """Nothing was read of this: time until the next reading does not count."""
        self._held_until = self._read_at = None

    def take(self, reading: Reading) -> Judgement:
        """Judge the reading in the light of those before it."""
        if not reading.usable:
            self.interrupt()
            return _unusable(reading, self._held)
        assert reading.value is not None
        self._forget_if_nobody_looked(reading.at)
        if self._bound_holds is None:
            return Judgement(TriggerState.OK, "the plan names no rollback for it")
        if not self._bound_holds(reading.value):
            return self._safe(reading.at, reading.value)
        self._safe_since = None
        self._count(reading.at)
        return self._holding(reading)

    def _safe(self, at: float, value: float) -> Judgement:
        """On the safe side: over, unless it was a breach a moment ago."""
        self._held_until = None
        safe = f"{_number(value)} is on the safe side of the rollback line"
        if self._burning:
            since = self._safe_since = at if self._safe_since is None else min(self._safe_since, at)
            if at - since < self._calm:
                reason = f"{safe}, for {duration(at - since)} of {duration(self._calm)}"
                return Judgement(TriggerState.BREACH, reason, self._held, self._began)
        self._held, self._burning, self._safe_since = 0.0, False, None
        return Judgement(TriggerState.OK, safe)

    def _forget_if_nobody_looked(self, at: float) -> None:
        if _long_ago(self._read_at, at, max(FORGOTTEN_AFTER, self._hold)) or _long_ago(
            self._told_at, at, max(REMEMBERED, self._hold)
        ):
            self._held, self._held_until = 0.0, None
            self._burning, self._safe_since = False, None
        self._read_at = self._told_at = at

    def _count(self, at: float) -> None:
        """Add the time since the last sample that held, but no gap."""
        if self._newest is not None and 0 < self._newest - at <= LONGEST_GAP:
            at = self._newest
        if self._held_until is None and not self._held:
            self._began = at
        since = at - self._held_until if self._held_until is not None else 0.0
        if 0 < since <= LONGEST_GAP:
            self._held += since
        self._held_until = self._newest = at

    def _holding(self, reading: Reading) -> Judgement:
        assert reading.value is not None
        beyond = f"{_number(reading.value)} is beyond the rollback line, for {duration(self._held)}"
        if self._held < self._hold:
            state = TriggerState.BREACH if self._burning else TriggerState.PENDING
            return Judgement(state, f"{beyond} of {duration(self._hold)}", self._held, self._began)
        if not self._burning and (doubt := self._short_only(reading.long)):
            return Judgement(TriggerState.PENDING, f"{beyond}; {doubt}", self._held, self._began)
        self._burning = True
        return Judgement(TriggerState.BREACH, f"{beyond} now", self._held, self._began)

    def _short_only(self, value: float | None) -> str:
        """Why the long window does not agree; "" when it does, or none was asked for."""
        if not self._long_window or self._bound_holds is None:
            return ""
        span = duration(self._long_window)
        if value is None or not math.isfinite(value):
            return f"the last {span} have no value"
        return "" if self._bound_holds(value) else f"over the last {span} it is {_number(value)}"


def judge(
    history: Iterable[Reading], bound_holds: Callable[[float], bool] | None, hold_seconds: float
) -> Judgement:
    """Judge the readings, oldest first; ``bound_holds`` is the rollback's condition, None without one.

    The history has to reach back over the hold; :class:`Trigger` needs none.
    """
    trigger, judgement = Trigger(bound_holds, hold_seconds), NOTHING_READ
    for reading in history:
        judgement = trigger.take(reading)
    return judgement


def _long_ago(before: float | None, at: float, seconds: float) -> bool:
    return before is not None and at - before > seconds


def _unusable(reading: Reading, held: float) -> Judgement:
    if reading.provider_down:
        return Judgement(TriggerState.PROVIDER_DOWN, reading.problem or "Prometheus gave no answer", held)
    if reading.problem:
        return Judgement(TriggerState.NO_DATA, reading.problem, held)
    what = _nothing(reading.value)
    if reading.traffic is None or math.isnan(reading.traffic):
        return Judgement(TriggerState.NO_DATA, f"{what}, and the traffic is unknown", held)
    if reading.traffic <= 0:
        return Judgement(TriggerState.NO_TRAFFIC, f"no traffic: {what}", held)
    reason = f"{what} although there is traffic ({_number(reading.traffic)})"
    advice = _NEVER_COUNTED if reading.value is None else ""
    return Judgement(TriggerState.NO_DATA, reason + advice, held)


def _nothing(value: float | None) -> str:
    if value is None:
        return "the query answered nothing"
    return "the value is not a number (NaN)" if math.isnan(value) else "the value is infinite"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
