"""On a real control plane, through the whole console: from the key to the preview on the screen, and from the letter
that confirms it to the last PATCH accepted, beside `kubectl rollout undo` in a row.

Everything is armed, as it is while a release is under way. In the same run, on the same work: the floor, which is
the same patches sent by bare asyncio (``bare``), and the round trip of one GET.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.bare import patched as bare_patched
from benchmarks.firing import patched, rehearsed, until
from benchmarks.measure import line
from benchmarks.painting import SIZE, PaintedConsole
from benchmarks.plane import ADMIN, ENVIRONMENT, Fleet, Plane, absent, plan_of, running
from releaseconsole.plan.load import load_plan
from releaseconsole.session import open_session
from releaseconsole.ui.screens.preview import PreviewScreen

if TYPE_CHECKING:
    from releaseconsole.session import Session

RUNS = 5
PREVIEW = 0.1
"""Seconds from the key to the preview."""
LIMITS = {3: 0.05, 30: 0.5}
"""Workloads → seconds from the confirmation to the last PATCH accepted; for three, one round trip more."""
READING = 1.0
"""Seconds that somebody looks at the preview, at the least."""


@dataclass(frozen=True, slots=True)
class _Took:
    """Seconds of each run."""

    preview: list[float] = field(default_factory=list)
    """From the key to the painted preview."""
    prepared: list[float] = field(default_factory=list)
    """Of these, what the session takes for it."""
    ours: list[float] = field(default_factory=list)
    """From the letter to the last PATCH accepted."""
    floor: list[float] = field(default_factory=list)
    looks: list[float] = field(default_factory=list)
    """Single GETs."""
    kubectl: list[float] = field(default_factory=list)


def main() -> None:
    """Print medians, the worst, and whether the limits are met."""
    if problem := absent():
        print(f"rollback on a real control plane: {problem}")
        return
    with running() as plane:
        for count in LIMITS:
            names = tuple(f"service-{number:02}" for number in range(count))
            fleet = Fleet(plane, f"rollback-{count}", names, 2)
            fleet.create()
            _print(count, asyncio.run(_measure(fleet)))


async def _measure(fleet: Fleet) -> _Took:
    took = _Took()
    for number in range(RUNS):
        await _ours(fleet, f"good-ours-{number}", took)
        floor, looks = await bare_patched(fleet, f"good-floor-{number}")
        took.floor.append(floor)
        took.looks.extend(looks)
        await asyncio.to_thread(fleet.settle)
        took.kubectl.append(await asyncio.to_thread(_kubectl, fleet, f"good-theirs-{number}"))
        await asyncio.to_thread(fleet.settle)
    return took


async def _ours(fleet: Fleet, tag: str, took: _Took) -> None:
    """One rollback by hand: pinned, released, rehearsed; then the key, and the letter."""
    with _session(fleet) as session:
        app = PaintedConsole(session)
        async with app.run_test(size=SIZE):
            await app.opened()
            await session.ready({ENVIRONMENT}, 30.0, metrics=False)
            await session.pin(ENVIRONMENT)
            await asyncio.to_thread(fleet.set_images, tag)
            await asyncio.to_thread(fleet.settle)
            await until(session, lambda: rehearsed(session, ENVIRONMENT) is not None)
            took.prepared.append(_prepared(session))
            took.preview.append(await _shown(app, fleet.names[0]))
            await asyncio.sleep(READING)
            took.ours.append(await _fired(app, session))
            await until(session, lambda: bool(session.state.rollbacks[-1].outcome))
            if session.state.rollbacks[-1].outcome != "complete":
                raise RuntimeError(f"the rollback ended {session.state.rollbacks[-1].outcome}")
            await asyncio.to_thread(fleet.settle)


@contextmanager
def _session(fleet: Fleet) -> Iterator[Session]:
    """A session with a journal of its own, that nobody has opened yet."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        file = folder / "plan.toml"
        file.write_text(plan_of(fleet))
        yield open_session(
            load_plan(file), kubeconfig=fleet.plane.kubeconfig, state=folder / "state", folder=folder
        )


def _prepared(session: Session) -> float:
    started = time.perf_counter()
    session.prepared_preview(ENVIRONMENT)
    return time.perf_counter() - started


async def _shown(app: PaintedConsole, workload: str) -> float:
    started = time.perf_counter()
    app.simulate_key("ctrl+r")
    return await app.paints(lambda: _is_preview(app, workload)) - started


def _is_preview(app: PaintedConsole, workload: str) -> bool:
    if not isinstance(app.screen, PreviewScreen):
        return False
    text = app.text
    return "ROLL BACK" in text and workload in text and "to roll back now" in text


async def _fired(app: PaintedConsole, session: Session) -> float:
    screen = app.screen
    assert isinstance(screen, PreviewScreen)
    assert screen._preview is not None
    started = time.time()
    app.simulate_key(screen._preview.letter.lower())
    await until(session, lambda: patched(session))
    accepted = [one.times["patched"] for one in session.state.rollbacks[-1].workloads.values()]
    return max(accepted) - started


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


def _print(count: int, took: _Took) -> None:
    trip, peer = statistics.median(took.looks), statistics.median(took.kubectl)
    limit = LIMITS[count] + (trip if count == min(LIMITS) else 0.0)
    _row(f"rollback key to the preview of {count}", took.preview, PREVIEW,
         f"of these {_ms(took.prepared)} in the session")  # fmt: skip
    ratio = statistics.median(took.ours) / peer
    told = f"{count} × kubectl rollout undo: {peer * 1000:.0f} ms (ratio {ratio:.2f})"
    _row(f"confirmed to {count} PATCHes accepted", took.ours, limit,
         f"bare asyncio {_ms(took.floor)}, one GET {trip * 1000:.1f} ms; {told}")  # fmt: skip
    print(f"    load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)


def _row(what: str, seconds: Sequence[float], limit: float, told: str) -> None:
    middle, worst = statistics.median(seconds), max(seconds)
    met = "met" if middle <= limit else "MISSED"
    figures = f"{middle * 1000:.0f} ms"
    line(f"{what}, median of {len(seconds)}", figures, f"{limit * 1000:.0f} ms",
         f"{met}; worst {worst * 1000:.0f} ms; {told}")  # fmt: skip


def _ms(seconds: Sequence[float]) -> str:
    return f"{statistics.median(seconds) * 1000:.0f} ms (worst {max(seconds) * 1000:.0f})"


if __name__ == "__main__":
    main()
