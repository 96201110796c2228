"""From the second confirmation to the last of three PATCHes accepted, beside three `kubectl rollout undo` in a row."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import tempfile
import time
from functools import partial
from pathlib import Path

from benchmarks.cluster import practice
from benchmarks.firing import fire
from benchmarks.measure import KUBECTL, line
from releaseconsole.clock import SystemClock
from releaseconsole.cluster.connect import connect
from releaseconsole.paths import sample_configs_dir
from releaseconsole.plan.load import load_plan
from releaseconsole.plan.variables import with_overrides
from releaseconsole.session import open_session

RUNS = 5
STRATEGIC_MERGE = "application/strategic-merge-patch+json"
WORKLOADS = ("command-service", "api-gateway", "query-service")


def main() -> None:
    """Print median milliseconds and the ratio."""
    with practice("--speed", "10") as kubeconfig:
        ours = asyncio.run(_ours(kubeconfig))
        theirs = asyncio.run(_kubectl(kubeconfig)) if KUBECTL else 0.0
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
                seconds.append(await fire(session, "production", partial(_set_images, kubeconfig)))
    return statistics.median(seconds)


async def _set_images(kubeconfig: Path) -> None:
    """Give every workload an image that it never had."""
    client = await connect("production", kubeconfig=kubeconfig, clock=SystemClock())
    try:
        for name in WORKLOADS:
            container = {"name": name, "image": f"healthpay/{name}:1.0.{time.time_ns() % 100000}"}
            body = {"spec": {"template": {"spec": {"containers": [container]}}}}
            path = f"/apis/apps/v1/namespaces/healthpay/deployments/{name}"
            await client.exchange("PATCH", path, body=body, content_type=STRATEGIC_MERGE)
    finally:
        await client.close()


async def _kubectl(kubeconfig: Path) -> float:
    assert KUBECTL is not None
    undo = [KUBECTL, "--kubeconfig", str(kubeconfig), "--context", "production", "-n", "healthpay"]
    seconds = []
    for _ in range(RUNS):
        await _set_images(kubeconfig)
        await asyncio.sleep(1)
        started = time.perf_counter()
        for name in WORKLOADS:
            command = [*undo, "rollout", "undo", f"deployment/{name}"]
            await asyncio.to_thread(subprocess.run, command, check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


if __name__ == "__main__":
    main()
