"""What a rehearsal costs the API server: the dry runs are counted there, by a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hand_clock import HandClock
from session_kit import PATIENCE, SERVICES, Place, practice

from releaseconsole.sandbox.api import server
from releaseconsole.session import Session
from releaseconsole.session.rehearsal import REHEARSE_EVERY, STORM
from releaseconsole.session.rights import KEPT

PRODUCTION = "production"
ONCE = Counter(SERVICES)


class Counted:
    """The requests that the API servers got, by what they were."""

    def __init__(self) -> None:
        self.dry_runs: Counter[str] = Counter()
        self.reviews = 0

    def take(self, request: web.BaseRequest) -> None:
        if request.method == "PATCH" and "dryRun" in request.query:
            self.dry_runs[request.path.rpartition("/")[2]] += 1
        elif request.path.endswith("/selfsubjectaccessreviews"):
            self.reviews += 1


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    found = Counted()
    answer = server.answer

    async def counting(api: Any, request: web.BaseRequest) -> web.StreamResponse:
        found.take(request)
        return await answer(api, request)

    monkeypatch.setattr(server, "answer", counting)
    return found


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with practice(tmp_path) as made:
        yield made


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


async def comes(clock: HandClock, holds: Callable[[], object], step: float = 0.1) -> None:
    """Let time go by until ``holds``; what it waits for needs real time as well."""
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await clock.move(step, step)


@pytest.fixture
async def session(place: Place, clock: HandClock, counted: Counted) -> AsyncIterator[Session]:
    """Production is looked at and was rehearsed once; its counts begin now."""
    async with place.opened(clock=clock) as opened:
        opened.focus(PRODUCTION)
        await comes(clock, lambda: opened.environment(PRODUCTION).armed.armed)
        assert counted.dry_runs == ONCE
        counted.dry_runs.clear()
        yield opened


def change(place: Place, edit: Callable[[dict[str, Any]], object], name: str = "api-gateway") -> None:
    place.cluster.stores[PRODUCTION].update("deployments", "healthpay", name, edit)


def generation(place: Place) -> int:
    found = place.cluster.stores[PRODUCTION].get("deployments", "healthpay", "api-gateway")
    return int(found["metadata"]["generation"])


async def test_at_rest_each_workload_is_tried_once_a_minute(
    session: Session, clock: HandClock, counted: Counted
) -> None:
    begun = clock.at
    await comes(clock, lambda: all(counted.dry_runs[name] >= 5 for name in SERVICES), 0.5)
    lasted = clock.at - begun
    assert max(counted.dry_runs.values()) <= 1 + lasted / REHEARSE_EVERY
    assert lasted < 5 * 1.5 * REHEARSE_EVERY


async def test_a_changed_template_is_tried_at_once_and_costs_the_others_nothing(
    session: Session, clock: HandClock, counted: Counted, place: Place
) -> None:
    await clock.move(STORM + 1)
    begun = clock.at
    place.set_tag("1.0.1", "api-gateway")
    await comes(clock, lambda: counted.dry_runs)
    assert clock.at - begun < REHEARSE_EVERY / 2
    await clock.move(STORM)
    assert counted.dry_runs == Counter({"api-gateway": 1})


async def test_a_changed_pin_is_tried_at_once(
    session: Session, clock: HandClock, counted: Counted, place: Place
) -> None:
    await session.pin(PRODUCTION)
    await comes(
        clock, lambda: all(one.already_there for one in session.environment(PRODUCTION).armed.details)
    )
    place.set_tag("1.0.1", "api-gateway")
    await comes(clock, lambda: counted.dry_runs)
    counted.dry_runs.clear()
    await clock.move(STORM + 1)
    begun = clock.at
    await session.pin(PRODUCTION)
    await comes(
        clock, lambda: all(one.already_there for one in session.environment(PRODUCTION).armed.details)
    )
    # What runs is the pin by now: there is nothing to try, and the right was asked for in its place.
    assert clock.at - begun < REHEARSE_EVERY / 2
    assert counted.dry_runs == Counter()
    assert counted.reviews == len(SERVICES)


async def test_a_storm_of_fifty_changes_a_second_costs_one_dry_run_in_some_seconds(
    session: Session, clock: HandClock, counted: Counted, place: Place
) -> None:
    before, begun = generation(place), clock.at
    for number in range(500):
        change(place, lambda obj, number=number: obj["spec"].update(minReadySeconds=1 + number % 5))
        await clock.move(0.02, 0.02)
    lasted = clock.at - begun
    assert generation(place) >= before + 500
    assert set(counted.dry_runs) <= {"api-gateway"}
    assert 1 <= counted.dry_runs["api-gateway"] <= 1 + lasted / STORM
    # And when it is over, the last state is tried, so that “armed” is of what is there.
    seen = counted.dry_runs["api-gateway"]
    await comes(clock, lambda: counted.dry_runs["api-gateway"] > seen, 0.5)
    assert clock.at - begun - lasted < REHEARSE_EVERY
    assert session.environment(PRODUCTION).armed.ready == len(SERVICES)


async def test_a_storm_of_changes_to_status_and_labels_alone_costs_nothing(
    session: Session, clock: HandClock, counted: Counted, place: Place
) -> None:
    before = generation(place)
    for number in range(200):

        def noise(obj: dict[str, Any], number: int = number) -> None:
            obj["metadata"].setdefault("labels", {})["beat"] = str(number)
            obj["status"]["collisionCount"] = number

        change(place, noise)
        await clock.move(0.05, 0.05)
    assert generation(place) == before
    assert counted.dry_runs == Counter()


async def test_the_right_to_patch_is_asked_for_once_in_five_minutes(
    session: Session, clock: HandClock, counted: Counted
) -> None:
    counted.reviews = 0
    await session.pin(PRODUCTION)
    await comes(clock, lambda: counted.reviews == len(SERVICES))
    await clock.move(KEPT - REHEARSE_EVERY - 20, 5)
    assert counted.reviews == len(SERVICES)
    await comes(clock, lambda: counted.reviews == 2 * len(SERVICES), 5)


async def test_a_read_only_console_tries_nothing_and_asks_for_the_right_alone(
    place: Place, clock: HandClock, counted: Counted
) -> None:
    async with place.opened(clock=clock, read_only=True) as looking:
        looking.focus(PRODUCTION)
        await comes(clock, lambda: looking.environment(PRODUCTION).armed.armed)
        await clock.move(2 * REHEARSE_EVERY, 5)
        assert counted.dry_runs == Counter()
        assert counted.reviews == len(SERVICES)
