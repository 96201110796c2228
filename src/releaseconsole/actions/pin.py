"""``pin`` and ``rollback``: both belong to the session, which keeps the journal; here they are only told."""

from __future__ import annotations

from releaseconsole.actions.context import ActionContext
from releaseconsole.actions.outcome import Emit, Outcome, failed, succeeded
from releaseconsole.actions.place import environment_of
from releaseconsole.plan.model import PlacedAction
from releaseconsole.text import plural, visible


async def pin(placed: PlacedAction, context: ActionContext, emit: Emit) -> Outcome:
    """Record what runs now as the place to return to."""
    pins = await context.pin(environment_of(placed))
    for one in pins:
        images = ", ".join(one.images) or "no image"
        emit(visible(f"{one.workload}: revision {one.revision}, {images}"))
    return succeeded(f"{plural(len(pins), 'workload')} pinned")


async def rollback(placed: PlacedAction, context: ActionContext, emit: Emit) -> Outcome:
    """Bring every workload of the environment back."""
    environment = environment_of(placed)
    emit(f"rolling back {environment}")
    state = await context.roll_back(environment)
    for one in state.workloads.values():
        revisions = f"revision {one.from_revision} → {one.to_revision}, " if one.to_revision else ""
        emit(visible(f"{one.key}: {revisions}{one.stage}" + (f": {one.message}" if one.message else "")))
    summary = f"{plural(len(state.workloads), 'workload')}: {state.outcome or 'under way'}"
    return succeeded(summary) if state.outcome == "complete" else failed(summary)
