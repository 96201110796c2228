"""The rollback that nobody asks for: by a real Prometheus, on a real API server; and never when nobody can tell."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from bench import Bench, workload
from control_plane import ADMIN
from emergency import GOOD, NEXT, patches, program, through, writes
from emergency_scene import at_stage, killed
from gate import Gate
from prom_exporter import Exporter, Page, serving
from prom_server import Keeper, Prometheus, Wanted
from session_bench import opened, until

from releaseconsole.errors import ReadOnly
from releaseconsole.plan.load import parse_plan
from releaseconsole.record.model import Stage
from releaseconsole.session import Session, feed

SHOP = ("deployment", "shop")
LONG, SHORT = 300, 2
"""Seconds of a countdown: one that no test waits for, and one that it does."""
PATIENCE = 60.0


@dataclass(slots=True)
class Shop:
    """A Deployment, its manifest of the next version, and the page with its metrics."""

    bench: Bench
    gate: Gate
    page: Page
    prometheus: Prometheus
    folder: Path

    def healthy(self) -> None:
        self.page.count(requests_total=100, failures_total=0)

    def burning(self) -> None:
        self.page.count(requests_total=100, failures_total=40)

    def plan_text(self, countdown: int) -> str:
        of = f'{{namespace="{self.page.namespace}"}}[5s]'
        return f"""
[release]
name = "shop"
title = "Shop"
version = "2"
[environments.real]
targets = [{{ context = "{ADMIN}", namespace = "{self.bench.namespace}" }}]
workloads = ["deployment/shop"]
prometheus = {{ url = "{self.prometheus.url}" }}
[[objectives]]
id = "error-rate"
query = '100 * sum(rate(failures_total{of})) / sum(rate(requests_total{of}))'
traffic = 'sum(rate(requests_total{of}))'
unit = "%"
target = "< 1"
rollback = {{ when = "> 10", for = "1s", auto = true, countdown = "{countdown}s" }}
[[phases]]
id = "deploy"
title = "Deploy"
kind = "deploy"
environment = "real"
[[phases.steps]]
id = "roll-out"
title = "Roll out"
actions = [{{ id = "apply", apply = "manifest.yaml" }}]
"""

    @asynccontextmanager
    async def opened(self, countdown: int, *, read_only: bool = False) -> AsyncIterator[Session]:
        plan = parse_plan(self.plan_text(countdown), "plan.toml")
        path = through(self.gate, self.bench.plane, self.folder)
        async with opened(plan, path, self.folder, read_only=read_only) as session:
            session.focus("real")
            yield session

    def generation(self) -> int:
        return int(self.bench.get(*SHOP)["metadata"]["generation"])


@pytest.fixture(scope="module")
def exporter() -> Iterator[Exporter]:
    with serving() as served:
        yield served


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prometheus is asked every second: nothing here is about the pace."""
    monkeypatch.setattr(feed, "POLL_EVERY", 1.0)


@pytest.fixture
async def shop(
    bench: Bench, gate: Gate, exporter: Exporter, keeper: Keeper, tmp_path: Path
) -> AsyncIterator[Shop]:
    page = exporter.take()
    jobs = [job for job in exporter.scrape_configs() if job["job_name"] == page.namespace]
    prometheus = keeper.start(Wanted(config={"scrape_configs": jobs}))
    made = Shop(bench, gate, page, prometheus, tmp_path)
    made.healthy()
    # As an earlier release of the console has left it: the fields are the console's own.
    words = ("apply", "--server-side", "--field-manager=releaseconsole", "-f", "-")
    applied = await bench.kubectl(*words, text=manifest(GOOD))
    assert applied.code == 0, applied
    await bench.settled(*SHOP)
    (tmp_path / "manifest.yaml").write_text(manifest(NEXT), "utf-8")
    try:
        yield made
    finally:
        page.status = 404
        await asyncio.to_thread(prometheus.close)


def manifest(image: str) -> str:
    return str(yaml.safe_dump(workload("Deployment", "shop", image, replicas=2)))


async def deployed(session: Session) -> None:
    done = await session.run_action("apply")
    assert str(done.status) == "succeeded", done


async def is_shown(session: Session, state: str) -> None:
    """Wait until the objective stands like that."""
    await until(session, lambda: session.environment("real").objectives[0].state == state, state, PATIENCE)


async def counting(session: Session) -> None:
    await until(session, lambda: session.environment("real").automatic, "it counts down", PATIENCE)


def told(session: Session) -> list[str]:
    """What was journalled of the countdown."""
    kinds = [entry.kind for entry in session.ledger.entries]
    return [kind for kind in kinds if kind.startswith("automatic.")]


async def test_a_breach_after_a_deploy_is_counted_down_and_brought_back_by_one_patch(shop: Shop) -> None:
    async with shop.opened(SHORT) as session:
        await deployed(session)
        before, sent = shop.generation(), len(patches(shop.gate))
        shop.burning()
        await counting(session)
        assert shop.bench.image(*SHOP) == NEXT
        await until(session, lambda: session.state.rollbacks, "it fires", PATIENCE)
        shop.healthy()
        await until(session, lambda: session.state.rollbacks[-1].outcome, "it is over", PATIENCE)
        done = session.state.rollbacks[-1]
        (one,) = done.workloads.values()
        assert (done.outcome, one.stage) == ("complete", Stage.RECOVERED)
        assert "error-rate" in done.reason
        assert "automatic" in done.reason
        assert 0 < done.alarm <= done.started
        assert shop.bench.image(*SHOP) == GOOD
        assert shop.generation() == before + 1
        assert len(patches(shop.gate)) == sent + 1
        assert told(session) == ["automatic.started", "automatic.fired"]
        assert "real" in session.state.locks
        kinds = [entry.kind for entry in session.ledger.entries]
        assert kinds.index("automatic.fired") < kinds.index("rollback.started")


UNTELLABLE = {
    "no-traffic": "NO TRAFFIC",
    "the-target-is-down": "NO DATA",
    "its-series-are-gone": "NO DATA",
    "prometheus-is-killed": "PROVIDER DOWN",
}


async def become(shop: Shop, situation: str) -> None:
    match situation:
        case "no-traffic":
            shop.page.count(requests_total=0, failures_total=0)
        case "the-target-is-down":
            shop.page.status = 500
        case "its-series-are-gone":
            shop.page.count(something_else=1)
        case "prometheus-is-killed":
            await asyncio.to_thread(shop.prometheus.kill)


@pytest.mark.parametrize("situation", UNTELLABLE)
async def test_a_countdown_is_called_off_when_nobody_can_tell_any_more(situation: str, shop: Shop) -> None:
    async with shop.opened(LONG) as session:
        await deployed(session)
        shop.burning()
        await counting(session)
        before, sent = shop.generation(), len(patches(shop.gate))
        await become(shop, situation)
        await until(session, lambda: "automatic.ended" in told(session), "it is called off", PATIENCE)
        assert session.environment("real").automatic is None
        await is_shown(session, UNTELLABLE[situation])
        assert told(session) == ["automatic.started", "automatic.ended"]
        assert not session.state.rollbacks
    assert (shop.generation(), len(patches(shop.gate))) == (before, sent)


@pytest.mark.parametrize("situation", UNTELLABLE)
async def test_missing_data_begins_no_countdown_a_breach_after_it_does_and_one_key_stops_it(
    situation: str, shop: Shop
) -> None:
    async with shop.opened(LONG) as session:
        await become(shop, situation)
        await deployed(session)
        await is_shown(session, UNTELLABLE[situation])
        assert told(session) == []
        if situation == "prometheus-is-killed":
            await asyncio.to_thread(shop.prometheus.start)
        shop.burning()
        await counting(session)
        session.stop_automatic("real")
        await is_shown(session, "BREACH")
        assert told(session) == ["automatic.started", "automatic.stopped"]
        assert session.environment("real").automatic is None
        assert not session.state.rollbacks
    assert shop.bench.image(*SHOP) == NEXT


async def test_a_console_that_was_started_again_counts_anew_and_a_read_only_one_never(shop: Shop) -> None:
    async with shop.opened(LONG) as session:
        await deployed(session)
        shop.burning()
        await counting(session)
    shop.gate.seen.clear()
    async with shop.opened(LONG, read_only=True) as looking:
        await is_shown(looking, "BREACH")
        assert looking.environment("real").automatic is None
        with pytest.raises(ReadOnly):
            looking.stop_automatic("real")
    assert writes(shop.gate) == []
    async with shop.opened(LONG) as session:
        await counting(session)
        assert told(session) == ["automatic.started", "automatic.started"]
        assert not session.state.rollbacks
    assert shop.bench.image(*SHOP) == NEXT


async def test_killed_while_it_waits_for_the_metrics_it_goes_on_waiting_and_patches_nothing_again(
    shop: Shop,
) -> None:
    async with shop.opened(LONG) as session:
        await deployed(session)
    before = shop.generation()
    shop.burning()
    file, state = shop.folder / "plan.toml", shop.folder / "state"
    file.write_text(shop.plan_text(LONG), "utf-8")
    path = through(shop.gate, shop.bench.plane, shop.folder)
    async with program(file, path, state) as run:
        await at_stage(shop.bench, run, "available")
        await killed(run, signal.SIGKILL)
    shop.healthy()
    async with program(file, path, state) as again:
        ended = await again.ended()
        done = again.last()
    assert (ended.code, "Going on with the rollback real-1" in ended.err) == (0, True), ended
    assert done is not None
    assert {one.stage for one in done.workloads.values()} == {Stage.RECOVERED}
    assert shop.generation() == before + 1
