"""The table on a real API server with its controllers: what it says there is what is right."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from control_plane import USERS, ControlPlane
from writing import Writer

from conformance.everything import ROWS
from conformance.ground import Server
from conformance.running import chosen, http, observe_all, seen
from conformance.table import Row


@pytest.fixture(scope="module")
def observed(request: pytest.FixtureRequest, control_plane: ControlPlane) -> Mapping[str, Any]:
    """What the real servers do, by the rows' names."""
    return asyncio.run(_observe(chosen(request), control_plane))


async def _observe(rows: list[Row], plane: ControlPlane) -> Mapping[str, Any]:
    writer = Writer(plane.log_file("first"))
    restarted = False

    async def forget() -> None:
        """etcd's history; the API server's own is gone when it starts anew, which is long and enough once."""
        nonlocal restarted
        plane.compact()
        if not restarted:
            await asyncio.to_thread(plane.restart_api_server)
        restarted = True

    async with http(plane.server, plane.trust()) as client:
        names = {user: user for user in USERS}
        return await observe_all(rows, Server(client, plane.tokens, names, writer.numbered, forget))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_real_api_server_says_what_the_table_says(row: Row, observed: Mapping[str, Any]) -> None:
    assert seen(observed, row) == row.expected
