"""An observation window after a deploy: what was to be watched, and what came of it. Pure values and their rule.

An objective has **failed** when it was out of target for longer than the window allows in all, or beyond its
rollback line for as long as its trigger has to hold. It is **good** when it would be within what is allowed even
if every unknown moment had been bad, and **unknown** in between, or while less is known of it than is not: a gap
never counts as good.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from releaseconsole.text import cut, duration, plural

ALLOWED_SHARE = 0.01
"""Of the window, when the plan does not say how long an objective may be out of target."""
_MOST_NAMED = 2


class WatchWord(StrEnum):
    """How one objective fared."""

    ON_TARGET = "on target"
    TOLERATED = "tolerated"
    """Out of target, but not for longer than is allowed."""
    UNKNOWN = "unknown"
    FAILED = "failed"


GOOD = (WatchWord.ON_TARGET, WatchWord.TOLERATED)


@dataclass(frozen=True, slots=True)
class WatchedObjective:
    """An objective as the plan had it when the window began: what it is measured by does not change on the way."""

    id: str
    name: str = ""
    unit: str = ""
    target: str = ""
    """``< 0.1``."""
    line: str = ""
    """The rollback line, ``> 1``; "" without one."""
    hold: float = 0.0
    """Seconds for which the line has to be crossed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchVerdict:
    """One objective over a window. Times in seconds, moments in seconds since the epoch (0: none)."""

    objective: str
    word: WatchWord = WatchWord.UNKNOWN
    minimum: float | None = None
    maximum: float | None = None
    last: float | None = None
    on: float = 0.0
    out: float = 0.0
    unknown: float = 0.0
    longest: float = 0.0
    longest_at: float = 0.0
    worst_at: float = 0.0
    beyond: float = 0.0
    """The longest time beyond the rollback line."""
    reason: str = ""
    """Why moments are unknown."""

    @property
    def good(self) -> bool:
        return self.word in GOOD


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchState:
    """One observation window of one environment."""

    id: str
    environment: str
    by: str
    started: float
    seconds: float
    allow: float
    objectives: tuple[WatchedObjective, ...]
    ended: float = 0.0
    outcome: str = ""
    """"" until it is over and judged, then ``complete`` or ``stopped``."""
    reason: str = ""
    """Why it was stopped."""
    verdicts: tuple[WatchVerdict, ...] = ()
    """As last written: on the way what is known so far, at the end what came of it."""
    noted: float = 0.0
    """When the verdicts were written."""
    judged: bool = False
    """The verdicts are final."""

    @property
    def ends(self) -> float:
        """When it is over; earlier than planned when it was stopped."""
        planned = self.started + self.seconds
        return min(planned, self.ended) if self.outcome == "stopped" else planned

    @property
    def under_way(self) -> bool:
        return not self.outcome

    def elapsed(self, now: float) -> float:
        """Seconds that it has run."""
        return min(max(0.0, now - self.started), max(0.0, self.ends - self.started))


@dataclass(frozen=True, slots=True)
class Standing:
    """A window with what is known of it now."""

    watch: WatchState
    verdicts: tuple[WatchVerdict, ...] = ()
    problem: str = ""
    """Why values are missing that should be there, while it is tried again."""

    @property
    def failed(self) -> tuple[WatchVerdict, ...]:
        return self._of(WatchWord.FAILED)

    @property
    def unknown(self) -> tuple[WatchVerdict, ...]:
        return self._of(WatchWord.UNKNOWN)

    @property
    def good(self) -> tuple[WatchVerdict, ...]:
        return tuple(one for one in self.verdicts if one.good)

    def _of(self, word: WatchWord) -> tuple[WatchVerdict, ...]:
        return tuple(one for one in self.verdicts if one.word is word)

    def name_of(self, verdict: WatchVerdict) -> str:
        """What people call its objective."""
        names = (one.name for one in self.watch.objectives if one.id == verdict.objective and one.name)
        return next(names, verdict.objective)


def judge(*, on: float, out: float, unknown: float, beyond: float, allow: float, hold: float) -> WatchWord:
    """The rule of this module. All in seconds; a ``hold`` of 0 means that there is no rollback line."""
    if out > allow or (hold > 0 and beyond >= hold):
        return WatchWord.FAILED
    if out + unknown > allow or unknown >= on + out:
        return WatchWord.UNKNOWN
    return WatchWord.TOLERATED if out > 0 else WatchWord.ON_TARGET


def hours(seconds: float) -> str:
    """``24 h`` and ``3 h 12 m``; days only from three on."""
    if 86_400 <= seconds < 3 * 86_400:
        whole, minutes = divmod(int(seconds) // 60, 60)
        return f"{whole} h {minutes} m" if minutes else f"{whole} h"
    return duration(seconds)


def progress(standing: Standing, now: float) -> str:
    """``3 h 12 m of 24 h, all 8 on target``: how far it is and how it stands, in one line."""
    watch = standing.watch
    spent, whole = hours(watch.elapsed(now)), hours(watch.seconds)
    if watch.outcome == "stopped":
        return (
            f"stopped after {spent} of {whole}: {watch.reason}" if watch.reason else f"stopped after {spent}"
        )
    if watch.under_way and now >= watch.ends:
        return f"{whole} are over; waiting for the last values{_after(standing.problem)}"
    return (
        f"{whole}, {tally_words(standing)}"
        if watch.outcome
        else f"{spent} of {whole}, {tally_words(standing)}"
    )


def tally_words(standing: Standing) -> str:
    """``all 8 on target``, or what is not: ``p99 failed: out of target for 31 m``."""
    if not standing.verdicts:
        return f"nothing measured yet{_after(standing.problem)}"
    wrong = [*standing.failed, *standing.unknown, *_tolerated(standing.good)]
    if not wrong:
        return f"all {len(standing.verdicts)} on target" if len(standing.verdicts) > 1 else "on target"
    said = "; ".join(_said(standing, one) for one in wrong[:_MOST_NAMED])
    more = f"; and {len(wrong) - _MOST_NAMED} more" if len(wrong) > _MOST_NAMED else ""
    return f"{len(standing.good)} of {plural(len(standing.verdicts), 'objective')} good; {said}{more}"


def _tolerated(verdicts: Iterable[WatchVerdict]) -> list[WatchVerdict]:
    return [one for one in verdicts if one.word is WatchWord.TOLERATED]


def _said(standing: Standing, verdict: WatchVerdict) -> str:
    name = cut(standing.name_of(verdict), 40)
    if verdict.word is WatchWord.UNKNOWN:
        return f"{name} unknown for {duration(verdict.unknown)}{_after(cut(verdict.reason, 80))}"
    out = f"out of target for {duration(verdict.out)}"
    if verdict.word is WatchWord.FAILED and verdict.out <= standing.watch.allow:
        out = f"beyond its rollback line for {duration(verdict.beyond)}"
    return f"{name} {'failed: ' if verdict.word is WatchWord.FAILED else ''}{out}"


def _after(words: str) -> str:
    return f" ({words})" if words else ""
