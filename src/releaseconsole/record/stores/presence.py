"""Whether somebody is writing a journal, for those who only read it."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

_MOST_BYTES = 4096


def is_held(folder: Path) -> bool:
    """Whether a console writes the journal in ``folder``, by the note that it leaves beside it.

    One that was killed leaves its note, but no process; of a process on another machine only the note is known,
    and it is believed. Nothing is locked or changed by asking.
    """
    try:
        with (folder / "journal.holder").open("rb") as file:
            said = json.loads(file.read(_MOST_BYTES))
        pid, host = int(said["pid"]), str(said["host"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return False
    return host != socket.gethostname() or _lives(pid)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return pid > 0
