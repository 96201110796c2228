"""Whether an environment needs attention, for those who rest while it does not."""

from __future__ import annotations

import asyncio


class Focus:
    """On or off, and a way to wait for either. One that is made of others is on while any of them is."""

    def __init__(self, *parts: Focus) -> None:
        self._on = asyncio.Event()
        self._off = asyncio.Event()
        self._off.set()
        self._parts = parts
        self._wholes: list[Focus] = []
        for part in parts:
            part._wholes.append(self)

    def set(self, on: bool) -> None:
        """Turn it on or off."""
        now, before = (self._on, self._off) if on else (self._off, self._on)
        before.clear()
        now.set()
        for whole in self._wholes:
            whole.set(any(part.on for part in whole._parts))

    @property
    def on(self) -> bool:
        return self._on.is_set()

    async def gained(self) -> None:
        """Wait until it is on."""
        await self._on.wait()

    async def lost(self) -> None:
        """Wait until it is off."""
        await self._off.wait()
