"""Actions under way: who runs, what they said so far, and how to stop them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from releaseconsole.actions.runner import Outcome
from releaseconsole.errors import ActionError, ReleaseConsoleError
from releaseconsole.plan.model import PlacedAction
from releaseconsole.record.model import ActionState
from releaseconsole.session.hub import Hub
from releaseconsole.session.ledger import Ledger

MOST_LINES = 2000
DEPLOYING = ("apply", "wait", "shell")
"""Kinds of actions that a rollback stops."""

Execute = Callable[[Callable[[str], None]], Awaitable[Outcome]]


@dataclass(slots=True)
class _Run:
    action: PlacedAction
    task: asyncio.Task[Outcome]
    stopped_by: str = ""


@dataclass(slots=True)
class _Output:
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_LINES))
    taken: tuple[str, ...] | None = ()


class Runs:
    """Runs actions one at a time each, journals start and end, and keeps a bounded tail of their output."""

    def __init__(self, ledger: Ledger, hub: Hub) -> None:
        self._ledger = ledger
        self._hub = hub
        self._running: dict[str, _Run] = {}
        self._outputs: dict[str, _Output] = {}

    def output(self, action_id: str) -> tuple[str, ...]:
        """The last lines that the action's newest run has printed."""
        output = self._outputs.get(action_id)
        if output is None:
            return ()
        if output.taken is None:
            output.taken = tuple(output.lines)
        return output.taken

    def running(self, environment: str | None = None) -> tuple[str, ...]:
        """Ids of the actions under way, all or those of one environment."""
        return tuple(
            action_id
            for action_id, run in self._running.items()
            if environment is None or run.action.environment == environment
        )

    async def run(self, action: PlacedAction, execute: Execute) -> ActionState:
        """Run to the end and return where the action then stands. Raises ActionError when it already runs."""
        if action.id in self._running:
            raise ActionError(f"“{action.action.label}” is already running.", "Press c to stop it first.")
        self._ledger.write("action.started", {"action": action.id, "label": action.action.label})
        output = self._outputs[action.id] = _Output()
        task = asyncio.ensure_future(execute(self._emitter(output)))
        run = self._running[action.id] = _Run(action, task)
        outcome = Outcome("cancelled", "the console was closed")
        try:
            outcome = await self._outcome(run)
        finally:
            await _stop(task)
            del self._running[action.id]
            self._ledger.write_anyway(
                "action.ended", {"action": action.id, "status": outcome.status, "summary": outcome.summary}
            )
        return self._ledger.state.action(action.id)

    async def _outcome(self, run: _Run) -> Outcome:
        await asyncio.wait({run.task})
        if run.task.cancelled():
            return Outcome("cancelled", run.stopped_by or "stopped")
        error = run.task.exception()
        if error is None:
            return run.task.result()
        if isinstance(error, ReleaseConsoleError):
            self._outputs[run.action.id].lines.append(str(error))
            self._outputs[run.action.id].taken = None
            return Outcome("failed", error.message)
        raise error

    def _emitter(self, output: _Output) -> Callable[[str], None]:
        def emit(line: str) -> None:
            output.lines.append(line)
            output.taken = None
            self._hub.touch()

        return emit

    async def cancel(self, action_id: str, why: str) -> bool:
        """Stop the action and wait until it has stopped; False when it was not running."""
        run = self._running.get(action_id)
        if run is None:
            return False
        run.stopped_by = why
        await _stop(run.task)
        return True

    def stop_deploys(self, environment: str, why: str) -> None:
        """Stop at once whatever may change the environment; who runs it waits for its end."""
        for run in self._running.values():
            if run.action.environment == environment and run.action.action.kind in DEPLOYING:
                run.stopped_by = why
                run.task.cancel()


async def _stop(task: asyncio.Task[Outcome]) -> None:
    if not task.done():
        task.cancel()
        await asyncio.wait({task})
