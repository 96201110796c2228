"""How rows are run: many at a time, each in a namespace of its own, on either server."""

from __future__ import annotations

import asyncio
import itertools
import json
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from conformance.ground import Ground, Server
from conformance.table import Row

_SECONDS = 60.0
_AT_ONCE = 10


def http(url: str, trust: ssl.SSLContext) -> httpx.AsyncClient:
    """A plain client with as many connections as it needs."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=50)
    return httpx.AsyncClient(base_url=url, verify=trust, timeout=30, trust_env=False, limits=limits)


def chosen(request: pytest.FixtureRequest) -> list[Row]:
    """The rows that this run was asked for, in the module that asks."""
    items = [item for item in request.session.items if item.path == request.path]
    return [item.callspec.params["row"] for item in items if hasattr(item, "callspec")]


async def observe_all(rows: Iterable[Row], server: Server) -> Mapping[str, Any]:
    """What a server does when the rows ask it; an exception in the place of what could not be seen."""
    numbers = itertools.count(1)
    places = asyncio.Semaphore(_AT_ONCE)
    observed: dict[str, Any] = {}

    async def observe(row: Row) -> None:
        async with places:
            observed[row.name] = await _observe(row, server, f"conformance-{next(numbers)}")

    listed = list(rows)
    async with asyncio.TaskGroup() as group:
        for row in listed:
            if not row.alone:
                group.create_task(observe(row))
    for row in listed:
        # Asked all at once, slow controllers are caught between two steps: what differs is asked once more, alone.
        if row.alone or observed[row.name] != row.expected:
            await observe(row)
    return observed


async def _observe(row: Row, server: Server, namespace: str) -> Any:
    """The observation as JSON would hold it."""
    try:
        async with asyncio.timeout(_SECONDS), _ground(server, namespace) as ground:
            return json.loads(json.dumps(await row.ask(ground)))
    except Exception as problem:  # noqa: BLE001 - raised again by the test of this row
        return problem


@asynccontextmanager
async def _ground(server: Server, namespace: str) -> AsyncIterator[Ground]:
    ground = Ground(server, namespace)
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    await ground.made("/api/v1/namespaces", body)
    try:
        yield ground
    finally:
        await ground.delete("/api/v1/namespaces/{ns}")


def seen(observed: Mapping[str, Any], row: Row) -> Any:
    """The observation of one row; raises what stood in its way."""
    found = observed[row.name]
    if isinstance(found, Exception):
        raise found
    return found
