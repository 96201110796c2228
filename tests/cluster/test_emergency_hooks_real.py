"""Hooks that hang: the patches of a rollback wait for none of them, unless the plan says so, and then for its limit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from bench import Bench
from control_plane import ADMIN
from emergency import BACK, BAD, GOOD, generations, gone_bad, images, patches, plan_of, stages, through
from gate import Gate
from session_bench import opened, until

from releaseconsole.plan.model import Plan
from releaseconsole.record.model import HookState, Stage
from releaseconsole.session import Session

KEYS = tuple(f"deployment/{name}" for name in ("shop", "desk", "till"))
WAITS = "for second in $(seq 250); do test -e told && exit; sleep 0.2; done; exit 9"
"""Until somebody has made the file; by itself it would end long after the test."""
DEAF = "trap '' TERM INT HUP; sleep 300 & sleep 300"
"""Hears no signal that could be ignored, and has a child."""


class Silent:
    """A server that takes every connection and never says a word."""

    def __init__(self) -> None:
        self.port = 0
        self.asked = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Silent:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await self._server.wait_closed()

    def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self.asked.set()


@pytest.fixture
async def silent() -> AsyncIterator[Silent]:
    async with Silent() as made:
        yield made


@pytest.fixture
async def reached(bench: Bench, gate: Gate, tmp_path: Path) -> Path:
    """Three Deployments of the good version, and the way to them that leads through the gate."""
    for key in KEYS:
        bench.deploy(key.rpartition("/")[2], replicas=1)
    for key in KEYS:
        await bench.settled(*key.split("/"))
    return through(gate, bench.plane, tmp_path)


def plan(bench: Bench, rules: str) -> Plan:
    return plan_of([(ADMIN, bench.namespace)], KEYS, rules)


def hooks(session: Session) -> dict[str, HookState]:
    """By title; none before the rollback has begun."""
    rollbacks = session.state.rollbacks
    return {one.title: one for one in rollbacks[-1].hooks} if rollbacks else {}


def at(session: Session) -> set[Stage]:
    return stages(session.state.rollbacks[-1]) if session.state.rollbacks else set()


def kinds(session: Session) -> list[str]:
    """What was journalled of the rollback, in order; a hook with what became of it."""
    return [
        f"{entry.data['title']} {entry.data['status']}" if entry.kind == "rollback.hook" else entry.kind
        for entry in session.ledger.entries
        if entry.kind.startswith("rollback.")
    ]


async def test_everything_is_back_while_hooks_before_and_after_it_still_hang(
    bench: Bench, reached: Path, silent: Silent, tmp_path: Path
) -> None:
    rules = f"""
before = [
    {{ title = "shell", shell = "{WAITS}", timeout = "5m" }},
    {{ title = "http", http = "GET http://127.0.0.1:{silent.port}/flag", timeout = "40s" }},
]
after = [{{ title = "after", shell = "{WAITS}", timeout = "5m" }}]
"""
    async with opened(plan(bench, rules), reached, tmp_path) as session:
        before = await gone_bad(bench, session, KEYS)
        session.start_rollback(await session.preview_rollback("real"))
        await until(session, lambda: at(session) and at(session) <= BACK, "everything is back")
        await until(session, lambda: "after" in hooks(session), "the hook after it has begun")
        assert {one.status for one in hooks(session).values()} == {"running"}
        await silent.asked.wait()
        assert images(bench, *KEYS) == {GOOD}
        assert generations(bench, *KEYS) == {key: of + 1 for key, of in before.items()}
        assert session.state.rollbacks[-1].under_way


@pytest.mark.parametrize("hangs", ["shell", "deaf-shell", "http"])
async def test_a_hook_is_ended_at_its_limit_and_the_rollback_is_complete_all_the_same(
    hangs: str, bench: Bench, reached: Path, silent: Silent, tmp_path: Path
) -> None:
    does = {
        "shell": 'shell = "sleep 300"',
        "deaf-shell": f'shell = "{DEAF}"',
        "http": f'http = "GET http://127.0.0.1:{silent.port}/flag"',
    }[hangs]
    rules = f'before = [{{ title = "off", {does}, timeout = "2s" }}]'
    async with opened(plan(bench, rules), reached, tmp_path) as session:
        await gone_bad(bench, session, KEYS)
        async with asyncio.timeout(60):
            done = await session.roll_back("real")
        assert (done.outcome, stages(done) <= BACK) == ("complete", True)
        assert hooks(session)["off"].status == "failed"
        assert "2 s" in hooks(session)["off"].summary


@pytest.mark.parametrize("hangs", ["shell", "http"])
async def test_a_hook_that_blocks_holds_the_patches_back_until_its_limit_and_then_nothing_is_patched(
    hangs: str, bench: Bench, gate: Gate, reached: Path, silent: Silent, tmp_path: Path
) -> None:
    url = f"http://127.0.0.1:{silent.port}/drain"
    does = 'shell = "sleep 300"' if hangs == "shell" else f'http = "GET {url}"'
    rules = f'before = [{{ title = "drain", {does}, timeout = "2s", blocks = true }}]'
    async with opened(plan(bench, rules), reached, tmp_path) as session:
        before = await gone_bad(bench, session, KEYS)
        async with asyncio.timeout(60):
            done = await session.roll_back("real")
        assert (done.outcome, stages(done)) == ("failed", {Stage.FAILED})
        assert all(
            "“drain” failed" in one.message and "2 s" in one.message for one in done.workloads.values()
        )
        assert patches(gate) == []
        assert (images(bench, *KEYS), generations(bench, *KEYS)) == ({BAD}, before)
        said = kinds(session)
        assert said.index("drain failed") < said.index("rollback.stage")


async def test_the_patches_leave_as_soon_as_the_hook_that_blocks_has_succeeded(
    bench: Bench, gate: Gate, reached: Path, tmp_path: Path
) -> None:
    rules = f'before = [{{ title = "drain", shell = "{WAITS}", timeout = "5m", blocks = true }}]'
    async with opened(plan(bench, rules), reached, tmp_path) as session:
        await gone_bad(bench, session, KEYS)
        rollback = asyncio.create_task(session.roll_back("real"))
        await until(session, lambda: "drain" in hooks(session), "the hook runs")
        assert (at(session), patches(gate)) == ({Stage.PLANNED}, [])
        (tmp_path / "told").touch()
        async with asyncio.timeout(60):
            done = await rollback
        assert (done.outcome, stages(done) <= BACK) == ("complete", True)
        said = kinds(session)
        assert said.index("drain succeeded") < said.index("rollback.stage")


async def test_what_a_hook_that_blocked_held_back_can_be_tried_again_when_it_is_mended(
    bench: Bench, reached: Path, tmp_path: Path
) -> None:
    rules = 'before = [{ title = "drain", shell = "test -e told", timeout = "9s", blocks = true }]'
    async with opened(plan(bench, rules), reached, tmp_path) as session:
        before = await gone_bad(bench, session, KEYS)
        async with asyncio.timeout(60):
            done = await session.roll_back("real")
        assert stages(done) == {Stage.FAILED}
        (tmp_path / "told").touch()
        session.retry_rollback("real")
        await until(session, lambda: session.state.rollbacks[-1].outcome == "complete", "it was tried again")
        assert images(bench, *KEYS) == {GOOD}
        assert generations(bench, *KEYS) == {key: of + 1 for key, of in before.items()}
