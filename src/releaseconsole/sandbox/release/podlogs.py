"""The logs of the practice cluster's containers, written when they are read."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import AsyncIterator

from releaseconsole.clock import Clock
from releaseconsole.sandbox.release.loglines import LogWriter
from releaseconsole.sandbox.release.runs import Run, RunBook
from releaseconsole.sandbox.store.log_source import LogLine, LogQuery

#: Lines of one run that can be read; older ones were rotated away.
KEPT_LINES = 2000
_CHUNK_SECONDS = 60
_LOOK_AHEAD = 3.0
_LONGEST_SLEEP = 0.4


class PracticeLogs:
    """What the API server needs to serve ``pods/log``."""

    def __init__(self, runs: RunBook, writer: LogWriter, clock: Clock) -> None:
        self._runs = runs
        self._writer = writer
        self._clock = clock

    def read(self, query: LogQuery) -> list[LogLine]:
        """What stands in the log, oldest first."""
        find = self._runs.previous if query.previous else self._runs.current
        run = find(query.namespace, query.pod, query.container)
        return self._standing(run, self._clock.now(), query) if run else []

    async def follow(self, query: LogQuery) -> AsyncIterator[LogLine]:
        """What stands in the log and what is written later, until this run of the container ends."""
        run = self._runs.current(query.namespace, query.pod, query.container)
        if run is None:
            return
        reached = self._clock.now()
        for line in self._standing(run, reached, query):
            yield line
        while run.ended is None or reached <= run.ended:
            await self._clock.sleep(self._pause(run, reached))
            now = self._clock.now()
            for line in self._writer.lines(run, reached, now):
                yield line
            reached = max(reached, now)

    def _standing(self, run: Run, now: float, query: LogQuery) -> list[LogLine]:
        wanted = KEPT_LINES if query.tail is None else min(query.tail, KEPT_LINES)
        lines = self._last(run, now, wanted)
        return lines if query.since is None else [line for line in lines if line[0] >= query.since]

    def _last(self, run: Run, now: float, wanted: int) -> list[LogLine]:
        if wanted <= 0:
            return []
        found: deque[LogLine] = deque()
        end = now if run.ended is None else min(now, math.nextafter(run.ended, math.inf))
        while len(found) < wanted and end > run.started:
            start = max(run.started, end - _CHUNK_SECONDS)
            found.extendleft(reversed(list(self._writer.lines(run, start, end))))
            end = start
        return list(found)[-wanted:]

    def _pause(self, run: Run, reached: float) -> float:
        """Until the next line, but soon enough to notice the end of the run."""
        following = self._writer.following(run, reached, reached + _LOOK_AHEAD)
        wait = _LOOK_AHEAD if following is None else following - self._clock.now() + 0.001
        return min(max(0.005, wait), _LONGEST_SLEEP)
