"""On a real control plane: from the rollback key to the last PATCH accepted, beside `kubectl rollout undo` in a row."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.firing import fire
from benchmarks.measure import line
from benchmarks.plane import ADMIN, ENVIRONMENT, Fleet, Plane, absent, plan_of, running
from releaseconsole.plan.load import load_plan
from releaseconsole.session import open_session

RUNS = 5
LIMITS = {3: 1 / 4, 30: 1 / 10}
"""Workloads → the part of kubectl's time that may be used."""


@dataclass(frozen=True, slots=True)
class _Took:
    """Seconds of both, one run after the other."""

    ours: list[float]
    theirs: list[float]


def main() -> None:
    """Print median milliseconds and the ratio."""
    if problem := absent():
        print(f"rollback on a real control plane: {problem}")
        return
    with running() as plane:
        for count, limit in LIMITS.items():
            names = tuple(f"service-{number:02}" for number in range(count))
            fleet = Fleet(plane, f"rollback-{count}", names, 2)
            fleet.create()
            took = asyncio.run(_both(fleet))
            ours, theirs = statistics.median(took.ours), statistics.median(took.theirs)
            line(
                f"rollback key to {count} PATCHes accepted, median of {RUNS}",
                f"{ours * 1000:.0f} ms",
                f"ratio {limit:.2f}",
                f"{count} × kubectl rollout undo: {theirs * 1000:.0f} ms (ratio {ours / theirs:.2f})",
            )


async def _both(fleet: Fleet) -> _Took:
    took = _Took([], [])
    for number in range(RUNS):
        took.ours.append(await _ours(fleet, f"good-ours-{number}"))
        await asyncio.to_thread(fleet.settle)
        took.theirs.append(await asyncio.to_thread(_kubectl, fleet, f"good-theirs-{number}"))
        await asyncio.to_thread(fleet.settle)
    return took


async def _ours(fleet: Fleet, tag: str) -> float:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        file = folder / "plan.toml"
        file.write_text(plan_of(fleet))
        session = open_session(
            load_plan(file), kubeconfig=fleet.plane.kubeconfig, state=folder / "state", folder=folder
        )
        async with session:
            return await fire(session, ENVIRONMENT, partial(asyncio.to_thread, fleet.set_images, tag))


def _kubectl(fleet: Fleet, tag: str) -> float:
    fleet.set_images(tag)
    fleet.settle()
    started = time.perf_counter()
    for name in fleet.names:
        subprocess.run([*kubectl(fleet.plane, fleet.namespace), "rollout", "undo", f"deployment/{name}"],
                       check=True, stdout=subprocess.DEVNULL)  # fmt: skip
    return time.perf_counter() - started


def kubectl(plane: Plane, namespace: str) -> list[str]:
    """The beginning of a kubectl command in a namespace."""
    return [plane.kubectl, f"--kubeconfig={plane.kubeconfig}", f"--context={ADMIN}", f"--namespace={namespace}",
            f"--cache-dir={plane.kubeconfig.parent / 'kubectl'}"]  # fmt: skip


if __name__ == "__main__":
    main()
