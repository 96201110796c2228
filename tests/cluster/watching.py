"""The console's cache under test, and the comparison of what it holds with a fresh list."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bench import Bench

from releaseconsole.clock import SystemClock
from releaseconsole.cluster.connect import Client
from releaseconsole.cluster.decode import DEPLOYMENTS, Resource
from releaseconsole.cluster.watch import Cache


class Impatient(SystemClock):
    """The machine's clock, whose user never waits for long: pauses of half a minute would make slow tests."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        """The pauses that were asked for, in seconds."""

    async def sleep(self, seconds: float) -> None:
        self.asked.append(seconds)
        await asyncio.sleep(min(seconds, 0.2))


@asynccontextmanager
async def watching(
    client: Client, bench: Bench, resource: Resource[Any] = DEPLOYMENTS, **options: Any
) -> AsyncIterator[Cache[Any]]:
    """A cache that is kept fresh during the block; it has its first list at the start."""
    cache: Cache[Any] = Cache(client, resource, bench.namespace, **options)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(cache.run())
        async with asyncio.timeout(30):
            await cache.wait_synced()
        yield cache
        running.cancel()


async def live(bench: Bench, cache: Cache[Any]) -> None:
    """Wait until the cache has a watch that works."""
    await bench.until(lambda: cache.live and not cache.error, "the cache is live")


async def equal_to_a_fresh_list(bench: Bench, cache: Cache[Any], kind: str = "deployment") -> None:
    """Wait until the cache holds what a plain list says, in the same versions."""
    await bench.until(lambda: _held(cache) == _listed(bench, kind), "the cache equals a fresh list")


def _held(cache: Cache[Any]) -> dict[str, str]:
    return {name: one.metadata.resource_version for name, one in cache.objects.items()}


def _listed(bench: Bench, kind: str) -> dict[str, str]:
    found = (one["metadata"] for one in bench.list(kind))
    return {one["name"]: one["resourceVersion"] for one in found}
