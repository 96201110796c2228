"""Values that a real Prometheus scrapes while we look: what changes, stops, restarts and comes back."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

import pytest
from prom_exporter import Page
from prom_follow import ShiftedClock, feed_of, follow, objective_text
from prom_recording import START, Recording
from prom_server import Connect, Prometheus, Start
from prom_situation import ERROR_RATE, LEVEL, TRAFFIC

from releaseconsole.metrics.trigger import TriggerState
from releaseconsole.session.feed import POLL_EVERY
from releaseconsole.session.focus import Focus

OK, PENDING, BREACH = TriggerState.OK, TriggerState.PENDING, TriggerState.BREACH
NO_DATA, DOWN = TriggerState.NO_DATA, TriggerState.PROVIDER_DOWN
RATE = {"query": ERROR_RATE, "traffic": TRAFFIC, "unit": "%", "when": "> 1", "window": "5s", "hold": "1s"}


async def test_a_gauge_whose_target_fails_is_gone_at_once_and_not_after_five_minutes(
    live: Prometheus, page: Page, connect: Connect
) -> None:
    page.show("level 20\n")
    level = follow(connect(live.url), page.namespace, hold="10m")
    await level.until(PENDING)
    page.status = 500
    before = time.monotonic()
    await level.until(NO_DATA, "the query answered nothing")
    assert time.monotonic() - before < 10


async def test_a_series_that_leaves_a_page_which_is_still_scraped_is_gone_too(
    live: Prometheus, page: Page, connect: Connect
) -> None:
    page.show("level 20\nother 1\n")
    level = follow(connect(live.url), page.namespace, hold="10m")
    await level.until(PENDING)
    page.show("other 1\n")
    await level.until(NO_DATA, "the query answered nothing")
    assert live.query(f'up{{namespace="{page.namespace}"}}')[0]["value"][1] == "1"


async def test_a_target_that_goes_down_is_seen_by_up(live: Prometheus, page: Page, connect: Connect) -> None:
    page.show("level 1\n")
    up = follow(connect(live.url), page.namespace, query='up{namespace="$namespace"}', when="< 1", hold="1s")
    await up.until(OK)
    page.status = 500
    await up.until(BREACH, "0 is beyond")


async def test_errors_are_seen_and_a_restart_of_the_process_is_no_spike(
    live: Prometheus, page: Page, connect: Connect
) -> None:
    page.count(http_requests_total__code__200=99.9, http_requests_total__code__500=0.1)
    errors = follow(connect(live.url), page.namespace, **RATE)
    await errors.until(OK, "0.1 is on the safe side")
    page.count(http_requests_total__code__200=99.9, http_requests_total__code__500=0.1)
    after_the_restart = await errors.during(3.0)
    assert {one.state for one in after_the_restart} <= {OK, NO_DATA}
    page.count(http_requests_total__code__200=90, http_requests_total__code__500=10)
    await errors.until(BREACH, "is beyond the rollback line")


async def test_a_service_that_never_failed_is_no_data_and_the_plan_is_told_why(
    live: Prometheus, page: Page, connect: Connect
) -> None:
    page.count(http_requests_total__code__200=100)
    errors = follow(connect(live.url), page.namespace, **RATE)
    await errors.until(NO_DATA, "`or vector(0)`")


@pytest.fixture
def ahead() -> Recording:
    """A level that is beyond the line from a minute ago until two minutes from now."""
    recording = Recording()
    for second in range(-60, 120, 5):
        recording.sample("level", {"namespace": "ahead"}, time.time() - START + second, 20)
    return recording


async def test_a_hold_is_neither_reset_nor_extended_by_a_prometheus_that_is_killed(
    ahead: Recording, start: Start, connect: Connect
) -> None:
    prometheus = start(recording=ahead)
    level = follow(connect(prometheus.url), "ahead", hold="4s")
    await level.until(PENDING, "2 s of 4 s")
    prometheus.kill()
    dead = await level.during(2.0)
    assert {one.state for one in dead} == {DOWN}
    (held,) = {one.held for one in dead}
    prometheus.start()
    restarted = time.monotonic()
    after = await level.until(BREACH)
    assert after[0].state is PENDING
    assert after[0].held == held
    assert time.monotonic() - restarted >= 4 - held
    assert after[-1].held == pytest.approx(4, abs=1)


@pytest.mark.parametrize("skew", [-300.0, 300.0])
async def test_a_clock_that_is_five_minutes_off_changes_nothing(
    skew: float, ahead: Recording, start: Start
) -> None:
    prometheus = start(recording=ahead)
    watched = feed_of(
        f'{{ url = "{prometheus.url}", timeout = "1s" }}', "ahead",
        objective_text("level", LEVEL, "2s"),
        objective_text("gap", f"{LEVEL} and on () (vector(time()) % 2 >= 1)", "2s"),
        clock=ShiftedClock(skew),
    )  # fmt: skip
    async with asyncio.timeout(30):
        while not {("level", BREACH), ("gap", NO_DATA)} <= {(name, state) for _, name, state in watched.told}:
            await watched.feed.poll()
            await asyncio.sleep(0.1)
    for name in ("level", "gap"):
        view = watched.feed.view(name)
        assert view is not None
        times = [at for at, _ in view.history]
        assert times == sorted(times)
        assert times[-1] == pytest.approx(time.time(), abs=10)
        assert time.monotonic() - view.seen < 10
    await watched.feed.close()


async def test_a_breach_is_in_the_feed_one_poll_and_a_second_after_it_is_one(
    live: Prometheus, page: Page
) -> None:
    page.show("level 5\n")
    watched = feed_of(f'{{ url = "{live.url}" }}', page.namespace, objective_text("level", LEVEL, "2s"))
    focus = Focus()
    focus.set(True)
    running = asyncio.create_task(watched.feed.run(focus))
    await watched.until(OK)
    page.show("level 20\n")
    query = LEVEL.replace("$namespace", page.namespace)
    await asyncio.to_thread(live.wait_for, f"{query} > 10")
    visible = time.monotonic()
    await watched.until(BREACH)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    await watched.feed.close()
    assert watched.told[-1][0] - (visible + 2.0) <= POLL_EVERY + 1
