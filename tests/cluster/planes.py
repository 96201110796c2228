"""One control plane for the whole test run, whichever folder of tests asks for it first.

The tests that need it run in one worker of pytest-xdist (``--dist loadgroup``); without the programs they are
skipped, but in continuous integration they fail.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import binaries
import pytest
from control_plane import ControlPlane

_HELD = pytest.StashKey["_Held"]()


@dataclass(slots=True)
class _Held:
    """The control plane that runs, and how many fixtures hold it."""

    plane: ControlPlane
    holders: int = 0


def mark(items: Iterable[pytest.Item], missing: Iterable[str]) -> None:
    """Puts tests into the control plane's group, and skips them where programs are ``missing``."""
    skips = bool(list(missing)) and not must_run()
    for item in items:
        item.add_marker(pytest.mark.xdist_group("control-plane"))
        if skips:
            item.add_marker(pytest.mark.skip(reason=f"no control plane here: run `{binaries.HOW}`"))


def must_run() -> bool:
    """Whether a missing control plane is an error, as it is in continuous integration."""
    return os.environ.get("CI", "").lower() in ("1", "true")


@contextmanager
def shared(config: pytest.Config) -> Iterator[ControlPlane]:
    """The control plane of this run: the first who asks starts it, the last who leaves stops it."""
    if missing := binaries.missing():
        pytest.fail(f"Without {', '.join(missing)} there is no control plane: run `{binaries.HOW}`.")
    if _HELD not in config.stash:
        config.stash[_HELD] = _Held(ControlPlane(binaries.find()))
        try:
            config.stash[_HELD].plane.start()
        except BaseException:
            config.stash[_HELD].plane.close()
            del config.stash[_HELD]
            raise
    held = config.stash[_HELD]
    held.holders += 1
    try:
        yield held.plane
    finally:
        held.holders -= 1
        if not held.holders:
            del config.stash[_HELD]
            held.plane.close()
