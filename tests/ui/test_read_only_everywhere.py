"""Every key on every screen of a read-only console, while there would be much to write: nothing is written.

What is tried comes from the keymap and from what is bound, so that a new key is tried without anybody thinking of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from practice import Ground, LiveConsole, console, practice_ground
from test_read_only import answer_whatever_is_asked, everything
from textual.widgets import Input

from releaseconsole.session.views import StuckPod
from releaseconsole.ui.keymap import KEYS, keys_of
from releaseconsole.ui.screens.layout import PANES
from releaseconsole.ui.screens.rollback import RollbackScreen, Way

LEAVING = {"app.quit", "frame.quit"}
Go = Callable[[LiveConsole], Awaitable[None]]


def pressed(*keys: str) -> Go:
    async def go(at: LiveConsole) -> None:
        await at.press(*keys)

    return go


async def to_the_apply(at: LiveConsole) -> None:
    at.main.checklist.select("a:prod-apply")
    await at.press("w")


SCREENS: dict[str, tuple[str, Go]] = {
    "app": ("MainScreen", pressed("C")),
    "frame": ("MainScreen", pressed("C")),
    "checklist": ("MainScreen", pressed("C")),
    "output": ("MainScreen", pressed("O")),
    "preview": ("PreviewScreen", pressed("ctrl+r", "ctrl+r")),
    "rollback": ("RollbackScreen", pressed("b")),
    "armed": ("ArmedScreen", pressed("a")),
    "apply": ("ApplyScreen", to_the_apply),
    "watch": ("WatchScreen", pressed("M", "w")),
    "help": ("HelpScreen", pressed("question_mark")),
}
"""Where each scope's keys hold, and how one gets there from the checklist."""


@pytest.fixture
async def ground(tmp_path: Path) -> Any:
    """A rollback that was cut short, its lock, pins and a decision: all that a key could go on with."""
    with practice_ground(tmp_path) as practice:
        session = practice.session()
        async with session:
            session.tick("prod-pre-issues")
            session.decide("production", True, "agreed")
            await session.ready({"production"}, 30)
            await session.pin("production")
            await practice.set_tag("9.9.9")
            session.start_rollback(await session.preview_rollback("production"))
            async with asyncio.timeout(30):
                while not session.state.rollbacks:
                    await session.changed(session.version)
        assert session.state.rollbacks[-1].outcome == "interrupted"
        await settled(practice)
        yield practice


async def settled(ground: Ground) -> None:
    """Wait until the controllers have done what was left for them, so that who writes now is the console."""
    async with asyncio.timeout(60):
        before, same = await everything(ground), 0
        while same < 5:
            await asyncio.sleep(0.1)
            now = await everything(ground)
            before, same = now, same + 1 if now == before else 0


def test_every_scope_of_the_keymap_is_tried() -> None:
    assert {key.scope for key in KEYS} == set(SCREENS)


async def go_back(at: LiveConsole) -> None:
    await answer_whatever_is_asked(at)
    await at.press("escape", "4", "C")
    await at.until(lambda: at.dialog == "MainScreen")


async def stand_on(at: LiveConsole, scope: str) -> None:
    dialog, go = SCREENS[scope]
    if at.dialog == dialog != "MainScreen":
        return
    await go_back(at)
    await go(at)
    await at.until(lambda: at.dialog == dialog, f"{dialog} is there")


def bound(at: LiveConsole) -> list[str]:
    """What is bound in the panel or on the dialog where one stands; keys of the application are tried once."""
    own = at.app.screen.active_bindings.items()
    return [key for key, one in own if one.node is not at.app and one.node is not at.main]


def keys_for(at: LiveConsole, scope: str) -> list[str]:
    """The scope's keys and what else is bound there, but those that leave the console."""
    declared = [one for key in keys_of(scope) if key.id not in LEAVING for one in key.key.split(",")]
    return list(dict.fromkeys((*declared, *(bound(at) if scope not in ("app", "frame") else ()))))


async def test_no_key_of_any_screen_writes(ground: Ground) -> None:
    before = await everything(ground)
    async with console(ground, size=(80, 24), read_only=True) as at:
        await at.press("4")
        await at.sees("R/O", "PRODUCTION")
        await at.until(lambda: at.view.workloads and at.view.armed.details)
        for scope in SCREENS:
            await stand_on(at, scope)
            for key in keys_for(at, scope):
                await stand_on(at, scope)
                await at.press(key)
        await go_back(at)
        assert await everything(ground) == before
    assert await everything(ground) == before


async def test_no_key_of_any_panel_writes(ground: Ground) -> None:
    before = await everything(ground)
    async with console(ground, size=(80, 24), read_only=True) as at:
        await at.press("4")
        await at.until(lambda: at.view.workloads and at.view.pods)
        for pane in PANES:
            at.main.go_to_pane(pane)
            await at.pilot.pause(0)
            for key in bound(at):
                at.main.go_to_pane(pane)
                await at.press(key)
                if isinstance(at.app.focused, Input):
                    await at.press("x", "enter", "escape")
                await answer_whatever_is_asked(at)
        assert await everything(ground) == before


async def test_no_entry_of_the_palette_writes_over_an_interrupted_rollback(ground: Ground) -> None:
    before = await everything(ground)
    async with console(ground, size=(80, 24), read_only=True) as at:
        await at.press("4")
        await at.until(lambda: at.view.workloads)
        for command in at.app.commands():
            if command.name != "Quit":
                command.run()
                await at.pilot.pause(0.05)
                await answer_whatever_is_asked(at)
        assert not any("Continue" in command.name for command in at.app.commands())
        assert await everything(ground) == before


async def test_what_the_progress_could_ask_for_is_refused(ground: Ground) -> None:
    before = await everything(ground)
    stuck = StuckPod("production/healthpay/statefulset/x", "x-0", "uid", "broken")
    async with console(ground, size=(80, 24), read_only=True) as at:
        await at.press("4")
        await at.until(lambda: at.view.workloads)
        for way in get_args(Way):
            at.app.post_message(RollbackScreen.Onward(way, "production", stuck))
            await at.pilot.pause(0.05)
            await answer_whatever_is_asked(at)
        at.app.emergency.resume("production")
        at.app.emergency.stop_automatic()
        await at.told("This console is read-only.")
        assert at.session.state.rollbacks[-1].outcome == "interrupted"
        assert await everything(ground) == before
