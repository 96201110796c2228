"""Commands as processes on a practice cluster, with pipes or on a pseudo terminal."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from session_kit import Place

from releaseconsole.commands.practice import endpoint_overrides
from releaseconsole.paths import sample_configs_dir

HEALTHPAY = sample_configs_dir() / "healthpay.toml"
DEADLINE = 60.0


class Commands:
    """Runs commands on one practice cluster."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.folder = place.folder
        overrides = endpoint_overrides(place.cluster)
        (self.folder / "endpoints.json").write_text(json.dumps(overrides), "utf-8")

    @property
    def environ(self) -> dict[str, str]:
        ours = {"HOME": str(self.folder), "RELEASECONSOLE_STATE": str(self.folder / "home")}
        return {"PATH": os.environ["PATH"], "PYTHONUTF8": "1", "RELEASECONSOLE_USER": "amira", **ours}

    def words(self, command: str, *more: str | Path, state: bool = True) -> list[str]:
        place = ["--kubeconfig", self.place.kubeconfig, "--endpoints", self.folder / "endpoints.json"]
        kept = ["--state", self.place.state] if state else []
        words = [sys.executable, "-m", "releaseconsole", command, HEALTHPAY, *place, *kept, *more]
        return [str(word) for word in words]

    def start(self, words: list[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environ,
            cwd=self.folder,
        )

    def ended(self, process: subprocess.Popen[str]) -> tuple[int, str, str]:
        try:
            out, err = process.communicate(timeout=DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"not at its end after {DEADLINE:.0f} s: {out}\n{err}") from None
        assert "Traceback" not in out + err, err
        assert "\x1b" not in out + err
        return process.returncode, out, err

    def __call__(self, command: str, *more: str | Path, state: bool = True) -> tuple[int, str, str]:
        return self.ended(self.start(self.words(command, *more, state=state)))


class Terminal:
    """A process on a pseudo terminal of 120 × 40."""

    def __init__(self, process: subprocess.Popen[bytes], fd: int) -> None:
        self._process = process
        self._fd = fd
        self.shown = ""

    def type(self, keys: str) -> None:
        os.write(self._fd, keys.encode())

    def read_until(self, pattern: str) -> re.Match[str]:
        """Read what it draws until ``pattern`` is in it."""
        end = time.monotonic() + DEADLINE
        while (match := re.search(pattern, self.shown)) is None:
            assert self._more(end), self.shown
        return match

    def draw_until(self, holds: Callable[[], bool]) -> None:
        """Let it draw until something holds outside of it."""
        end = time.monotonic() + DEADLINE
        while not holds():
            assert self._more(end), self.shown[-4000:]

    def draws(self) -> bool:
        """Wait until it draws something; False when it has gone."""
        return self._more(time.monotonic() + DEADLINE)

    def kill(self) -> None:
        """SIGKILL: it can do nothing more."""
        self._process.kill()
        self._process.wait(DEADLINE)

    def wait(self) -> int:
        """The exit code; what is still drawn is read meanwhile."""
        end = time.monotonic() + DEADLINE
        while self._more(end):
            pass
        assert "Traceback" not in self.shown
        return self._process.wait(DEADLINE)

    def _more(self, end: float) -> bool:
        ready, _, _ = select.select([self._fd], [], [], max(0.0, end - time.monotonic()))
        try:
            data = os.read(self._fd, 65536) if ready else b""
        except OSError:
            data = b""
        self.shown += data.decode("utf-8", "replace")
        return bool(data)


@contextmanager
def on_terminal(commands: Commands, words: list[str]) -> Iterator[Terminal]:
    """Run a command on a pseudo terminal; what is left of it afterwards is killed."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    process = subprocess.Popen(
        words,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=_take_terminal,
        env={**commands.environ, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"},
        cwd=commands.folder,
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _take_terminal() -> None:
    """So that Ctrl+C typed there becomes a signal."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
