"""A read-only console looks and changes nothing, whatever is pressed: neither the journal nor the cluster."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from practice import Ground, LiveConsole, console, practice_ground
from textual.message import Message

from releaseconsole.errors import ReadOnly
from releaseconsole.ui.keymap import KEYS
from releaseconsole.ui.messages import ActionWanted, ItemVerb, ItemWanted, Wish
from releaseconsole.ui.port import FIRING_LETTERS

WRITABLE = (
    *(("apis/apps/v1", kind) for kind in ("deployments", "replicasets")),
    *(("api/v1", kind) for kind in ("services", "configmaps", "pods")),
)
ROWS = ("i:prod-pre-issues", "i:prod-deploy-pods", "a:prod-apply", "a:prod-wait", "a:prod-pin")
WRITING_KEYS = [key for key in KEYS if key.writes]


@pytest.fixture
async def ground(tmp_path: Path) -> Any:
    """A release under way: ticks, pins and a go are in the journal, so that a tick could also be taken back."""
    with practice_ground(tmp_path) as practice:
        session = practice.session()
        async with session:
            session.tick("prod-pre-issues")
            session.decide("production", True, "agreed")
            await session.ready({"production"}, 30)
            await session.pin("production")
        yield practice


async def everything(ground: Ground) -> dict[str, object]:
    """The journal's bytes, and the version of each object that a release may write."""
    found: dict[str, object] = {"journal": ground.journal.read_bytes()}
    for group, kind in WRITABLE:
        for one in (await ground.ask("GET", group, kind))["items"]:
            meta = one["metadata"]
            found[f"{kind}/{meta['name']}"] = meta["resourceVersion"]
    return found


async def answer_whatever_is_asked(at: LiveConsole) -> None:
    """Say yes to every dialog, with a reason where one is wanted, until there is none left."""
    for _ in range(8):
        if at.dialog == "MainScreen":
            return
        if at.dialog == "AskScreen":
            await at.type("1")
            await at.press("enter")
        elif at.dialog == "ConfirmScreen":
            await at.press("y")
        elif at.dialog == "DecideScreen":
            await at.press("g")
        elif at.dialog == "ApplyScreen":
            await at.press("enter", "enter", "y", "escape")
        elif at.dialog == "PreviewScreen":
            await at.press(*FIRING_LETTERS.lower(), *FIRING_LETTERS, "enter", "escape")
        else:
            await at.press("escape")
        await at.pilot.pause(0.05)
    raise AssertionError(f"{at.dialog} does not close\n{at.text()}")


async def test_no_key_writes_in_a_read_only_console(ground: Ground) -> None:
    before = await everything(ground)
    async with console(ground, read_only=True) as at:
        await at.press("4")
        await at.sees("READ-ONLY", "PRODUCTION")
        await at.live()
        for row in ROWS:
            await at.go_to(row)
            for key in WRITING_KEYS:
                await at.press(*key.key.split(","))
                await answer_whatever_is_asked(at)
        await at.press("O", "c")
        await answer_whatever_is_asked(at)
        assert await everything(ground) == before
    assert await everything(ground) == before


async def test_the_rollback_key_shows_the_preview_but_no_letter_fires(ground: Ground) -> None:
    await ground.set_tag("1.0.0")
    async with console(ground, read_only=True) as at:
        await at.press("4")
        await at.sees("0.9.4 → 1.0.0", "3 of 3 complete")
        before = await everything(ground)
        await at.press("ctrl+r")
        await at.sees("ROLL BACK PRODUCTION", "1.0.0 → 0.9.4", "This console is read-only")
        await at.press(*FIRING_LETTERS.lower(), *FIRING_LETTERS, "r", "enter", "y")
        assert at.dialog == "PreviewScreen"
        await at.press("escape")
        assert at.session.state.rollbacks == ()
        assert await everything(ground) == before


async def test_no_entry_of_the_palette_writes_in_a_read_only_console(ground: Ground) -> None:
    before = await everything(ground)
    async with console(ground, read_only=True) as at:
        await at.press("4")
        await at.live()
        await at.go_to("i:prod-pre-issues")
        tried = [command for command in at.app.commands() if command.name != "Quit"]
        for command in tried:
            command.run()
            await at.pilot.pause(0.05)
            await answer_whatever_is_asked(at)
        assert len(tried) > 20
        assert not any(
            command.name.startswith(("Tick", "Run", "Pin", "Unlock", "Override")) for command in tried
        )
        assert await everything(ground) == before


async def test_the_palette_of_a_read_only_console_finds_nothing_that_writes(ground: Ground) -> None:
    async with console(ground, read_only=True) as at:
        await at.press("ctrl+p")
        await at.until(lambda: at.dialog == "CommandPalette")
        await at.type("pin what runs")
        await at.sees("No matches found")
        await at.press("escape")


def wanted() -> Iterator[Message]:
    """What keys and palette would ask for, had they not been taken away."""
    for verb in get_args(ItemVerb):
        yield ItemWanted("prod-pre-issues", verb)
    for action in ("prod-pin", "prod-apply", "prod-wait", "rollback-workloads"):
        yield ActionWanted(action)
        yield ActionWanted(action, halt=True)


async def test_what_gets_past_the_keys_is_refused_by_the_session(ground: Ground) -> None:
    before = await everything(ground)
    async with console(ground, read_only=True) as at:
        await at.press("4")
        await at.live()
        for message in wanted():
            at.app.post_message(message)
            await at.pilot.pause(0.05)
            await answer_whatever_is_asked(at)
        for wish in (one for one in get_args(Wish) if one != "quit"):
            at.app.want(wish)
            await at.pilot.pause(0.05)
            await answer_whatever_is_asked(at)
        await at.told("This console is read-only.")
        preview = await at.session.preview_rollback("production")
        for forbidden in (
            lambda: at.session.start_rollback(preview),
            lambda: at.session.retry_rollback("production"),
            lambda: at.session.start_action("prod-apply"),
            lambda: at.session.tick("prod-pre-window"),
        ):
            with pytest.raises(ReadOnly):
                forbidden()
        with pytest.raises(ReadOnly):
            await at.session.roll_back("production")
        with pytest.raises(ReadOnly):
            await at.session.pin("production")
        assert await everything(ground) == before
