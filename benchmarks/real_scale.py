"""On a real control plane: the headless watch of 50, 500 and 5,000 pods, at first sight and while all of them restart.

The watch runs in a process of its own (``watcher``). Beside it, on the same work: kubectl listing and watching.
"""

from __future__ import annotations

import bisect
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from benchmarks.measure import line
from benchmarks.plane import STRATEGIC_MERGE, Fleet, absent, fleet, plan_of, running
from benchmarks.real_rollback import kubectl
from benchmarks.watcher import MARKER

SIZES = (50, 500, 5000)
RUNS = 5
MARK_EVERY = 0.25
SETTLE = 3.0
MEGABYTE = 2**20
COLUMNS = ("pods", "full view", "since session", "CPU till then", "at rest",
           "restart", "its CPU", "share of core", "peak memory", "behind at most")  # fmt: skip


@dataclass(slots=True)
class Watcher:
    """A headless watch that runs, and what it has said."""

    process: subprocess.Popen[str]
    started: float
    full: float = 0.0
    """Seconds from the start of the process to the first full view."""
    session: float = 0.0
    """Of these, since its session was opened."""
    seen: list[tuple[int, float]] = field(default_factory=list)
    """Version of the marker, and when the cache held it."""

    def read_full(self) -> None:
        """Wait for the first full view. Raises RuntimeError when the process ends before."""
        assert self.process.stdout is not None
        for text in self.process.stdout:
            said = json.loads(text)
            if "opened" in said:
                self.full, self.session = said["at"] - self.started, said["at"] - said["opened"]
                return
        raise RuntimeError("the watch ended without a view; its reason is above")

    def read_marks(self) -> None:
        """Take what it says about the marker until it ends."""
        assert self.process.stdout is not None
        for text in self.process.stdout:
            said = json.loads(text)
            self.seen.append((int(said["marker"]), said["at"]))


@dataclass(frozen=True, slots=True)
class Look:
    """Seconds of one start."""

    full: float
    session: float
    cpu: float
    kubectl: float


@dataclass(frozen=True, slots=True)
class Restart:
    """All pods were replaced."""

    seconds: float
    cpu: float
    peak: float
    """Bytes."""
    lags: list[float]
    """Seconds from the answer to a write until the cache held it."""
    kubectl_cpu: float
    kubectl_peak: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything about one size."""

    pods: int
    first: float
    session: float
    first_cpu: float
    kubectl_first: float
    resting: float
    """Bytes while nothing changes."""
    restart: Restart


def main() -> None:
    """Print the figures of each size, and the limits beside those of the largest."""
    if problem := absent():
        print(f"scale on a real control plane: {problem}")
        return
    found = []
    with running() as plane, tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            ships = fleet(plane, size)
            ships.create()
            _mark(ships, create=True)
            plan = Path(folder, f"{size}.toml")
            plan.write_text(plan_of(ships))
            found.append(_measure(ships, plan))
    _print_limits(found[-1])
    _print_table(found)


def _measure(ships: Fleet, plan: Path) -> Figures:
    looks = [_look(ships, plan) for _ in range(RUNS)]
    with _watching(ships, plan) as watcher:
        time.sleep(SETTLE)
        resting = psutil.Process(watcher.process.pid).memory_info().rss
        restart = _restart(ships, watcher)
    return Figures(
        ships.pods,
        statistics.median(look.full for look in looks),
        statistics.median(look.session for look in looks),
        statistics.median(look.cpu for look in looks),
        statistics.median(look.kubectl for look in looks),
        resting,
        restart,
    )


def _look(ships: Fleet, plan: Path) -> Look:
    with _watching(ships, plan) as watcher:
        cpu = _cpu(psutil.Process(watcher.process.pid))
    return Look(watcher.full, watcher.session, cpu, _kubectl_first(ships))


@contextmanager
def _watching(ships: Fleet, plan: Path) -> Iterator[Watcher]:
    """A watch with its first full view; it is ended at the end of the block."""
    command = [sys.executable, "-m", "benchmarks.watcher", str(plan)]
    command += ["--kubeconfig", str(ships.plane.kubeconfig), "--pods", str(ships.pods)]
    started = time.monotonic()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        watcher = Watcher(process, started)
        watcher.read_full()
        reader = threading.Thread(target=watcher.read_marks)
        reader.start()
        try:
            yield watcher
        finally:
            assert process.stdin is not None
            process.stdin.close()
            reader.join()


def _restart(ships: Fleet, watcher: Watcher) -> Restart:
    peer = subprocess.Popen(
        [*kubectl(ships.plane, ships.namespace), "get", "pods", "--watch"], stdout=subprocess.DEVNULL
    )
    ours, theirs = psutil.Process(watcher.process.pid), psutil.Process(peer.pid)
    try:
        time.sleep(SETTLE)
        before, before_theirs, began = _cpu(ours), _cpu(theirs), time.monotonic()
        written, peaks = _restart_marked(ships, ours, theirs)
        seconds = time.monotonic() - began
        cpu, kubectl_cpu = _cpu(ours) - before, _cpu(theirs) - before_theirs
        ships.plane.until(
            lambda: bool(watcher.seen) and watcher.seen[-1][0] >= written[-1][0], "the last mark"
        )
    finally:
        peer.terminate()
        peer.wait()
    return Restart(seconds, cpu, peaks[0], _lags(written, watcher.seen), kubectl_cpu, peaks[1])


def _restart_marked(
    ships: Fleet, *processes: psutil.Process
) -> tuple[list[tuple[int, float]], tuple[float, ...]]:
    """Restart all and wait for the end, marking the while: versions written with their time; the peaks of memory."""
    written: list[tuple[int, float]] = []
    samples: list[tuple[float, ...]] = []
    over = threading.Event()

    def write() -> None:
        while True:
            written.append((_mark(ships), time.monotonic()))
            samples.append(tuple(one.memory_info().rss for one in processes))
            if over.wait(MARK_EVERY):
                return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        ships.restart()
        ships.settle()
    finally:
        over.set()
        writer.join()
    return written, tuple(max(column) for column in zip(*samples, strict=True))


def _mark(ships: Fleet, *, create: bool = False) -> int:
    """Write the marker pod; its new version."""
    path = f"/api/v1/namespaces/{ships.namespace}/pods"
    metadata: dict[str, Any] = {"name": MARKER, "annotations": {"written": str(time.monotonic_ns())}}
    if create:
        spec = {"containers": [{"name": "first", "image": "shop:good-1"}]}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
        said = ships.plane.send("POST", path, pod)
    else:
        said = ships.plane.send("PATCH", f"{path}/{MARKER}", {"metadata": metadata}, STRATEGIC_MERGE)
    return int(said["metadata"]["resourceVersion"])


def _lags(written: list[tuple[int, float]], seen: list[tuple[int, float]]) -> list[float]:
    """For each write, how long after its answer the cache held it or a later one."""
    versions = [version for version, _ in seen]
    return [
        max(0.0, seen[bisect.bisect_left(versions, version)][1] - at)
        for version, at in written
        if version <= versions[-1]
    ]


def _kubectl_first(ships: Fleet) -> float:
    started = time.perf_counter()
    subprocess.run(
        [*kubectl(ships.plane, ships.namespace), "get", "pods"], check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - started


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _print_limits(figures: Figures) -> None:
    restart, what = figures.restart, f"{figures.pods:,} pods"
    line(
        f"{what}: start to full view, median of {RUNS}",
        f"{figures.first:.2f} s",
        "1.5 s",
        f"kubectl get pods: {figures.kubectl_first:.2f} s; k9s elsewhere: 3.1 s",
    )
    line(
        f"{what}: memory of the headless watch, at most",
        f"{restart.peak / MEGABYTE:.0f} MB",
        "150 MB",
        f"kubectl get --watch: {restart.kubectl_peak / MEGABYTE:.0f} MB; k9s elsewhere: 354–532 MB",
    )
    line(
        f"{what}: share of a core while all restart",
        f"{restart.cpu / restart.seconds:.1%}",
        "25 %",
        f"kubectl get --watch: {restart.kubectl_cpu / restart.seconds:.1%}; k9s elsewhere: 21 %",
    )
    line(
        f"{what}: behind the API server meanwhile, at most",
        f"{max(restart.lags) * 1000:.0f} ms",
        "1000 ms",
        f"median {statistics.median(restart.lags) * 1000:.0f} ms of {len(restart.lags)} writes",
    )


def _print_table(found: list[Figures]) -> None:
    print(" ".join(f"{text:>15}" for text in COLUMNS))
    for one in found:
        restart = one.restart
        cells = (
            f"{one.pods:,}", f"{one.first:.2f} s", f"{one.session:.2f} s", f"{one.first_cpu:.2f} s",
            f"{one.resting / MEGABYTE:.0f} MB", f"{restart.seconds:.0f} s", f"{restart.cpu:.2f} s",
            f"{restart.cpu / restart.seconds:.1%}", f"{restart.peak / MEGABYTE:.0f} MB",
            f"{max(restart.lags) * 1000:.0f} ms",
        )  # fmt: skip
        print(" ".join(f"{text:>15}" for text in cells), flush=True)


if __name__ == "__main__":
    main()
