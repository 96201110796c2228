"""What the API needs of whoever writes the logs of the practice cluster's containers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

#: A line and when it was written, in epoch seconds.
LogLine = tuple[float, str]


class PodLogs(Protocol):
    """The logs of all containers."""

    def read(
        self,
        namespace: str,
        pod: str,
        container: str,
        *,
        since: float | None,
        tail: int | None,
        previous: bool,
    ) -> list[LogLine]:
        """What stands in the log; ``tail`` counts before ``since`` (epoch seconds) filters."""
        ...

    def follow(
        self, namespace: str, pod: str, container: str, *, since: float | None, tail: int | None
    ) -> AsyncIterator[LogLine]:
        """The same, and what is written later, until the container instance ends."""
        ...


class NoLogs:
    """Containers that never say anything."""

    def read(
        self,
        namespace: str,
        pod: str,
        container: str,
        *,
        since: float | None,
        tail: int | None,
        previous: bool,
    ) -> list[LogLine]:
        return []

    async def follow(
        self, namespace: str, pod: str, container: str, *, since: float | None, tail: int | None
    ) -> AsyncIterator[LogLine]:
        for line in self.read(namespace, pod, container, since=since, tail=tail, previous=False):
            yield line
