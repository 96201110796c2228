"""``http = "GET $api/health"``: a request is answered as expected."""

from __future__ import annotations

from releaseconsole.checks.context import CheckContext
from releaseconsole.checks.finding import Finding, failed, passed
from releaseconsole.outside.request import accepts, expected, prepare, send
from releaseconsole.plan.model import Check, PlacedItem


async def http_answers(check: Check, placed: PlacedItem, context: CheckContext) -> Finding:
    """Send it as often as the plan says; the last answer counts. No answer at all cannot be told."""
    assert check.http is not None
    request = prepare(
        check.http, headers=check.headers, body=check.body, values=context.values(placed.environment)
    )
    for _ in range(check.repeat):
        reply = await send(context.http, request, check.timeout)
    times = f"answer {check.repeat} of {check.repeat}: " if check.repeat > 1 else ""
    found = f"{times}{reply.shown}"
    if accepts(check.expect, reply.status):
        return passed(found)
    return failed(f"{found}, wanted {expected(check.expect)} ({request.shown})")
