"""The coordinated rollback: every workload of an environment at once, each followed until it is proven back.

Intents are journalled before the patches go out; a journal that cannot be written is said loudly and does not
stop a rollback. Each patch carries its own preconditions, so a plan that is a few seconds old is safe to fire.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from releaseconsole.errors import GateClosed
from releaseconsole.plan.model import Plan
from releaseconsole.record.journal import News
from releaseconsole.record.model import RollbackState, Stage
from releaseconsole.session.hooks import Hooks, RunHook
from releaseconsole.session.hub import Hub
from releaseconsole.session.ledger import Ledger
from releaseconsole.session.masking import masked
from releaseconsole.session.planning import Planned, plan_again, plan_environment
from releaseconsole.session.preview import make_preview
from releaseconsole.session.scribe import Scribe
from releaseconsole.session.views import RollbackPreview
from releaseconsole.session.walks import Walk, Walker

if TYPE_CHECKING:
    from releaseconsole.session.observer import Observer
    from releaseconsole.session.setup import Setup

LETTERS = "ABCEFGHMNPRSTUVWXYZ"
"""What a confirmation is drawn from: not the letters that the dialog uses, nor those taken for digits."""

INTERRUPTED = "interrupted"
_TURNS = 10
"""Turns of the event loop in which the patches are on their way."""


class Rollbacks:
    """Plans, shows and runs rollbacks; at most one per environment at a time."""

    def __init__(
        self,
        plan: Plan,
        ledger: Ledger,
        hub: Hub,
        setup: Setup,
        run_hook: RunHook,
        stop_deploys: Callable[[str], None],
        draw: Callable[[Sequence[str]], str] = secrets.choice,
    ) -> None:
        self._plan = plan
        self._ledger = ledger
        self._hub = hub
        self._clock = setup.clock
        self._run_hook = run_hook
        self._hide = partial(masked, plan=plan, environ=setup.environ, folder=setup.folder)
        self._stop_deploys = stop_deploys
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
        last = self._last(environment)
        workloads = last.workloads if last is not None else {}
        return tuple(key for key, one in workloads.items() if one.stage is Stage.FAILED)

    def _last(self, environment: str) -> RollbackState | None:
        found = (one for one in reversed(self._ledger.state.rollbacks) if one.environment == environment)
        return next(found, None)

    def interrupted(self, environment: str) -> RollbackState | None:
        """The environment's last rollback, when nobody is running it any more and it did not end."""
        last = self._last(environment)
        waits = last is not None and last.outcome == INTERRUPTED and environment not in self._running
        return last if waits else None

    async def run(self, observer: Observer, reason: str, to: str, only: tuple[str, ...]) -> RollbackState:
        """Roll back and follow to the end. Raises GateClosed when one is already under way here."""
        with self._alone(observer):
            self._stop_deploys(observer.name)
            planned = await self._plan_now(observer, to)
            walks = [Walk(one) for one in planned if not only or one.key in only]
            rollback_id = f"{observer.name}-{len(self._ledger.state.rollbacks) + 1}"
            # A second try of what failed is the rest of the one before.
            before = self._last(observer.name) if only else None
            self._start(rollback_id, observer.name, reason, to, walks)
            return await self._run(observer, rollback_id, walks, before)

    async def resume(self, observer: Observer) -> RollbackState:
        """Go on with the rollback that was interrupted, to the same place. Raises GateClosed without one."""
        last = self.interrupted(observer.name)
        if last is None:
            raise GateClosed(
                f"No rollback of {observer.name} was interrupted.", "Press ctrl+r for a new one."
            )
        with self._alone(observer):
            self._stop_deploys(observer.name)
            planned = await plan_again(observer, self._ledger.state, last)
            walks = [Walk(one, _reached(last, one.key)) for one in planned]
            self._ledger.write_anyway("rollback.resumed", {"id": last.id})
            if observer.name not in self._ledger.state.locks:
                self._lock(observer.name, last.reason)
            return await self._run(observer, last.id, walks, last)

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

    async def _run(
        self, observer: Observer, rollback_id: str, walks: list[Walk], before: RollbackState | None
    ) -> RollbackState:
        """``before`` is what this goes on with; what its hooks have done is not done again."""
        done = frozenset((one.when, one.title) for one in before.hooks if one.done) if before else frozenset()
        hooks = Hooks(self._ledger, self._run_hook, self._hide, observer.name, rollback_id, done)
        try:
            await self._carry_out(observer, rollback_id, walks, hooks)
            outcome = "failed" if any(walk.stage is Stage.FAILED for walk in walks) else "complete"
        except BaseException:
            # Cancelled, or stopped by a defect: either way somebody can take it up.
            self._ledger.write_anyway("rollback.ended", {"id": rollback_id, "outcome": INTERRUPTED})
            raise
        self._ledger.write_anyway("rollback.ended", {"id": rollback_id, "outcome": outcome})
        return next(one for one in reversed(self._ledger.state.rollbacks) if one.id == rollback_id)

    async def _carry_out(self, observer: Observer, rollback_id: str, walks: list[Walk], hooks: Hooks) -> None:
        rules = observer.environment.rollback
        observer.rehearsal.rest()
        scribe = Scribe(self._ledger, self._clock, rollback_id)
        walker = Walker(scribe, observer)
        try:
            async with asyncio.TaskGroup() as group:
                writing = group.create_task(scribe.run(), name="stages")
                for hook in rules.before:
                    if not hook.blocks:
                        group.create_task(
                            _after_a_moment(hooks.run(hook, "before")), name=f"hook {hook.title}"
                        )
                refused = await hooks.one_by_one([hook for hook in rules.before if hook.blocks], "before")
                for wave in [] if refused else _waves(walks, rules.order):
                    await _all(walker.bring_back(walk) for walk in wave)
                for walk in walks if refused else ():
                    walker.refuse(walk, f"nothing was patched: {refused}")
                for hook in rules.after:
                    group.create_task(hooks.run(hook, "after"), name=f"hook {hook.title}")
                await _all(walker.recover(walk) for walk in walks)
                writing.cancel()
        finally:
            scribe.flush()

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
        """On the disk together, before the first patch: what is going to be patched, and no more deploys."""
        started = {
            "id": rollback_id,
            "environment": environment,
            "reason": reason,
            "to": to,
            "workloads": [walk.planned.journalled() for walk in walks],
        }
        self._lock(environment, reason, News("rollback.started", started))

    def _lock(self, environment: str, reason: str, *before: News) -> None:
        """No more deploys, and an end to those that were started while it was planned."""
        lock = {"environment": environment, "reason": f"rolled back: {reason}"}
        self._ledger.write_all_anyway((*before, News("lock.set", lock)))
        self._stop_deploys(environment)


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


async def _after_a_moment(work: Coroutine[Any, Any, Any]) -> None:
    """Starting a process takes milliseconds: the patches that begin in the same turn of the loop go first."""
    try:
        for _ in range(_TURNS):
            await asyncio.sleep(0)
    except BaseException:
        work.close()
        raise
    await work


async def _all(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    async with asyncio.TaskGroup() as group:
        for one in work:
            group.create_task(one)
