"""Rehearsing the rollback before it is needed: planned against the API server and dry-run there.

What it may cost the API server: one dry run of each workload a minute, and one at once after that workload or
its pin has changed. Changes of the status alone do not count, and a storm of others makes no more than one dry
run in ``STORM`` seconds. A plan, which only reads, follows each change within a second or two. A read-only
console makes no dry run: it asks for the right to patch instead.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from releaseconsole.errors import ReleaseConsoleError
from releaseconsole.session.armed import detail
from releaseconsole.session.patience import within
from releaseconsole.session.planning import Planned, plan_one
from releaseconsole.session.rights import Rights
from releaseconsole.session.views import ArmedView, Liveness

if TYPE_CHECKING:
    from releaseconsole.session.observer import Observer
    from releaseconsole.session.target import TargetObserver

REHEARSE_EVERY = 60.0
RETRY_EVERY = 10.0
"""Seconds until a plan that could not be made is tried again: the reason may have gone."""
STORM = 5.0
"""Seconds between two dry runs of a workload that changes all the time."""
LOOK_EVERY = 1.0
REST = 3.0
"""Seconds that belong to the patches of a rollback which begins."""


@dataclass(slots=True)
class _Slot:
    """What is known of one workload. All times but those in ``planned`` are monotonic seconds."""

    target: TargetObserver
    workload: str
    planned: Planned | None = None
    planned_for: object = None
    """What the workload was like when it was planned."""
    planned_at: float = -math.inf
    tried_for: object = None
    """What it was like at the last dry run that was answered."""
    tried_at: float = -math.inf
    busy: bool = False


class Rehearsal:
    """Keeps the plan of an environment's rollback fresh."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._wake = asyncio.Event()
        self._rehearsed = asyncio.Event()
        self._rights = Rights(observer.clock)
        self._rests_until = -math.inf
        self._slots = tuple(
            _Slot(target, workload)
            for target in observer.target_observers
            for workload in observer.environment.workloads
        )

    @property
    def planned(self) -> tuple[Planned, ...]:
        """What was rehearsed last of each workload; nothing before each of them was."""
        found = tuple(slot.planned for slot in self._slots if slot.planned is not None)
        return found if len(found) == len(self._slots) else ()

    async def rehearsed(self, timeout: float) -> bool:
        """Wait for the first rehearsal; False when it took longer than ``timeout`` seconds."""
        return await within(timeout, self._rehearsed.wait())

    def rest(self) -> None:
        """Patches are about to go out: nothing is begun for a moment that would stand in their way."""
        self._rests_until = self._now() + REST

    def wake(self) -> None:
        """Something that matters has changed: look now."""
        self._wake.set()

    async def run(self) -> None:
        """Rehearse what has changed, and the rest once a minute; one that hangs keeps no other waiting."""
        observer = self._observer
        async with asyncio.TaskGroup() as group:
            while True:
                await observer.attention.gained()
                await observer.synced(timeout=5)
                # Before looking: who wakes us meanwhile wants it looked at once more.
                self._wake.clear()
                for slot in self._slots if self._now() >= self._rests_until else ():
                    if not slot.busy and self._due(slot):
                        slot.busy = True
                        group.create_task(self._rehearse(slot), name=f"rehearse {slot.workload}")
                await observer.wait(self._wake, LOOK_EVERY)

    def _due(self, slot: _Slot) -> bool:
        now, like = self._now(), self._like(slot)
        planned = slot.planned
        if planned is None or like != slot.planned_for:
            return now - slot.planned_at >= LOOK_EVERY
        if planned.problem and not planned.tried:
            return now - slot.planned_at >= RETRY_EVERY
        if _sendable(planned):
            # By the last try and not by the last plan, which was a little earlier: every other minute would be missed.
            return self._may_try(slot, like)
        return now - slot.planned_at >= REHEARSE_EVERY

    def _may_try(self, slot: _Slot, like: object) -> bool:
        wait = REHEARSE_EVERY if like == slot.tried_for else STORM
        return self._now() - slot.tried_at >= wait

    async def _rehearse(self, slot: _Slot) -> None:
        try:
            like, before = self._like(slot), slot.planned
            slot.planned_at = self._now()
            planned = await plan_one(slot.target, slot.workload, self._observer.ledger.state)
            planned = await self._tried(slot, planned, like, before)
            slot.planned, slot.planned_for = planned, like
        finally:
            slot.busy = False
        if self.planned:
            self._rehearsed.set()
        self._observer.touch()

    async def _tried(self, slot: _Slot, planned: Planned, like: object, before: Planned | None) -> Planned:
        """With the answer to a dry run: a new one where one may be made, else the last one's."""
        if planned.target is not None and planned.target.skipped:
            return await self._rights.judge(planned)
        if not _sendable(planned):
            return planned
        if self._observer.ledger.read_only:
            # Who only looks sends no patch, not even one for nothing but its answer.
            slot.tried_at, slot.tried_for = self._now(), like
            return await self._rights.judge(planned)
        if not self._may_try(slot, like):
            same = before is not None and before.tried and like == slot.tried_for
            return (
                replace(
                    planned,
                    problem=before.problem,
                    tried=True,
                    tried_at=before.tried_at,
                    rights=before.rights,
                )
                if same and before is not None
                else planned
            )
        return await self._try(slot, planned, like)

    async def _try(self, slot: _Slot, planned: Planned, like: object) -> Planned:
        from releaseconsole.cluster.rollback_run import dry_run

        assert planned.target is not None
        slot.tried_at, slot.tried_for = self._now(), None
        try:
            problem = await dry_run(await slot.target.connected(), planned.target)
        except ReleaseConsoleError as error:
            return replace(planned, problem=str(error))
        slot.tried_for = like
        planned = replace(planned, problem=problem, tried=True, tried_at=self._observer.clock.now())
        return await self._rights.explain(planned) if problem else planned

    def _like(self, slot: _Slot) -> object:
        return self._observer.fingerprint(slot.target, slot.workload)

    def _now(self) -> float:
        return self._observer.clock.monotonic()

    def current(self) -> tuple[Planned, ...]:
        """What was rehearsed, if it is still right: for the workloads and pins as they are now, by live data."""
        live = all(one.freshness().liveness is Liveness.LIVE for one in self._observer.target_observers)
        right = live and all(slot.planned_for == self._like(slot) for slot in self._slots)
        return self.planned if right and not any(one.problem for one in self.planned) else ()

    def armed(self) -> ArmedView:
        """Whether the key would work, in numbers and sentences."""
        found = [slot.planned for slot in self._slots if slot.planned is not None]
        return ArmedView(
            ready=sum(not one.problem for one in found),
            total=len(self._slots),
            problems=tuple(f"{one.name}: {one.problem}" for one in found if one.problem),
            pinned=sum(bool(one.pinned_at) for one in found),
            details=tuple(detail(one) for one in found),
        )


def _sendable(planned: Planned) -> bool:
    """Whether there is a patch that a dry run could try."""
    return planned.target is not None and not planned.target.skipped and not planned.target.problem
