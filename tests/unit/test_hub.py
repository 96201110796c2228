"""The session's notice board."""

from __future__ import annotations

import asyncio

import pytest

from releaseconsole.session.hub import MOST_NOTICES, Hub


async def test_whoever_waits_is_woken_by_the_next_change() -> None:
    hub = Hub()
    waiting = [asyncio.create_task(hub.changed(0)) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    hub.touch()
    assert await asyncio.gather(*waiting) == [1, 1, 1]


async def test_whoever_has_seen_an_older_version_does_not_wait() -> None:
    hub = Hub()
    for _ in range(3):
        hub.touch()
    assert await hub.changed(1) == 3


async def test_a_thousand_touches_wake_a_waiter_once_with_the_newest_version() -> None:
    hub = Hub()
    waiting = asyncio.create_task(hub.changed(0))
    await asyncio.sleep(0)
    for _ in range(1000):
        hub.touch()
    assert await waiting == 1000


async def test_a_waiter_that_gives_up_leaves_nothing_behind() -> None:
    hub = Hub()
    waiting = asyncio.create_task(hub.changed(0))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    hub.touch()
    assert await hub.changed(0) == 1


def test_sentences_are_taken_once_in_their_order() -> None:
    hub = Hub()
    hub.tell("first")
    hub.tell("second", "error")
    hub.tell("first")
    assert [(notice.text, notice.severity) for notice in hub.take_notices()] == [
        ("first", "information"),
        ("second", "error"),
    ]
    assert hub.take_notices() == ()
    assert hub.version == 2


def test_of_a_flood_of_sentences_the_newest_are_kept() -> None:
    hub = Hub()
    for number in range(MOST_NOTICES * 3):
        hub.tell(f"number {number}")
    taken = hub.take_notices()
    assert len(taken) == MOST_NOTICES
    assert taken[-1].text == f"number {MOST_NOTICES * 3 - 1}"
