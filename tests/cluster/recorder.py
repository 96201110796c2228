"""Every state of one object during a rollout, and what kubectl says to each of them afterwards.

Two programs that read a moving object never see the same state. So the states are recorded, and kubectl is
shown each one through a gate that answers in the API server's place.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp import web
from bench import Bench, Obj, Ran
from control_plane import ADMIN
from gate import Gate, hang_up


@asynccontextmanager
async def recording(bench: Bench, kind: str, name: str) -> AsyncIterator[list[Obj]]:
    """The states of an object, one after the other, from now to the end of the block."""
    states: list[Obj] = []
    headers = {"Authorization": f"Bearer {bench.plane.tokens[ADMIN]}"}
    address = bench.plane.server + bench.path(kind)
    params = {"watch": "true", "fieldSelector": f"metadata.name={name}", "resourceVersion": "0"}
    connector = aiohttp.TCPConnector(ssl=bench.plane.trust())
    async with aiohttp.ClientSession(connector=connector, headers=headers, read_bufsize=2**20) as session:
        response = await session.get(address, params=params)
        try:
            async with asyncio.TaskGroup() as group:
                task = group.create_task(_collect(response, states))
                yield states
                last = _version(bench.get(kind, name))
                await bench.until(lambda: _version(states[-1]) == last, "the last state is recorded")
                task.cancel()
        finally:
            hang_up(response)


def _version(state: Obj) -> str:
    return str(state["metadata"]["resourceVersion"])


async def _collect(response: aiohttp.ClientResponse, states: list[Obj]) -> None:
    while line := await response.content.readline():
        states.append(json.loads(line)["object"])


@asynccontextmanager
async def replaying(bench: Bench, kind: str, folder: Path) -> AsyncIterator[Replay]:
    """Lets kubectl look at recorded states."""
    async with Gate(bench.plane) as gate:
        user = {ADMIN: {"token": bench.plane.tokens[ADMIN]}}
        path = bench.plane.kubeconfig(folder / f"replay-{kind}", user, gate.server)
        replay = Replay(bench, kind, path)
        gate.hooks.append(replay)
        yield replay


class Replay:
    """A hook that shows one recorded state in place of the real object."""

    def __init__(self, bench: Bench, kind: str, kubeconfig: Path) -> None:
        self._bench = bench
        self._kind = kind
        self._kubeconfig = kubeconfig
        self._shown: Obj = {}

    async def rollout_status(self, state: Obj) -> Ran:
        """What ``kubectl rollout status`` says when it sees this state."""
        self._shown = state
        name = state["metadata"]["name"]
        words = ("rollout", "status", f"{self._kind}/{name}", "--watch=false")
        return await self._bench.kubectl(*words, kubeconfig=self._kubeconfig)

    async def __call__(self, request: web.Request) -> web.StreamResponse | None:
        if not request.path.startswith(self._bench.path(self._kind)):
            return None
        if request.query.get("watch"):
            return await self._watch(request)
        if request.path == self._bench.path(self._kind):
            return web.json_response(self._list())
        return web.json_response(self._shown)

    def _list(self) -> Obj:
        version = self._shown["metadata"]["resourceVersion"]
        kind = {"apiVersion": self._shown["apiVersion"], "kind": f"{self._shown['kind']}List"}
        return {**kind, "metadata": {"resourceVersion": version}, "items": [self._shown]}

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        """The state as a streamed list, which kubectl takes where the server offers it."""
        answer = web.StreamResponse(headers={"Content-Type": "application/json"})
        await answer.prepare(request)
        version = self._shown["metadata"]["resourceVersion"]
        done = {"annotations": {"k8s.io/initial-events-end": "true"}, "resourceVersion": version}
        end = {"apiVersion": self._shown["apiVersion"], "kind": self._shown["kind"], "metadata": done}
        for event in ({"type": "ADDED", "object": self._shown}, {"type": "BOOKMARK", "object": end}):
            await answer.write(json.dumps(event).encode() + b"\n")
        await asyncio.sleep(10)
        return answer
