"""The session's notice board: one version number that moves whenever anything an observer can see has changed."""

from __future__ import annotations

import asyncio
from collections import deque

from releaseconsole.session.views import Notice

MOST_NOTICES = 50


class Hub:
    """Counts changes, wakes whoever waits for one, and holds sentences for the person until they are taken."""

    def __init__(self) -> None:
        self.version = 0
        self._waiters: set[asyncio.Future[None]] = set()
        self._notices: deque[Notice] = deque(maxlen=MOST_NOTICES)

    def touch(self) -> None:
        """Something changed. Cheap: a thousand touches wake each waiter once."""
        self.version += 1
        if not self._waiters:
            return
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def changed(self, since: int) -> int:
        """Wait until the version differs from ``since``; returns the new one."""
        while self.version == since:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.add(waiter)
            try:
                await waiter
            finally:
                self._waiters.discard(waiter)
        return self.version

    def tell(self, text: str, severity: str = "information") -> None:
        """Leave a sentence for the person; the same sentence is not queued twice."""
        notice = Notice(text, severity)
        if notice not in self._notices:
            self._notices.append(notice)
            self.touch()

    def take_notices(self) -> tuple[Notice, ...]:
        """Every sentence not yet taken, oldest first."""
        taken = tuple(self._notices)
        self._notices.clear()
        return taken
