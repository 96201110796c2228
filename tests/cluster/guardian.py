"""Owns the processes of a control plane, and ends them when whoever started it is gone.

It takes orders as lines of JSON on its standard input and answers each with a line. When that input ends, in
whatever way (a clean stop, Ctrl+C, SIGKILL of the test run), every process is killed and the folder is removed.
It runs in a session of its own, so that Ctrl+C reaches the tests first and not the servers under them.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1


class Guardian:
    """Starts and kills named processes, each in a process group of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: list[str]) -> int:
        """Start a process whose output goes to a file of the folder; its process id."""
        self.kill(name)
        with (self._folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                command,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_the_guardian(),
            )
        return self._running[name].pid

    def kill(self, name: str) -> None:
        """End a process at once, and wait for its end."""
        process = self._running.pop(name, None)
        if process is not None:
            os.killpg(process.pid, signal.SIGKILL) if process.poll() is None else None
            process.wait()

    def ended(self, name: str) -> int | None:
        """The exit status of a process that has ended by itself."""
        return self._running[name].poll()

    def stop(self) -> None:
        """End everything and leave nothing behind."""
        for name in reversed(list(self._running)):
            self.kill(name)
        shutil.rmtree(self._folder, ignore_errors=True)


def _die_with_the_guardian() -> Callable[[], None] | None:
    """On Linux the kernel ends the processes even when the guardian itself is killed."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    guardian = Guardian(Path(sys.argv[1]))
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    orders: dict[str, Callable[..., Any]] = {
        "start": guardian.start,
        "kill": guardian.kill,
        "ended": guardian.ended,
    }
    try:
        for line in sys.stdin:
            order, *words = json.loads(line)
            print(json.dumps(orders[order](*words)), flush=True)
    except BrokenPipeError:
        pass
    finally:
        guardian.stop()


if __name__ == "__main__":
    main()
