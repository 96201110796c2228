"""How long a key takes while the Prometheus of the environment hangs: it accepts, and never answers."""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.cluster import practice
from benchmarks.measure import line
from benchmarks.metric import ERROR_RATE
from releaseconsole.paths import sample_configs_dir
from releaseconsole.plan.load import load_plan
from releaseconsole.plan.model import Plan
from releaseconsole.plan.variables import with_overrides
from releaseconsole.session import open_session
from releaseconsole.ui.app import ConsoleApp
from releaseconsole.ui.screens.metric_detail import MetricDetail

PRESSES = 300
BETWEEN = 0.03
SIZE = (200, 50)
PATIENCE = 60.0


def main() -> None:
    """Print the median and the 99th percentile of both screens, in milliseconds."""
    with practice() as kubeconfig:
        panels, chart = asyncio.run(_measure(kubeconfig))
    for what, seconds in (("the checklist", panels), ("a chart", chart)):
        told = f"p50 {statistics.median(seconds) * 1000:.0f} ms, slowest {max(seconds) * 1000:.0f} ms"
        line(
            f"a key on {what}, Prometheus hangs, p99 of {PRESSES}",
            f"{_p99(seconds) * 1000:.0f} ms",
            "50 ms",
            told,
        )


async def _measure(kubeconfig: Path) -> tuple[list[float], list[float]]:
    async with _hanging() as port, asyncio.timeout(10 * PATIENCE):
        plan = _pointed(kubeconfig, port)
        with tempfile.TemporaryDirectory() as state:
            session = open_session(plan, kubeconfig=kubeconfig, state=Path(state), folder=Path(state))
            app = ConsoleApp(session)
            async with app.run_test(size=SIZE) as pilot:
                await _until(lambda: app._opened and bool(session.environment("production").pods))
                checklist = app._main.checklist
                checklist.focus()
                panels = await _pressed(app, ("down", "up"), lambda: checklist.current_item)
                away = replace(ERROR_RATE, value=None, meets_target=None, state="PROVIDER DOWN")
                detail = MetricDetail(away, environment="production", charts=session.charts)
                await app.push_screen(detail)
                chart = await _pressed(
                    app, ("right_square_bracket", "left_square_bracket"), lambda: detail.feed.chosen
                )
                await pilot.press("escape")
    return panels, chart


async def _pressed(app: ConsoleApp, keys: Sequence[str], state: Callable[[], object]) -> list[float]:
    """Seconds from each key, as the terminal's driver would give it, until its effect is there."""
    seconds = []
    for press in range(PRESSES):
        before, started = state(), time.perf_counter()
        app.simulate_key(keys[press % len(keys)])
        while state() == before:  # noqa: ASYNC110  (a widget's state tells nobody that it changed)
            await asyncio.sleep(0)
        seconds.append(time.perf_counter() - started)
        await asyncio.sleep(BETWEEN)
    return seconds


@asynccontextmanager
async def _hanging() -> AsyncIterator[int]:
    """The port of a server that accepts connections and never answers."""
    held: list[asyncio.StreamWriter] = []

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in held:
            writer.transport.abort()


def _pointed(kubeconfig: Path, port: int) -> Plan:
    places = json.loads(kubeconfig.with_name("endpoints.json").read_text("utf-8"))
    hung = {name: {**place, "prometheus_url": f"http://127.0.0.1:{port}"} for name, place in places.items()}
    return with_overrides(load_plan(sample_configs_dir() / "healthpay.toml"), hung)


async def _until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110  (the first data, before anything is measured)
            await asyncio.sleep(0.05)


def _p99(seconds: Sequence[float]) -> float:
    return statistics.quantiles(seconds, n=100)[-1]


if __name__ == "__main__":
    main()
