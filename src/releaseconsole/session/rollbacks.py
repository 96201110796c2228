"""The coordinated rollback: every workload of an environment at once, each followed until it is proven back.

Intents are journalled before the patches go out; a journal that cannot be written is said loudly and does not
stop a rollback. Each patch carries its own preconditions, so a plan that is a few seconds old is safe to fire.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from releaseconsole.clock import Clock
from releaseconsole.errors import GateClosed
from releaseconsole.plan.model import Plan
from releaseconsole.record.model import RollbackState, Stage
from releaseconsole.session.hooks import Hooks, RunHook
from releaseconsole.session.hub import Hub
from releaseconsole.session.ledger import Ledger
from releaseconsole.session.planning import Planned, plan_again, plan_environment
from releaseconsole.session.preview import make_preview
from releaseconsole.session.views import RollbackPreview
from releaseconsole.session.walks import Walk, Walker

if TYPE_CHECKING:
    from releaseconsole.session.observer import Observer

LETTERS = "ABCEFGHMNPRSTUVWXYZ"
"""What a confirmation is drawn from: not the letters that the dialog uses, nor those taken for digits."""

INTERRUPTED = "interrupted"


class Rollbacks:
    """Plans, shows and runs rollbacks; at most one per environment at a time."""

    def __init__(
        self,
        plan: Plan,
        ledger: Ledger,
        hub: Hub,
        clock: Clock,
        run_hook: RunHook,
        draw: Callable[[Sequence[str]], str] = secrets.choice,
    ) -> None:
        self._plan = plan
        self._ledger = ledger
        self._hub = hub
        self._clock = clock
        self._run_hook = run_hook
        self._draw = draw
        self._running: set[str] = set()

    def prepared(self, observer: Observer) -> RollbackPreview | None:
        planned = observer.rehearsal.planned
        return make_preview(observer, planned, self._draw(LETTERS), self._clock.now()) if planned else None

    async def preview(self, observer: Observer, to: str) -> RollbackPreview:
        """Plan afresh; ``to`` may be ``interrupted`` for what is left of the rollback that was."""
        state = self._ledger.state
        last = self.interrupted(observer.name) if to == INTERRUPTED else None
        if last is not None:
            planned = await plan_again(observer, state, last)
        else:
            planned = await plan_environment(observer, state, to)
        return make_preview(observer, planned, self._draw(LETTERS), self._clock.now())

    def failed(self, environment: str) -> tuple[str, ...]:
        """Keys of the workloads that failed in the environment's last rollback."""
        for rollback in reversed(self._ledger.state.rollbacks):
            if rollback.environment == environment:
                return tuple(key for key, one in rollback.workloads.items() if one.stage is Stage.FAILED)
        return ()

    def interrupted(self, environment: str) -> RollbackState | None:
        """The environment's last rollback, when nobody is running it any more and it did not end."""
        last = next(
            (one for one in reversed(self._ledger.state.rollbacks) if one.environment == environment), None
        )
        waits = last is not None and last.outcome == INTERRUPTED and environment not in self._running
        return last if waits else None

    async def run(self, observer: Observer, reason: str, to: str, only: tuple[str, ...]) -> RollbackState:
        """Roll back and follow to the end. Raises GateClosed when one is already under way here."""
        with self._alone(observer):
            planned = await self._plan_now(observer, to)
            walks = [Walk(one) for one in planned if not only or one.key in only]
            rollback_id = f"{observer.name}-{len(self._ledger.state.rollbacks) + 1}"
            self._start(rollback_id, observer.name, reason, to, walks)
            return await self._run(observer, rollback_id, walks)

    async def resume(self, observer: Observer) -> RollbackState:
        """Go on with the rollback that was interrupted, to the same place. Raises GateClosed without one."""
        last = self.interrupted(observer.name)
        if last is None:
            raise GateClosed(
                f"No rollback of {observer.name} was interrupted.", "Press ctrl+r for a new one."
            )
        with self._alone(observer):
            planned = await plan_again(observer, self._ledger.state, last)
            walks = [Walk(one, _reached(last, one.key)) for one in planned]
            self._ledger.write_anyway("rollback.resumed", {"id": last.id})
            return await self._run(observer, last.id, walks)

    @contextmanager
    def _alone(self, observer: Observer) -> Iterator[None]:
        if observer.name in self._running:
            raise GateClosed(
                f"A rollback of {observer.name} is already under way.", "Watch it, or retry what fails."
            )
        self._running.add(observer.name)
        try:
            yield
        finally:
            self._running.discard(observer.name)
            observer.rehearsal.wake()

    async def _run(self, observer: Observer, rollback_id: str, walks: list[Walk]) -> RollbackState:
        try:
            await self._carry_out(observer, rollback_id, walks)
            outcome = "failed" if any(walk.stage is Stage.FAILED for walk in walks) else "complete"
        except asyncio.CancelledError:
            self._ledger.write_anyway("rollback.ended", {"id": rollback_id, "outcome": INTERRUPTED})
            raise
        self._ledger.write_anyway("rollback.ended", {"id": rollback_id, "outcome": outcome})
        return next(one for one in reversed(self._ledger.state.rollbacks) if one.id == rollback_id)

    async def _carry_out(self, observer: Observer, rollback_id: str, walks: list[Walk]) -> None:
        rules = observer.environment.rollback
        hooks = Hooks(self._ledger, self._run_hook, observer.name, rollback_id)
        walker = Walker(self._ledger, observer, rollback_id)
        async with asyncio.TaskGroup() as group:
            for hook in rules.before:
                if not hook.blocks:
                    group.create_task(hooks.run(hook, "before"), name=f"hook {hook.title}")
            refused = await hooks.one_by_one([hook for hook in rules.before if hook.blocks], "before")
            for wave in [] if refused else _waves(walks, rules.order):
                await _all(walker.bring_back(walk) for walk in wave)
            for walk in walks if refused else ():
                walker.refuse(walk, f"nothing was patched: {refused}")
            for hook in rules.after:
                group.create_task(hooks.run(hook, "after"), name=f"hook {hook.title}")
            await _all(walker.recover(walk) for walk in walks)

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

    def _start(self, rollback_id: str, environment: str, reason: str, to: str, walks: list[Walk]) -> None:
        self._ledger.write_anyway(
            "rollback.started",
            {
                "id": rollback_id,
                "environment": environment,
                "reason": reason,
                "to": to,
                "workloads": [walk.planned.journalled() for walk in walks],
            },
        )
        lock = {"environment": environment, "reason": f"rolled back: {reason}"}
        self._ledger.write_anyway("lock.set", lock)


def _reached(last: RollbackState, key: str) -> Stage:
    """Where a workload had come to; one that failed begins anew."""
    found = last.workloads.get(key)
    stage = found.stage if found else Stage.PLANNED
    return Stage.PLANNED if stage is Stage.FAILED else stage


def _waves(walks: list[Walk], order: str) -> list[list[Walk]]:
    """What is brought back at the same time: everything, or in the plan's order one workload in all targets."""
    if order != "plan":
        return [walks]
    names = dict.fromkeys(walk.planned.workload for walk in walks)
    return [[walk for walk in walks if walk.planned.workload == name] for name in names]


async def _all(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    async with asyncio.TaskGroup() as group:
        for one in work:
            group.create_task(one)
