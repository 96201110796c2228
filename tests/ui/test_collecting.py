"""The garbage collector holds off while somebody waits for the rollback, and never for longer."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator

import pytest
from frame_driver import opened
from standin import StandIn

from releaseconsole.ui.collecting import Collecting


@pytest.fixture(autouse=True)
def collected_as_ever() -> Iterator[None]:
    assert gc.isenabled()
    yield
    assert gc.isenabled()


def test_it_is_on_again_when_the_last_block_has_ended() -> None:
    collecting = Collecting()
    with collecting.held_off():
        with collecting.held_off():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


async def test_it_is_on_again_when_whoever_waits_is_cancelled() -> None:
    resting = asyncio.create_task(Collecting().rest())
    await asyncio.sleep(0)
    assert not gc.isenabled()
    resting.cancel()
    await asyncio.gather(resting, return_exceptions=True)
    assert gc.isenabled()


async def test_it_is_on_again_soon_after_the_preview_was_shown() -> None:
    async with opened(StandIn()) as console:
        await console.press("ctrl+r")
        await console.sees("to roll back now")
        await console.until(gc.isenabled, "the collector is on again")


async def test_it_is_on_again_when_the_console_is_left_over_a_preview() -> None:
    async with opened(StandIn()) as console:
        await console.press("ctrl+r")
        await console.sees("to roll back now")
