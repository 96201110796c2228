"""A real Prometheus for these tests: ``live`` scrapes pages that the tests write, ``start`` starts others.

Those of one run share their servers, so that with pytest-xdist all of them run in one worker (``--dist
loadgroup``).
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import prom_programs
import pytest
from prom_exporter import Exporter, Page, serving
from prom_server import Connect, Keeper, Prometheus, Start, Wanted

from releaseconsole.metrics.client import PrometheusClient, Source

_HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ours = [item for item in items if _HERE in item.path.parents]
    missing = prom_programs.missing() if ours else []
    for item in ours:
        item.add_marker(pytest.mark.xdist_group("prometheus"))
        if missing and not _must_run():
            item.add_marker(pytest.mark.skip(reason=f"no Prometheus here: run `{prom_programs.HOW}`"))


def _must_run() -> bool:
    """Whether a missing Prometheus is an error, as it is in continuous integration."""
    return os.environ.get("CI", "").lower() in ("1", "true")


@pytest.fixture(scope="session")
def keeper() -> Iterator[Keeper]:
    """Who ends every Prometheus of the run."""
    if missing := prom_programs.missing():
        pytest.fail(f"Without {' and '.join(missing)} there is no Prometheus: run `{prom_programs.HOW}`.")
    made = Keeper()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="session")
def exporter() -> Iterator[Exporter]:
    """What ``live`` scrapes."""
    with serving() as served:
        yield served


@pytest.fixture(scope="session")
def live(keeper: Keeper, exporter: Exporter) -> Iterator[Prometheus]:
    """A Prometheus that scrapes the pages of ``exporter`` every half second; tests may add rules, not stop it."""
    made = keeper.start(Wanted(config={"scrape_configs": exporter.scrape_configs()}))
    yield made
    made.close()


@pytest.fixture
def page(exporter: Exporter, live: Prometheus) -> Iterator[Page]:
    """A target of ``live`` that is this test's alone."""
    taken = exporter.take()
    yield taken
    taken.status = 404


@pytest.fixture
def start(keeper: Keeper) -> Iterator[Start]:
    """Starts a Prometheus of this test's own; the arguments are the fields of ``Wanted``."""
    with ExitStack() as opened:

        def started(**wanted: Any) -> Prometheus:
            made = keeper.start(Wanted(**wanted))
            opened.callback(made.close)
            return made

        yield started


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Opens the console's own client on an address; the arguments are the fields of ``Source``."""
    made: list[PrometheusClient] = []

    def connected(url: str, **fields: Any) -> PrometheusClient:
        made.append(PrometheusClient(Source(url, **fields)))
        return made[-1]

    yield connected
    for one in made:
        await one.close()
