"""Writes into the journal how far each workload of a rollback has come, without standing in the patches' way.

What is going to be patched is on the disk before the first patch goes out; what came of it is written while the
API server is at work on the others. So the stages reached while patches are under way come to the disk together,
with one ``fsync`` for many: at once when the last patch is answered, and otherwise after ``DELAY``. What a crash
takes of them is found out again: a rollback that is taken up asks the cluster which templates are back already.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from releaseconsole.record.journal import News
from releaseconsole.record.model import Stage
from releaseconsole.session.patience import within

if TYPE_CHECKING:
    from releaseconsole.clock import Clock
    from releaseconsole.session.ledger import Ledger

DELAY = 0.05
"""Seconds that a stage waits for others while patches are under way."""
FOLLOW_AFTER = 0.5
"""Seconds after which a workload is followed though patches of others are still under way."""


class Scribe:
    """Notes the stages of one rollback. Nothing is lost that was noted: ``flush`` before it is left."""

    def __init__(self, ledger: Ledger, clock: Clock, rollback_id: str) -> None:
        self._ledger = ledger
        self._clock = clock
        self._rollback_id = rollback_id
        self._noted: list[News] = []
        self._waiting = asyncio.Event()
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._under_way = 0

    def note(self, key: str, stage: Stage, message: str) -> None:
        """The workload ``key`` has reached ``stage``, or has news of it."""
        data = {"id": self._rollback_id, "key": key, "stage": str(stage), "message": message}
        self._noted.append(News("rollback.stage", data, self._clock.now()))
        if self._under_way:
            self._waiting.set()
        else:
            self.flush()

    @contextmanager
    def patching(self) -> Iterator[None]:
        """A patch is under way; what is noted before its end is written together with what others note."""
        self._under_way += 1
        self._quiet.clear()
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._quiet.set()
                self.flush()

    async def quiet(self) -> None:
        """Return when no patch is under way, but soon in any case: one that hangs keeps no other waiting."""
        await within(FOLLOW_AFTER, self._quiet.wait())

    async def run(self) -> None:
        """Write what has waited long enough, until cancelled."""
        while True:
            await self._waiting.wait()
            await self._clock.sleep(DELAY)
            self.flush()

    def flush(self) -> None:
        """Write what was noted."""
        self._waiting.clear()
        noted, self._noted = self._noted, []
        if noted:
            self._ledger.write_all_anyway(noted)
