"""What is on the disk when a patch goes out, seen from the server that the patch comes to."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from session_kit import SERVICES, WALK, WORKLOADS, Place, practice, until

from releaseconsole.cluster.connect import NO_PARAMS, Answer, Client
from releaseconsole.commands.practice import endpoint_overrides
from releaseconsole.plan.load import parse_plan
from releaseconsole.plan.model import Plan
from releaseconsole.plan.variables import with_overrides
from releaseconsole.sandbox.api import server
from releaseconsole.session import Session

PRODUCTION = "production"
BAD = "1.0.1"


class Arrived:
    """For each patch, as it comes to the server, the kinds of what is in the journal's file."""

    def __init__(self, place: Place) -> None:
        self._file = place.state / "journal.jsonl"
        self.lines: list[list[dict[str, Any]]] = []
        self.others = 0
        """Requests of other kinds for a workload between the first patch and the last."""

    def take(self, request: web.BaseRequest) -> None:
        if request.method == "PATCH" and "dryRun" not in request.query:
            text = self._file.read_text("utf-8") if self._file.exists() else ""
            self.lines.append([json.loads(line) for line in text.splitlines()])
        elif self.lines and len(self.lines) < len(SERVICES):
            self.others += request.path.rpartition("/")[2] in SERVICES


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with practice(tmp_path) as made:
        yield made


@pytest.fixture
def arrived(place: Place, monkeypatch: pytest.MonkeyPatch) -> Arrived:
    found, answer = Arrived(place), server.answer

    async def looking(api: Any, request: web.BaseRequest) -> web.StreamResponse:
        found.take(request)
        return await answer(api, request)

    monkeypatch.setattr(server, "answer", looking)
    return found


def with_hook(place: Place) -> Plan:
    """The walk, with a hook that runs beside the rollback of production."""
    rules = '[environments.production.rollback]\nbefore = [{ title = "switch", shell = "echo switched" }]\n\n'
    overrides = endpoint_overrides(place.cluster)
    text = WALK.replace("[[objectives]]", f"{rules}[[objectives]]", 1)
    return with_overrides(
        parse_plan(text, "walk.toml"), {name: overrides[name] for name in ("staging", PRODUCTION)}
    )


async def armed(place: Place, session: Session) -> None:
    """Pinned, released, and rehearsed since."""
    await session.pin(PRODUCTION)
    place.set_tag(BAD)
    rehearsal = session.observer(PRODUCTION).rehearsal
    await until(
        session,
        lambda: (
            rehearsal.current() and not any(one.target.skipped for one in rehearsal.current() if one.target)
        ),
    )


async def test_all_that_will_be_patched_is_on_the_disk_before_the_first_patch(
    place: Place, arrived: Arrived
) -> None:
    async with place.opened(PRODUCTION) as session:
        await armed(place, session)
        done = await session.roll_back(PRODUCTION)
    assert done.outcome == "complete"
    assert len(arrived.lines) == len(SERVICES)
    for lines in arrived.lines:
        (started,) = [line["data"] for line in lines if line["kind"] == "rollback.started"]
        assert {one["key"].partition("/")[2].partition("/")[2] for one in started["workloads"]} == set(
            WORKLOADS
        )
        assert all(one["template"] for one in started["workloads"])
        assert [line["data"]["environment"] for line in lines if line["kind"] == "lock.set"] == [PRODUCTION]


async def test_nothing_is_read_anew_between_the_key_and_the_last_patch(
    place: Place, arrived: Arrived
) -> None:
    async with place.opened(PRODUCTION) as session:
        await armed(place, session)
        await session.roll_back(PRODUCTION)
    assert arrived.others == 0


async def test_a_rollback_that_begins_holds_the_rehearsals_back_for_a_moment(
    place: Place, arrived: Arrived
) -> None:
    async with place.opened(PRODUCTION) as session:
        await armed(place, session)
        rehearsal = session.observer(PRODUCTION).rehearsal
        slot = rehearsal._slots[0]
        before = slot.planned
        rehearsal.rest()
        slot.planned_at = float("-inf")
        slot.planned_for = None
        assert rehearsal._due(slot)
        rehearsal.wake()
        await session.verify("ready")
        assert slot.planned is before
        await until(session, lambda: slot.planned is not before)


async def test_a_hook_beside_the_patches_does_not_go_before_them(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[list[str]] = []
    exchange = Client.exchange

    async def looking(client: Client, method: str, path: str, params: Any = NO_PARAMS, *more: Any) -> Answer:
        if method == "PATCH" and "dryRun" not in params:
            sent.append([entry.kind for entry in session.ledger.entries])
        return await exchange(client, method, path, params, *more)

    async with place.opened(PRODUCTION, plan=with_hook(place)) as session:
        await armed(place, session)
        monkeypatch.setattr(Client, "exchange", looking)
        done = await session.roll_back(PRODUCTION)
    assert [hook.status for hook in done.hooks] == ["succeeded"]
    assert len(sent) == len(SERVICES)
    assert all("rollback.started" in kinds and "rollback.hook" not in kinds for kinds in sent)
