"""A rollback as a person fires it: pinned, released, rehearsed, and then the key."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from releaseconsole.session import Session
    from releaseconsole.session.views import RollbackPreview

PATIENCE = 120.0


async def fire(session: Session, environment: str, release: Callable[[], Awaitable[None]]) -> float:
    """Seconds from the key to the last PATCH that was accepted. Returns when the rollback has ended."""
    await session.ready({environment}, 10.0, metrics=False)
    await session.pin(environment)
    await release()
    await until(session, lambda: rehearsed(session, environment) is not None)
    preview = rehearsed(session, environment)
    assert preview is not None
    started = time.perf_counter()
    session.start_rollback(preview, "benchmark")
    await until(session, lambda: patched(session))
    took = time.perf_counter() - started
    await until(session, lambda: bool(session.state.rollbacks[-1].outcome))
    return took


async def until(session: Session, holds: Callable[[], bool]) -> None:
    """Wait for a condition of the session. Raises TimeoutError."""
    async with asyncio.timeout(PATIENCE):
        version = session.version
        while not holds():
            version = await session.changed(version)


def rehearsed(session: Session, environment: str) -> RollbackPreview | None:
    """The preview, once the rehearsal has seen every new image and nothing has changed since."""
    preview = session.prepared_preview(environment)
    if preview is None or not session.observer(environment).rehearsal.current():
        return None
    ready = all(not one.problem and not one.skipped for one in preview.lines)
    return preview if ready and _all_new(session, environment) else None


def _all_new(session: Session, environment: str) -> bool:
    return all(
        one.rollback_ready and one.image != one.previous_image
        for one in session.environment(environment).workloads
    )


def patched(session: Session) -> bool:
    """Whether every PATCH of the last rollback was accepted."""
    rollbacks = session.state.rollbacks
    return bool(rollbacks) and all("patched" in one.times for one in rollbacks[-1].workloads.values())
