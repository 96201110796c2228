"""A Prometheus whose answer is set by hand, so that an alarm comes and goes when a test wants it to."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from aiohttp import web
from hand_clock import HandClock

GOOD, BAD = 0.05, 7.0


class Dial:
    """Answers the walk's objective over HTTP with ``value``; samples are of the clock's present."""

    def __init__(self, clock: HandClock) -> None:
        self._clock = clock
        self.value: float | None = GOOD
        """None: the query finds no series."""
        self.traffic = 100.0
        self.down = False
        self._runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=0.2)
        self.url = ""

    async def __aenter__(self) -> Dial:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    def _application(self) -> web.Application:
        made = web.Application()
        made.router.add_route("*", "/{path:.*}", self._answer)
        return made

    async def _answer(self, request: web.Request) -> web.Response:
        if self.down:
            return web.Response(status=503, text="shutting down")
        query = request.query.get("query") or str((await request.post()).get("query", ""))
        return web.json_response({"status": "success", "data": self._data(request.path, query)})

    def _data(self, path: str, query: str) -> Any:
        if path.endswith("/query_range"):
            return {"resultType": "matrix", "result": []}
        if path.endswith("/rules"):
            return {"groups": []}
        if not path.endswith("/query"):
            return []
        value = self.value if "code=~" in query else self.traffic
        found = [] if value is None else [{"metric": {}, "value": [self._clock.now(), _word(value)]}]
        return {"resultType": "vector", "result": found}


def _word(value: float) -> str:
    return "NaN" if value != value else repr(value)
