"""The rollback's dialogs, the help and the palette: quick, over everything, and never in the way."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from frame_driver import Console, opened
from standin import StandIn, Unlucky, burning_view
from textual.widgets import Input

from releaseconsole.record.model import Stage
from releaseconsole.session.views import PreviewLine, RollbackPreview
from releaseconsole.ui.glyphs import UNICODE
from releaseconsole.ui.port import FIRING_LETTERS
from releaseconsole.ui.screens.preview_lines import foot_line, preview_lines

FIRED = ("rollback", "production", ("7", "7", "7"))


async def test_the_preview_is_there_at_once_although_the_cluster_is_slow() -> None:
    session = StandIn()
    session.preview_gate = asyncio.Event()
    async with opened(session) as console:
        await console.press("ctrl+r")
        await console.sees(
            "ROLL BACK PRODUCTION", "command-service", "8 → 7", "1.1.0 → 1.0.0", "pinned 00:41 ago"
        )
        await console.sees("Burning: error rate 1.8 % > 1 %", "Not restored: ConfigMap api-config", " H ")
        await console.press("h")
        assert FIRED in console.session.calls


async def test_the_letter_stays_the_same_while_the_preview_is_refreshed() -> None:
    session = StandIn()
    session.preview_gate = asyncio.Event()
    async with opened(session) as console:
        await console.press("ctrl+r")
        await console.sees("Press  H  to roll back now")
        session.preview_gate.set()
        await console.until(lambda: session.previews == 1)
        await console.pilot.pause()
        await console.sees("Press  H  to roll back now")
        await console.press("g")
        assert FIRED not in console.session.calls
        await console.press("H")
        assert FIRED in console.session.calls


async def test_each_preview_has_a_letter_of_its_own() -> None:
    async with opened() as console:
        letters = set()
        for _ in range(3):
            await console.press("ctrl+r")
            await console.sees("to roll back now")
            letters.add(console.text().split("Press  ")[1][0])
            await console.press("escape")
            await console.until(lambda: console.dialog == "MainScreen")
        assert len(letters) > 1


async def test_no_other_key_fires() -> None:
    async with opened() as console:
        await console.press("ctrl+r", "enter", "space", "y", "1", "x", "tab", "ctrl+r", "j", "k", "down")
        assert console.dialog == "PreviewScreen"
        assert FIRED not in console.session.calls
        await console.press("escape")
        await console.until(lambda: console.dialog == "MainScreen")
        assert FIRED not in console.session.calls


@pytest.mark.parametrize("before", [["n"], ["ctrl+p"], ["?"], ["/"], ["g"]])
async def test_the_rollback_key_works_over_every_dialog_and_in_text_fields(before: list[str]) -> None:
    async with opened() as console:
        await console.press("4", *before)
        for _ in range(3):
            await console.pilot.pause()
        await console.press("ctrl+r")
        await console.until(lambda: console.dialog == "PreviewScreen")
        await console.press("h")
        assert FIRED in console.session.calls


async def test_typing_into_a_field_is_text_and_no_rollback() -> None:
    async with opened() as console:
        await console.press("n")
        await console.sees("Note")
        await console.type("hgfe qz")
        assert console.app.screen.query_one(Input).value == "hgfe qz"
        assert console.session.calls == [("focus", "production")]


async def test_panels_go_on_behind_the_preview() -> None:
    async with opened() as console:
        await console.press("ctrl+r")
        await console.sees("ROLL BACK")
        console.session.set_view("production", burning_view())
        await console.until(lambda: "✘ error rate" in console.under())
        await console.until(lambda: "ImagePullBackOff" in console.under())
        assert console.dialog == "PreviewScreen"


async def test_the_diff_of_the_templates_is_shown_on_demand() -> None:
    async with opened() as console:
        await console.press("ctrl+r")
        await console.sees("template diff")
        assert "+  image: 1.0.0" not in console.text()
        await console.press("d")
        await console.sees("-  image: 1.1.0", "+  image: 1.0.0", "to roll back now")


async def test_a_cluster_that_does_not_answer_leaves_the_rehearsal_usable() -> None:
    async with opened() as console:
        console.session.failure = Unlucky("No answer from prod-eu.", "Check the network.")
        await console.press("ctrl+r")
        await console.sees("This is the last rehearsal", "No answer from prod-eu", "to roll back now")
        await console.press("h")
        assert FIRED in console.session.calls


async def test_without_rehearsal_and_answer_the_preview_says_why() -> None:
    class Unrehearsed(StandIn):
        def prepared_preview(self, env_id: str) -> RollbackPreview | None:
            return None

    async with opened(Unrehearsed()) as console:
        console.session.failure = Unlucky("No answer from prod-eu.", "Check the network.")
        await console.press("ctrl+r")
        await console.sees("ROLL BACK PRODUCTION", "No answer from prod-eu")
        await console.press("h")
        assert FIRED not in console.session.calls


async def test_read_only_shows_the_preview_and_cannot_fire() -> None:
    async with opened(StandIn(read_only=True)) as console:
        await console.press("ctrl+r")
        await console.sees("8 → 7", "read-only")
        await console.press("h")
        assert console.dialog == "PreviewScreen"
        assert FIRED not in console.session.calls


async def roll_back(console: Console) -> None:
    await console.press("ctrl+r")
    await console.sees("to roll back now")
    await console.press("h")
    await console.until(lambda: console.dialog == "RollbackScreen")


async def test_each_workload_walks_its_stages_with_seconds() -> None:
    async with opened() as console:
        await roll_back(console)
        await console.sees("ROLLING BACK PRODUCTION", "planned", "patched", "recovered")
        console.session.walk(Stage.PATCHED, 0.1)
        console.session.walk(Stage.OBSERVED, 0.4)
        await console.sees("✔ 0.1 s", "✔ 0.4 s", "0 of 3 back")
        console.session.walk(Stage.RECOVERED, 9.0, key="api-gateway")
        await console.sees("1 of 3 back")
        assert "rolling back 1/3" in console.under()


async def test_closing_the_progress_does_not_stop_it() -> None:
    async with opened() as console:
        await roll_back(console)
        await console.press("escape")
        await console.sees("rolling back 0/3")
        console.session.walk(Stage.RECOVERED, 9.0)
        await console.sees("rolling back 3/3")
        await console.press("b")
        await console.sees("3 of 3 back")


async def test_the_rollback_key_shows_the_progress_while_one_is_under_way() -> None:
    async with opened() as console:
        await roll_back(console)
        await console.press("escape")
        await console.until(lambda: console.dialog == "MainScreen")
        await console.press("ctrl+r")
        assert console.dialog == "RollbackScreen"
        assert console.session.calls.count(FIRED) == 1


async def test_when_all_are_back_the_checks_after_a_rollback_are_shown() -> None:
    async with opened() as console:
        await roll_back(console)
        console.session.walk(Stage.RECOVERED, 12.3)
        await console.until(lambda: console.app._seen == console.session.version)
        console.session.end_rollback("complete", 12.3)
        await console.sees("✔ Complete: 3 workloads back in 12.3 s.")
        await console.press("escape")
        await console.sees("Rolled-back check 1", "PRODUCTION")
        assert any("Rolled back 3 workloads in 12.3 s" in toast for toast in console.toasts())


async def test_a_failed_workload_tells_why_and_r_tries_again() -> None:
    async with opened() as console:
        await roll_back(console)
        console.session.walk(Stage.RECOVERED, 9.0)
        console.session.walk(Stage.FAILED, 3.0, key="query", message="Somebody changed it [meanwhile].")
        await console.until(lambda: console.app._seen == console.session.version)
        await console.press("r")
        assert ("retry", "production") not in console.session.calls
        console.session.end_rollback("failed", 9.5)
        await console.sees("✘ failed", "Somebody changed it [meanwhile].", "2 of 3 back", "retry failed")
        await console.press("r")
        assert ("retry", "production") in console.session.calls


@pytest.mark.parametrize("size", [(80, 24), (40, 10), (20, 5)])
async def test_preview_and_progress_fit_any_terminal(size: tuple[int, int]) -> None:
    async with opened(size=size) as console:
        await console.press("ctrl+r")
        await console.sees(" H ", "ROLL BACK PROD")
        assert len(console.text().splitlines()) <= size[1]
        await console.press("h")
        await console.until(lambda: console.dialog == "RollbackScreen")
        console.session.walk(Stage.PATCHED, 0.1)
        await console.sees("patched" if size[0] >= 40 else "ROLLING BACK")


async def test_the_help_is_made_from_the_keys_that_are_bound() -> None:
    async with opened(size=(120, 170)) as console:
        await console.press("?")
        await console.sees(
            "ctrl+r", "ROLLBACK", "1–9", "Checklist panel", "Tick the item, or untick it", "Logs panel"
        )
        await console.press("escape")
        await console.until(lambda: console.dialog == "MainScreen")


async def test_the_help_of_a_read_only_console_leaves_writing_keys_out() -> None:
    async with opened(StandIn(read_only=True), size=(120, 120)) as console:
        await console.press("?")
        await console.sees("Checklist panel")
        assert "Tick the item" not in console.text()


async def test_the_palette_finds_phases_actions_and_intents() -> None:
    async with opened() as console:
        await console.press("ctrl+p")
        await console.type("success")
        await console.sees("Phase 6: Success criteria")
        await console.press("enter")
        await console.sees("Criterion 11")


async def test_the_palette_shows_the_text_of_the_plan_as_it_is() -> None:
    async with opened() as console:
        await console.press("4")
        console.main.checklist.select("i:cache")
        await console.press("ctrl+p")
        await console.type("tick")
        await console.sees("Tick: Cache [warm] on every node [/]")


async def test_the_command_that_quits_asks_too() -> None:
    async with opened() as console:
        await roll_back(console)
        await console.press("escape", "ctrl+p")
        await console.type("quit")
        await console.press("enter")
        await console.sees("A rollback is under way.")


def preview_of(**more: object) -> RollbackPreview:
    one = PreviewLine(
        key="prod/ns/deployment/api",
        name="api",
        target="prod/ns",
        from_revision="8",
        to_revision="7",
        from_image="registry:5000/api:2",
        to_image="registry:5000/api:1",
        source="pinned",
        note="",
        skipped=False,
        problem="",
        diff=(),
    )
    return RollbackPreview("prod", "Prod", "red", ("prod/ns",), (replace(one, **more),), (), (), "G")  # type: ignore[arg-type]


def words(preview: RollbackPreview, width: int = 110, *, diff: bool = False) -> str:
    lines = preview_lines(preview, width, UNICODE, diff=diff)
    return "\n".join("".join(piece.text for piece in pieces) for pieces in lines)


def test_a_workload_that_cannot_go_back_says_why_and_nothing_can_be_fired() -> None:
    preview = preview_of(problem="Its ReplicaSet is gone and nothing was pinned.")
    assert "cannot go back" in words(preview)
    assert "Its ReplicaSet is gone" in words(preview)
    foot = "".join(piece.text for piece in foot_line(preview, 110, trouble="", read_only=False))
    assert "nothing that could be rolled back" in foot


def test_the_part_of_an_image_that_stays_is_said_once() -> None:
    assert "registry:5000/api:2 → 1 " in words(preview_of())
    assert "a:1 → b@sha256:0" in words(preview_of(from_image="a:1", to_image="b@sha256:0"))
    assert "same image" in words(preview_of(to_image="registry:5000/api:2"))


def test_what_is_there_already_is_said() -> None:
    assert "already there" in words(preview_of(skipped=True))


def test_a_long_diff_is_bounded() -> None:
    diff = tuple(f"+ line {n} \x1b[31m" for n in range(5000))
    text = words(preview_of(diff=diff), diff=True)
    assert len(text.splitlines()) < 250
    assert "\x1b" not in text


def test_the_firing_letters_are_none_of_the_dialogs_keys() -> None:
    assert not set("DJKQ") & set(FIRING_LETTERS)
