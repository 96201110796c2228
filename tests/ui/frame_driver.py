"""Small helpers to drive the console in tests: open it, wait for something, read what is on the screen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from standin import StandIn
from textual.pilot import Pilot
from textual.screen import Screen

from releaseconsole.ui.app import ConsoleApp
from releaseconsole.ui.screens.main import MainScreen


class Console:
    """An opened console on a stand-in."""

    def __init__(self, app: ConsoleApp, pilot: Pilot[int], session: StandIn) -> None:
        self.app = app
        self.pilot = pilot
        self.session = session

    @property
    def main(self) -> MainScreen:
        return next(screen for screen in self.app.screen_stack if isinstance(screen, MainScreen))

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        await self.press(*("space" if character == " " else character for character in text))

    async def until(self, holds: Callable[[], object], what: str = "") -> None:
        """Wait at most five seconds until that holds."""
        for _ in range(250):
            if holds():
                return
            await self.pilot.pause()
            await asyncio.sleep(0.02)
        raise AssertionError(f"never happened: {what or holds}\n{self.text()}")

    async def sees(self, *words: str) -> None:
        """Wait until all of these can be read."""
        await self.until(lambda: all(word in self.text() for word in words), f"seeing {words}")

    def text(self) -> str:
        """What can be read on the topmost screen."""
        return "\n".join(_rows(self.app.screen))

    def under(self) -> str:
        """What can be read on the main screen, also below a dialog."""
        return "\n".join(_rows(self.main))

    @property
    def dialog(self) -> str:
        return type(self.app.screen).__name__

    def toasts(self) -> list[str]:
        return [notification.message for notification in self.app._notifications]


def _rows(screen: Screen[Any]) -> list[str]:
    return [strip.text.rstrip() for strip in screen._compositor.render_strips()]


@asynccontextmanager
async def opened(
    session: StandIn | None = None, *, size: tuple[int, int] = (160, 45), **options: Any
) -> AsyncIterator[Console]:
    """The console at a size, once the session is open."""
    session = session or StandIn()
    app = ConsoleApp(session, clock=session.clock, **options)
    async with app.run_test(size=size, notifications=True) as pilot:
        console = Console(app, pilot, session)
        if session.opening is None and session.failure is None:
            await console.until(
                lambda: console.main.ready and app._seen == session.version, "the session is open"
            )
        yield console
