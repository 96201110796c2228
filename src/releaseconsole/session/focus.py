"""Whether somebody looks at an environment, for those who rest while nobody does."""

from __future__ import annotations

import asyncio


class Focus:
    """On or off, and a way to wait for either."""

    def __init__(self) -> None:
        self._on = asyncio.Event()
        self._off = asyncio.Event()
        self._off.set()

    def set(self, on: bool) -> None:
        """Turn it on or off."""
        now, before = (self._on, self._off) if on else (self._off, self._on)
        before.clear()
        now.set()

    @property
    def on(self) -> bool:
        return self._on.is_set()

    async def gained(self) -> None:
        """Wait until it is on."""
        await self._on.wait()

    async def lost(self) -> None:
        """Wait until it is off."""
        await self._off.wait()
