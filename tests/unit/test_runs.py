"""Actions under way: one at a time each, journalled at both ends, with a bounded tail of output."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from action_kit import FakeClock

from releaseconsole.actions.outcome import Outcome
from releaseconsole.errors import ActionError, NotFound
from releaseconsole.plan.load import parse_plan
from releaseconsole.plan.model import PlacedAction
from releaseconsole.record.journal import Journal
from releaseconsole.record.model import ActionStatus
from releaseconsole.record.stores.memory import MemoryStore
from releaseconsole.session.hub import Hub
from releaseconsole.session.ledger import Ledger
from releaseconsole.session.runs import MOST_LINES, Runs

PLAN = """
[release]
name = "shop"
title = "Shop"
version = "1"
[environments.a]
targets = [{ context = "a", namespace = "shop" }]
workloads = ["deployment/web"]
[environments.b]
targets = [{ context = "b", namespace = "shop" }]
workloads = ["deployment/web"]
[[phases]]
id = "p"
title = "P"
[[phases.steps]]
id = "s"
title = "S"
actions = [
    { id = "one", shell = "true", environment = "a" },
    { id = "two", shell = "true", environment = "b" },
]
items = [{ id = "i", text = "I" }]
"""
Emit = Callable[[str], None]


class Stage:
    """Runs on a journal in memory."""

    def __init__(self) -> None:
        self.hub = Hub()
        journal = Journal.open(
            MemoryStore(), release={"name": "shop", "version": "1"}, clock=FakeClock(), by="amira"
        )
        self.ledger = Ledger(journal, self.hub, FakeClock(), user="amira", read_only=False)
        self.runs = Runs(self.ledger, self.hub)
        self.plan = parse_plan(PLAN, "plan.toml")

    def action(self, name: str = "one") -> PlacedAction:
        return self.plan.actions[name]

    def kinds(self) -> list[str]:
        return [entry.kind for entry in self.ledger.entries[1:]]


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def for_ever(_: Emit) -> Outcome:
    await asyncio.Event().wait()
    raise AssertionError


async def test_start_and_end_are_journalled_around_the_work(stage: Stage) -> None:
    seen: list[list[str]] = []

    async def work(emit: Emit) -> Outcome:
        emit("hello")
        seen.append(stage.kinds())
        return Outcome("succeeded", "well done")

    done = await stage.runs.run(stage.action(), work)
    assert seen == [["action.started"]]
    assert stage.kinds() == ["action.started", "action.ended"]
    assert (done.status, done.summary) == (ActionStatus.SUCCEEDED, "well done")
    assert stage.runs.output("one") == ("hello",)


async def test_a_refusal_is_a_failed_action_with_the_remedy_in_its_output(stage: Stage) -> None:
    async def work(_: Emit) -> Outcome:
        raise NotFound("There is no such thing.", "Make it.")

    done = await stage.runs.run(stage.action(), work)
    assert (done.status, done.summary) == (ActionStatus.FAILED, "There is no such thing.")
    assert stage.runs.output("one") == ("There is no such thing. Make it.",)


async def test_a_defect_is_journalled_and_not_hidden(stage: Stage) -> None:
    async def work(_: Emit) -> Outcome:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await stage.runs.run(stage.action(), work)
    assert stage.kinds() == ["action.started", "action.ended"]
    assert stage.runs.running() == ()


async def test_an_action_runs_once_at_a_time_and_others_beside_it(stage: Stage) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(stage.runs.run(stage.action(name), for_ever)) for name in ("one", "two")]
        await asyncio.sleep(0)
        assert stage.runs.running() == ("one", "two")
        assert stage.runs.running("b") == ("two",)
        with pytest.raises(ActionError, match="already running"):
            await stage.runs.run(stage.action(), for_ever)
        for name in ("one", "two"):
            assert await stage.runs.cancel(name, "enough")
    assert {task.result().summary for task in tasks} == {"enough"}
    assert {task.result().status for task in tasks} == {ActionStatus.CANCELLED}
    assert not await stage.runs.cancel("one", "again")


async def test_cancelling_waits_until_the_work_has_cleaned_up(stage: Stage) -> None:
    cleaned = asyncio.Event()

    async def work(_: Emit) -> Outcome:
        try:
            return await for_ever(_)
        finally:
            await asyncio.sleep(0)
            cleaned.set()

    running = asyncio.create_task(stage.runs.run(stage.action(), work))
    await stage.hub.changed(0)
    await asyncio.sleep(0)
    await stage.runs.cancel("one", "enough")
    assert cleaned.is_set()
    assert (await running).status is ActionStatus.CANCELLED


async def test_whoever_gives_up_waiting_stops_the_action(stage: Stage) -> None:
    running = asyncio.create_task(stage.runs.run(stage.action(), for_ever))
    await stage.hub.changed(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert stage.ledger.state.action("one").status is ActionStatus.CANCELLED
    assert stage.runs.running() == ()


async def test_only_the_tail_of_a_flood_is_kept_and_a_new_run_begins_anew(stage: Stage) -> None:
    async def flood(emit: Emit) -> Outcome:
        for number in range(MOST_LINES * 2):
            emit(str(number))
        return Outcome("succeeded", "")

    async def quiet(_: Emit) -> Outcome:
        return Outcome("succeeded", "")

    await stage.runs.run(stage.action(), flood)
    output = stage.runs.output("one")
    assert (len(output), output[-1]) == (MOST_LINES, str(MOST_LINES * 2 - 1))
    assert stage.runs.output("one") is output
    await stage.runs.run(stage.action(), quiet)
    assert stage.runs.output("one") == ()
    assert stage.runs.output("two") == ()
