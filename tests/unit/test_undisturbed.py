"""What was begun is brought to its end, whoever is cancelled meanwhile."""

from __future__ import annotations

import asyncio

import pytest

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
