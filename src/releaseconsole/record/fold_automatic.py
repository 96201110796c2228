"""How the entries of automatic rollbacks fold: at most one of them fires for each release and environment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from releaseconsole.record.draft import Draft, Said
from releaseconsole.record.model import AutomaticState

COUNTING, STOPPED, ENDED, INTERRUPTED, FIRED = "counting", "stopped", "ended", "interrupted", "fired"


def set_to(status: str) -> Callable[[Draft, Said], bool]:
    """The countdown of an environment has come to ``status``; that it once fired is never forgotten."""

    def handle(draft: Draft, entry: Said) -> bool:
        environment = entry.id("environment")
        if not environment:
            return False
        before = draft.automatic.get(environment)
        objective = entry.id("objective") or (before.objective if before else "")
        fired = status == FIRED or (before is not None and before.fired)
        now = AutomaticState(status, objective, entry.by, entry.at, entry.text("reason"), fired)
        draft.automatic.put(environment, now)
        return True

    return handle


def interrupt_all(draft: Draft, entry: Said) -> None:
    """A session started: nobody counts any more."""
    for environment, found in draft.automatic.items():
        if found.status == COUNTING:
            draft.automatic.put(environment, replace(found, status=INTERRUPTED, at=entry.at))
