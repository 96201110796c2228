"""What the benchmarks share: running a command, its CPU, a terminal to draw on, and a line of figures."""

from __future__ import annotations

import fcntl
import os
import pty
import resource
import select
import shutil
import statistics
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

CONSOLE = (sys.executable, "-m", "releaseconsole")
KUBECTL = shutil.which("kubectl")


@dataclass(frozen=True, slots=True)
class Cost:
    """One finished command."""

    wall: float
    cpu: float


def cost_of(command: Sequence[str], runs: int = 5) -> Cost:
    """Median seconds of wall and CPU time over ``runs``, after one run that is not counted."""
    costs = [_once(command) for _ in range(runs + 1)][1:]
    return Cost(statistics.median(one.wall for one in costs), statistics.median(one.cpu for one in costs))


def _once(command: Sequence[str]) -> Cost:
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(time.perf_counter() - started, cpu)


@dataclass(slots=True)
class Terminal:
    """A program on a terminal of its own, 200 columns by 50 rows."""

    process: subprocess.Popen[bytes]
    handle: int
    started: float

    def wait_for(self, text: bytes, timeout: float = 30.0) -> float:
        """Seconds from the start until ``text`` was printed. Raises TimeoutError with the last of what was."""
        seen = b""
        while (now := time.perf_counter()) - self.started < timeout:
            seen = (seen + self._read(0.2))[-200_000:]
            if text in seen:
                return time.perf_counter() - self.started
            if self.process.poll() is not None:
                break
        raise TimeoutError(f"no {text!r} after {now - self.started:.1f} s; the last was {seen[-300:]!r}")

    def drain(self, seconds: float) -> None:
        """Read and forget for a while, so that the program is never blocked by us. Raises ChildProcessError."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            said = self._read(left)
            if self.process.poll() is not None:
                raise ChildProcessError(f"the program ended with {self.process.returncode}: {said[-300:]!r}")

    def _read(self, timeout: float) -> bytes:
        """What was printed within the time; nothing once the program is gone."""
        if not select.select([self.handle], [], [], timeout)[0]:
            return b""
        try:
            return os.read(self.handle, 65536)
        except OSError:
            time.sleep(0.05)
            return b""


@contextmanager
def on_terminal(command: Sequence[str], environ: dict[str, str]) -> Iterator[Terminal]:
    """Start ``command`` on a new terminal and end it afterwards."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
    started = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color", **environ},
    )  # fmt: skip
    os.close(theirs)
    try:
        yield Terminal(process, ours, started)
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)
        process.kill()
        process.wait()
        os.close(ours)


def line(what: str, figure: str, limit: str, peer: str = "") -> None:
    """Print one figure beside its limit and its peer's."""
    print(f"{what:<52} {figure:>14}   limit {limit:<10} {peer}", flush=True)
