"""From the second confirmation to the last of three PATCHes accepted, beside three `kubectl rollout undo` in a row."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.cluster import practice
from benchmarks.measure import KUBECTL, line
from releaseconsole.paths import sample_configs_dir
from releaseconsole.plan.load import load_plan
from releaseconsole.plan.variables import with_overrides
from releaseconsole.session import Session, open_session

RUNS = 5
WORKLOADS = ("command-service", "api-gateway", "query-service")


def main() -> None:
    """Print median milliseconds and the ratio."""
    with practice("--speed", "10") as kubeconfig:
        ours = asyncio.run(_ours(kubeconfig))
        theirs = _kubectl(kubeconfig)
    peer = (
        f"kubectl, one after the other: {theirs * 1000:.0f} ms (ratio {ours / theirs:.2f})" if theirs else ""
    )
    line(f"rollback key to three PATCHes accepted, median of {RUNS}", f"{ours * 1000:.0f} ms", "150 ms", peer)


async def _ours(kubeconfig: Path) -> float:
    plan = with_overrides(
        load_plan(sample_configs_dir() / "healthpay.toml"),
        json.loads(kubeconfig.with_name("endpoints.json").read_text("utf-8")),
    )
    seconds = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as state:
            session = open_session(plan, kubeconfig=kubeconfig, state=Path(state), folder=Path(state))
            async with session:
                seconds.append(await _one(session, kubeconfig))
    return statistics.median(seconds)


async def _one(session: Session, kubeconfig: Path) -> float:
    await session.ready({"production"}, 10.0, metrics=False)
    await session.pin("production")
    for name in WORKLOADS:
        await asyncio.to_thread(_set_image, kubeconfig, name)
    await _until(session, lambda: session.environment("production").armed.armed and _all_rolling(session))
    preview = session.prepared_preview("production")
    assert preview is not None
    assert preview.can_fire
    started = time.perf_counter()
    session.start_rollback(preview, "benchmark")
    await _until(session, lambda: _patched(session))
    took = time.perf_counter() - started
    await _until(session, lambda: bool(session.state.rollbacks[-1].outcome))
    return took


def _all_rolling(session: Session) -> bool:
    return all(
        one.rollback_ready and one.image != one.previous_image
        for one in session.environment("production").workloads
    )


def _patched(session: Session) -> bool:
    rollbacks = session.state.rollbacks
    return bool(rollbacks) and all("patched" in one.times for one in rollbacks[-1].workloads.values())


async def _until(session: Session, holds) -> None:  # type: ignore[no-untyped-def]
    async with asyncio.timeout(120):
        version = session.version
        while not holds():
            version = await session.changed(version)


def _set_image(kubeconfig: Path, name: str) -> None:
    _run(
        kubeconfig,
        "set",
        "image",
        f"deployment/{name}",
        f"{name}=healthpay/{name}:1.0.{time.time_ns() % 100000}",
    )


def _kubectl(kubeconfig: Path) -> float:
    if KUBECTL is None:
        return 0.0
    seconds = []
    for _ in range(RUNS):
        for name in WORKLOADS:
            _set_image(kubeconfig, name)
        started = time.perf_counter()
        for name in WORKLOADS:
            _run(kubeconfig, "rollout", "undo", f"deployment/{name}")
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def _run(kubeconfig: Path, *arguments: str) -> None:
    assert KUBECTL is not None, "kubectl is needed to change images"
    subprocess.run(
        [KUBECTL, "--kubeconfig", str(kubeconfig), "--context", "production", "-n", "healthpay", *arguments],
        check=True,
        stdout=subprocess.DEVNULL,
    )


if __name__ == "__main__":
    main()
