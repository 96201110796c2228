"""The API server of one context: HTTPS on loopback, started and stopped without leaving anything behind."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any

from releaseconsole.clock import Clock
from releaseconsole.sandbox.api.access import Tokens
from releaseconsole.sandbox.api.call import Api
from releaseconsole.sandbox.api.dispatch import answer
from releaseconsole.sandbox.api.faults import Faults, NoFaults
from releaseconsole.sandbox.store.log_source import NoLogs, PodLogs
from releaseconsole.sandbox.store.store import Store

if TYPE_CHECKING:
    from aiohttp import web

_MOST_BYTES = 3 * 1024 * 1024
_SHUTDOWN_SECONDS = 0.5


async def listen(
    runner: web.BaseRunner, host: str, port: int, ssl_context: ssl.SSLContext | None = None
) -> str:
    """Listens (port 0: any that is free) and returns the URL. Raises OSError when the port is taken."""
    from aiohttp import web

    await runner.setup()
    await web.TCPSite(runner, host, port, ssl_context=ssl_context).start()
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if ssl_context else 'http'}://{shown}:{runner.addresses[0][1]}"


class ApiServer:
    """Serves one store. ``ssl_context`` None means plain HTTP, which kubectl sends no token over."""

    def __init__(
        self,
        store: Store,
        *,
        context: str,
        token: str,
        viewer_token: str | None,
        clock: Clock,
        pod_logs: PodLogs | None = None,
        faults: Faults | None = None,
        ssl_context: ssl.SSLContext | None = None,
        bookmark_seconds: float = 15.0,
        watch_seconds: float = 3600.0,
    ) -> None:
        self._api = Api(
            store=store,
            context=context,
            tokens=Tokens(token, viewer_token),
            clock=clock,
            pod_logs=pod_logs or NoLogs(),
            faults=faults or NoFaults(),
            bookmark_every=bookmark_seconds,
            watch_at_most=watch_seconds,
        )
        self._ssl = ssl_context
        self._runner: web.ServerRunner | None = None
        self._answering: set[asyncio.Task[object]] = set()
        self._stopping = False
        self.url = ""

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listens and returns the URL. Raises OSError when the port is taken."""
        from aiohttp import web

        self._stopping = False
        server = web.Server(
            self._handle, request_factory=_request, handler_cancellation=True, access_log=None
        )
        self._runner = web.ServerRunner(server, shutdown_timeout=_SHUTDOWN_SECONDS)
        try:
            self.url = await listen(self._runner, host, port, self._ssl)
        except BaseException:
            await self.stop()
            raise
        return self.url

    async def stop(self) -> None:
        """Ends open watches and logs at once, and closes every connection."""
        self._stopping = True
        for task in self._answering:
            task.cancel()
        runner, self._runner = self._runner, None
        if runner is not None:
            await _close(runner)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        task = asyncio.current_task()
        if task is None or self._stopping:
            raise asyncio.CancelledError
        self._answering.add(task)
        try:
            return await answer(self._api, request)
        except ConnectionError:
            # The client is gone: nobody is left to be told, and aiohttp would log it as a failure.
            raise asyncio.CancelledError from None
        finally:
            self._answering.discard(task)


async def _close(runner: web.ServerRunner) -> None:
    """TLS would say good-bye for half a minute to a client that does not answer; here nobody waits for it."""
    server = runner.server
    transports = [connection.transport for connection in server.connections] if server else []
    await runner.cleanup()
    for transport in transports:
        if transport is not None:
            transport.abort()
    await asyncio.sleep(0)


def _request(message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> web.BaseRequest:
    from aiohttp import web

    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=_MOST_BYTES)
