"""Ending a task group whose tasks run for ever."""

from __future__ import annotations

import asyncio
from types import TracebackType


class _Leave(Exception):
    """Not an error: what ends the group."""


async def close_group(
    tasks: asyncio.TaskGroup,
    kind: type[BaseException] | None,
    error: BaseException | None,
    trace: TracebackType | None,
) -> None:
    """Cancel every task and wait for them. Raises what went wrong in one of them, in a group."""
    if isinstance(error, asyncio.CancelledError):
        await tasks.__aexit__(kind, error, trace)
        return
    try:
        await tasks.__aexit__(_Leave, _Leave(), None)
    except* _Leave:
        pass
