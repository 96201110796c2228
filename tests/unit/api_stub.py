"""A few lines of API server for tests: it answers with what the test hands it, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

from releaseconsole.cluster.connect import Client, connect

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """Serve every path with ``handler``; yields the URL."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def config(server: str, user: dict[str, Any] | None = None, **cluster: Any) -> dict[str, Any]:
    """A kubeconfig with the one context ``uat``."""
    return {
        "clusters": [{"name": "c", "cluster": {"server": server, **cluster}}],
        "users": [{"name": "u", "user": {"token": "good"} if user is None else user}],
        "contexts": [{"name": "uat", "context": {"cluster": "c", "user": "u"}}],
    }


def written(folder: Path, body: Any, name: str = "config") -> Path:
    path = folder / name
    path.write_text(yaml.safe_dump(body))
    return path


@asynccontextmanager
async def connected(folder: Path, handler: Handler, **options: Any) -> AsyncIterator[Client]:
    """A client of a server that answers with ``handler``."""
    async with (
        serving(handler) as server,
        await connect("uat", kubeconfig=written(folder, config(server)), **options) as client,
    ):
        yield client


def status(code: int, reason: str, message: str, **headers: str) -> web.Response:
    body = {"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message}
    return web.json_response(body, status=code, headers=headers)


def pods(*names: str, version: str = "10", **metadata: str) -> web.Response:
    items = [{"metadata": {"name": name, "uid": f"{name}-uid", "resourceVersion": version}} for name in names]
    return web.json_response({"metadata": {"resourceVersion": version, **metadata}, "items": items})


async def streaming(request: web.Request) -> web.StreamResponse:
    """A response that is open and to be written to."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    return response


def event(kind: str, name: str, version: str, **metadata: str) -> bytes:
    body = {"metadata": {"name": name, "uid": f"{name}-uid", "resourceVersion": version, **metadata}}
    return json.dumps({"type": kind, "object": body}).encode() + b"\n"
