"""The coordinated rollback: every workload of an environment at once, each followed until it is proven back.

Intents are journalled before the patches go out; a journal that cannot be written is said loudly and does not
stop a rollback. Each patch carries its own preconditions, so a plan that is a few seconds old is safe to fire.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from releaseconsole.clock import Clock
from releaseconsole.errors import GateClosed, ReleaseConsoleError
from releaseconsole.plan.model import Plan
from releaseconsole.record.model import RollbackState, Stage
from releaseconsole.session.hub import Hub
from releaseconsole.session.ledger import Ledger
from releaseconsole.session.preview import make_preview
from releaseconsole.session.rehearsal import Planned, plan_environment
from releaseconsole.session.views import RollbackPreview

if TYPE_CHECKING:
    from releaseconsole.session.observer import Observer

LETTERS = "ABCEFGHMNPRSTUVWXYZ"
"""What a confirmation is drawn from: not the letters that the dialog uses, nor those taken for digits."""

COMPLETION_DEADLINE = 600.0
RECOVERY_DEADLINE = 240.0
_LOOK_AGAIN = 1.0


@dataclass(slots=True)
class _Walk:
    """One workload on its way."""

    planned: Planned
    stage: Stage = Stage.PLANNED
    generation: int = 0


class Rollbacks:
    """Plans, shows and runs rollbacks; at most one per environment at a time."""

    def __init__(
        self,
        plan: Plan,
        ledger: Ledger,
        hub: Hub,
        clock: Clock,
        draw: Callable[[Sequence[str]], str] = secrets.choice,
    ) -> None:
        self._plan = plan
        self._ledger = ledger
        self._hub = hub
        self._clock = clock
        self._draw = draw
        self._running: set[str] = set()

    def prepared(self, observer: Observer) -> RollbackPreview | None:
        planned = observer.rehearsal.planned
        return make_preview(observer, planned, self._draw(LETTERS), self._clock.now()) if planned else None

    async def preview(self, observer: Observer, to: str) -> RollbackPreview:
        """Plan afresh. Raises ClusterError when no target of the environment can be reached."""
        planned = await plan_environment(observer, self._ledger.state, to)
        return make_preview(observer, planned, self._draw(LETTERS), self._clock.now())

    def failed(self, environment: str) -> tuple[str, ...]:
        """Keys of the workloads that failed in the environment's last rollback."""
        for rollback in reversed(self._ledger.state.rollbacks):
            if rollback.environment == environment:
                return tuple(key for key, one in rollback.workloads.items() if one.stage is Stage.FAILED)
        return ()

    async def run(self, observer: Observer, reason: str, to: str, only: tuple[str, ...]) -> RollbackState:
        """Roll back and follow to the end. Raises GateClosed when one is already under way here."""
        if observer.name in self._running:
            raise GateClosed(
                f"A rollback of {observer.name} is already under way.", "Watch it, or retry what fails."
            )
        self._running.add(observer.name)
        try:
            return await self._run(observer, reason, to, only)
        finally:
            self._running.discard(observer.name)
            observer.rehearsal.wake()

    async def _run(self, observer: Observer, reason: str, to: str, only: tuple[str, ...]) -> RollbackState:
        planned = await self._plan_now(observer, to)
        walks = [_Walk(one) for one in planned if not only or one.key in only]
        rollback_id = f"{observer.name}-{len(self._ledger.state.rollbacks) + 1}"
        self._start(rollback_id, observer.name, reason, walks)
        try:
            async with asyncio.TaskGroup() as group:
                for walk in walks:
                    group.create_task(
                        self._walk(rollback_id, observer, walk), name=f"rollback {walk.planned.key}"
                    )
            outcome = "failed" if any(walk.stage is Stage.FAILED for walk in walks) else "complete"
        except asyncio.CancelledError:
            self._ledger.write_anyway("rollback.ended", {"id": rollback_id, "outcome": "interrupted"})
            raise
        self._ledger.write_anyway("rollback.ended", {"id": rollback_id, "outcome": outcome})
        return next(one for one in reversed(self._ledger.state.rollbacks) if one.id == rollback_id)

    async def _plan_now(self, observer: Observer, to: str) -> tuple[Planned, ...]:
        """The rehearsed plan while it is right, else a fresh one: an old one would say “already there” of a bad
        version that came since, or return to where an older pin leads. What cannot be read now goes by the
        rehearsal: its patch carries its own preconditions."""
        rehearsed = observer.rehearsal
        if to == "pinned" and (planned := rehearsed.current()):
            return planned
        fresh = await plan_environment(observer, self._ledger.state, to)
        if to != "pinned":
            return fresh
        known = {
            (one.key, one.pinned_at): one
            for one in rehearsed.planned
            if one.target and not one.target.skipped
        }
        return tuple(one if one.target else known.get((one.key, one.pinned_at), one) for one in fresh)

    def _start(self, rollback_id: str, environment: str, reason: str, walks: list[_Walk]) -> None:
        self._ledger.write_anyway(
            "rollback.started",
            {
                "id": rollback_id,
                "environment": environment,
                "reason": reason,
                "workloads": [walk.planned.journalled() for walk in walks],
            },
        )
        lock = {"environment": environment, "reason": f"rolled back: {reason}"}
        self._ledger.write_anyway("lock.set", lock)

    async def _walk(self, rollback_id: str, observer: Observer, walk: _Walk) -> None:
        def reach(stage: Stage, message: str = "") -> None:
            walk.stage = stage
            self._ledger.write_anyway(
                "rollback.stage",
                {"id": rollback_id, "key": walk.planned.key, "stage": str(stage), "message": message},
            )

        try:
            await self._patch(walk, reach)
            if walk.stage is Stage.PATCHED:
                await self._follow(observer, walk, reach)
            if walk.stage is Stage.AVAILABLE:
                await self._recover(observer, reach)
        except ReleaseConsoleError as error:
            reach(Stage.FAILED, str(error))
        except TimeoutError:
            reach(
                Stage.FAILED,
                f"not back after {COMPLETION_DEADLINE / 60:.0f} minutes; see the pods for the reason, then retry",
            )

    async def _patch(self, walk: _Walk, reach: Callable[..., None]) -> None:
        planned = walk.planned
        if planned.problem or planned.target is None:
            reach(Stage.FAILED, planned.problem or "could not be planned")
            return
        if planned.target.skipped:
            reach(Stage.SKIPPED, "already runs what it would be rolled back to")
            return
        done = await planned.execute()
        walk.generation = done.generation
        again = f"planned again {done.replanned} times" if done.replanned else ""
        reach(Stage.PATCHED if done.patched else Stage.SKIPPED, again)

    async def _follow(self, observer: Observer, walk: _Walk, reach: Callable[..., None]) -> None:
        """Walk observed → replaced → available as the controller gets there."""
        order = [Stage.PATCHED, Stage.OBSERVED, Stage.REPLACED, Stage.AVAILABLE]
        target, planned = observer.target_of(walk.planned.key), walk.planned
        template = planned.target.template if planned.target else {}
        async with asyncio.timeout(COMPLETION_DEADLINE):
            while True:
                seen = Stage(await target.rollback_stage(planned.workload, walk.generation, template))
                for stage in order[order.index(walk.stage) + 1 : order.index(seen) + 1]:
                    reach(stage)
                if seen is Stage.AVAILABLE:
                    return
                await target.changed(timeout=_LOOK_AGAIN)

    async def _recover(self, observer: Observer, reach: Callable[..., None]) -> None:
        """Wait until the triggers are quiet; without metrics, say that nobody can tell."""
        try:
            async with asyncio.timeout(RECOVERY_DEADLINE):
                verdict = await observer.recovered()
        except TimeoutError:
            verdict = f"the metrics have not recovered after {RECOVERY_DEADLINE / 60:.0f} minutes"
        if verdict:
            reach(Stage.AVAILABLE, verdict)
        else:
            reach(Stage.RECOVERED)
