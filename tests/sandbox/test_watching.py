"""Observation windows on the practice cluster: begun, left alone, killed, stopped, and judged all the same."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from session_kit import FAST, WALK, Place, place_of, practice, until

from releaseconsole.commands.headless import describe, run_check
from releaseconsole.commands.practice import endpoint_overrides
from releaseconsole.errors import GateClosed, ReadOnly
from releaseconsole.plan.load import parse_plan
from releaseconsole.plan.model import Plan
from releaseconsole.plan.variables import with_overrides
from releaseconsole.plan.watching import with_shorter_windows
from releaseconsole.record.watches import Standing, WatchWord
from releaseconsole.sandbox import PracticeCluster, PracticeThread
from releaseconsole.session import Session, open_session

PRODUCTION = "production"
DAY = 86_400.0
WATCHED = WALK.replace(
    '{ id = "script", shell = "sleep 300" },',
    '{ id = "watch", watch = "24h" }, { id = "short", watch = "6s", allow = "3s" },',
).replace(
    '{ id = "errors", text = "Few errors", check = { objective = "error-rate" } },',
    '{ id = "watched", text = "It was watched", check = { watch = "complete" } },',
)

DRIVER = """
import asyncio, json, sys
from pathlib import Path
from releaseconsole.plan.load import load_plan
from releaseconsole.plan.variables import with_overrides
from releaseconsole.session import open_session

async def main(folder):
    plan = with_overrides(load_plan(folder / "walk.toml"), json.loads((folder / "overrides").read_text()))
    async with open_session(
        plan, kubeconfig=folder / "kubeconfig", state=folder / "state", folder=folder, user="amira"
    ) as session:
        await session.run_action("short")
        await session.watching.caught_up(30)
        print("begun", flush=True)
        await asyncio.Event().wait()

asyncio.run(main(Path(sys.argv[1])))
"""


@pytest.fixture(scope="module")
def shared() -> Iterator[PracticeThread]:
    """One healthy cluster for the tests that leave it as it is."""
    thread = PracticeThread(FAST)
    thread.start()
    yield thread
    thread.stop()


@pytest.fixture
def place(shared: PracticeThread, tmp_path: Path) -> Place:
    return place_of(shared.cluster, tmp_path)


def overrides(cluster: PracticeCluster) -> dict[str, Any]:
    found = endpoint_overrides(cluster)
    return {name: found[name] for name in ("staging", PRODUCTION)}


def watched(place: Place) -> Plan:
    return with_overrides(parse_plan(WATCHED, "walk.toml"), overrides(place.cluster))


def standing(session: Session) -> Standing:
    found = session.watching.standing(PRODUCTION)
    assert found is not None
    return found


def kinds(session: Session) -> list[str]:
    return [entry.kind for entry in session.ledger.entries if entry.kind.startswith("watch.")]


def begun_before(session: Session, seconds: float, length: float = DAY) -> None:
    """A window that began some time ago, as the journal of a console that was closed since says it."""
    objective = session.plan.objective("error-rate")
    session.ledger.write(
        "watch.started",
        {
            "id": "production-watch-1",
            "environment": PRODUCTION,
            "start": time.time() - seconds,
            "seconds": length,
            "allow": length / 100,
            "objectives": [{"id": objective.id, "name": objective.name, "target": str(objective.target)}],
        },
    )


async def judged(session: Session) -> Standing:
    await until(session, lambda: standing(session).watch.judged)
    return standing(session)


async def test_the_action_begins_a_window_and_does_not_wait_for_it(place: Place) -> None:
    async with place.opened(plan=watched(place)) as session:
        done = await session.run_action("watch")
        assert (str(done.status), done.summary) == ("succeeded", "watching 1 objective for 24 h")
        assert await session.watching.caught_up(30)
        found = standing(session)
        assert (found.watch.by, found.watch.seconds, found.watch.under_way) == ("amira", DAY, True)
        shown = session.environment(PRODUCTION).watch
        assert shown is not None
        assert shown.watch == found.watch
        look = await session.look("watched")
        assert look.status == "unknown"
        assert "of 24 h" in look.reason


async def test_only_one_window_is_open_in_an_environment(place: Place) -> None:
    async with place.opened(plan=watched(place)) as session:
        await session.run_action("watch")
        again = await session.run_action("watch")
        assert str(again.status) == "failed"
        assert "has been watched for" in again.summary
        session.watching.stop(PRODUCTION)
        assert standing(session).watch.outcome == "stopped"
        look = await session.look("watched")
        assert (look.status, "stopped by hand" in look.reason) == ("failed", True)
        await session.run_action("watch")
        assert standing(session).watch.id == "production-watch-2"
        with pytest.raises(GateClosed):
            session.watching.stop("staging")


async def test_a_day_that_passed_while_no_console_was_open_is_judged_by_the_next_one(place: Place) -> None:
    async with place.opened(plan=watched(place)) as session:
        begun_before(session, DAY + 1200)
    async with place.opened(plan=watched(place)) as session:
        session.focus("staging")
        found = await judged(session)
        (verdict,) = found.verdicts
        assert (found.watch.outcome, verdict.word) == ("complete", WatchWord.ON_TARGET)
        assert verdict.on == pytest.approx(DAY)
        assert kinds(session) == ["watch.started", "watch.ended"]
        look = await session.look("watched")
        assert (look.status, look.reason) == ("passed", "24 h, on target")


async def test_half_a_day_is_filled_at_once_and_again_after_a_restart(place: Place) -> None:
    verdicts = []
    async with place.opened(plan=watched(place)) as session:
        begun_before(session, DAY / 2)
    for _ in range(2):
        async with place.opened(plan=watched(place)) as session:
            assert await session.watching.caught_up(30)
            verdicts.append(standing(session).verdicts[0])
            document = describe(session, [session.environment(PRODUCTION)])
    first, second = verdicts
    assert first.on == pytest.approx(DAY / 2, abs=120)
    assert (first.minimum, first.maximum) == (second.minimum, second.maximum)
    (window,) = json.loads(json.dumps(document["watches"]))
    assert (window["outcome"], window["verdicts"][0]["word"]) == ("under way", "on target")
    assert window["summary"] == "12 h of 24 h, on target"


async def test_a_read_only_console_follows_for_itself_and_writes_nothing(place: Place) -> None:
    async with place.opened(plan=watched(place)) as session:
        begun_before(session, DAY + 1200)
    async with place.opened(plan=watched(place), read_only=True) as session:
        assert await session.watching.caught_up(30)
        assert standing(session).verdicts[0].on == pytest.approx(DAY)
        assert not standing(session).watch.judged
        assert kinds(session) == ["watch.started"]
        for forbidden in (
            lambda: session.watching.stop(PRODUCTION),
            lambda: session.watching.begin(PRODUCTION, 60),
        ):
            with pytest.raises(ReadOnly):
                forbidden()


async def test_a_window_outlives_the_console_that_was_killed(place: Place) -> None:
    (place.folder / "walk.toml").write_text(WATCHED, "utf-8")
    (place.folder / "overrides").write_text(json.dumps(overrides(place.cluster)), "utf-8")
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DRIVER, str(place.folder), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    assert await asyncio.wait_for(child.stdout.readline(), 60) == b"begun\n"
    os.kill(child.pid, signal.SIGKILL)
    await child.wait()
    async with place.opened(plan=watched(place)) as session:
        found = await judged(session)
        assert (found.watch.outcome, found.watch.by) == ("complete", "amira")
        assert found.verdicts[0].on == pytest.approx(6)


async def test_a_prometheus_that_is_away_leaves_it_open_and_unknown(place: Place) -> None:
    plan = parse_plan(WATCHED, "walk.toml")
    dark = with_overrides(plan, {PRODUCTION: {"prometheus_url": "http://127.0.0.1:9"}})
    async with place.opened(plan=watched(place)) as session:
        begun_before(session, DAY + 1200)
    async with place.opened(plan=dark) as session:
        assert await session.watching.caught_up(30)
        assert standing(session).verdicts[0].word is WatchWord.UNKNOWN
        assert "waiting for the last values" in (await session.look("watched")).reason
    async with place.opened(plan=watched(place)) as session:
        assert (await judged(session)).verdicts[0].word is WatchWord.ON_TARGET


async def test_a_rollback_ends_the_window(tmp_path: Path) -> None:
    async with practice(tmp_path) as place, place.opened(PRODUCTION, plan=watched(place)) as session:
        await session.pin(PRODUCTION)
        begun_before(session, 3600)
        assert await session.watching.caught_up(30)
        place.set_tag("1.1.0", "api-gateway")
        await session.roll_back(PRODUCTION, "for a test")
        watch = standing(session).watch
        assert (watch.outcome, watch.reason) == ("stopped", "stopped by the rollback")
        assert watch.ends == pytest.approx(session.state.rollbacks[-1].started)
        assert "stopped by the rollback" in (await session.look("watched")).reason


async def test_nothing_can_be_watched_where_the_plan_has_no_objective(tmp_path: Path) -> None:
    text = WALK.replace('unit = "%"\ntarget', 'environments = ["staging"]\nunit = "%"\ntarget')
    text = text.replace('{ id = "errors", text = "Few errors", check = { objective = "error-rate" } },', "")
    async with open_session(parse_plan(text, "walk.toml"), state=tmp_path, user="amira") as session:
        with pytest.raises(GateClosed, match="no objective to watch"):
            session.watching.begin(PRODUCTION, 60)


def test_in_practice_two_minutes_stand_for_a_day() -> None:
    plan = with_shorter_windows(parse_plan(WATCHED, "walk.toml"), 720)
    assert [plan.actions[name].action.watch for name in ("watch", "short")] == [120, 10]
    assert plan.actions["short"].action.allow == pytest.approx(3 / 720)


@pytest.mark.parametrize(("ago", "word"), [(DAY + 1200, "passed"), (60, "unknown")], ids=["over", "open"])
async def test_the_check_command_knows_the_window_of_the_journal_and_leaves_it_alone(
    place: Place, capsys: pytest.CaptureFixture[str], ago: float, word: str
) -> None:
    plan = watched(place)
    async with place.opened(plan=plan) as session:
        begun_before(session, ago)
    journal = (place.state / "journal.jsonl").read_bytes()
    where = {"kubeconfig": place.kubeconfig, "folder": place.folder, "state": place.state}
    await asyncio.to_thread(run_check, plan, phase="deploy", as_json=True, **where)
    told = {one["item"]: one for one in json.loads(capsys.readouterr().out)["checks"]}
    assert told["watched"]["status"] == word
    assert "no observation window" not in told["watched"]["reason"]
    assert (place.state / "journal.jsonl").read_bytes() == journal
