"""The plan's hooks around a rollback. Each has a time limit; nothing waits for one unless the plan says so."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Container, Sequence

from releaseconsole.actions.outcome import Emit, Outcome, failed, succeeded
from releaseconsole.plan.model import Action, Hook, Phase, PlacedAction, Step
from releaseconsole.session.ledger import Ledger
from releaseconsole.text import cut, duration

RunHook = Callable[[PlacedAction, Emit], Awaitable[Outcome]]
"""Does what a hook says, telling each line of its output. Its failure is an outcome and no exception."""
Hide = Callable[[str], str]
"""Takes the secrets out of a text."""
_DONE = "had succeeded before, and is not run again"
_LONGEST_LINE = 200
_GRACE = 5.0
"""Seconds beyond its limit for a hook to clear up after itself."""


class Hooks:
    """Runs the hooks of one rollback, and journals what came of them."""

    def __init__(
        self,
        ledger: Ledger,
        run: RunHook,
        hide: Hide,
        environment: str,
        rollback_id: str,
        done: Container[tuple[str, str]] = (),
    ) -> None:
        """``done``: (when, title) of those that have succeeded already; a migration must not be undone twice."""
        self._done = done
        self._ledger = ledger
        self._hide = hide
        self._run = run
        self._environment = environment
        self._rollback_id = rollback_id

    async def one_by_one(self, hooks: Sequence[Hook], when: str) -> str:
        """Run them in order, up to the first that fails; why it did, "" when none has."""
        for hook in hooks:
            outcome = await self.run(hook, when)
            if outcome.status != "succeeded":
                return f"the hook “{hook.title}” {outcome.status}: {outcome.summary}"
        return ""

    async def run(self, hook: Hook, when: str) -> Outcome:
        """Run one to its end or its time limit; one that is done is left alone."""
        if (when, hook.title) in self._done:
            self._note(hook, when, "succeeded", _DONE)
            return succeeded(_DONE)
        self._note(hook, when, "running", "")
        said: deque[str] = deque(maxlen=1)
        try:
            async with asyncio.timeout(hook.timeout + _GRACE):
                outcome = await self._run(self._placed(hook), said.append)
        except TimeoutError:
            outcome = failed(f"not at its end after {duration(hook.timeout)}")
        except asyncio.CancelledError:
            self._note(hook, when, "interrupted", "")
            raise
        last = (
            f" ({cut(self._hide(said[0]), _LONGEST_LINE)})" if said and outcome.status != "succeeded" else ""
        )
        outcome = Outcome(outcome.status, self._hide(outcome.summary) + last)
        self._note(hook, when, outcome.status, outcome.summary)
        return outcome

    def _note(self, hook: Hook, when: str, status: str, summary: str) -> None:
        self._ledger.write_anyway(
            "rollback.hook",
            {
                "id": self._rollback_id,
                "title": hook.title,
                "when": when,
                "status": status,
                "summary": summary,
            },
        )

    def _placed(self, hook: Hook) -> PlacedAction:
        """The hook as an action that stands in no phase of the plan."""
        action = Action(
            title=hook.title,
            shell=hook.shell,
            http=hook.http,
            body=hook.body,
            headers=hook.headers,
            expect=hook.expect,
            timeout=hook.timeout,
            environment=self._environment,
        )
        step = Step(id="hooks", title="Hooks")
        phase = Phase(id="rollback-hooks", title="Rollback", environment=self._environment)
        return PlacedAction(f"{self._rollback_id}.{hook.title}", phase, step, action)
