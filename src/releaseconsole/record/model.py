"""The values that the journal folds into. Pure data: no clock, no file, no cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from releaseconsole.record.clusters import SeenCluster
from releaseconsole.record.watches import WatchState


class ItemStatus(StrEnum):
    """Where one line of the checklist stands."""

    OPEN = "open"
    DONE = "done"
    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    OVERRIDDEN = "overridden"
    DEFERRED = "deferred"
    NOT_APPLICABLE = "not applicable"

    @property
    def settled(self) -> bool:
        """Whether the item needs nobody any more; a deferred one still does."""
        return self in _SETTLED


_SETTLED = frozenset({ItemStatus.DONE, ItemStatus.PASSED, ItemStatus.OVERRIDDEN, ItemStatus.NOT_APPLICABLE})


class ActionStatus(StrEnum):
    """Where one action stands; ``INTERRUPTED`` when the console died while it ran."""

    IDLE = "not run"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


class Stage(StrEnum):
    """The walk of one workload through a rollback, in this order."""

    PLANNED = "planned"
    PATCHED = "patched"
    OBSERVED = "observed"
    REPLACED = "replaced"
    AVAILABLE = "available"
    RECOVERED = "recovered"
    SKIPPED = "already there"
    FAILED = "failed"


STAGES = (Stage.PLANNED, Stage.PATCHED, Stage.OBSERVED, Stage.REPLACED, Stage.AVAILABLE, Stage.RECOVERED)


@dataclass(frozen=True, slots=True)
class ItemState:
    """An item's status with who, when (seconds since the epoch) and on what evidence."""

    status: ItemStatus = ItemStatus.OPEN
    by: str = ""
    at: float = 0.0
    reason: str = ""
    """The evidence of a check, or why somebody overrode or deferred."""
    note: str = ""
    value: str = ""
    """The number a person gave for an item with a target."""
    fell_back: bool = False
    """It had passed before, and its check no longer holds."""


@dataclass(frozen=True, slots=True)
class ActionState:
    """The last run of an action."""

    status: ActionStatus = ActionStatus.IDLE
    by: str = ""
    started: float = 0.0
    ended: float = 0.0
    summary: str = ""
    run: int = 0
    """How often it was started."""


@dataclass(frozen=True, slots=True)
class Pin:
    """What one workload ran before the deploy: the place a rollback returns to."""

    environment: str
    context: str
    namespace: str
    workload: str
    """``deployment/api-gateway``."""
    uid: str
    revision: str
    replica_set: str
    """Name of the ReplicaSet or ControllerRevision."""
    template_hash: str
    images: tuple[str, ...]
    template: Mapping[str, Any] = field(default_factory=dict)
    """The pod template itself, for when its ReplicaSet is gone."""
    at: float = 0.0
    by: str = ""

    @property
    def key(self) -> str:
        """``context/namespace/deployment/name``."""
        return f"{self.context}/{self.namespace}/{self.workload}"


@dataclass(frozen=True, slots=True)
class WorkloadRollback:
    """One workload's way through a rollback."""

    key: str
    stage: Stage = Stage.PLANNED
    times: Mapping[str, float] = field(default_factory=dict)
    """Stage → seconds since the epoch at which it was reached."""
    from_revision: str = ""
    to_revision: str = ""
    from_images: tuple[str, ...] = ()
    to_images: tuple[str, ...] = ()
    message: str = ""
    uid: str = ""
    """Of the workload when it was planned."""
    template: Mapping[str, Any] = field(default_factory=dict)
    """Where it goes: a rollback that is taken up again, and a second press of the key, go to no other place."""
    reverted: str = ""
    """Who has undone it since, in a sentence."""


@dataclass(frozen=True, slots=True)
class HookState:
    """One hook of a rollback."""

    title: str
    when: str
    """``before`` or ``after``."""
    status: str
    """``running``, ``succeeded``, ``failed`` or ``interrupted``."""
    summary: str = ""
    at: float = 0.0

    @property
    def done(self) -> bool:
        """Nothing is left of it to do."""
        return self.status == "succeeded"


@dataclass(frozen=True, slots=True)
class RollbackState:
    """One rollback of one environment."""

    id: str
    environment: str
    by: str
    reason: str
    started: float
    workloads: Mapping[str, WorkloadRollback]
    ended: float = 0.0
    outcome: str = ""
    """"" while under way, then ``complete``, ``failed``, ``cancelled`` or ``interrupted``."""
    to: str = "pinned"
    """What was asked for: ``pinned``, ``previous`` or a revision."""
    alarm: float = 0.0
    """When the first trigger that burned at the key had begun to; 0 when none did."""
    hooks: tuple[HookState, ...] = ()
    since: float = 0.0
    """Time of the first bad sample of the triggers that burned at the key; 0 when nobody knows."""

    @property
    def patched(self) -> float:
        """When the last patch was accepted; 0 while one is missing or when there was none."""
        times = [one.times.get(Stage.PATCHED.value, 0.0) for one in self._moved()]
        return max(times) if times and all(times) else 0.0

    @property
    def recovered(self) -> float:
        """When the last workload was proven back, by the metrics where they tell; 0 before."""
        times = [one.times.get(one.stage.value, 0.0) for one in self._moved()]
        done = all(one.stage in (Stage.AVAILABLE, Stage.RECOVERED) for one in self._moved())
        return max(times) if times and done else 0.0

    def _moved(self) -> list[WorkloadRollback]:
        return [one for one in self.workloads.values() if one.stage is not Stage.SKIPPED]

    @property
    def under_way(self) -> bool:
        return not self.outcome


@dataclass(frozen=True, slots=True)
class AutomaticState:
    """The newest countdown to an automatic rollback of one environment."""

    status: str
    """``counting``, ``stopped`` by a person, ``ended`` by itself, ``interrupted`` or ``fired``."""
    objective: str
    by: str
    at: float
    """When the status came about (seconds since the epoch)."""
    reason: str = ""
    fired: bool = False
    """It has fired in this release, now or before: it never does again."""


@dataclass(frozen=True, slots=True)
class Lock:
    """Why nothing may be deployed to an environment."""

    environment: str
    reason: str
    by: str
    at: float


@dataclass(frozen=True, slots=True)
class Decision:
    """The go/no-go before a phase."""

    phase: str
    go: bool
    by: str
    at: float
    reason: str = ""
    despite: tuple[str, ...] = ()
    """What was not complete when somebody decided to go all the same."""


EMPTY: Mapping[str, Any] = MappingProxyType({})


def _empty() -> Mapping[str, Any]:
    return EMPTY


@dataclass(frozen=True, slots=True)
class ReleaseState:
    """Everything that the journal says, folded. Items and actions that were never touched are absent."""

    items: Mapping[str, ItemState] = field(default_factory=_empty)
    actions: Mapping[str, ActionState] = field(default_factory=_empty)
    pins: Mapping[str, Pin] = field(default_factory=_empty)
    """Pin key → the pin; the first one of a deploy stays until an explicit new pin."""
    rollbacks: tuple[RollbackState, ...] = ()
    locks: Mapping[str, Lock] = field(default_factory=_empty)
    """Environment → lock."""
    decisions: Mapping[str, Decision] = field(default_factory=_empty)
    """Phase → go/no-go."""
    burning: Mapping[str, float] = field(default_factory=_empty)
    """``environment/objective`` → since when its trigger is in breach."""
    bad_since: Mapping[str, float] = field(default_factory=_empty)
    """``environment/objective`` → time of the first sample of the breach that is beyond the line, where known."""
    clusters: Mapping[str, SeenCluster] = field(default_factory=_empty)
    """Context → the cluster that it leads to: at first use, or as a person has confirmed since."""
    automatic: Mapping[str, AutomaticState] = field(default_factory=_empty)
    """Environment → its newest countdown to an automatic rollback."""
    watches: Mapping[str, WatchState] = field(default_factory=_empty)
    """Observation windows by their id, oldest first."""
    started: float = 0.0
    entries: int = 0
    ignored: int = 0
    """Entries that this version could make nothing of: an unknown kind, or data of the wrong form."""
    last_hash: str = ""

    def item(self, item_id: str) -> ItemState:
        return self.items.get(item_id, _NO_ITEM)

    def action(self, action_id: str) -> ActionState:
        return self.actions.get(action_id, _NO_ACTION)

    def watch(self, environment: str) -> WatchState | None:
        """The environment's newest observation window."""
        found = [one for one in self.watches.values() if one.environment == environment]
        return found[-1] if found else None


_NO_ITEM = ItemState()
_NO_ACTION = ActionState()
