"""A release's state while entries are folded into it: copied on the first write, frozen at the end.

Folding a whole journal uses one draft, advancing by one entry a draft of its own, so both obey the same rules
and a long journal stays linear.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from releaseconsole.record.clusters import SeenCluster
from releaseconsole.record.model import (
    ActionState,
    ActionStatus,
    AutomaticState,
    Decision,
    ItemState,
    Lock,
    Pin,
    ReleaseState,
    RollbackState,
)
from releaseconsole.record.texts import MOST_TEXT, visible
from releaseconsole.record.watches import WatchState

V = TypeVar("V")
MOST_ROLLBACKS = 256
"""The newest that are kept; a release with more has other worries."""
_LONGEST_ID = 1_000


@dataclass(frozen=True, slots=True)
class Said:
    """What one entry says, read without trusting it."""

    at: float
    by: str
    data: Mapping[str, Any]

    def text(self, key: str, *, newlines: bool = False, limit: int = MOST_TEXT) -> str:
        """Free words for people to read; "" when there are none."""
        return shown(self.data.get(key), newlines=newlines, limit=limit)

    def id(self, key: str) -> str:
        """A name to look things up by, as it was given; "" when it is not one."""
        return identifier(self.data.get(key))

    def members(self, key: str) -> list[Any]:
        """A list, or nothing."""
        value = self.data.get(key)
        return value if isinstance(value, list) else []


def shown(value: object, *, newlines: bool = False, limit: int = MOST_TEXT) -> str:
    """Words or a number as safe text; "" for anything else."""
    if isinstance(value, str):
        return visible(value, limit, newlines=newlines)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:.10g}" if isinstance(value, float) or abs(value) < 10**15 else ""
    return ""


def identifier(value: object) -> str:
    """``value`` when it can be a name, else ""."""
    return value if isinstance(value, str) and len(value) <= _LONGEST_ID else ""


def words(value: object) -> tuple[str, ...]:
    """The strings in a list, each bounded."""
    return tuple(shown(each) for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def said(at: object, by: object, data: object) -> Said:
    """Read an entry's own members, whatever they are."""
    moment = float(at) if isinstance(at, int | float) and abs(at) < 1e18 else 0.0
    return Said(
        moment if math.isfinite(moment) else 0.0,
        shown(by, limit=200),
        data if isinstance(data, Mapping) else {},
    )


class Table(Generic[V]):
    """A mapping that is copied when it is first written to."""

    __slots__ = ("_mine", "_values")

    def __init__(self, values: Mapping[str, V]) -> None:
        self._values = values
        self._mine: dict[str, V] | None = None

    def get(self, key: str) -> V | None:
        return self._values.get(key)

    def put(self, key: str, value: V) -> None:
        self._own()[key] = value

    def drop(self, key: str) -> None:
        if key in self._values:
            self._own().pop(key, None)

    def frozen(self) -> Mapping[str, V]:
        return self._values if self._mine is None else MappingProxyType(self._mine)

    def items(self) -> list[tuple[str, V]]:
        return list(self._values.items())

    def _own(self) -> dict[str, V]:
        if self._mine is None:
            self._mine = dict(self._values)
            self._values = self._mine
        return self._mine


class Draft:
    """A state that is being written; use it once, then take :meth:`frozen`."""

    __slots__ = (
        "_rollbacks",
        "_running",
        "actions",
        "automatic",
        "bad_since",
        "burning",
        "clusters",
        "decisions",
        "entries",
        "ignored",
        "items",
        "last_hash",
        "locks",
        "pins",
        "started",
        "watches",
    )

    def __init__(self, state: ReleaseState) -> None:
        self.items: Table[ItemState] = Table(state.items)
        self.actions: Table[ActionState] = Table(state.actions)
        self.pins: Table[Pin] = Table(state.pins)
        self.burning: Table[float] = Table(state.burning)
        self.bad_since: Table[float] = Table(state.bad_since)
        self.automatic: Table[AutomaticState] = Table(state.automatic)
        self.locks: Table[Lock] = Table(state.locks)
        self.decisions: Table[Decision] = Table(state.decisions)
        self.clusters: Table[SeenCluster] = Table(state.clusters)
        self.watches: Table[WatchState] = Table(state.watches)
        self.started = state.started
        self.entries = state.entries
        self.ignored = state.ignored
        self.last_hash = state.last_hash
        self._rollbacks = list(state.rollbacks)
        self._running: set[str] | None = None

    def item(self, item_id: str) -> ItemState:
        return self.items.get(item_id) or ItemState()

    def put_action(self, action_id: str, action: ActionState) -> None:
        self.actions.put(action_id, action)
        if self._running is not None:
            keep = self._running.add if action.status is ActionStatus.RUNNING else self._running.discard
            keep(action_id)

    def running_actions(self) -> list[tuple[str, ActionState]]:
        """Those under way; looked up once for each draft, so that many restarts stay cheap."""
        if self._running is None:
            self._running = {
                key for key, action in self.actions.items() if action.status is ActionStatus.RUNNING
            }
        found = ((key, self.actions.get(key)) for key in sorted(self._running))
        return [(key, action) for key, action in found if action is not None]

    @property
    def rollbacks(self) -> tuple[RollbackState, ...]:
        return tuple(self._rollbacks)

    def rollback(self, rollback_id: str) -> RollbackState | None:
        return next((each for each in reversed(self._rollbacks) if each.id == rollback_id), None)

    def put_rollback(self, rollback: RollbackState) -> None:
        """In the place of the one with its id, or as the newest."""
        for place, each in enumerate(self._rollbacks):
            if each.id == rollback.id:
                self._rollbacks[place] = rollback
                return
        self._rollbacks.append(rollback)
        del self._rollbacks[:-MOST_ROLLBACKS]

    def frozen(self) -> ReleaseState:
        return ReleaseState(
            items=self.items.frozen(),
            actions=self.actions.frozen(),
            pins=self.pins.frozen(),
            rollbacks=self.rollbacks,
            locks=self.locks.frozen(),
            burning=self.burning.frozen(),
            bad_since=self.bad_since.frozen(),
            automatic=self.automatic.frozen(),
            decisions=self.decisions.frozen(),
            clusters=self.clusters.frozen(),
            watches=self.watches.frozen(),
            started=self.started,
            entries=self.entries,
            ignored=self.ignored,
            last_hash=self.last_hash,
        )
