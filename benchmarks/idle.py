"""What the console costs when nothing happens: CPU of its process and of its practice cluster."""

from __future__ import annotations

import tempfile
import time

import psutil

from benchmarks.measure import CONSOLE, line, on_terminal

SETTLE = 12.0
WATCH = 30.0


def main() -> None:
    """Print each process's share of one core over half a minute."""
    with (
        tempfile.TemporaryDirectory() as state,
        on_terminal([*CONSOLE, "demo"], {"RELEASECONSOLE_STATE": state}) as terminal,
    ):
        terminal.wait_for(b"Running")
        terminal.drain(SETTLE)
        console = psutil.Process(terminal.process.pid)
        cluster = next(child for child in console.children() if "sandbox" in child.cmdline())
        before, started = (_cpu(console), _cpu(cluster)), time.perf_counter()
        terminal.drain(WATCH)
        seconds = time.perf_counter() - started
        ours, theirs = (_cpu(console) - before[0]) / seconds, (_cpu(cluster) - before[1]) / seconds
    line("console idle, share of a core", f"{ours:.1%}", "2 %", f"its practice cluster: {theirs:.1%}")


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


if __name__ == "__main__":
    main()
