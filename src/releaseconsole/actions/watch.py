"""``watch = "24h"``: begin an observation window; it goes on by itself, whatever this console does."""

from __future__ import annotations

from releaseconsole.actions.context import ActionContext
from releaseconsole.actions.outcome import Emit, Outcome, succeeded
from releaseconsole.actions.place import environment_of
from releaseconsole.plan.model import PlacedAction
from releaseconsole.record.watches import hours
from releaseconsole.text import plural, visible


async def watch(placed: PlacedAction, context: ActionContext, emit: Emit) -> Outcome:
    """Return as soon as the window has begun."""
    action = placed.action
    assert action.watch is not None
    begun = context.watch(environment_of(placed), action.watch, action.objectives, action.allow)
    for one in begun.objectives:
        emit(visible(f"{one.name or one.id}: target {one.target} {one.unit}".rstrip()))
    emit(f"out of target for {hours(begun.allow)} in all is allowed")
    return succeeded(f"watching {plural(len(begun.objectives), 'objective')} for {hours(begun.seconds)}")
