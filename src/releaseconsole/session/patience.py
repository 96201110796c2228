"""Waiting for something, but not for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from releaseconsole.text import duration


async def within(seconds: float, work: Awaitable[object]) -> bool:
    """Await ``work``; False when it took longer than ``seconds``, and then it was cancelled."""
    try:
        async with asyncio.timeout(seconds):
            await work
    except TimeoutError:
        return False
    return True


def trying(every: float, since: float) -> str:
    """That something is tried again for ever, how often, and for how long by now; it changes once a minute."""
    by_now = f" (for {duration(since - since % 60)} by now)" if since >= 60 else ""
    return f"It is tried again at least every {every:.0f} s for as long as the console is open{by_now}."
