"""What is new reaches a dialog at any moment: before its parts are there, and after they are gone."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from frame_driver import Console, opened
from standin import EPOCH, StandIn
from textual import events

from releaseconsole.ui.app import MOST_DIALOGS
from releaseconsole.ui.glyphs import UNICODE
from releaseconsole.ui.screens.apply import ApplyScreen
from releaseconsole.ui.screens.armed import ArmedScreen
from releaseconsole.ui.screens.dialogs import AskScreen, Question
from releaseconsole.ui.screens.overlay import Overlay
from releaseconsole.ui.screens.preview import PreviewScreen
from releaseconsole.ui.screens.rollback import RollbackScreen

Make = Callable[[StandIn], Overlay[Any]]
OVERLAYS: dict[str, Make] = {
    "preview": lambda session: PreviewScreen(session, "production", UNICODE, session.clock),
    "progress": lambda session: RollbackScreen(session, "production", UNICODE),
    "armed": lambda session: ArmedScreen(session, "production", UNICODE, EPOCH),
    "apply": lambda session: ApplyScreen(session, "production-apply", UNICODE, only_look=True),
}


def look(screen: Overlay[Any]) -> None:
    """What the application and the keys do with an overlay, whatever state it is in."""
    if isinstance(screen, PreviewScreen):
        screen.show()
    elif isinstance(screen, RollbackScreen | ArmedScreen):
        screen.show(EPOCH + 1)
    screen.renew()
    screen.action_scroll(1)
    screen.action_page(1)


@pytest.fixture(params=list(OVERLAYS))
def make(request: pytest.FixtureRequest) -> Make:
    return OVERLAYS[request.param]


async def test_a_look_at_one_that_is_not_on_the_screen_yet_does_nothing(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    session = StandIn()
    async with opened(session) as console:
        screen = make(session)
        shown = console.app.push_screen(screen)
        look(screen)
        await shown
        look(screen)
        await console.until(lambda: console.app.screen is screen)
        assert console.text()
    quiet(console, caplog)


async def test_a_look_at_one_whose_parts_are_gone_does_nothing(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    session = StandIn()
    async with opened(session) as console:
        screen = make(session)
        await console.app.push_screen(screen)
        await screen.query(".overlay").remove()
        look(screen)
        await console.pilot.resize_terminal(90, 25)
        screen.dismiss()
        await console.until(lambda: console.dialog == "MainScreen")
        look(screen)
        session.touch()
        await console.until(lambda: console.app._seen == session.version)
    quiet(console, caplog)


def quiet(console: Console, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing was logged as an error, nobody was told of a defect, and the console did not fall over."""
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR] == []
    assert not any("Something is wrong" in toast for toast in console.toasts())
    assert console.app._exception is None


@pytest.mark.parametrize("key", ["a", "question_mark", "n", "g", "w"])
async def test_a_key_that_repeats_faster_than_its_dialog_opens_piles_nothing_up(key: str) -> None:
    async with opened() as console:
        await console.press("4")
        console.main.checklist.select("a:production-apply" if key == "w" else "i:support")
        for _ in range(150):
            console.app.post_message(_typed(key))
        await console.until(lambda: console.dialog != "MainScreen")
        await console.pilot.pause()
        assert len(console.app.screen_stack) <= 3
        await console.press("ctrl+r")
        await console.until(lambda: console.dialog == "PreviewScreen")


async def test_however_many_dialogs_there_are_the_rollback_opens() -> None:
    async with opened() as console:
        for number in range(30):
            console.app.push_screen(AskScreen(Question(f"Question {number}")))
        await console.pilot.pause()
        assert len(console.app.screen_stack) <= MOST_DIALOGS + 1
        await console.press("ctrl+r")
        await console.until(lambda: console.dialog == "PreviewScreen")


def _typed(key: str) -> events.Key:
    return events.Key(key, key if len(key) == 1 else "?")


async def test_a_look_at_a_console_that_is_taken_apart_does_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with opened() as console:
        await console.main.remove_children()
        console.session.tick("pods")
        console.app._seen = -1
        console.app._look()
        quiet(console, caplog)
