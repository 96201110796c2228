"""A rollback that is interrupted, repeated, ordered, joined or surrounded by hooks, on the practice cluster."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from session_kit import PATIENCE, SERVICES, WALK, WORKLOADS, Place, allow_deploy, practice, until

from releaseconsole.commands.practice import endpoint_overrides
from releaseconsole.errors import GateClosed
from releaseconsole.plan.load import parse_plan
from releaseconsole.plan.model import Plan
from releaseconsole.plan.variables import with_overrides
from releaseconsole.record.model import Stage
from releaseconsole.session import Session
from releaseconsole.session.walks import Walk, Walker

PRODUCTION = "production"
GOOD, BAD = "0.9.4", "1.0.1"
BACK = (Stage.AVAILABLE, Stage.RECOVERED)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with practice(tmp_path) as made:
        yield made


def with_rules(place: Place, rules: str) -> Plan:
    """The walk, with rules for the rollback of production."""
    overrides = endpoint_overrides(place.cluster)
    text = WALK.replace("[[objectives]]", f"[environments.production.rollback]\n{rules}\n\n[[objectives]]", 1)
    return with_overrides(
        parse_plan(text, "walk.toml"), {name: overrides[name] for name in ("staging", PRODUCTION)}
    )


def good_tag(place: Place) -> str:
    (tag,) = place.images()
    return tag


def stages(session: Session) -> dict[str, Stage]:
    return {key.rpartition("/")[2]: one.stage for key, one in session.state.rollbacks[-1].workloads.items()}


def runs(pid: int) -> bool:
    """Whether the process is there; one that nobody has buried yet has ended all the same."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def generation(place: Place, service: str) -> int:
    found: int = place.cluster.stores[PRODUCTION].get("deployments", "healthpay", service)["metadata"][
        "generation"
    ]
    return found


async def test_a_defect_in_the_middle_leaves_a_rollback_that_can_be_taken_up(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(walker: Walker, walk: Walk) -> None:
        raise ZeroDivisionError("a defect")

    good = good_tag(place)
    async with place.opened(PRODUCTION) as session:
        await session.pin(PRODUCTION)
        place.set_tag(BAD)
        await until(
            session, lambda: all(one.image.endswith(BAD) for one in session.environment(PRODUCTION).workloads)
        )
        with monkeypatch.context() as patched:
            patched.setattr(Walker, "recover", broken)
            session.start_rollback(await session.preview_rollback(PRODUCTION))
            await until(session, lambda: session.interrupted_rollback(PRODUCTION))
        told = [one.text for one in session.take_notices()]
        assert any("A defect stopped this. ZeroDivisionError" in one for one in told)
        before = [generation(place, one) for one in SERVICES]
        done = await session.resume_rollback(PRODUCTION)
        assert (done.outcome, place.images()) == ("complete", {good})
        assert [generation(place, one) for one in SERVICES] == before


async def test_a_rollback_that_was_cut_off_is_taken_up_and_nothing_is_patched_twice(place: Place) -> None:
    good = good_tag(place)
    async with place.opened(PRODUCTION) as session:
        await session.pin(PRODUCTION)
        place.set_tag(BAD)
        await until(
            session, lambda: all(one.image.endswith(BAD) for one in session.environment(PRODUCTION).workloads)
        )
        rollback = asyncio.create_task(session.roll_back(PRODUCTION))
        await until(session, lambda: session.state.rollbacks and Stage.PATCHED in stages(session).values())
        rollback.cancel()
        await asyncio.gather(rollback, return_exceptions=True)
    async with place.opened(PRODUCTION) as session:
        found = session.interrupted_rollback(PRODUCTION)
        assert found is not None
        assert found.outcome == "interrupted"
        before = {name.partition("/")[2]: generation(place, name.partition("/")[2]) for name in WORKLOADS}
        patched = {name for name in before if place.image(name).endswith(good)}
        done = await session.resume_rollback(PRODUCTION)
        assert done.id == found.id
        assert done.outcome == "complete"
        assert set(stages(session).values()) <= {*BACK, Stage.SKIPPED}
        assert place.images() == {good}
        assert {name for name in before if generation(place, name) == before[name]} >= patched
        assert session.interrupted_rollback(PRODUCTION) is None
        with pytest.raises(GateClosed, match="No rollback"):
            await session.resume_rollback(PRODUCTION)


async def test_without_pins_the_key_pressed_twice_does_not_bring_the_bad_version_back(place: Place) -> None:
    good = good_tag(place)
    place.set_tag(BAD)
    async with place.opened(PRODUCTION) as session:
        first = await session.roll_back(PRODUCTION)
        assert (first.outcome, place.images()) == ("complete", {good})
        second = await session.roll_back(PRODUCTION)
        assert second.outcome == "complete"
        assert set(stages(session).values()) == {Stage.SKIPPED}
        assert place.images() == {good}
        (line, *_) = (await session.preview_rollback(PRODUCTION)).lines
        assert line.source == "where the last rollback went"


async def test_a_rollback_that_somebody_else_began_is_joined_and_followed(place: Place) -> None:
    good = good_tag(place)
    async with place.opened(PRODUCTION) as session:
        await session.pin(PRODUCTION)
        place.set_tag(BAD)
        await until(
            session, lambda: all(one.image.endswith(BAD) for one in session.environment(PRODUCTION).workloads)
        )
        place.set_tag(good)
        done = await session.roll_back(PRODUCTION)
        assert done.outcome == "complete"
        assert place.images() == {good}
        joined = [one for one in done.workloads.values() if one.stage is not Stage.SKIPPED]
        assert all(one.stage in BACK for one in joined)
        assert all("patched" in one.times for one in joined)


async def test_two_consoles_at_once_bring_it_back_once(place: Place, tmp_path: Path) -> None:
    good = good_tag(place)
    async with place.opened(PRODUCTION) as one, place.opened(PRODUCTION, state=tmp_path / "other") as other:
        await one.pin(PRODUCTION)
        await other.pin(PRODUCTION)
        place.set_tag(BAD)
        for session in (one, other):
            await until(session, lambda session=session: session.environment(PRODUCTION).armed.armed)
        before = {
            name: generation(place, name) for name in ("command-service", "api-gateway", "query-service")
        }
        both = await asyncio.gather(one.roll_back(PRODUCTION), other.roll_back(PRODUCTION))
        assert [done.outcome for done in both] == ["complete", "complete"]
        assert place.images() == {good}
        assert {name: generation(place, name) - before[name] for name in before} == dict.fromkeys(before, 1)


async def test_in_the_plans_order_the_next_is_patched_when_the_one_before_is_available(place: Place) -> None:
    place.set_tag(BAD)
    async with place.opened(PRODUCTION, plan=with_rules(place, 'order = "plan"')) as session:
        done = await session.roll_back(PRODUCTION)
        assert done.outcome == "complete"
        walks = [done.workloads[f"production/healthpay/{name}"].times for name in WORKLOADS]
        for earlier, later in itertools.pairwise(walks):
            assert earlier["available"] <= later["patched"]


HOOKS = """
before = [
    { title = "flag off", shell = "echo off >> hooks.txt" },
    { title = "hangs", shell = "sleep 300", timeout = "1s" },
]
after = [{ title = "tell", shell = "echo $version >> hooks.txt; echo no such flag; exit 4" }]
"""


async def test_hooks_run_around_the_patches_and_hold_nothing_up(place: Place) -> None:
    place.set_tag(BAD)
    async with place.opened(PRODUCTION, plan=with_rules(place, HOOKS)) as session:
        done = await session.roll_back(PRODUCTION)
        assert done.outcome == "complete"
        found = {hook.title: hook for hook in done.hooks}
        assert (found["flag off"].status, found["flag off"].when) == ("succeeded", "before")
        assert found["hangs"].status == "failed"
        assert "1 s" in found["hangs"].summary
        assert found["tell"].status == "failed"
        assert "exit code 4" in found["tell"].summary
        assert "no such flag" in found["tell"].summary
        assert (place.folder / "hooks.txt").read_text("utf-8").split() == ["off", "1"]
        assert done.patched
        assert done.patched < found["hangs"].at


async def test_a_hook_that_blocks_and_fails_keeps_the_patches_back(place: Place) -> None:
    place.set_tag(BAD)
    rules = 'before = [{ title = "drain", shell = "exit 9", blocks = true }]'
    async with place.opened(PRODUCTION, plan=with_rules(place, rules)) as session:
        done = await session.roll_back(PRODUCTION)
        assert done.outcome == "failed"
        assert all("drain" in one.message and "exit code 9" in one.message for one in done.workloads.values())
        assert place.images() == {BAD}


async def test_a_hook_that_blocks_is_waited_for(place: Place) -> None:
    place.set_tag(BAD)
    rules = 'before = [{ title = "drain", shell = "sleep 0.5", blocks = true }]'
    async with place.opened(PRODUCTION, plan=with_rules(place, rules)) as session:
        done = await session.roll_back(PRODUCTION)
        assert done.outcome == "complete"
        (hook,) = done.hooks
        assert all(one.times["patched"] >= hook.at for one in done.workloads.values())


async def test_a_request_is_a_hook_too_and_its_answer_is_told(place: Place) -> None:
    place.set_tag(BAD)
    rules = """
before = [{ title = "alive", http = "GET $api/api/health" }]
after = [{ title = "nowhere", http = "GET $api/no/such/place", timeout = "5s" }]
"""
    async with place.opened(PRODUCTION, plan=with_rules(place, rules)) as session:
        done = await session.roll_back(PRODUCTION)
        assert done.outcome == "complete"
        found = {hook.title: hook for hook in done.hooks}
        assert found["alive"].status == "succeeded"
        assert found["nowhere"].status == "failed"
        assert "404" in found["nowhere"].summary


LEAKS = """
before = [
    { title = "by its variable", shell = "echo mailed to hunter-2-and-more; exit 1" },
    { title = "by its name", shell = "echo 'flag: api_key=abc123def and Authorization: Bearer xyz.789'; exit 1" },
    { title = "in an address", shell = "echo https://ops:swordfish@flags.example/off refused; exit 1" },
    { title = "endless", shell = "head -c 3000000 /dev/zero | tr '\\\\0' x; exit 1" },
]
"""


async def test_what_a_hook_says_is_cut_and_its_secrets_are_left_out_of_the_journal(place: Place) -> None:
    place.set_tag(BAD)
    environ = {**os.environ, "MAIL_PASSWORD": "hunter-2-and-more"}
    async with place.opened(PRODUCTION, plan=with_rules(place, LEAKS), environ=environ) as session:
        done = await session.roll_back(PRODUCTION)
        assert done.outcome == "complete"
        said = {hook.title: hook.summary for hook in done.hooks}
        assert "mailed to •••" in said["by its variable"]
        assert "api_key=•••" in said["by its name"]
        assert "https://•••@flags.example/off" in said["in an address"]
        assert all(len(summary) < 300 for summary in said.values())
    journal = (place.state / "journal.jsonl").read_text("utf-8")
    for secret in ("hunter-2", "abc123def", "xyz.789", "swordfish"):
        assert secret not in journal


async def test_a_hook_that_runs_when_the_rollback_is_cut_off_is_ended_with_its_children(place: Place) -> None:
    place.set_tag(BAD)
    rules = (
        'before = [{ title = "long", shell = "sleep 300 & echo $! $$ > pids.new; mv pids.new pids; wait" }]'
    )
    async with place.opened(PRODUCTION, plan=with_rules(place, rules)) as session:
        rollback = asyncio.create_task(session.roll_back(PRODUCTION))
        pids = place.folder / "pids"
        await until(session, lambda: session.state.rollbacks and session.state.rollbacks[-1].hooks)
        async with asyncio.timeout(PATIENCE):
            while not pids.exists():  # noqa: ASYNC110  (the command tells nobody when it is there)
                await asyncio.sleep(0.02)
        rollback.cancel()
        await asyncio.gather(rollback, return_exceptions=True)
        (last,) = session.state.rollbacks
        assert (last.outcome, last.hooks[0].status) == ("interrupted", "interrupted")
        assert not [pid for pid in pids.read_text().split() if runs(int(pid))]


async def test_a_rollback_that_is_taken_up_locks_and_stops_deploys_like_any_other(place: Place) -> None:
    async with place.opened(PRODUCTION) as session:
        allow_deploy(session)
        await session.pin(PRODUCTION)
        place.set_tag(BAD)
        await until(
            session, lambda: all(one.image.endswith(BAD) for one in session.environment(PRODUCTION).workloads)
        )
        rollback = asyncio.create_task(session.roll_back(PRODUCTION, "errors"))
        await until(session, lambda: session.state.rollbacks and Stage.PATCHED in stages(session).values())
        rollback.cancel()
        await asyncio.gather(rollback, return_exceptions=True)
        session.unlock(PRODUCTION, "a mistake")
        session.start_action("script")
        await until(session, lambda: session.running() == ("script",))
        done = await session.resume_rollback(PRODUCTION)
        assert done.outcome == "complete"
        assert "rolled back: errors" in session.environment(PRODUCTION).lock
        await until(session, lambda: not session.running())
        assert session.state.action("script").summary == "stopped by the rollback"


async def test_a_deploy_that_begins_while_the_rollback_is_planned_is_stopped_as_well(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with place.opened(PRODUCTION) as session:
        allow_deploy(session)
        place.set_tag(BAD)
        plan_now = session._rollbacks._plan_now
        planning, go_on = asyncio.Event(), asyncio.Event()

        async def slowly(*how: Any) -> Any:
            planning.set()
            await go_on.wait()
            return await plan_now(*how)

        monkeypatch.setattr(session._rollbacks, "_plan_now", slowly)
        rollback = asyncio.create_task(session.roll_back(PRODUCTION, "errors"))
        await planning.wait()
        session.start_action("script")
        await until(session, lambda: session.running() == ("script",))
        go_on.set()
        done = await rollback
        assert done.outcome == "complete"
        await until(session, lambda: not session.running())
        assert session.state.action("script").summary == "stopped by the rollback"


async def test_only_somebody_with_a_name_and_a_reason_unlocks_and_the_journal_keeps_both(
    place: Place,
) -> None:
    place.set_tag(BAD)
    async with place.opened(PRODUCTION) as session:
        await session.roll_back(PRODUCTION, "errors")
        lock = session.state.locks[PRODUCTION]
        assert (lock.by, lock.reason) == ("amira", "rolled back: errors")
    async with place.opened(PRODUCTION, user="nour") as session:
        assert PRODUCTION in session.state.locks
        session.unlock(PRODUCTION, "the flag is off")
        entry = session.ledger.entries[-1]
        assert (entry.kind, entry.by, entry.data["reason"]) == ("lock.cleared", "nour", "the flag is off")


async def test_a_hook_that_has_succeeded_is_not_run_again_when_the_rollback_is_taken_up(place: Place) -> None:
    place.set_tag(BAD)
    rules = """
before = [
    { title = "down", shell = "echo down >> ran", blocks = true },
    { title = "long", shell = "echo long >> ran; test -e go || sleep 300", blocks = true },
]
"""
    ran = place.folder / "ran"
    async with place.opened(PRODUCTION, plan=with_rules(place, rules)) as session:
        rollback = asyncio.create_task(session.roll_back(PRODUCTION))
        async with asyncio.timeout(PATIENCE):
            while not ran.exists() or "long" not in ran.read_text():  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        rollback.cancel()
        await asyncio.gather(rollback, return_exceptions=True)
        assert place.images() == {BAD}
        (place.folder / "go").touch()
        done = await session.resume_rollback(PRODUCTION)
        assert done.outcome == "complete"
    assert ran.read_text("utf-8").split() == ["down", "long", "long"]
    assert {(one.title, one.status) for one in done.hooks} == {("down", "succeeded"), ("long", "succeeded")}


async def test_a_second_try_of_what_failed_does_not_repeat_the_hooks_that_succeeded(place: Place) -> None:
    place.set_tag(BAD)
    rules = 'before = [{ title = "down", shell = "echo down >> ran" }]'
    async with place.opened(PRODUCTION, plan=with_rules(place, rules)) as session:
        await session.pin(PRODUCTION)
        place.set_tag("1.0.2")
        session.start_rollback(await session.preview_rollback(PRODUCTION))
        await until(session, lambda: session.state.rollbacks and Stage.PATCHED in stages(session).values())
        place.set_tag("1.0.3", "api-gateway")
        await until(session, lambda: session.state.rollbacks[-1].outcome == "failed")
        session.retry_rollback(PRODUCTION)
        await until(session, lambda: session.state.rollbacks[-1].outcome == "complete")
    assert len(session.state.rollbacks) == 2
    assert (place.folder / "ran").read_text("utf-8").split() == ["down"]
