"""Where an action acts."""

from __future__ import annotations

from releaseconsole.errors import ActionError
from releaseconsole.plan.model import PlacedAction


def environment_of(placed: PlacedAction) -> str:
    """The environment of the action or its phase. Raises ActionError."""
    if placed.environment is None:
        raise ActionError(
            f"“{placed.action.label}” does not say where to act.",
            "Name an environment in the action or its phase.",
        )
    return placed.environment
