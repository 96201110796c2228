"""Following logs over connections that break, end early and begin again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from api_stub import connected, status
from cluster_objects import pod, running, waiting

from releaseconsole.cluster.logs import LogBuffer, LogFollower
from releaseconsole.cluster.objects import Pod

Script = Callable[[web.Request, web.StreamResponse], Awaitable[None]]
STAMP = "2026-01-01T00:00:{:02d}.{:09d}Z {}\n"


class QuickClock:
    """Real time, but long pauses are short."""

    def now(self) -> float:
        return 1_800_000_000.0

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.01))


def line(second: int, text: str, nanoseconds: int = 0) -> bytes:
    return STAMP.format(second, nanoseconds, text).encode()


def sends(*parts: bytes, then: str = "hold") -> Script:
    """Write ``parts``, then hold the stream open, end it in good order, or break it."""

    async def script(request: web.Request, response: web.StreamResponse) -> None:
        for part in parts:
            await response.write(part)
        if then == "hold":
            await asyncio.Event().wait()
        if then == "break":
            assert request.transport is not None
            request.transport.abort()

    return script


class Server:
    """One pod and its log; each request for the log takes the next script, the last one again and again."""

    def __init__(self, *scripts: Script | web.Response) -> None:
        self.scripts = list(scripts)
        self.asked: list[dict[str, str]] = []
        self.pods: list[Pod] = [pod("web-a")]
        self.status: dict[str, Any] = running()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if not request.path.endswith("/log"):
            return web.json_response(
                {"metadata": {"name": "web-a", "uid": "web-a-uid"}, "status": self.status}
            )
        self.asked.append(dict(request.query))
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        if isinstance(script, web.Response):
            return script
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        await script(request, response)
        return response


class Following:
    """A follower with its buffer, and a way to wait for what it shows."""

    def __init__(self, follower: LogFollower, arrived: asyncio.Event) -> None:
        self.follower = follower
        self._arrived = arrived

    @property
    def texts(self) -> list[str]:
        buffer = self.follower.buffer
        return [one.text for one in buffer.slice(buffer.first, buffer.end)]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():
                self._arrived.clear()
                self.follower.wake()
                try:
                    async with asyncio.timeout(0.02):
                        await self._arrived.wait()
                except TimeoutError:
                    pass


@asynccontextmanager
async def following(folder: Path, server: Server) -> AsyncIterator[Following]:
    arrived = asyncio.Event()
    async with connected(folder, server.answer, clock=QuickClock(), chance=lambda: 0.5) as client:
        follower = LogFollower(client, "shop", lambda: server.pods, LogBuffer(), notify=arrived.set)
        task = asyncio.create_task(follower.run())
        try:
            yield Following(follower, arrived)
        finally:
            task.cancel()
            await asyncio.wait({task})


async def test_a_broken_connection_neither_doubles_nor_loses_a_line(tmp_path: Path) -> None:
    whole = [line(1, "one"), line(2, "two"), line(2, "two"), line(2, ""), line(3, "three")]
    server = Server(
        sends(*whole[:3], whole[4][:33], then="break"),
        sends(*whole[1:]),
    )
    async with following(tmp_path, server) as shown:
        await shown.until(lambda: "three" in shown.texts)
        assert shown.texts == ["one", "two", "two", "", "three"]
    assert server.asked[0]["tailLines"] == "200"
    assert "tailLines" not in server.asked[1]
    assert server.asked[1]["sinceTime"] == "2026-01-01T00:00:02Z"


async def test_an_end_in_good_order_is_not_the_end_while_the_container_runs(tmp_path: Path) -> None:
    server = Server(sends(line(1, "one"), then="end"), sends(line(1, "one"), line(2, "two")))
    async with following(tmp_path, server) as shown:
        await shown.until(lambda: shown.texts == ["one", "two"])


async def test_the_last_line_without_an_end_is_shown(tmp_path: Path) -> None:
    server = Server(sends(line(1, "one"), line(2, "last words")[:-1], then="end"))
    server.status = waiting("CrashLoopBackOff")
    async with following(tmp_path, server) as shown:
        await shown.until(lambda: shown.texts == ["one", "last words"])


async def test_lines_that_were_rotated_away_leave_a_mark(tmp_path: Path) -> None:
    server = Server(sends(line(1, "one"), then="break"), sends(line(9, "nine")))
    async with following(tmp_path, server) as shown:
        await shown.until(lambda: "nine" in shown.texts)
        buffer = shown.follower.buffer
        assert [one.level for one in buffer.slice(0, 9)] == ["", "gap", ""]
        assert shown.texts[0] == "one"


async def test_a_crash_looping_container_shows_each_instance_once(tmp_path: Path) -> None:
    first, second = [line(1, "start"), line(2, "crash")], [line(5, "start"), line(6, "crash")]
    server = Server(sends(*first, then="end"), sends(first[1], then="end"), sends(*second, then="end"))
    server.status = waiting("CrashLoopBackOff")
    server.status["containerStatuses"][0]["containerID"] = "containerd://1"
    async with following(tmp_path, server) as shown:
        await shown.until(lambda: len(shown.texts) == 2)
        for instance in ("containerd://2", "containerd://3"):
            restarted = running(restarts=2)
            restarted["containerStatuses"][0]["containerID"] = instance
            server.status = restarted
            server.status["containerStatuses"][0]["state"] = {"terminated": {"exitCode": 1}}
            server.pods = [pod("web-a", status=restarted)]
            asked = len(server.asked)
            await shown.until(lambda asked=asked: len(server.asked) > asked)  # type: ignore[misc]
        await shown.until(lambda: len(shown.texts) == 4)
        assert shown.texts == ["start", "crash", "start", "crash"]


async def test_a_container_that_cannot_start_is_counted_and_named_and_not_asked_for(tmp_path: Path) -> None:
    server = Server(sends())
    server.pods.append(pod("web-b", status=waiting("ImagePullBackOff")))
    async with following(tmp_path, server) as shown:
        await shown.until(lambda: shown.follower.coverage().streams == 1)
        coverage = shown.follower.coverage()
        assert (coverage.total, coverage.waiting) == (2, ("web-b/web: ImagePullBackOff",))
    assert len(server.asked) == 1


async def test_a_missing_right_is_said(tmp_path: Path) -> None:
    server = Server(status(403, "Forbidden", 'cannot get resource "pods/log"'))
    async with following(tmp_path, server) as shown:
        await shown.until(lambda: "pods/log" in shown.follower.error)


async def test_a_pod_that_is_gone_is_let_go_and_its_last_lines_stay(tmp_path: Path) -> None:
    server = Server(sends(line(1, "bye"), then="end"))
    server.status = {"phase": "Succeeded"}
    async with following(tmp_path, server) as shown:
        await shown.until(lambda: shown.texts == ["bye"])
        server.pods = []
        await shown.until(lambda: shown.follower.coverage().total == 0)
        assert shown.texts == ["bye"]


async def test_more_than_can_be_shown_at_once_is_held_back_and_not_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("releaseconsole.cluster.logs.MOST_PENDING", 50)
    many = [line(index // 100, str(index), index) for index in range(3_000)]
    server = Server(sends(b"".join(many)))
    async with following(tmp_path, server) as shown:
        await shown.until(lambda: len(shown.texts) == 3_000)
        assert shown.texts == [str(index) for index in range(3_000)]
