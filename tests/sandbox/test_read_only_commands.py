"""Every command that has ``--read-only``, on a terminal, with every key pressed: it writes nothing anywhere."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from command_kit import Commands, Terminal, on_terminal
from session_kit import FAST, place_of

from releaseconsole.cli import cli
from releaseconsole.sandbox import PracticeCluster, PracticeThread

ESCAPE = "\x1b[27u"
"""In the keyboard protocol that leaves no doubt whether more is to come."""
LETTERS = "".join(chr(code) for code in range(33, 127) if chr(code) not in "qQ")
CONTROLS = "".join(chr(code) for code in range(1, 27) if chr(code) not in "\x11\x1a") + " "
"""All but ctrl+q, which leaves, and ctrl+z."""


@pytest.fixture
def thread() -> Iterator[PracticeThread]:
    practice = PracticeThread(FAST)
    practice.start()
    yield practice
    practice.stop()


@pytest.fixture
def commands(thread: PracticeThread, tmp_path: Path) -> Commands:
    """A release with pins, and a new version on top of them: there is something to roll back."""
    found = Commands(place_of(thread.cluster, tmp_path))
    asyncio.run(pin(found))
    thread.call(lambda _: found.place.set_tag("1.0.1"))
    return found


async def pin(commands: Commands) -> None:
    async with commands.place.opened("production", plan=commands.place.healthpay) as session:
        session.tick("prod-pre-issues")
        await session.pin("production")


def words(commands: Commands, command: str) -> list[str]:
    if command == "run":
        return commands.words("run", "--read-only", "--folder", commands.folder)
    return [sys.executable, "-m", "releaseconsole", command, "--read-only", "--speed", "10"]


def press_everything(terminal: Terminal) -> None:
    """In the preview, in the progress and in the frame; then leave."""
    terminal.read_until("READ-ONLY|R/O")
    terminal.type("4")
    terminal.read_until("PRODUCTION")
    terminal.type("\x12")
    terminal.read_until("ROLL BACK PRODUCTION")
    terminal.type(f"{LETTERS}\r \x12\r{ESCAPE}")
    for key in (*LETTERS, *CONTROLS):
        terminal.type(f"{key}y\r{ESCAPE}{ESCAPE}")
    leave(terminal)


def leave(terminal: Terminal) -> None:
    """Out of whatever lies over the panels, until it has gone; it draws at least once a second."""
    with suppress(OSError):
        while terminal.draws():
            terminal.type(f"{ESCAPE}q")
    assert terminal.wait() == 0, terminal.shown[-4000:]


def templates(cluster: PracticeCluster) -> dict[str, str]:
    """What everything that a release may write looks like, its status aside."""
    return {
        f"{kind}/{one['metadata']['name']}": str((one.get("spec"), one.get("data"), one["metadata"]["uid"]))
        for kind in ("deployments", "services", "configmaps")
        for one in cluster.stores["production"].list(kind, "healthpay")
    }


def test_it_is_known_which_commands_have_the_option() -> None:
    options = {
        name: {o for one in command.params for o in one.opts} for name, command in cli.commands.items()
    }
    assert {name for name, found in options.items() if "--read-only" in found} == {"run", "demo"}


def test_no_key_of_a_read_only_run_writes(thread: PracticeThread, commands: Commands) -> None:
    journal = commands.place.state / "journal.jsonl"
    before, objects = journal.read_bytes(), thread.call(templates)
    with on_terminal(commands, words(commands, "run")) as terminal:
        press_everything(terminal)
    assert journal.read_bytes() == before
    assert thread.call(templates) == objects


def test_no_key_of_a_read_only_demo_writes(commands: Commands) -> None:
    with on_terminal(commands, words(commands, "demo")) as terminal:
        press_everything(terminal)
    assert [path.read_text("utf-8") for path in (commands.folder / "home").rglob("journal.jsonl")] == []
