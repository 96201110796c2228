"""How the entries of an observation window fold. A rollback of its environment ends it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from releaseconsole.record.draft import Draft, Said, identifier, shown
from releaseconsole.record.watches import (
    ALLOWED_SHARE,
    WatchedObjective,
    WatchState,
    WatchVerdict,
    WatchWord,
)

MOST_OBJECTIVES = 1_000
MOST_WATCHES = 64
"""The newest that are kept."""
_LONGEST = 366 * 86_400.0
_WORDS: Final[Mapping[str, WatchWord]] = MappingProxyType({word.value: word for word in WatchWord})
_OUTCOMES = ("complete", "stopped")
BY_ROLLBACK = "stopped by the rollback"


def started(draft: Draft, entry: Said) -> bool:
    """A window begins; one of the environment that was still open is over."""
    watch_id, environment = entry.id("id"), entry.id("environment")
    seconds = _number(entry.data.get("seconds")) or 0.0
    objectives = tuple(
        found for each in entry.members("objectives")[:MOST_OBJECTIVES] if (found := _objective(each))
    )
    if not watch_id or not environment or not 0 < seconds <= _LONGEST or draft.watches.get(watch_id):
        return False
    _stop(draft, environment, entry, "another window was begun")
    for old, _ in draft.watches.items()[: 1 - MOST_WATCHES]:
        draft.watches.drop(old)
    allow, start = _number(entry.data.get("allow")), _number(entry.data.get("start"))
    draft.watches.put(
        watch_id,
        WatchState(
            id=watch_id,
            environment=environment,
            by=entry.by,
            started=entry.at if start is None or not 0 <= start < 1e12 else start,
            seconds=seconds,
            allow=ALLOWED_SHARE * seconds if allow is None or allow < 0 else allow,
            objectives=objectives,
        ),
    )
    return True


def _objective(member: Any) -> WatchedObjective | None:
    if not isinstance(member, dict) or not identifier(member.get("id")):
        return None
    return WatchedObjective(
        id=member["id"],
        name=shown(member.get("name"), limit=200),
        unit=shown(member.get("unit"), limit=50),
        target=shown(member.get("target"), limit=100),
        line=shown(member.get("line"), limit=100),
        hold=max(0.0, _number(member.get("hold")) or 0.0),
    )


def noted(draft: Draft, entry: Said) -> bool:
    """What is known so far; a window that was judged keeps its verdicts."""
    watch = draft.watches.get(entry.id("id"))
    if watch is None:
        return False
    if not watch.judged:
        draft.watches.put(watch.id, replace(watch, verdicts=_verdicts(entry), noted=entry.at))
    return True


def ended(draft: Draft, entry: Said) -> bool:
    """Its verdicts are final. How it ended stays as it was said first."""
    watch, outcome = draft.watches.get(entry.id("id")), entry.id("outcome")
    if watch is None or outcome not in _OUTCOMES or watch.judged:
        return False
    if watch.under_way:
        watch = replace(watch, ended=entry.at, outcome=outcome, reason=entry.text("reason", limit=300))
    draft.watches.put(watch.id, replace(watch, verdicts=_verdicts(entry), noted=entry.at, judged=True))
    return True


def rolled_back(draft: Draft, entry: Said) -> None:
    """A rollback of the environment began: what was to be watched does not run any more."""
    _stop(draft, entry.id("environment"), entry, BY_ROLLBACK)


def _stop(draft: Draft, environment: str, entry: Said, why: str) -> None:
    for watch_id, watch in draft.watches.items():
        if watch.environment == environment and watch.under_way and entry.at < watch.ends:
            stopped = replace(watch, ended=entry.at, outcome="stopped", reason=why)
            draft.watches.put(watch_id, stopped)


def _verdicts(entry: Said) -> tuple[WatchVerdict, ...]:
    found = (_verdict(each) for each in entry.members("verdicts")[:MOST_OBJECTIVES])
    return tuple(one for one in found if one is not None)


def _verdict(member: Any) -> WatchVerdict | None:
    if not isinstance(member, dict) or not identifier(member.get("objective")):
        return None
    times = {
        name: max(0.0, _number(member.get(name)) or 0.0)
        for name in ("on", "out", "unknown", "longest", "longest_at", "worst_at", "beyond")
    }
    return WatchVerdict(
        objective=member["objective"],
        word=_WORDS.get(identifier(member.get("word")), WatchWord.UNKNOWN),
        minimum=_number(member.get("minimum")),
        maximum=_number(member.get("maximum")),
        last=_number(member.get("last")),
        reason=shown(member.get("reason"), limit=300),
        **times,
    )


def _number(value: object) -> float | None:
    """A finite number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
