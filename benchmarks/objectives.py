"""A hundred objectives polled every five seconds from a real Prometheus, beside the library alone."""

from __future__ import annotations

import asyncio
import importlib
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.measure import line
from releaseconsole.clock import SystemClock
from releaseconsole.metrics.client import PrometheusClient, Source
from releaseconsole.plan.model import Objective
from releaseconsole.session.feed import POLL_EVERY, Feed
from releaseconsole.session.focus import Focus

KIT = Path(__file__).parents[1] / "tests" / "metrics"
COUNT = 100
ROUNDS = 6
_SCRAPED = {"job_name": "itself", "scrape_interval": "1s", "scrape_timeout": "500ms"}


def main() -> None:
    """Print the share of a core that polling takes."""
    sys.path.append(str(KIT))
    programs, servers = (importlib.import_module(name) for name in ("prom_programs", "prom_server"))
    if programs.missing():
        print("objectives: there is no Prometheus on PATH; run `make prometheus`")
        return
    keeper = servers.Keeper()
    try:
        server = keeper.start(servers.Wanted())
        server.close()
        target = {"targets": [f"localhost:{server.port}"]}
        config = {"scrape_configs": [{**_SCRAPED, "static_configs": [target]}]}
        server = keeper.start(servers.Wanted(config=config))
        share = asyncio.run(_polled(server.url))
        alone = _library(server.url)
        server.close()
    finally:
        keeper.close()
    line(
        f"{COUNT} objectives every {POLL_EVERY:.0f} s, share of a core",
        f"{share:.1%}",
        "5 %",
        f"the library alone, one query after the other: {alone:.1%}",
    )


def _queries() -> list[str]:
    return [f"sum(rate(process_cpu_seconds_total[1m])) * {number}" for number in range(1, COUNT + 1)]


async def _polled(url: str) -> float:
    """Our own CPU seconds for each second of polling, the first poll left out: it imports the library."""
    client = PrometheusClient(Source(url))
    feed = Feed(_objectives(), {}, SystemClock(), lambda: None, {"": client}, lambda *_: None)
    focus = Focus()
    focus.set(True)
    polling = asyncio.create_task(feed.run(focus))
    try:
        await feed.answered(30.0)
        began, cpu = time.monotonic(), time.process_time()
        await asyncio.sleep(ROUNDS * POLL_EVERY)
        return (time.process_time() - cpu) / (time.monotonic() - began)
    finally:
        polling.cancel()
        await asyncio.gather(polling, return_exceptions=True)
        await feed.close()


def _objectives() -> tuple[Objective, ...]:
    plain: list[dict[str, Any]] = [
        {"id": f"o{number}", "query": query, "target": "< 1", "rollback": {"when": "> 1000", "for": "1m"}}
        for number, query in enumerate(_queries())
    ]
    return tuple(Objective.model_validate(one) for one in plain)


def _library(url: str) -> float:
    """CPU seconds of one round of the same queries through prometheus-api-client as it is, spread over a poll."""
    from prometheus_api_client import PrometheusConnect

    prometheus = PrometheusConnect(url=url)
    cpu = time.process_time()
    for query in _queries():
        prometheus.custom_query(query)
    return (time.process_time() - cpu) / POLL_EVERY


if __name__ == "__main__":
    main()
