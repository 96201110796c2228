"""Colour themes from TOML files. A file that cannot be used is a sentence, never an error of the program."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from textual.theme import Theme

DEFAULT_THEME = "dark"
MOST_BYTES = 65_536

COLOURS = (
    "background", "surface", "panel", "foreground", "quiet", "border", "focus", "primary", "accent", "cursor",
)  # fmt: skip
STATES = ("good", "failing", "waiting", "stale", "unknown")
ENVIRONMENTS = ("text", "green", "blue", "yellow", "magenta", "red", "cyan")
_SECTIONS = {"colours": COLOURS, "states": STATES, "environments": ENVIRONMENTS}
_HEX = re.compile(r"#[0-9a-fA-F]{6}\Z")


@dataclass(frozen=True, slots=True)
class LoadedThemes:
    """Themes by name in the order of their files, and a sentence for each file that was left out."""

    themes: Mapping[str, Theme]
    problems: tuple[str, ...] = ()

    def next_after(self, name: str) -> str:
        """The theme that follows ``name``, round and round."""
        names = list(self.themes)
        return names[(names.index(name) + 1) % len(names)] if name in names else names[0]


def shipped_folder() -> Path:
    """The folder of the themes that come with the program, in a wheel or beside the source."""
    in_wheel = Path(str(files("releaseconsole"))) / "themes"
    return in_wheel if in_wheel.is_dir() else Path(__file__).resolve().parents[3] / "themes"


def load_themes(folders: Iterable[Path]) -> LoadedThemes:
    """Every ``*.toml`` of the folders, the later folder winning; a plain theme when there is none at all."""
    themes: dict[str, Theme] = {}
    problems: list[str] = []
    for folder in folders:
        for path in sorted(folder.glob("*.toml"), key=_default_first):
            try:
                themes[path.stem] = read_theme(path)
            except ValueError as error:
                problems.append(f"The theme {path.name} was left out: {error}.")
    return LoadedThemes(themes or {DEFAULT_THEME: plain_theme()}, tuple(problems))


def _default_first(path: Path) -> tuple[bool, bool, str]:
    return path.stem != DEFAULT_THEME, path.stem != "light", path.stem


def read_theme(path: Path) -> Theme:
    """The theme in the file. Raises ValueError with what has to be mended."""
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise ValueError(f"it is larger than {MOST_BYTES // 1024} KiB")
        document = tomllib.loads(raw.decode("utf-8"))
    except OSError as error:
        raise ValueError(f"it cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ValueError("it is not UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"it is not TOML ({error})") from error
    return make_theme(path.stem, document)


def make_theme(name: str, document: Mapping[str, Any]) -> Theme:
    """A theme from a parsed file. Raises ValueError naming the first key that does not fit."""
    dark = document.get("dark")
    if not isinstance(dark, bool):
        raise ValueError("“dark” has to be true or false")
    if unknown := sorted(set(document) - {"title", "dark", *_SECTIONS}):
        raise ValueError(f"“{unknown[0]}” is not known here")
    colours, states, environments = (
        _section(document, section, names) for section, names in _SECTIONS.items()
    )
    return _theme(name, dark, colours, states, environments)


def _section(document: Mapping[str, Any], section: str, names: tuple[str, ...]) -> dict[str, str]:
    values = document.get(section)
    if not isinstance(values, dict):
        raise ValueError(f"the section [{section}] is missing")
    if unknown := sorted(set(values) - set(names)):
        raise ValueError(f"“{section}.{unknown[0]}” is not known")
    for name in names:
        value = values.get(name)
        if not isinstance(value, str) or not _HEX.match(value):
            raise ValueError(f'“{section}.{name}” has to be a colour such as "#7fc597"')
    return dict(values)


def _theme(
    name: str,
    dark: bool,
    colours: Mapping[str, str],
    states: Mapping[str, str],
    environments: Mapping[str, str],
) -> Theme:
    return Theme(
        name=name,
        dark=dark,
        primary=colours["primary"],
        secondary=colours["quiet"],
        accent=colours["accent"],
        foreground=colours["foreground"],
        background=colours["background"],
        surface=colours["surface"],
        panel=colours["panel"],
        success=states["good"],
        warning=states["waiting"],
        error=states["failing"],
        variables={
            "quiet": colours["quiet"],
            "line": colours["border"],
            "line-focus": colours["focus"],
            "cursor-line": colours["cursor"],
            **states,
            **{f"env-{environment}": colour for environment, colour in environments.items()},
        },
    )


def plain_theme() -> Theme:
    """What is left when no theme file can be read: enough to work with."""
    return make_theme(
        DEFAULT_THEME,
        {
            "dark": True,
            "colours": dict.fromkeys(COLOURS, "#cccccc")
            | {"background": "#000000", "surface": "#000000", "panel": "#222222", "cursor": "#333333"},
            "states": dict.fromkeys(STATES, "#ffffff"),
            "environments": dict.fromkeys(ENVIRONMENTS, "#444444") | {"text": "#ffffff"},
        },
    )
