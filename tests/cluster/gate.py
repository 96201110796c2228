"""A proxy between the console and the API server that can be told to behave badly."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import TracebackType

import aiohttp
from aiohttp import web
from control_plane import ControlPlane
from yarl import URL

Hook = Callable[[web.Request], Awaitable[web.StreamResponse | None]]
_OWN_TO_A_HOP = ("host", "connection", "transfer-encoding", "content-length")


class Gate:
    """Passes everything on, unless a hook answers, ``silent`` is set or a connection is cut."""

    def __init__(self, plane: ControlPlane) -> None:
        self.seen: list[tuple[str, str]] = []
        """Method and path with query of every request."""
        self.hooks: list[Hook] = []
        self._plane = plane
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._open: set[asyncio.Transport] = set()

    async def __aenter__(self) -> Gate:
        connector = aiohttp.TCPConnector(ssl=self._plane.trust(), limit=0)
        self._upstream = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._plane.authority.issue_cert("127.0.0.1").configure_cert(context)
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_route("*", "/{rest:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        self.server = f"https://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()
        await self._runner.cleanup()
        await self._upstream.close()
        await asyncio.sleep(0)

    @property
    def silent(self) -> bool:
        """Whether no byte passes any more, while connections stay open."""
        return not self._flowing.is_set()

    @silent.setter
    def silent(self, value: bool) -> None:
        self._flowing.clear() if value else self._flowing.set()

    def cut(self) -> None:
        """Break every connection off."""
        for transport in list(self._open):
            transport.abort()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.seen.append((request.method, request.path_qs))
        transport = request.transport
        assert transport is not None
        self._open.add(transport)
        try:
            await self._flowing.wait()
            for hook in self.hooks:
                answer = await hook(request)
                if answer is not None:
                    return answer
            return await self.forward(request)
        finally:
            self._open.discard(transport)

    @asynccontextmanager
    async def asking(self, request: web.Request) -> AsyncIterator[aiohttp.ClientResponse]:
        """The API server's answer to a request."""
        url = URL(self._plane.server + request.raw_path, encoded=True)
        body, headers = await request.read() or None, _passed_on(request.headers)
        found = await self._upstream.request(request.method, url, data=body, headers=headers)
        try:
            yield found
        finally:
            hang_up(found)

    async def forward(self, request: web.Request) -> web.StreamResponse:
        """Let the API server answer; when it breaks off, so does the gate."""
        answer = web.StreamResponse()
        transport = request.transport
        try:
            async with self.asking(request) as found:
                answer.set_status(found.status)
                answer.headers.update(_passed_on(found.headers))
                await answer.prepare(request)
                async for chunk in found.content.iter_any():
                    await self._flowing.wait()
                    await answer.write(chunk)
        except (aiohttp.ClientError, ConnectionError):
            if transport is not None:
                transport.abort()
        return answer


def hang_up(answer: aiohttp.ClientResponse) -> None:
    """Drop the connection of an answer at once."""
    if answer.connection is not None and answer.connection.transport is not None:
        answer.connection.transport.abort()
    answer.close()


def _passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    return {key: text for key, text in headers.items() if key.lower() not in _OWN_TO_A_HOP}


@dataclass(slots=True)
class Burst:
    """A hook that answers the next ``times`` requests with ``status``."""

    status: int
    times: int
    headers: dict[str, str] = field(default_factory=dict)
    method: str = ""
    """Only this one; "" for every one."""

    async def __call__(self, request: web.Request) -> web.StreamResponse | None:
        if self.times <= 0 or self.method not in ("", request.method):
            return None
        self.times -= 1
        return web.Response(status=self.status, headers=self.headers, text="not now")


@dataclass(slots=True)
class LostAnswer:
    """A hook that lets the API server do what it was asked, and then breaks the connection off."""

    gate: Gate
    method: str
    times: int = 1

    async def __call__(self, request: web.Request) -> web.StreamResponse | None:
        if self.times <= 0 or request.method != self.method:
            return None
        self.times -= 1
        async with self.gate.asking(request) as found:
            await found.read()
        assert request.transport is not None
        request.transport.abort()
        return web.Response()
