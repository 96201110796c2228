"""Items that verify themselves, again and again, and visibly fall back when they stop holding.

A check is run by itself only where its answer means something: the phase may be started, and in a step that
changes something the change was made. Asked for by a key, it runs at any time. The journal gets an entry when
the outcome changes; what was found last is always to be seen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from releaseconsole.checks.finding import Finding
from releaseconsole.checks.registry import rhythm, verify
from releaseconsole.errors import GateClosed
from releaseconsole.plan.model import PlacedAction, PlacedItem, Plan
from releaseconsole.record import gates
from releaseconsole.record.fold import DISAGREES
from releaseconsole.record.model import ActionState, ActionStatus, ItemState, ItemStatus, ReleaseState
from releaseconsole.session.contexts import Outside
from releaseconsole.session.hub import Hub
from releaseconsole.session.ledger import Ledger

if TYPE_CHECKING:
    from releaseconsole.clock import Clock

AT_ONCE = 6
"""Checks under way at the same time."""
LOOK_EVERY = 1.0
BACKGROUND = 4
"""How many times rarer the checks of an environment that is not on the screen are."""
WAIT_FOR_DATA = 10.0
"""Seconds after the start during which “cannot tell yet” does not make a passed item fall back."""
CHANGING = ("apply", "rollback")
SETTLED_BY_HAND = (ItemStatus.OVERRIDDEN, ItemStatus.DEFERRED, ItemStatus.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True)
class Live:
    """What a check found last."""

    status: str
    reason: str
    at: float
    """Seconds since the epoch."""


class Verifier:
    """Runs due checks, a few at a time."""

    def __init__(self, plan: Plan, ledger: Ledger, hub: Hub, clock: Clock, outside: Outside) -> None:
        self._plan = plan
        self._ledger = ledger
        self._hub = hub
        self._clock = clock
        self._outside = outside
        self._live: dict[str, Live] = {}
        self._due: dict[str, float] = {}
        self._under_way: set[str] = set()
        self._places = asyncio.Semaphore(AT_ONCE)
        self._started = clock.monotonic()
        self._automatic = [placed for placed in plan.items.values() if _rhythm(placed) is not None]
        self._phases_of: ReleaseState | None = None
        self._phases: Mapping[str, bool] = {}
        self.focused = ""

    def live(self, item_id: str) -> Live | None:
        return self._live.get(item_id)

    def forget(self, item_id: str) -> None:
        """The item was opened again by hand: what its check found before no longer counts."""
        self._live.pop(item_id, None)
        self._due.pop(item_id, None)

    async def run(self) -> None:
        """Verify whatever is due, until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                now = self._clock.monotonic()
                startable = self._startable()
                for placed in self._automatic:
                    if startable[placed.phase.id] and self._is_due(placed, now):
                        self._under_way.add(placed.item.id)
                        group.create_task(self._verify_due(placed), name=f"check {placed.item.id}")
                await self._clock.sleep(LOOK_EVERY)

    def _startable(self) -> Mapping[str, bool]:
        """Phase → whether its checks mean something; worked out anew when the journal has grown."""
        state = self._ledger.state
        if self._phases_of is not state:
            self._phases_of = state
            self._phases = {phase.id: self.may_verify(phase.id) for phase in self._plan.phases}
        return self._phases

    def may_verify(self, phase_id: str) -> bool:
        """Whether the phase's checks mean something yet."""
        return not gates.start_obstacles(self._plan, self._ledger.state, phase_id)

    def _is_due(self, placed: PlacedItem, now: float) -> bool:
        item_id = placed.item.id
        if item_id in self._under_way or now < self._due.get(item_id, 0.0):
            return False
        state = self._ledger.state.item(item_id)
        return state.status not in SETTLED_BY_HAND and self._was_acted(placed)

    def _was_acted(self, placed: PlacedItem) -> bool:
        """Whether what changes the environment was done, in this step and those before it in the phase.

        What a rollback has undone counts as not done. A step before the first change is always ready.
        """
        state = self._ledger.state
        steps = placed.phase.steps[: placed.phase.steps.index(placed.step) + 1]
        return all(
            self._counts(action, state.action(action.id))
            for action in self._plan.actions.values()
            if action.action.kind in CHANGING and action.phase is placed.phase and action.step in steps
        )

    def _counts(self, placed: PlacedAction, done: ActionState) -> bool:
        if done.status is ActionStatus.IDLE:
            return False
        undone = max(
            (one.started for one in self._ledger.state.rollbacks if one.environment == placed.environment),
            default=0.0,
        )
        return placed.action.kind == "rollback" or done.started > undone

    def undone(self, environment: str) -> None:
        """A rollback has undone a deploy: what its checks had verified is no longer known, visibly."""
        for placed in self._automatic:
            state = self._ledger.state.item(placed.item.id)
            if (
                placed.phase.environment == environment
                and state.status in (ItemStatus.PASSED, ItemStatus.FAILED)
                and not self._was_acted(placed)
            ):
                self._take(
                    placed.item.id, Finding("unknown", "rolled back: the new version does not run any more")
                )

    async def _verify_due(self, placed: PlacedItem) -> None:
        try:
            async with self._places:
                await self.verify(placed, by_itself=True)
        finally:
            self._under_way.discard(placed.item.id)
            slower = 1 if placed.environment in (None, self.focused) else BACKGROUND
            every = (_rhythm(placed) or 1.0) * slower
            self._due[placed.item.id] = self._clock.monotonic() + every

    async def verify(self, placed: PlacedItem, *, by_itself: bool = False) -> Finding:
        """Run the item's check once and record its outcome if it changed."""
        assert placed.item.check is not None
        finding = await verify(placed.item.check, placed, self._outside)
        if by_itself and finding.status == "unknown" and self._too_early():
            return finding
        self._take(placed.item.id, finding)
        return finding

    async def look(self, placed: PlacedItem) -> Finding:
        """Run the item's check once and record nothing. Raises GateClosed for an item without one."""
        if placed.item.check is None:
            raise GateClosed(
                f"“{placed.item.text}” has no check.", "Nothing but a person can say that it holds."
            )
        async with self._places:
            return await verify(placed.item.check, placed, self._outside)

    def _too_early(self) -> bool:
        return self._clock.monotonic() - self._started < WAIT_FOR_DATA

    def _take(self, item_id: str, finding: Finding) -> None:
        known = self._live.get(item_id)
        self._live[item_id] = Live(finding.status, finding.reason, self._clock.now())
        if known is None or (known.status, known.reason) != (finding.status, finding.reason):
            self._hub.touch()
        if self._ledger.read_only:
            return
        if _is_news(self._ledger.state.item(item_id), finding):
            self._ledger.write_anyway(
                "item.checked",
                {"item": item_id, "status": finding.status, "reason": finding.reason},
                by="check",
            )


def _is_news(state: ItemState, finding: Finding) -> bool:
    """Whether the outcome differs from what the journal says already."""
    if state.status in SETTLED_BY_HAND:
        return False
    if state.status is ItemStatus.DONE:
        return finding.status == ("passed" if state.reason.startswith(DISAGREES) else "failed")
    return str(state.status) != finding.status


def _rhythm(placed: PlacedItem) -> float | None:
    check = placed.item.check
    return rhythm(check) if check is not None else None
