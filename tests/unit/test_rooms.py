"""What a command loads: a headless one no screen, and the shortest one next to nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_runner import SMALL, Program

LOOK = """
import sys
from releaseconsole.cli import main
try:
    main()
finally:
    with open("loaded", "w") as file:
        print(*sorted(sys.modules), file=file)
"""
HEADLESS = {
    "validate": ("validate", SMALL),
    "doctor": ("doctor", SMALL, "--kubeconfig", "nosuch"),
    "status": ("status", SMALL, "--kubeconfig", "nosuch"),
    "check": ("check", SMALL, "--kubeconfig", "nosuch", "--phase", "deploy"),
    "rollback": ("rollback", SMALL, "--kubeconfig", "nosuch", "--dry-run"),
    "journal": ("journal", SMALL),
    "locate": ("locate",),
}
SCREEN = {"textual", "textual_plot", "releaseconsole.ui"}
HEAVY = {
    "pydantic",
    "kubernetes",
    "aiohttp",
    "httpx",
    "requests",
    "pandas",
    "numpy",
    "yaml",
    "msgspec",
    "asyncio",
}


def loaded(folder: Path, *words: str | Path) -> set[str]:
    """The modules that a command had loaded when it ended."""
    Program(folder)(*words, python=("-c", LOOK))
    return set((folder / "loaded").read_text().split())


@pytest.mark.parametrize("command", HEADLESS)
def test_a_headless_command_loads_no_screen(tmp_path: Path, command: str) -> None:
    modules = loaded(tmp_path, *HEADLESS[command])
    assert "releaseconsole.cli" in modules
    assert modules & SCREEN == set()
    # httpx loads it for a command line of its own.
    assert "rich" not in modules or "httpx" in modules


@pytest.mark.parametrize("words", [("--version",), ("--help",)], ids=["version", "help"])
def test_the_shortest_commands_load_next_to_nothing(tmp_path: Path, words: tuple[str, ...]) -> None:
    modules = loaded(tmp_path, *words)
    assert modules & (SCREEN | HEAVY | {"rich"}) == set()
    ours = {name for name in modules if name.startswith("releaseconsole.")}
    assert ours <= {
        "releaseconsole.cli",
        "releaseconsole.commands",
        "releaseconsole.commands.output",
        "releaseconsole.errors",
    }


def test_a_plan_is_read_without_any_way_to_a_cluster(tmp_path: Path) -> None:
    modules = loaded(tmp_path, "validate", SMALL)
    assert modules & {"kubernetes", "aiohttp", "httpx", "prometheus_api_client"} == set()
    assert not [
        name for name in modules if name.startswith(("releaseconsole.session", "releaseconsole.cluster"))
    ]
