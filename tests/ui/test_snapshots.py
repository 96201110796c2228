"""A few pictures of the screen, so that nothing moves unnoticed: a release that stands still, and a stopped clock.

`pytest tests/ui/test_snapshots.py --snapshot-update` draws them anew; look at the difference before it is kept.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from standin import EPOCH, StandIn, burning_view
from textual.pilot import Pilot

from releaseconsole.record.model import ActionStatus, ItemStatus
from releaseconsole.ui.app import ConsoleApp

Snapshot = Callable[..., bool]


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "UTC")
        patched.delenv("NO_COLOR", raising=False)
        time.tzset()
        yield
    time.tzset()


def a_release_that_burns() -> StandIn:
    """Every state of an item, an action that ran and one that failed, and an error rate beyond its line."""
    session = StandIn()
    for placed in (*session.plan.phase("pre").items(), *session.plan.phase("uat").items()):
        session.set_item(placed.id, ItemStatus.DONE)
    session.decide("production", True, "the window is 09:00 to 11:00")
    session.set_item("production-pods", ItemStatus.FAILED, by="auto", reason="13 of 14 pods are ready")
    session.set_item("production-errors", ItemStatus.UNKNOWN, by="auto", reason="no traffic")
    session.set_item("production-otp", ItemStatus.PASSED, by="auto", reason="429 on the fourth request")
    session.set_item("support", ItemStatus.DONE, note="until noon")
    session.set_item("backup", ItemStatus.OVERRIDDEN, reason="the nightly one is enough")
    session.set_item("tps", ItemStatus.DEFERRED, reason="after the load test")
    session.set_item("cache", ItemStatus.NOT_APPLICABLE, reason="there is no cache yet")
    session.set_action("production-apply", ActionStatus.SUCCEEDED, summary="3 configured", ended=EPOCH - 20)
    session.set_action(
        "production-wait", ActionStatus.FAILED, summary="query-service is failing", ended=EPOCH - 20
    )
    session.views["production"] = burning_view()
    return session


def shown(session: StandIn, *keys: str) -> dict[str, Any]:
    """The console on that release, after some keys."""

    async def walk(pilot: Pilot[int]) -> None:
        app: Any = pilot.app
        for _ in range(200):
            if app._opened and app._seen == session.version:
                break
            await pilot.pause(0.02)
        await pilot.press("4", *keys)
        app.clear_notifications()
        await pilot.pause()

    before: Callable[[Pilot[int]], Awaitable[None]] = walk
    return {"app": ConsoleApp(session, clock=session.clock), "run_before": before}


@pytest.mark.parametrize(("columns", "rows"), [(200, 50), (80, 24)])
def test_the_frame_while_production_burns(snap_compare: Snapshot, columns: int, rows: int) -> None:
    assert snap_compare(**shown(a_release_that_burns()), terminal_size=(columns, rows))


def test_the_rollback_preview(snap_compare: Snapshot) -> None:
    assert snap_compare(**shown(a_release_that_burns(), "ctrl+r"), terminal_size=(120, 30))


def test_the_help(snap_compare: Snapshot) -> None:
    assert snap_compare(**shown(StandIn(), "question_mark"), terminal_size=(100, 40))
