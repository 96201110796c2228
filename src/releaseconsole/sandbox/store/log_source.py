"""What the API needs of whoever writes the logs of the practice cluster's containers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

#: A line and when it was written, in epoch seconds.
LogLine = tuple[float, str]


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which log, and how much of it; ``tail`` counts lines before ``since`` (epoch seconds) filters.

    ``previous`` asks for the run of the container before the current one.
    """

    namespace: str
    pod: str
    container: str
    since: float | None = None
    tail: int | None = None
    previous: bool = False


class PodLogs(Protocol):
    """The logs of all containers."""

    def read(self, query: LogQuery) -> list[LogLine]:
        """What stands in the log, oldest first."""
        ...

    def follow(self, query: LogQuery) -> AsyncIterator[LogLine]:
        """The same of the current run, and what is written later, until the container instance ends."""
        ...


class NoLogs:
    """Containers that never say anything."""

    def read(self, query: LogQuery) -> list[LogLine]:
        return []

    async def follow(self, query: LogQuery) -> AsyncIterator[LogLine]:
        for line in self.read(query):
            yield line
