"""The garbage collector holds off while somebody waits for the rollback.

A full collection of what a console of thirty workloads holds takes a tenth of a second and more, in which nothing
else is done, and to draw a screen is what sets it off.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager

MOMENT = 1.0
"""Seconds that a preview has to be painted."""


class Collecting:
    """Whether garbage is collected in this process; one for an application."""

    def __init__(self) -> None:
        self._held = 0

    @contextmanager
    def held_off(self) -> Iterator[None]:
        """Nothing is collected until the last of these blocks has ended."""
        self._held += 1
        gc.disable()
        try:
            yield
        finally:
            self._held -= 1
            if not self._held:
                gc.enable()

    async def rest(self) -> None:
        """Hold it off for a moment."""
        with self.held_off():
            await asyncio.sleep(MOMENT)
