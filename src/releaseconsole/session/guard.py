"""Workers of a session are kept apart: a defect in one of them is told and never takes the others along."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from releaseconsole.clock import Clock
from releaseconsole.session.hub import Hub
from releaseconsole.undisturbed import apart

_LOG = logging.getLogger("releaseconsole.session")
PAUSE = 5.0


async def kept_going(work: Callable[[], Awaitable[None]], name: str, hub: Hub, clock: Clock) -> None:
    """Run ``work``; when it breaks, tell, log the details, and begin again after a pause."""
    while True:
        try:
            await apart(work())
            return
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001  (the edge of a worker: it tells)
            _LOG.exception("%s broke off", name)
            reason = innermost(error)
            hub.tell(
                f"A defect stopped “{name}”; it starts again. {type(reason).__name__}: {reason}"[:300],
                "error",
            )
        await clock.sleep(PAUSE)


def innermost(error: BaseException) -> BaseException:
    """The first error inside of groups of errors."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
