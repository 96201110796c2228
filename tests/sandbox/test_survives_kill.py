"""SIGKILL at any moment: every tick that was acknowledged is there again, and what ran is known to be interrupted."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from command_kit import DEADLINE, Commands, on_terminal
from session_kit import FAST, place_of

from releaseconsole.plan.load import load_plan
from releaseconsole.record.model import ActionStatus, ItemStatus
from releaseconsole.sandbox import PracticeThread
from releaseconsole.session import open_session

ITEMS = 400
PLAN = f"""
[release]
name = "killed"
title = "Killed"
version = "1"

[[phases]]
id = "work"
title = "Work"
[[phases.steps]]
id = "work"
title = "Work"
actions = [{{ id = "long", shell = "echo $$ > pid.new; mv pid.new pid; exec sleep 322" }}]
items = [
{"".join(f'    {{ id = "item-{n}", text = "Item {n}" }},' + chr(10) for n in range(ITEMS))}]
"""

DRIVER = """
import asyncio, sys
from pathlib import Path
from releaseconsole.plan.load import load_plan
from releaseconsole.session import open_session

async def main(folder):
    plan = load_plan(folder / "plan.toml")
    async with open_session(plan, state=folder / "state", folder=folder, user="amira") as session:
        session.start_action("long")
        while session.state.action("long").run == 0 or not (folder / "pid").exists():
            await session.changed(session.version) if session.state.action("long").run == 0 else await asyncio.sleep(0)
        for item in plan.items:
            session.tick(item)
            print(item, flush=True)
            await asyncio.sleep(0)
        await asyncio.Event().wait()

asyncio.run(main(Path(sys.argv[1])))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "plan.toml").write_text(PLAN, "utf-8")
    yield tmp_path
    if (tmp_path / "pid").exists():
        # The command outlives a killed console: nobody was left to end it.
        with suppress(ProcessLookupError):
            os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


class TestASession:
    @pytest.mark.parametrize("seed", range(4))
    async def test_every_acknowledged_tick_survives(self, folder: Path, seed: int) -> None:
        lines = random.Random(seed).randrange(1, ITEMS)
        acknowledged = drive_and_kill(folder, lines)
        assert len(acknowledged) >= lines
        plan = load_plan(folder / "plan.toml")
        async with open_session(plan, state=folder / "state", folder=folder, user="nour") as session:
            done = [item for item in plan.items if session.state.item(item).status is ItemStatus.DONE]
            assert done[: len(acknowledged)] == acknowledged
            # At most the one tick whose acknowledgement was not printed any more.
            assert len(done) - len(acknowledged) <= 1
            assert {session.state.item(item).by for item in done} == {"amira"}
            action = session.state.action("long")
            assert (action.status, action.by) == (ActionStatus.INTERRUPTED, "amira")
            session.tick(plan.phases[0].steps[0].items[-1].id)


def drive_and_kill(folder: Path, lines: int) -> list[str]:
    """Kill a process that ticks after it has acknowledged some lines; everything it acknowledged."""
    process = subprocess.Popen([sys.executable, "-c", DRIVER, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout as printed:
        acknowledged = [printed.readline() for _ in range(lines)]
        process.kill()
        acknowledged += printed.readlines()
    assert process.wait(DEADLINE) == -signal.SIGKILL
    return [line.strip() for line in acknowledged if line.endswith("\n")]


def entries(commands: Commands) -> list[dict[str, Any]]:
    """Every whole line of the journal."""
    journal = commands.place.state / "journal.jsonl"
    lines = journal.read_text("utf-8").splitlines(keepends=True) if journal.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


class TestTheConsole:
    @pytest.fixture
    def commands(self, tmp_path: Path) -> Iterator[Commands]:
        with PracticeThread(FAST) as cluster:
            yield Commands(place_of(cluster, tmp_path))

    def test_what_was_ticked_on_the_screen_is_there_after_a_kill(self, commands: Commands) -> None:
        def ticked() -> list[str]:
            return [entry["data"]["item"] for entry in entries(commands) if entry["kind"] == "item.done"]

        words = commands.words("run", "--folder", str(commands.folder))
        with on_terminal(commands, words) as terminal:
            terminal.read_until("The code base holds every fix")
            terminal.type(" ")
            terminal.draw_until(lambda: len(ticked()) == 1)
            terminal.type("\x1b[B ")
            terminal.draw_until(lambda: len(ticked()) == 2)
            terminal.kill()
        code, out, err = commands("status", "--json")
        assert (code, err) == (0, "")
        told = json.loads(out)
        done = [item for item, state in told["items"].items() if state["status"] == "done"]
        assert done == ticked()
        assert len(set(done)) == 2
        assert {told["items"][item]["by"] for item in done} == {"amira"}
        assert told["phases"][0]["settled"] == 2

    def test_leaving_with_the_key_gives_the_terminal_and_the_journal_back(self, commands: Commands) -> None:
        with on_terminal(commands, commands.words("run", "--folder", str(commands.folder))) as terminal:
            terminal.read_until("The code base holds every fix")
            terminal.type("q")
            assert terminal.wait() == 0
        kinds = [entry["kind"] for entry in entries(commands)]
        assert kinds == ["release.opened", "session.started", "session.ended"]
        assert not (commands.place.state / "journal.holder").exists()
