"""A store with an API server over it, for tests: real HTTP on loopback, a clock that stands still."""

from __future__ import annotations

import asyncio
import io
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from releaseconsole.sandbox.api.faults import Fault
from releaseconsole.sandbox.api.server import ApiServer
from releaseconsole.sandbox.store.log_source import LogLine, LogQuery
from releaseconsole.sandbox.store.store import Store

TOKEN, VIEWER = "operator-token", "viewer-token"
START = 1_800_000_000.0
DEPLOYMENTS = "/apis/apps/v1/namespaces/shop/deployments"
PODS = "/api/v1/namespaces/shop/pods"
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}


class StillClock:
    """Time that moves when the test says so."""

    def __init__(self, now: float = START) -> None:
        self.time = now

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


def counted_uids() -> Callable[[], str]:
    """uid-1, uid-2, …"""
    numbers = itertools.count(1)
    return lambda: f"uid-{next(numbers)}"


def make_store(clock: StillClock | None = None, **options: Any) -> Store:
    """A store with the namespaces default and shop."""
    store = Store(clock or StillClock(), counted_uids(), **options)
    for name in ("default", "shop"):
        store.create("namespaces", {"metadata": {"name": name}})
    return store


def deployment(name: str = "web", image: str = "web:1", **spec: Any) -> dict[str, Any]:
    """A manifest with one container."""
    container = {"name": "web", "image": image, "ports": [{"containerPort": 80}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "shop", "labels": {"app": name}},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}},
            **spec,
        },
    }


def pod(name: str = "web-1", *, node: str = "node-a", **labels: str) -> dict[str, Any]:
    """A pod with one container."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "labels": labels or {"app": "web"}},
        "spec": {"nodeName": node, "containers": [{"name": "web", "image": "web:1"}]},
    }


def set_status(store: Store, kind: str, name: str, **status: Any) -> None:
    """Writes the status of an object in shop as a controller would."""
    store.update(kind, "shop", name, lambda obj: obj.__setitem__("status", status), subresource="status")


class Recorded:
    """Three lines, and a fourth that comes when the test lets it."""

    def __init__(self) -> None:
        self.lines: list[LogLine] = [(START - 3 + number, f"line {number}") for number in range(3)]
        self.more = asyncio.Event()
        self.closed = False

    def read(self, query: LogQuery) -> list[LogLine]:
        if query.previous:
            return [(START - 99, "before the crash")]
        kept = len(self.lines) if query.tail is None else min(query.tail, len(self.lines))
        lines = self.lines[len(self.lines) - kept :]
        return [line for line in lines if query.since is None or line[0] >= query.since]

    async def follow(self, query: LogQuery) -> AsyncIterator[LogLine]:
        try:
            for line in self.read(query):
                yield line
            await self.more.wait()
            yield (START, "line 3")
        finally:
            self.closed = True


class Script:
    """Faults in a given order, then none."""

    def __init__(self, *faults: Fault) -> None:
        self.next = list(faults)

    def decide(self, *, watch: bool) -> Fault:
        return self.next.pop(0) if self.next else Fault()


async def until(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    """Returns as soon as something holds."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.005)


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer."""

    status: int
    body: Any
    headers: Any


@dataclass(frozen=True, slots=True)
class Served:
    """A running server and a client of it."""

    store: Store
    clock: StillClock
    server: ApiServer
    session: aiohttp.ClientSession

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = TOKEN,
        headers: dict[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Answer:
        """One request; a body that is not bytes is sent as JSON."""
        sent = {"Content-Type": content_type, **_authorization(token), **(headers or {})}
        plain = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        data = None if plain is None else io.BytesIO(plain)
        async with self.session.request(method, self.server.url + path, data=data, headers=sent) as response:
            text = await response.read()
            kind = response.content_type
            found = json.loads(text) if kind == "application/json" and text else text.decode()
            return Answer(response.status, found, response.headers)

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.send("GET", path, **options)

    async def patch(self, path: str, body: Any, kind: str, **options: Any) -> Answer:
        """``kind``: json, merge, strategic-merge or apply."""
        suffix = "apply-patch+yaml" if kind == "apply" else f"{kind}-patch+json"
        return await self.send("PATCH", path, body, content_type=f"application/{suffix}", **options)

    @asynccontextmanager
    async def watch(self, path: str, **options: Any) -> AsyncIterator[AsyncIterator[Any]]:
        """The events of a watch, one by one."""
        sent = {**_authorization(TOKEN), **options.pop("headers", {})}
        async with self.session.get(self.server.url + path, headers=sent) as response:
            assert response.status == 200, await response.text()
            yield _events(response)


def _authorization(token: str | None) -> dict[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}


async def _events(response: aiohttp.ClientResponse) -> AsyncIterator[Any]:
    async for line in response.content:
        yield json.loads(line)


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[Served]:
    """A server without TLS (the Kubernetes clients in other tests use it), and a client."""
    clock = StillClock()
    store = make_store(clock, history=options.pop("history", 4096))
    server = ApiServer(store, context="staging", token=TOKEN, viewer_token=VIEWER, clock=clock, **options)
    await server.start()
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
            yield Served(store, clock, server, session)
    finally:
        await server.stop()
