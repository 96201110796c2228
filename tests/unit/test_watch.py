"""Watching: fresh while the server is well, honest while it is not, and never a storm of requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from api_stub import connected, event, pods, status, streaming

from releaseconsole.cluster.decode import PODS
from releaseconsole.cluster.objects import Pod
from releaseconsole.cluster.watch import DENIED_PAUSE, Cache

Watch = Callable[[web.Request, web.StreamResponse], Awaitable[None]]


@dataclass(frozen=True)
class Refusal:
    """What the server says in place of a watch."""

    code: int
    reason: str
    message: str = "no"
    headers: dict[str, str] = field(default_factory=dict)


class CountingClock:
    """Real time, but sleeping takes no time; remembers for how long it was asked to."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0.001)


class Server:
    """Lists and watches pods as the test scripts it; the last entry of each script is repeated."""

    def __init__(self) -> None:
        self.lists: list[Callable[[], web.Response]] = [lambda: pods("a")]
        self.watches: list[Watch | Refusal] = [hold]
        self.asked: list[dict[str, str]] = []

    @property
    def listed(self) -> int:
        return sum("watch" not in query for query in self.asked)

    @property
    def watched(self) -> list[str]:
        """The resource versions that watches began from."""
        return [query["resourceVersion"] for query in self.asked if "watch" in query]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(dict(request.query))
        if "watch" not in request.query:
            return (self.lists.pop(0) if len(self.lists) > 1 else self.lists[0])()
        script = self.watches.pop(0) if len(self.watches) > 1 else self.watches[0]
        if isinstance(script, Refusal):
            return status(script.code, script.reason, script.message, **script.headers)
        response = await streaming(request)
        await script(request, response)
        return response


async def hold(request: web.Request, response: web.StreamResponse) -> None:
    """Keep the watch open and silent."""
    await asyncio.Event().wait()


def sends(*lines: bytes, then: Watch = hold) -> Watch:
    async def script(request: web.Request, response: web.StreamResponse) -> None:
        for line in lines:
            await response.write(line)
        await then(request, response)

    return script


async def ends(request: web.Request, response: web.StreamResponse) -> None:
    """End the watch in good order."""


async def breaks(request: web.Request, response: web.StreamResponse) -> None:
    """Drop the connection."""
    assert request.transport is not None
    request.transport.abort()


@asynccontextmanager
async def watching(folder: Path, server: Server, **options: object) -> AsyncIterator[Cache[Pod]]:
    async with connected(folder, server.answer, clock=CountingClock()) as client:
        cache = Cache(client, PODS, "shop", chance=lambda: 0.5, **options)  # type: ignore[arg-type]
        task = asyncio.create_task(cache.run())
        try:
            yield cache
        finally:
            task.cancel()
            await asyncio.wait({task})


async def until(cache: Cache[Pod], condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await cache.changed(cache.version)


def slept(cache: Cache[Pod]) -> list[float]:
    clock = cache._clock
    assert isinstance(clock, CountingClock)
    return clock.slept


async def test_it_lists_page_by_page_and_then_watches_from_there(tmp_path: Path) -> None:
    server = Server()
    server.lists = [lambda: pods("a", **{"continue": "next"}), lambda: pods("b", version="12")]
    async with watching(tmp_path, server, page=1) as cache:
        await until(cache, lambda: cache.live)
        assert sorted(cache.objects) == ["a", "b"]
    assert server.asked[0] == {"limit": "1"}
    assert server.asked[1] == {"limit": "1", "continue": "next"}
    assert server.asked[2]["allowWatchBookmarks"] == "true"
    assert server.watched == ["12"]


async def test_changes_arrive_and_an_event_cut_anywhere_is_put_together(tmp_path: Path) -> None:
    server = Server()
    stream = event("ADDED", "b", "11") + event("MODIFIED", "b", "12") + event("DELETED", "a", "13")
    server.watches = [sends(stream[:50], stream[50:51], stream[51:])]
    async with watching(tmp_path, server) as cache:
        await until(cache, lambda: cache.synced and "a" not in cache.objects)
        assert cache.objects["b"].metadata.resource_version == "12"
        assert cache.age() == 0.0


async def test_many_events_of_one_chunk_wake_whoever_waits_once(tmp_path: Path) -> None:
    server, notices = Server(), []
    server.watches = [sends(b"".join(event("ADDED", f"p{number}", str(number)) for number in range(11, 300)))]
    async with watching(tmp_path, server, notify=lambda: notices.append(1)) as cache:
        await until(cache, lambda: len(cache.objects) == 290)
        assert len(notices) < 30


async def test_a_watch_that_ends_in_good_order_goes_on_where_it_was_without_a_list(tmp_path: Path) -> None:
    server = Server()
    server.watches = [
        sends(event("BOOKMARK", "", "42"), event("ADDED", "b", "43"), then=ends),
        sends(event("ADDED", "c", "44")),
    ]
    async with watching(tmp_path, server) as cache:
        await until(cache, lambda: "c" in cache.objects)
        assert cache.live
        assert cache.error == ""
    assert server.watched == ["10", "43"]
    assert server.listed == 1


async def test_a_watch_that_ends_at_once_again_and_again_is_no_storm(tmp_path: Path) -> None:
    server = Server()
    server.watches = [ends]
    async with watching(tmp_path, server) as cache:
        await until(cache, lambda: len(slept(cache)) >= 6)
        pauses = slept(cache)
    assert pauses == sorted(pauses)
    assert pauses[-1] > 16 * pauses[0]


@pytest.mark.parametrize("how", ["as HTTP status", "as ERROR event"])
async def test_gone_means_list_again_at_once(tmp_path: Path, how: str) -> None:
    server = Server()
    error = b'{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}\n'
    first = Refusal(410, "Expired") if how == "as HTTP status" else sends(error)
    server.watches = [first, hold]
    server.lists = [lambda: pods("a"), lambda: pods("b", version="90")]
    async with watching(tmp_path, server) as cache:
        await until(cache, lambda: "b" in cache.objects and cache.live)
        assert list(cache.objects) == ["b"]
        assert cache.error == ""
        assert slept(cache) == []
    assert server.watched == ["10", "90"]


async def test_gone_after_every_list_slows_down(tmp_path: Path) -> None:
    server = Server()
    server.watches = [sends(b'{"type":"ERROR","object":{"code":410}}\n')]
    async with watching(tmp_path, server) as cache:
        await until(cache, lambda: len(slept(cache)) >= 4)
        assert slept(cache)[3] > slept(cache)[0]


async def test_a_lost_connection_is_stale_with_its_data_kept_until_it_is_back(tmp_path: Path) -> None:
    server = Server()
    server.watches = [breaks, hold]
    async with watching(tmp_path, server) as cache:
        await until(cache, lambda: bool(cache.error))
        assert list(cache.objects) == ["a"]
        assert not cache.live
        assert cache.age() >= 0.0
        await until(cache, lambda: cache.live)
        assert cache.error == ""
    assert server.listed == 1


async def test_a_connection_that_is_dead_without_being_closed_is_given_up(tmp_path: Path) -> None:
    server = Server()
    server.watches = [hold, sends(event("ADDED", "b", "11"))]
    async with watching(tmp_path, server, silence=0.1) as cache:
        await until(cache, lambda: "b" in cache.objects)
    assert len(server.watched) == 2


async def test_a_web_page_in_place_of_a_watch_is_said_and_tried_again(tmp_path: Path) -> None:
    server = Server()
    server.watches = [sends(b"<html>\n<body>log in</body>\n"), sends(event("ADDED", "b", "11"))]
    async with watching(tmp_path, server) as cache:
        await until(cache, lambda: "web page" in cache.error)
        await until(cache, lambda: "b" in cache.objects)


async def test_a_busy_server_is_given_the_time_it_asks_for(tmp_path: Path) -> None:
    server = Server()
    server.watches = [Refusal(429, "TooManyRequests", "slow down", {"Retry-After": "7"}), hold]
    async with watching(tmp_path, server) as cache:
        await until(cache, lambda: cache.live)
        assert slept(cache) == [7.0]


async def test_a_missing_right_stays_said_and_is_asked_about_seldom(tmp_path: Path) -> None:
    server = Server()
    sentence = 'pods is forbidden: User "viewer" cannot list resource "pods"'
    server.lists = [lambda: status(403, "Forbidden", sentence)]
    async with watching(tmp_path, server) as cache:
        await cache.wait_synced()
        assert cache.denied
        assert 'cannot list resource "pods"' in cache.error
        await until(cache, lambda: bool(slept(cache)))
        assert slept(cache)[0] >= DENIED_PAUSE / 2


async def test_credentials_that_ended_are_renewed_within_the_watch(tmp_path: Path) -> None:
    server = Server()
    server.watches = [Refusal(401, "Unauthorized"), hold]
    async with watching(tmp_path, server) as cache:
        await until(cache, lambda: cache.live)
        assert cache.error == ""
        assert slept(cache) == []


async def test_a_server_that_does_not_know_where_we_left_off_is_asked_for_a_list(tmp_path: Path) -> None:
    server = Server()
    server.watches = [Refusal(504, "Timeout", "Too large resource version: 10, current: 3")] * 4 + [hold]
    server.lists = [lambda: pods("a"), lambda: pods("restored", version="3")]
    async with watching(tmp_path, server) as cache:
        await until(cache, lambda: "restored" in cache.objects and cache.live)
    assert server.watched == ["10"] * 4 + ["3"]


async def test_who_may_list_but_not_watch_is_served_by_lists(tmp_path: Path) -> None:
    server = Server()
    server.watches = [Refusal(403, "Forbidden", "cannot watch")]
    server.lists = [lambda: pods("a"), lambda: pods("b", version="11")]
    async with watching(tmp_path, server) as cache:
        await until(cache, lambda: "b" in cache.objects)
        await until(cache, lambda: cache.denied)


async def test_a_namesake_made_anew_is_not_lost_to_the_end_of_the_first(tmp_path: Path) -> None:
    server = Server()
    late = event("DELETED", "a", "12", uid="the-first")
    server.watches = [sends(event("ADDED", "a", "11", uid="the-second"), late, event("ADDED", "z", "13"))]
    async with watching(tmp_path, server) as cache:
        await until(cache, lambda: "z" in cache.objects)
        assert cache.objects["a"].metadata.uid == "the-second"


async def test_an_event_without_an_end_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("releaseconsole.cluster.watch.LONGEST_LINE", 1_000)
    server = Server()
    server.watches = [sends(b"x" * 5_000)]
    async with watching(tmp_path, server) as cache:
        await until(cache, lambda: "without an end" in cache.error)
