"""Work that is brought to its end whatever happens meanwhile: closing what was opened, ending what was begun."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Closable(Protocol):
    """What holds connections."""

    async def close(self) -> None: ...


async def finish(work: Coroutine[Any, Any, T]) -> T:
    """Await ``work`` to its end even when the caller is cancelled meanwhile; that comes after it."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if task.cancelled():
                raise
            cancelled = error
    if cancelled is not None:
        task.exception()
        raise cancelled
    return task.result()


async def close_all(things: Iterable[Closable]) -> None:
    """Close each of them to its end, all at once. Raises what closing one raised, after all had their turn."""

    async def each() -> None:
        errors = await asyncio.gather(*(one.close() for one in things), return_exceptions=True)
        for error in errors:
            if error is not None:
                raise error

    await finish(each())
