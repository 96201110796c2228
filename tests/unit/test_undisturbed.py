"""What was begun is brought to its end, whoever is cancelled meanwhile."""

from __future__ import annotations

import asyncio

import pytest

from releaseconsole.clock import SystemClock
from releaseconsole.metrics.lookup import together
from releaseconsole.session.guard import kept_going
from releaseconsole.session.hub import Hub
from releaseconsole.undisturbed import close_all, finish


class Door:
    """Takes a turn of the loop to close, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.closed = False
        self.begun = asyncio.Event()
        self.error = error

    async def close(self) -> None:
        self.begun.set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        self.closed = True
        if self.error is not None:
            raise self.error


async def test_a_caller_who_is_cancelled_leaves_nothing_half_closed() -> None:
    doors = [Door() for _ in range(3)]
    closing = asyncio.create_task(close_all(doors))
    await doors[0].begun.wait()
    closing.cancel()
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert all(door.closed for door in doors)


async def test_one_that_fails_does_not_keep_the_others_open() -> None:
    doors = [Door(), Door(OSError("broken pipe")), Door()]
    with pytest.raises(OSError, match="broken pipe"):
        await close_all(doors)
    assert all(door.closed for door in doors)


async def test_the_result_and_the_error_of_what_was_finished_are_the_callers() -> None:
    async def answer(error: Exception | None = None) -> int:
        await asyncio.sleep(0)
        if error is not None:
            raise error
        return 7

    assert await finish(answer()) == 7
    with pytest.raises(ValueError, match="no"):
        await finish(answer(ValueError("no")))


async def fails_when_it_is_ended(begun: asyncio.Event) -> None:
    """A part of some work that breaks in the very moment in which all of it is cancelled."""
    begun.set()
    try:
        await asyncio.sleep(3600)
    finally:
        raise OSError("the connection broke")


async def part_of_a_group(begun: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(fails_when_it_is_ended(begun))


async def test_a_failure_in_the_moment_of_a_cancellation_does_not_hide_it_from_a_worker() -> None:
    begun = asyncio.Event()
    hub, clock = Hub(), SystemClock()
    worker = asyncio.create_task(kept_going(lambda: part_of_a_group(begun), "watch", hub, clock))
    await begun.wait()
    worker.cancel()
    async with asyncio.timeout(30):
        await asyncio.wait({worker})
    assert worker.cancelled()
    assert hub.take_notices() == ()


async def test_nor_from_whoever_asks_for_several_things_at_once() -> None:
    begun = asyncio.Event()
    going_on = False

    async def asking() -> None:
        nonlocal going_on
        try:
            await together([fails_when_it_is_ended(begun)])
        except OSError:
            going_on = True

    task = asyncio.create_task(asking())
    await begun.wait()
    task.cancel()
    await asyncio.wait({task})
    assert (task.cancelled(), going_on) == (True, False)


async def test_a_worker_that_only_fails_begins_again() -> None:
    class NoPause(SystemClock):
        async def sleep(self, seconds: float) -> None:
            await asyncio.sleep(0)

    tries = 0

    async def broken_at_first() -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise ExceptionGroup("several", [OSError("the connection broke")])

    hub = Hub()
    await kept_going(broken_at_first, "watch", hub, NoPause())
    assert tries == 2
    assert "OSError: the connection broke" in hub.take_notices()[0].text
