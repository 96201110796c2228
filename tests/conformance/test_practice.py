"""The table on the practice cluster, over HTTPS as ``releaseconsole sandbox`` serves it."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Mapping
from typing import Any

import pytest

from conformance.differences import KNOWN_DIFFERENCES, MOST
from conformance.everything import ROWS
from conformance.ground import ADMIN, READER, Server
from conformance.running import chosen, http, observe_all, seen
from conformance.table import Row
from releaseconsole.sandbox import Options, PracticeCluster, PracticeThread

_CONTEXT = "staging"


@pytest.fixture(scope="module")
def observed(request: pytest.FixtureRequest) -> Mapping[str, Any]:
    """What the practice cluster does, by the rows' names."""
    thread = PracticeThread(Options(speed=20, ready_seconds=2))
    with thread as cluster:
        return asyncio.run(_observe(chosen(request), thread, cluster))


async def _observe(rows: list[Row], thread: PracticeThread, cluster: PracticeCluster) -> Mapping[str, Any]:
    tokens = {ADMIN: cluster.token(_CONTEXT), READER: cluster.token(_CONTEXT, viewer=True)}
    names = {ADMIN: "operator", READER: "viewer"}

    async def forget() -> None:
        thread.call(lambda running: running.stores[_CONTEXT].compact())

    async with http(cluster.endpoints[_CONTEXT].server, _trust(cluster)) as client:
        return await observe_all(rows, Server(client, tokens, names, lambda lines: None, forget))


def _trust(cluster: PracticeCluster) -> ssl.SSLContext:
    """TLS settings that trust this practice cluster alone, from its kubeconfig."""
    clusters: Any = cluster.kubeconfig["clusters"]
    (found,) = (one["cluster"] for one in clusters if one["name"] == _CONTEXT)
    return ssl.create_default_context(cadata=base64.b64decode(found["certificate-authority-data"]).decode())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_practice_cluster_says_what_the_table_says(row: Row, observed: Mapping[str, Any]) -> None:
    if row.name in KNOWN_DIFFERENCES:
        assert seen(observed, row) != row.expected, "they agree now: take the row out of KNOWN_DIFFERENCES"
    else:
        assert seen(observed, row) == row.expected


def test_the_rows_have_different_names() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_the_known_differences_are_few_and_name_rows() -> None:
    assert KNOWN_DIFFERENCES.keys() <= {row.name for row in ROWS}
    assert len(KNOWN_DIFFERENCES) <= MOST
