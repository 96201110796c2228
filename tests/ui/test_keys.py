"""The keys: one owner each, the rollback's taken by nobody, and a keymap file that cannot do harm."""

from __future__ import annotations

from pathlib import Path

import pytest
from frame_driver import opened
from textual.binding import Binding

from releaseconsole.ui.app import ConsoleApp
from releaseconsole.ui.keymap import (
    KEYS,
    ROLLBACK_ID,
    ROLLBACK_KEY,
    Keymap,
    bindings_of,
    check_keymap,
    clashes,
    load_keymap,
)
from releaseconsole.ui.port import FIRING_LETTERS
from releaseconsole.ui.screens.layout import PANES
from releaseconsole.ui.screens.main import MainScreen


def test_every_key_has_an_id_a_description_and_a_tooltip() -> None:
    assert len({key.id for key in KEYS}) == len(KEYS)
    for key in KEYS:
        assert key.description, key.id
        assert key.tooltip, key.id


def test_no_two_keys_of_a_scope_are_the_same_and_none_is_the_rollbacks() -> None:
    assert clashes(key.binding() for key in KEYS) == ()
    assert [key.id for key in KEYS if ROLLBACK_KEY in key.key] == [ROLLBACK_ID]


def test_a_clash_would_be_noticed() -> None:
    taken = Binding("ctrl+r", "x", id="pods.x")
    assert clashes([taken]) == ("ctrl+r: taken by pods.x",)
    twice = [Binding("x", "a", id="pods.a"), Binding("x", "b", id="pods.b")]
    assert clashes(twice) == ("x: pods.a and pods.b",)


async def test_no_panel_takes_a_key_of_the_frame() -> None:
    async with opened() as console:
        frame = {key for key, _ in console.main._bindings} | {key for key, _ in console.app._bindings}
        shared = {"slash", "escape", "ctrl+c", "super+c", "tab", "shift+tab"}
        for name in PANES:
            pane = console.main.pane(name)
            for node in (pane, *pane.walk_children()):
                if type(node).__module__.startswith("releaseconsole"):
                    own = {key for key, binding in node._bindings if binding.id}
                    assert ROLLBACK_KEY not in own
                    assert own & frame <= shared, f"{name}: {own & frame}"


def test_the_dialogs_keys_are_no_firing_letters() -> None:
    for binding in bindings_of("preview"):
        assert binding.key.upper() not in FIRING_LETTERS


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"checklist.ticking": "space"}, "there is no such key id"),
        ({"checklist.tick": "ctrl+r"}, "ctrl+r belongs to the rollback"),
        ({"frame.zoom": "ctrl+r,f9"}, "ctrl+r belongs to the rollback"),
        ({"frame.zoom": "ctrl+p"}, "ctrl+p belongs to the command palette"),
        ({"checklist.tick": "v"}, "already belongs to “checklist.verify”"),
        ({"checklist.tick": "q"}, "already belongs to “frame.quit”"),
        ({"frame.zoom": "v"}, "already belongs to “checklist.verify”"),
        ({"app.rollback": "x"}, "would be text in a text field"),
        ({"app.rollback": "ctrl+q"}, "already belongs to “app.quit”"),
        ({"preview.diff": "g"}, "may be the letter that fires"),
        ({"frame.zoom": 3}, "expected a key"),
        ({"frame.zoom": " , "}, "expected a key"),
        ({"frame.zoom": "hyper+[b]"}, "is not the name of a key"),
    ],
)
def test_a_line_that_would_do_harm_is_left_out_and_told(wanted: dict[str, object], words: str) -> None:
    checked = check_keymap(wanted)
    assert checked.keys == {}
    assert len(checked.problems) == 1
    assert words in checked.problems[0]


def test_a_good_line_counts_although_another_does_not() -> None:
    checked = check_keymap({"frame.zoom": "f9", "frame.help": "f9", "checklist.tick": "ctrl+t"})
    assert checked.keys == {"frame.zoom": "f9", "checklist.tick": "ctrl+t"}
    assert len(checked.problems) == 1


def test_a_second_rollback_key_never_replaces_the_first() -> None:
    assert check_keymap({"app.rollback": "f12"}).keys == {"app.rollback": "ctrl+r,f12"}


def test_keys_of_other_panels_are_known_too() -> None:
    pods = Binding("s", "sort", id="pods.sort")
    assert check_keymap({"frame.zoom": "s"}, [pods]).problems
    assert check_keymap({"pods.sort": "f5"}, [pods]) == Keymap({"pods.sort": "f5"})


@pytest.mark.parametrize("content", [b"\xff", b"zoom = = 3"])
def test_a_broken_keymap_file_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "keymap.toml"
    path.write_bytes(content)
    assert load_keymap(path).keys == {}
    assert "keymap.toml was left out" in load_keymap(path).problems[0]
    assert load_keymap(tmp_path / "none.toml") == Keymap({})


async def test_a_keymap_of_ones_own_is_used_and_its_mistakes_are_toasts(tmp_path: Path) -> None:
    (tmp_path / "keymap.toml").write_text(
        '"frame.zoom" = "f9"\n"checklist.tick" = "ctrl+r"\n"app.rollback" = "f12"\n', encoding="utf-8"
    )
    async with opened(config_folder=tmp_path) as console:
        assert any("ctrl+r belongs to the rollback" in toast for toast in console.toasts())
        await console.press("f9")
        assert console.main.arrangement.mode == "single"
        await console.press("f12")
        await console.until(lambda: console.dialog == "PreviewScreen")
        await console.press("escape", "ctrl+r")
        await console.until(lambda: console.dialog == "PreviewScreen")


async def test_the_key_bar_keeps_the_rollback_key_at_any_width() -> None:
    for size in ((200, 50), (80, 24), (60, 15)):
        async with opened(size=size) as console:
            await console.until(lambda: "ctrl+r ROLLBACK" in console.text().splitlines()[-1])


async def test_a_click_on_the_key_bar_presses_the_key() -> None:
    async with opened(size=(80, 24)) as console:
        await console.until(lambda: "ROLLBACK" in console.text().splitlines()[-1])
        row = console.text().splitlines()[-1]
        await console.pilot.click("#key-bar", offset=(row.index("ROLLBACK"), 0))
        await console.until(lambda: console.dialog == "PreviewScreen")


def test_textuals_own_keys_do_not_leak_into_the_console() -> None:
    assert all(
        binding.id for _, binding in ConsoleApp._merge_bindings() if binding.action != "command_palette"
    )
    assert all(binding.id for _, binding in MainScreen._merge_bindings())
