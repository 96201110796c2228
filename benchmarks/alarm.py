"""From a breach that a real Prometheus shows to the alarm painted on the console's screen, beside the polling interval.

Through everything that is between: the poll, the trigger with its hold, the session, the screen. The trigger holds for
``HOLD``, which has to go by before it is a breach; what is measured begins at its end.
"""

from __future__ import annotations

import asyncio
import importlib
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.cluster import practice
from benchmarks.measure import line
from benchmarks.painting import SIZE, PaintedConsole
from releaseconsole.plan.load import parse_plan
from releaseconsole.plan.model import Plan
from releaseconsole.session import open_session
from releaseconsole.session.feed import POLL_EVERY

KIT = Path(__file__).parents[1] / "tests" / "metrics"
RUNS = 5
HOLD = 2.0
LIMIT = POLL_EVERY + 1.0
LOOK_EVERY = 0.01
PLAN = """
[release]
name = "bench"
title = "Bench"
version = "1"
[environments.production]
targets = [{{ context = "production", namespace = "healthpay" }}]
workloads = ["deployment/api-gateway"]
prometheus = {{ url = "{url}" }}
[[objectives]]
id = "level"
query = 'level{{namespace="{namespace}"}}'
target = "< 10"
rollback = {{ when = "> 10", for = "{hold}s" }}
[[phases]]
id = "production"
title = "Production"
environment = "production"
"""


@dataclass(frozen=True, slots=True)
class _Ground:
    """A practice cluster, a real Prometheus, and the page that it scrapes."""

    kubeconfig: Path
    prometheus: Any
    page: Any

    def plan(self) -> Plan:
        text = PLAN.format(url=self.prometheus.url, namespace=self.page.namespace, hold=f"{HOLD:.0f}")
        return parse_plan(text, "alarm.toml")


def main() -> None:
    """Print the median and the worst of some breaches."""
    sys.path.append(str(KIT))
    programs = importlib.import_module("prom_programs")
    if programs.missing():
        print("alarm: there is no Prometheus on PATH; run `make prometheus`")
        return
    with _ground() as ground:
        took = asyncio.run(_measure(ground))
    told = f"{'met' if max(took) <= LIMIT else 'MISSED'}; worst {max(took):.1f} s; polled every {POLL_EVERY:.0f} s"
    line(
        f"breach in Prometheus to alarm painted, median of {RUNS}",
        f"{statistics.median(took):.1f} s",
        f"{LIMIT:.0f} s",
        told,
    )


@contextmanager
def _ground() -> Iterator[_Ground]:
    servers, exporters = (importlib.import_module(name) for name in ("prom_server", "prom_exporter"))
    keeper = servers.Keeper()
    try:
        with practice() as kubeconfig, exporters.serving() as exporter:
            server = keeper.start(servers.Wanted(config={"scrape_configs": exporter.scrape_configs()}))
            yield _Ground(kubeconfig, server, exporter.take())
            server.close()
    finally:
        keeper.close()


async def _measure(ground: _Ground) -> list[float]:
    """Seconds of each breach; the alarm is gone from the screen before the next."""
    ground.page.show("level 5\n")
    with tempfile.TemporaryDirectory() as state:
        session = open_session(
            ground.plan(), kubeconfig=ground.kubeconfig, state=Path(state), folder=Path(state)
        )
        app = PaintedConsole(session)
        async with app.run_test(size=SIZE):
            await app.opened()
            await app.paints(lambda: "OK" in _row_of(app))
            return [await _breach(app, ground, number) for number in range(RUNS)]


async def _breach(app: PaintedConsole, ground: _Ground, number: int) -> float:
    # Breaches come at any moment between two polls.
    await asyncio.sleep(POLL_EVERY * number / RUNS)
    painting = asyncio.create_task(app.paints(lambda: "BREACH" in _row_of(app)))
    ground.page.show("level 20\n")
    visible = await asyncio.to_thread(_visible, ground)
    took = await painting - (visible + HOLD)
    ground.page.show("level 5\n")
    await app.paints(lambda: "OK" in _row_of(app))
    return max(0.0, took)


def _visible(ground: _Ground) -> float:
    """When Prometheus first gave the value beyond the line."""
    query = f'level{{namespace="{ground.page.namespace}"}} > 10'
    while not ground.prometheus.query(query):
        time.sleep(LOOK_EVERY)
    return time.perf_counter()


def _row_of(app: PaintedConsole) -> str:
    """The objective's row on the screen; "" while there is none."""
    return next((row for row in app.text.splitlines() if "level" in row and "10" in row), "")


if __name__ == "__main__":
    main()
