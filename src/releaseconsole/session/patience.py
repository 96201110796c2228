"""Waiting for something, but not for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable


async def within(seconds: float, work: Awaitable[object]) -> bool:
    """Await ``work``; False when it took longer than ``seconds``, and then it was cancelled."""
    try:
        async with asyncio.timeout(seconds):
            await work
    except TimeoutError:
        return False
    return True
