"""``http = "POST $api/otp"``: a request, and a piece of what was answered."""

from __future__ import annotations

from releaseconsole.actions.context import ActionContext
from releaseconsole.actions.outcome import Emit, Outcome, failed, succeeded
from releaseconsole.outside.request import Reply, accepts, expected, prepare, send
from releaseconsole.plan.model import Action, PlacedAction
from releaseconsole.text import duration, visible

LONGEST_ANSWER = 30.0
"""Seconds that one request may take when the action itself sets no time-out."""
MOST_LINES = 40
LONGEST_LINE = 1000


async def http(placed: PlacedAction, context: ActionContext, emit: Emit) -> Outcome:
    """Send it as often as the plan says; the last answer counts."""
    action = placed.action
    assert action.http is not None
    request = prepare(
        action.http, headers=action.headers, body=action.body, values=context.values(placed.environment)
    )
    emit(request.shown)
    for number in range(1, action.repeat + 1):
        begun = context.clock.monotonic()
        reply = await send(context.http, request, _timeout(action))
        which = f"{number} of {action.repeat}: " if action.repeat > 1 else ""
        emit(f"{which}{reply.shown} in {duration(context.clock.monotonic() - begun)}")
    _show_body(reply, emit)
    if accepts(action.expect, reply.status):
        return succeeded(reply.shown)
    return failed(f"{reply.shown}, wanted {expected(action.expect)}")


def _timeout(action: Action) -> float:
    return action.timeout if "timeout" in action.model_fields_set else LONGEST_ANSWER


def _show_body(reply: Reply, emit: Emit) -> None:
    lines = reply.text.splitlines()
    for line in lines[:MOST_LINES]:
        shown = visible(line[:LONGEST_LINE])
        emit(f"  {shown}…" if len(line) > LONGEST_LINE else f"  {shown}")
    if len(lines) > MOST_LINES:
        emit(f"  (and {len(lines) - MOST_LINES} more lines)")
    if reply.cut:
        emit("  (the answer goes on; only its first 64 KB were read)")
