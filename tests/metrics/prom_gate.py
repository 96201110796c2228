"""A proxy in front of a Prometheus, which can be slow, refuse, lie, and look at what it is sent."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

import httpx
from aiohttp import web

LOGIN_PAGE = "<!DOCTYPE html><html><body><form action='/login'>Sign in</form></body></html>"


class PromGate:
    """Passes everything on, unless it is told otherwise."""

    def __init__(self, behind: str) -> None:
        self.behind = behind
        self.delay = 0.0
        """Seconds before anything is passed on."""
        self.answer: tuple[int, str, str] | None = None
        """Status, content type and body of all answers, in place of those from behind."""
        self.needs: dict[str, str] = {}
        """Headers without which the answer is 401."""
        self.asked: list[str] = []
        """The queries that came."""
        self._http = httpx.AsyncClient(timeout=30.0, trust_env=False)
        self._runner: web.AppRunner | None = None
        self.url = ""

    def says(self, status: int, body: str, kind: str = "text/html") -> None:
        """Answer this from now on."""
        self.answer = (status, kind, body)

    def passes(self) -> None:
        """Pass everything on again, at once."""
        self.answer, self.delay = None, 0.0

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()
        await self._http.aclose()

    async def _handle(self, request: web.Request) -> web.Response:
        self.asked.append(request.query.get("query", request.path))
        await asyncio.sleep(self.delay)
        if any(request.headers.get(name) != value for name, value in self.needs.items()):
            return web.Response(status=401, text="Unauthorized")
        if self.answer is not None:
            status, kind, body = self.answer
            return web.Response(status=status, content_type=kind, text=body)
        reply = await self._http.request(
            request.method, self.behind + request.path_qs, content=await request.read()
        )
        return web.Response(status=reply.status_code, body=reply.content, content_type="application/json")
