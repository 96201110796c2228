"""Work that is brought to its end whatever happens meanwhile, and cancellations that no error may hide."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Coroutine, Iterable
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Closable(Protocol):
    """What holds connections."""

    async def close(self) -> None: ...


async def finish(work: Coroutine[Any, Any, T]) -> T:
    """Await ``work`` to its end even when the caller is cancelled meanwhile; that comes after it."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        await _ended(task)
        raise
    return task.result()


async def apart(work: Awaitable[T]) -> T:
    """Await ``work`` in a task of its own: whoever catches its errors and goes on cannot miss a cancellation.

    A TaskGroup in which one task fails while it is being cancelled raises that failure alone, and so hides the
    cancellation, which comes only once: the caller would go on for ever. Here the caller is the one that is cancelled.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        task.cancel()
        await _ended(task)
        raise
    return task.result()


async def _ended(task: asyncio.Future[Any]) -> None:
    """Return when it has ended, however often the caller is cancelled meanwhile; what it raised is of no interest."""
    while not task.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({task})
    if not task.cancelled():
        task.exception()


async def close_all(things: Iterable[Closable]) -> None:
    """Close each of them to its end, all at once. Raises what closing one raised, after all had their turn."""

    async def each() -> None:
        errors = await asyncio.gather(*(one.close() for one in things), return_exceptions=True)
        for error in errors:
            if error is not None:
                raise error

    await finish(each())
