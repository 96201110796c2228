"""The connection of one target: nothing is written through it before its cluster is known to be the right one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from api_stub import config, serving, status, written

from releaseconsole.clock import SystemClock
from releaseconsole.cluster.connect import Client
from releaseconsole.cluster.identity import Identity
from releaseconsole.errors import ApiRejected, OtherCluster, SignInRefused, Unreachable
from releaseconsole.plan.model import Target
from releaseconsole.record.journal import Journal
from releaseconsole.record.stores.memory import MemoryStore
from releaseconsole.session import link as links
from releaseconsole.session.hub import Hub
from releaseconsole.session.identity import Clusters
from releaseconsole.session.ledger import Ledger
from releaseconsole.session.link import Link
from releaseconsole.session.patience import trying
from releaseconsole.session.setup import Setup

TARGET = Target(context="uat", namespace="shop")
WRITE = ("PATCH", "/apis/apps/v1/namespaces/shop/deployments/shop")


@dataclass
class Cluster:
    """A stub of an API server: who it is, what it accepts, and what it was asked."""

    uid: str
    token: str = "good"
    hidden: bool = False
    """Whether its kube-system may not be read."""
    broken: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)
    slow: asyncio.Event | None = None

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.method, request.path))
        if request.headers["Authorization"] != f"Bearer {self.token}":
            return status(401, "Unauthorized", "Unauthorized")
        if request.path != "/api/v1/namespaces/kube-system":
            return web.json_response({})
        if self.slow is not None:
            await self.slow.wait()
        if self.broken:
            return status(422, "Invalid", "not now")
        if self.hidden:
            return status(403, "Forbidden", "no")
        return web.json_response({"metadata": {"name": "kube-system", "uid": self.uid}})

    @property
    def writes(self) -> list[tuple[str, str]]:
        return [one for one in self.asked if one[0] != "GET"]


def setup(folder: Path, **how: object) -> Setup:
    options: dict[str, object] = {
        "kubeconfig": folder / "config", "folder": folder, "environ": {}, "user": "amira", "clock": SystemClock(),
    }  # fmt: skip
    return Setup(**{**options, **how})  # type: ignore[arg-type]


def ledger_of() -> Ledger:
    clock, hub = SystemClock(), Hub()
    journal = Journal.open(MemoryStore(), release={"name": "walk", "version": "1"}, clock=clock, by="amira")
    return Ledger(journal, hub, clock, user="amira", read_only=False)


@asynccontextmanager
async def linked(folder: Path, ledger: Ledger, **how: object) -> AsyncIterator[Link]:
    options = setup(folder, **how)
    link = Link(TARGET, Clusters(ledger, options), options, lambda: None)

    async def work(_: Client) -> None:
        await asyncio.Event().wait()

    holding = asyncio.create_task(link.hold(lambda _: None, work))
    try:
        yield link
    finally:
        holding.cancel()
        await asyncio.gather(holding, return_exceptions=True)


async def write(client: Client) -> None:
    await client.request(*WRITE, body={})


async def test_a_write_waits_for_the_identity_and_a_read_does_not(tmp_path: Path) -> None:
    cluster = Cluster("one", slow=asyncio.Event())
    async with serving(cluster.answer) as server, linked(tmp_path, ledger_of()) as link:
        written(tmp_path, config(server))
        await asyncio.wait_for(link.ready.wait(), 10)
        client = link.client
        assert client is not None
        writing = asyncio.create_task(write(client))
        await client.get("/api/v1/namespaces/shop/pods")
        assert not writing.done()
        assert cluster.writes == []
        assert cluster.slow is not None
        cluster.slow.set()
        await asyncio.wait_for(writing, 10)
        assert cluster.writes == [WRITE]


async def test_the_identity_is_read_once_for_any_number_of_writes(tmp_path: Path) -> None:
    cluster = Cluster("one")
    async with serving(cluster.answer) as server:
        written(tmp_path, config(server))
        async with linked(tmp_path, ledger_of()) as link:
            client = await link.connected()
            await asyncio.gather(*(write(client) for _ in range(5)))
    assert cluster.asked.count(("GET", "/api/v1/namespaces/kube-system")) == 1


async def test_a_kubeconfig_that_changed_sends_no_write_to_another_cluster(tmp_path: Path) -> None:
    """The token ends; the credentials are read anew and lead elsewhere; what was to be written goes nowhere."""
    old, new = Cluster("one"), Cluster("two", token="new")
    async with serving(old.answer) as first, serving(new.answer) as second:
        written(tmp_path, config(first))
        async with linked(tmp_path, ledger_of()) as link:
            client = await link.connected()
            written(tmp_path, config(second, {"token": "new"}))
            old.token = "another"
            with pytest.raises(OtherCluster, match="pointed to another cluster before"):
                await write(client)
            with pytest.raises(OtherCluster):
                await link.connected()
    assert old.writes == [WRITE], "the one that was refused with a 401"
    assert new.writes == []


async def test_a_lost_connection_is_looked_at_again_before_anything_is_written(tmp_path: Path) -> None:
    """The same address and the same credentials, but another cluster answers there: a failover of the name."""
    cluster = Cluster("one")
    async with serving(cluster.answer) as server:
        written(tmp_path, config(server))
        async with linked(tmp_path, ledger_of()) as link:
            client = await link.connected()
            client.in_doubt.set()  # what Client does when a connection breaks off; see test_connect
            cluster.uid = "two"
            with pytest.raises(OtherCluster):
                await write(client)
    assert cluster.writes == []


async def test_an_identity_that_cannot_be_read_is_unknown_tried_again_and_not_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("releaseconsole.session.identity.FIRST_PAUSE", 0.01)
    cluster = Cluster("one", broken=True)
    async with serving(cluster.answer) as server:
        written(tmp_path, config(server))
        async with linked(tmp_path, ledger_of()) as link:
            with pytest.raises(ApiRejected, match="Not now"):
                await link.connected()
            assert link.door.refusal is None
            cluster.broken = False
            assert await asyncio.wait_for(link.proven_client(), 10)


async def test_refused_credentials_say_so_and_nothing_about_another_cluster(tmp_path: Path) -> None:
    cluster = Cluster("one", token="another")
    async with serving(cluster.answer) as server:
        written(tmp_path, config(server))
        async with linked(tmp_path, ledger_of()) as link:
            with pytest.raises(SignInRefused):
                await link.connected()
            assert link.door.refusal is None


async def test_a_server_that_is_not_there_is_no_reason_to_refuse_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "CONNECT_PATIENCE", 0.2)
    written(tmp_path, config("http://127.0.0.1:1"))
    async with linked(tmp_path, ledger_of()) as link:
        with pytest.raises(Unreachable):
            await link.connected()
        assert link.door.refusal is None


class TestAUserWhoMayNotReadKubeSystem:
    """Then addresses are compared; a UID never is with an address."""

    async def test_the_right_can_go_and_come_back(self, tmp_path: Path) -> None:
        cluster, ledger = Cluster("one"), ledger_of()
        async with serving(cluster.answer) as server:
            written(tmp_path, config(server))
            for hidden in (False, True, False):
                cluster.hidden = hidden
                async with linked(tmp_path, ledger) as link:
                    assert await link.connected()
        assert ledger.state.clusters["uat"].uid == "one"
        assert sum(entry.kind == "cluster.seen" for entry in ledger.entries) == 1

    async def test_a_uid_that_comes_to_be_known_later_is_remembered(self, tmp_path: Path) -> None:
        cluster, ledger = Cluster("one", hidden=True), ledger_of()
        async with serving(cluster.answer) as server:
            written(tmp_path, config(server))
            for hidden in (True, False):
                cluster.hidden = hidden
                async with linked(tmp_path, ledger) as link:
                    assert await link.connected()
        assert ledger.state.clusters["uat"].uid == "one"

    async def test_another_address_is_another_cluster_then(self, tmp_path: Path) -> None:
        first, second, ledger = Cluster("one"), Cluster("one", hidden=True), ledger_of()
        async with serving(first.answer) as one, serving(second.answer) as other:
            for server, fine in ((one, True), (other, False)):
                written(tmp_path, config(server))
                async with linked(tmp_path, ledger) as link:
                    if fine:
                        assert await link.connected()
                    else:
                        with pytest.raises(OtherCluster):
                            await link.connected()

    async def test_the_same_uid_at_another_address_is_the_same_cluster(self, tmp_path: Path) -> None:
        cluster, ledger = Cluster("one"), ledger_of()
        async with serving(cluster.answer) as one, serving(cluster.answer) as other:
            for server in (one, other):
                written(tmp_path, config(server))
                async with linked(tmp_path, ledger) as link:
                    assert await link.connected()
            assert ledger.state.clusters["uat"].server == other


def test_what_was_accepted_beforehand_counts_for_one_change(tmp_path: Path) -> None:
    ledger = ledger_of()
    clusters = Clusters(ledger, setup(tmp_path, accept_clusters=frozenset({"uat"})))
    assert clusters.judge("uat", Identity("https://a", "one")) is None
    assert clusters.judge("uat", Identity("https://b", "two")) is None
    assert clusters.judge("uat", Identity("https://b", "two")) is None
    refusal = clusters.judge("uat", Identity("https://c", "three"))
    assert refusal is not None
    assert refusal.before.uid == "two"
    assert [entry.kind for entry in ledger.entries][1:] == ["cluster.seen", "cluster.accepted"]


def test_hostile_names_of_clusters_become_harmless_words(tmp_path: Path) -> None:
    clusters = Clusters(ledger_of(), setup(tmp_path))
    clusters.judge("u\x1b[2Jat", Identity("https://a", "one"))
    refusal = clusters.judge("u\x1b[2Jat", Identity("https://b\x07", "[red]two\u202e"))
    assert refusal is not None
    assert str(refusal).isprintable()


@pytest.mark.parametrize(
    ("since", "words"),
    [(0.4, "is open."), (59, "is open."), (200, "(for 3 m by now)."), (7300, "(for 2 h 1 m by now).")],
)
def test_for_how_long_it_has_been_tried_changes_once_a_minute(since: float, words: str) -> None:
    said = trying(30, since)
    assert "at least every 30 s" in said
    assert said.endswith(words)
