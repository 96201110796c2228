"""The console without a terminal, that tells when a frame was painted and what can be read on it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from releaseconsole.ui import app as app_module
from releaseconsole.ui.app import ConsoleApp

if TYPE_CHECKING:
    from textual.screen import Screen

SIZE = (200, 50)
PATIENCE = 120.0


class PaintedConsole(ConsoleApp):
    """Paints as on a terminal, up to the characters that would be sent there."""

    CSS_PATH = str(Path(app_module.__file__).with_name("app.tcss"))

    def __init__(self, *words: Any, **options: Any) -> None:
        super().__init__(*words, **options)
        # As in the program, where the log is a file: not between the figures.
        logging.getLogger("releaseconsole").addHandler(logging.NullHandler())
        self._frame = asyncio.Event()
        self._painted = 0.0

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        super()._display(screen, renderable)
        if renderable is None or self._batch_count:
            return
        if hasattr(renderable, "render_segments"):
            renderable.render_segments(self.console)
        self._painted = time.perf_counter()
        self._frame.set()

    @property
    def text(self) -> str:
        """What can be read on the topmost screen."""
        return "\n".join(strip.text for strip in self.screen._compositor.render_strips())

    async def paints(self, holds: Callable[[], object]) -> float:
        """Wait for a frame after which that holds; when it was painted, as ``time.perf_counter`` tells it.

        Raises TimeoutError with the last frame.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    await self._frame.wait()
                    self._frame.clear()
                    painted = self._painted
                    if holds():
                        return painted
        except TimeoutError:
            raise TimeoutError(f"it was never painted; the last frame:\n{self.text}") from None

    async def opened(self) -> None:
        """Wait until the session is open."""
        async with asyncio.timeout(PATIENCE):
            while not self._opened:  # noqa: ASYNC110  (nothing is measured yet)
                await asyncio.sleep(0.02)
