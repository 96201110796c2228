"""Themes from files: readable, validated, and never a reason not to start."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from frame_driver import opened
from standin import StandIn, burning_view
from textual.color import Color

from releaseconsole.ui.themes import (
    COLOURS,
    ENVIRONMENTS,
    STATES,
    load_themes,
    make_theme,
    plain_theme,
    shipped_folder,
)

SHIPPED = sorted(shipped_folder().glob("*.toml"))


def contrast(one: str, other: str) -> float:
    """As WCAG 2 defines it."""
    lights = sorted((luminance(Color.parse(one)), luminance(Color.parse(other))), reverse=True)
    return (lights[0] + 0.05) / (lights[1] + 0.05)


def luminance(colour: Color) -> float:
    parts = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized
    ]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def document(path: Path) -> dict[str, dict[str, str]]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def test_dark_light_and_colour_blind_are_shipped() -> None:
    loaded = load_themes([shipped_folder()])
    assert list(loaded.themes) == ["dark", "light", "colour-blind"]
    assert loaded.problems == ()


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_state_and_badge_can_be_read(path: Path) -> None:
    theme = document(path)
    for ground in ("background", "surface"):
        for state in STATES:
            assert contrast(theme["states"][state], theme["colours"][ground]) >= 4.5, state
        assert contrast(theme["colours"]["foreground"], theme["colours"][ground]) >= 7
        assert contrast(theme["colours"]["quiet"], theme["colours"][ground]) >= 4.5
    assert contrast(theme["colours"]["foreground"], theme["colours"]["cursor"]) >= 4.5
    for environment in ENVIRONMENTS[1:]:
        assert contrast(theme["environments"]["text"], theme["environments"][environment]) >= 4.5, environment


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_production_looks_like_no_other_environment(path: Path) -> None:
    colours = document(path)["environments"]
    assert len({colours[name] for name in ENVIRONMENTS}) == len(ENVIRONMENTS)


def good_document() -> dict[str, object]:
    return {
        "dark": True,
        "colours": dict.fromkeys(COLOURS, "#112233"),
        "states": dict.fromkeys(STATES, "#445566"),
        "environments": dict.fromkeys(ENVIRONMENTS, "#778899"),
    }


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"dark": "yes"}, "“dark” has to be true or false"),
        ({"states": {}}, "“states.good” has to be a colour"),
        ({"colours": 3}, "the section [colours] is missing"),
        ({"extra": 1}, "“extra” is not known here"),
        ({"states": dict.fromkeys(STATES, "red")}, "has to be a colour such as"),
        ({"states": {**dict.fromkeys(STATES, "#445566"), "fine": "#000000"}}, "“states.fine” is not known"),
    ],
)
def test_a_theme_with_a_mistake_says_which(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        make_theme("mine", {**good_document(), **change})
    assert sentence in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"dark = ", b"dark = true\n", b"x" * 70_000])
def test_a_bad_file_is_one_sentence_and_the_others_are_there(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mine.toml").write_bytes(content)
    loaded = load_themes([shipped_folder(), tmp_path])
    assert len(loaded.themes) == 3
    assert len(loaded.problems) == 1
    assert "mine.toml" in loaded.problems[0]


def test_without_any_file_a_plain_theme_is_left(tmp_path: Path) -> None:
    assert list(load_themes([tmp_path / "nowhere"]).themes) == ["dark"]
    assert plain_theme().variables["failing"] == "#ffffff"


def test_a_theme_of_ones_own_replaces_the_shipped_one_of_that_name(tmp_path: Path) -> None:
    text = (shipped_folder() / "dark.toml").read_text(encoding="utf-8").replace("#7fc597", "#00ff00")
    (tmp_path / "dark.toml").write_text(text, encoding="utf-8")
    assert load_themes([shipped_folder(), tmp_path]).themes["dark"].variables["good"] == "#00ff00"


async def test_t_goes_through_the_themes() -> None:
    async with opened() as console:
        names = []
        for _ in range(3):
            names.append(console.app.theme)
            await console.press("t")
        assert names == ["dark", "light", "colour-blind"]
        assert console.app.theme == "dark"


async def test_a_bad_theme_file_and_an_unknown_name_are_toasts(tmp_path: Path) -> None:
    (tmp_path / "themes").mkdir()
    (tmp_path / "themes" / "broken.toml").write_text("dark = [/b]", encoding="utf-8")
    async with opened(theme="nosuch", config_folder=tmp_path) as console:
        assert console.app.theme == "dark"
        assert any("“nosuch”" in toast for toast in console.toasts())
        assert any("broken.toml was left out" in toast for toast in console.toasts())


async def test_without_colour_everything_is_still_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    session = StandIn()
    session.views["production"] = burning_view()
    async with opened(session) as console:
        await console.sees("[PRODUCTION]", "✘ error rate", "● live", "☐ open")
        colours = {
            segment.style.color.triplet
            for strip in console.app.screen._compositor.render_strips()
            for segment in strip.apply_filter(console.app._filters[-1], Color(0, 0, 0))
            if segment.style and segment.style.color and segment.style.color.triplet
        }
        assert all(len({triplet.red, triplet.green, triplet.blue}) == 1 for triplet in colours)
