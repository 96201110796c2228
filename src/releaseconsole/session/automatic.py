"""The automatic rollback of an objective that asks for it: a countdown that anybody can stop, then the rollback.

It begins only on a BREACH, only while a deploy of this release is fresh, and fires at most once for each release
and environment; never when nobody can tell how the objective stands, and never in a read-only console. A person
who stops it stops it until the next deploy. After a restart of the console the counting begins anew.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from releaseconsole.clock import Clock
from releaseconsole.errors import GateClosed, ReadOnly, RecordError, ReleaseConsoleError
from releaseconsole.plan.model import Objective, Plan
from releaseconsole.record.model import ActionState, ActionStatus, ReleaseState, RollbackState
from releaseconsole.session.hub import Hub
from releaseconsole.session.ledger import Ledger
from releaseconsole.session.views import AutomaticView
from releaseconsole.text import duration

if TYPE_CHECKING:
    from releaseconsole.session.observer import Observer

LOOK = 0.5
WINDOW = 3600.0
"""Seconds after a deploy in which it may be rolled back automatically, when nothing says how long it is watched."""
_ENDED_BY_ITSELF = (ActionStatus.SUCCEEDED, ActionStatus.FAILED, ActionStatus.CANCELLED)

RollBack = Callable[[str, str], Awaitable[RollbackState]]
"""Rolls an environment back for a reason."""


def forbidden(plan: Plan, state: ReleaseState, environment: str, now: float) -> str:
    """Why nothing may roll ``environment`` back by itself at ``now`` (seconds since the epoch); "" when it may.

    Pure. Only ``apply`` actions of this release count as a deploy.
    """
    deploy = _last_deploy(plan, state, environment)
    if deploy is None:
        return "this release has deployed nothing here"
    if any(one.environment == environment and one.started >= deploy.started for one in state.rollbacks):
        return "it was rolled back since the last deploy"
    counted = state.automatic.get(environment)
    if counted is not None and counted.fired:
        return "it was rolled back automatically once in this release"
    if counted is not None and counted.status == "stopped" and counted.at >= deploy.started:
        return "somebody has stopped it for this deploy"
    window = _window(plan, state, environment, deploy.started)
    fresh = deploy.status is ActionStatus.RUNNING or now - _over(deploy) <= window
    return "" if fresh else f"the last deploy is more than {duration(window)} ago"


def _last_deploy(plan: Plan, state: ReleaseState, environment: str) -> ActionState | None:
    runs = [
        state.action(action_id)
        for action_id, placed in plan.actions.items()
        if placed.environment == environment and placed.action.kind == "apply"
    ]
    return max((run for run in runs if run.started), key=lambda run: run.started, default=None)


def _over(deploy: ActionState) -> float:
    # The end of one that was interrupted is when somebody noticed.
    return deploy.ended if deploy.status in _ENDED_BY_ITSELF else deploy.started


def _window(plan: Plan, state: ReleaseState, environment: str, since: float) -> float:
    """How long the deploy is watched: by the window that was begun after it, else as the plan has it."""
    watch = state.watch(environment)
    if watch is not None and watch.started >= since:
        return watch.seconds
    planned = [
        placed.action.watch
        for placed in plan.actions.values()
        if placed.environment == environment and placed.action.watch is not None
    ]
    return max(planned, default=WINDOW)


@dataclass(frozen=True, slots=True)
class _Count:
    objective: Objective
    reason: str
    ends: float
    """Monotonic seconds."""


class Automatic:
    """One for a session; keeps a countdown for each environment that has objectives with ``auto``."""

    def __init__(
        self,
        plan: Plan,
        ledger: Ledger,
        hub: Hub,
        clock: Clock,
        observers: Mapping[str, Observer],
        roll_back: RollBack,
    ) -> None:
        self._plan = plan
        self._ledger = ledger
        self._hub = hub
        self._clock = clock
        self._observers = observers
        self._roll_back = roll_back
        self._counts: dict[str, _Count] = {}
        self._given_up: set[str] = set()
        """Environments in which it could not be journalled that it fires."""
        self._wanted = {
            name: tuple(one for one in plan.objectives_of(name) if one.rollback and one.rollback.auto)
            for name in observers
        }

    async def run(self) -> None:
        """Count until cancelled; a rollback that has begun is owned here."""
        if self._ledger.read_only or not any(self._wanted.values()):
            return
        async with asyncio.TaskGroup() as group:
            while True:
                for name, objectives in self._wanted.items():
                    reason = self._look(name) if objectives else ""
                    if reason:
                        group.create_task(self._fire(name, reason), name=f"automatic rollback {name}")
                await self._clock.sleep(LOOK)

    def stop(self, environment: str) -> None:
        """A person stops the countdown, until the next deploy. Raises GateClosed without one, ReadOnly."""
        if self._ledger.read_only:
            raise ReadOnly("This console is read-only.", "Start it without --read-only to change something.")
        count = self._counts.get(environment)
        if count is None:
            raise GateClosed(
                f"No automatic rollback of {environment} is being counted down.", "There is nothing to stop."
            )
        self._end(environment, "automatic.stopped", "stopped by hand")

    def _look(self, name: str) -> str:
        """Begin, go on or end the countdown of one environment; the reason to fire now, "" otherwise."""
        observer, count = self._observers[name], self._counts.get(name)
        why_not = self._why_not(name, observer)
        if count is None:
            if not why_not:
                self._begin(name, observer)
            return ""
        burning = observer.feed.burns(count.objective.id)
        if why_not or not burning:
            self._end(name, "automatic.ended", why_not or "the breach has ended, or nobody can tell any more")
            return ""
        left = count.ends - self._clock.monotonic()
        self._show(name, AutomaticView(name, max(0, math.ceil(left)), burning))
        return burning if left <= 0 and observer.feed.beyond(count.objective.id) else ""

    def _why_not(self, name: str, observer: Observer) -> str:
        if name in self._given_up:
            return "the journal cannot be written"
        if observer.refusals():
            return "a context leads to another cluster than before"
        return forbidden(self._plan, self._ledger.state, name, self._clock.now())

    def _begin(self, name: str, observer: Observer) -> None:
        burning = ((one, observer.feed.burns(one.id)) for one in self._wanted[name])
        objective, reason = next(((one, why) for one, why in burning if why), (None, ""))
        if objective is None or objective.rollback is None:
            return
        seconds = objective.rollback.countdown
        self._counts[name] = _Count(objective, reason, self._clock.monotonic() + seconds)
        said = {"environment": name, "objective": objective.id, "reason": reason, "seconds": seconds}
        self._ledger.write_anyway("automatic.started", said, by="trigger")
        self._show(name, AutomaticView(name, math.ceil(seconds), reason))
        self._hub.tell(
            f"{observer.title}: {reason}. It is rolled back in {duration(seconds)} unless somebody stops that.",
            "error",
        )

    def _end(self, name: str, kind: str, reason: str) -> None:
        count = self._counts.pop(name)
        said = {"environment": name, "objective": count.objective.id, "reason": reason}
        self._ledger.write_anyway(kind, said, by=None if kind == "automatic.stopped" else "trigger")
        self._show(name, None)
        title = self._observers[name].title
        self._hub.tell(f"{title}: the automatic rollback was called off: {reason}.", "warning")

    def _show(self, name: str, view: AutomaticView | None) -> None:
        observer = self._observers[name]
        if view != observer.automatic:
            observer.automatic = view
            observer.touch()

    async def _fire(self, name: str, reason: str) -> None:
        """Roll back. Without a journal it could happen twice, so that it does not happen then."""
        count = self._counts.pop(name, None)
        if count is None:
            return
        self._show(name, None)
        said = {"environment": name, "objective": count.objective.id, "reason": reason}
        try:
            self._ledger.write("automatic.fired", said, by="trigger")
        except RecordError as error:
            self._given_up.add(name)
            self._hub.tell(f"The automatic rollback is off: {error} Press ctrl+r to roll back.", "error")
            return
        try:
            await self._roll_back(name, f"automatic: {reason}")
        except ReleaseConsoleError as error:
            self._hub.tell(f"The automatic rollback failed: {error}", "error")
