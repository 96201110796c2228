"""The programs of a real Prometheus: where they are, and how one gets them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

PROGRAMS = ("prometheus", "promtool")
HOW = "make prometheus"
_INSTALL = ("apt-get update", "apt-get install -y --no-install-recommends prometheus")
_QUIET = {"DEBIAN_FRONTEND": "noninteractive"}


def missing() -> list[str]:
    """The programs that are not on PATH."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


def path(name: str) -> Path:
    """Where a program is. Raises FileNotFoundError, saying how to get it."""
    found = shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"There is no {name} on PATH: run `{HOW}`.")
    return Path(found)


def install() -> int:
    """Install what is missing with Debian's package manager; says what it does. Returns an exit status."""
    if not missing():
        print(f"prometheus and promtool are here: {path('prometheus').parent}")
        return 0
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        print(
            "Put prometheus and promtool (2.40 or later) on PATH; as root on Debian or Ubuntu,",
            file=sys.stderr,
        )
        print(f"`{HOW}` runs: {' && '.join(_INSTALL)}", file=sys.stderr)
        return 1
    for command in _INSTALL:
        print(f"+ {command}", flush=True)
        # A service that may not be started here is no failure: only the programs are wanted.
        subprocess.run(command.split(), env={**os.environ, **_QUIET}, check=False)
    if missing():
        print(f"There is still no {' and no '.join(missing())} on PATH.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(install())
