"""What an action needs from whoever runs it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from releaseconsole.outside.context import OutsideContext
from releaseconsole.record.model import Pin, RollbackState
from releaseconsole.record.watches import WatchState


class ActionContext(OutsideContext, Protocol):
    """The session's side of an action."""

    async def pin(self, environment: str) -> Sequence[Pin]:
        """Record what runs now as the place to return to. Raises ReleaseConsoleError."""
        ...

    async def roll_back(self, environment: str) -> RollbackState:
        """Roll every workload back; returns when it has ended. Raises ReleaseConsoleError."""
        ...

    def watch(
        self, environment: str, seconds: float, objectives: tuple[str, ...], allow: float | None
    ) -> WatchState:
        """Begin an observation window. Raises ReleaseConsoleError."""
        ...
