from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from apikit import PODS, TABLE, TOKEN, pod, serving, until

from releaseconsole.sandbox.api.tls import make_authority


async def take(events: AsyncIterator[Any], count: int) -> list[tuple[str, str]]:
    """Type and name of the next events."""
    found = []
    async with asyncio.timeout(5):
        while len(found) < count:
            event = await anext(events)
            found.append((event["type"], event["object"].get("metadata", {}).get("name", "")))
    return found


async def test_a_watch_without_a_version_starts_with_what_there_is() -> None:
    async with serving() as api:
        api.store.create("pods", pod("a"))
        async with api.watch(f"{PODS}?watch=1") as events:
            assert await take(events, 1) == [("ADDED", "a")]
            api.store.create("pods", pod("b"))
            api.store.delete("pods", "shop", "a")
            assert await take(events, 2) == [("ADDED", "b"), ("DELETED", "a")]


async def test_a_watch_from_a_list_misses_nothing_and_repeats_nothing() -> None:
    async with serving() as api:
        api.store.create("pods", pod("a"))
        version = (await api.get(PODS)).body["metadata"]["resourceVersion"]
        api.store.create("pods", pod("b"))
        async with api.watch(f"{PODS}?watch=true&resourceVersion={version}") as events:
            assert await take(events, 1) == [("ADDED", "b")]


async def test_an_object_enters_and_leaves_a_selection() -> None:
    async with serving() as api:
        api.store.create("pods", pod("a", app="db"))
        version = api.store.resource_version
        query = f"watch=true&resourceVersion={version}&labelSelector=app%3Dweb"
        async with api.watch(f"{PODS}?{query}") as events:
            for app in ("web", "web2", "db"):
                api.store.update(
                    "pods", "shop", "a", lambda obj, app=app: obj["metadata"]["labels"].update(app=app)
                )
            api.store.delete("pods", "shop", "a")
            api.store.create("pods", pod("b", app="web"))
            assert await take(events, 3) == [("ADDED", "a"), ("DELETED", "a"), ("ADDED", "b")]


async def test_a_watch_keeps_to_its_namespace_and_name() -> None:
    async with serving() as api:
        version = api.store.resource_version
        path = f"{PODS}?watch=true&resourceVersion={version}&fieldSelector=metadata.name%3Db"
        async with api.watch(path) as events:
            api.store.create("pods", pod("a"))
            api.store.create("pods", {**pod("b"), "metadata": {"name": "b", "namespace": "default"}})
            api.store.create("pods", pod("b"))
            event = await anext(events)
            assert (event["object"]["metadata"]["name"], event["object"]["metadata"]["namespace"]) == (
                "b",
                "shop",
            )


async def test_an_old_version_gives_an_error_event_in_a_stream() -> None:
    async with serving() as api:
        version = api.store.resource_version
        api.store.create("pods", pod())
        api.store.compact()
        async with api.watch(f"{PODS}?watch=true&resourceVersion={version}") as events:
            event = await anext(events)
            assert (event["type"], event["object"]["code"], event["object"]["reason"]) == (
                "ERROR",
                410,
                "Expired",
            )
            with pytest.raises(StopAsyncIteration):
                await anext(events)


async def test_bookmarks_come_when_they_are_asked_for() -> None:
    async with serving(bookmark_seconds=0.02) as api:
        version = api.store.resource_version
        api.store.create("configmaps", {"metadata": {"name": "c", "namespace": "shop"}})
        path = f"{PODS}?watch=true&allowWatchBookmarks=true&resourceVersion={version}"
        async with api.watch(path) as events:
            event = await anext(events)
            assert (event["type"], event["object"]["kind"]) == ("BOOKMARK", "Pod")
            assert event["object"]["metadata"]["resourceVersion"] == str(api.store.resource_version)
        async with api.watch(f"{PODS}?watch=true&timeoutSeconds=1&resourceVersion={version}") as events:
            assert [event async for event in events] == []


async def test_a_streaming_list_ends_with_a_marked_bookmark() -> None:
    async with serving() as api:
        api.store.create("pods", pod("a"))
        query = "watch=true&sendInitialEvents=true&allowWatchBookmarks=true"
        async with api.watch(f"{PODS}?{query}&resourceVersionMatch=NotOlderThan") as events:
            assert await take(events, 1) == [("ADDED", "a")]
            mark = await anext(events)
            assert mark["type"] == "BOOKMARK"
            assert mark["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
        assert (await api.get(f"{PODS}?{query}")).status == 422


async def test_a_watch_of_tables_tells_its_columns_once() -> None:
    async with serving() as api:
        api.store.create("pods", pod("a"))
        async with api.watch(f"{PODS}?watch=true", headers=TABLE) as events:
            first = await anext(events)
            assert first["object"]["rows"][0]["cells"][0] == "a"
            assert first["object"]["columnDefinitions"]
            api.store.create("pods", pod("b"))
            second = await anext(events)
            assert second["object"]["rows"][0]["cells"][0] == "b"
            assert second["object"]["columnDefinitions"] == []


async def test_a_reader_that_falls_behind_is_sent_away_to_list_again() -> None:
    async with serving(history=4) as api, api.watch(f"{PODS}?watch=true") as events:
        for number in range(64):
            api.store.create("pods", pod(f"p{number}"))
        kinds = [event["type"] async for event in events]
        assert kinds == ["ERROR"]


async def test_stopping_ends_open_watches_at_once_and_leaves_no_task() -> None:
    before = asyncio.all_tasks()
    async with serving() as api, api.watch(f"{PODS}?watch=true") as events:
        reading = asyncio.ensure_future(anext(events))
        async with asyncio.timeout(2):
            await api.server.stop()
            with pytest.raises((StopAsyncIteration, aiohttp.ClientError)):
                await reading
    assert asyncio.all_tasks() == before


async def test_a_client_that_goes_away_gives_its_place_up() -> None:
    async with serving() as api:
        async with api.watch(f"{PODS}?watch=true"):
            assert api.store.watching == 1
        await until(lambda: not api.store.watching)


async def test_a_server_can_be_started_again_on_its_port_and_over_tls() -> None:
    authority = make_authority()
    async with serving(ssl_context=authority.server) as api:
        url, port = api.server.url, int(api.server.url.rsplit(":", 1)[1])
        await api.server.stop()
        assert await api.server.start(port=port) == url
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with api.session.get(url + PODS, headers=headers, ssl=authority.client()) as answer:
            assert answer.status == 200
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await api.session.get(url + PODS, headers=headers)
