"""The practice Prometheus' rules as the console reads them: configured, pending, firing, and quiet again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer
from session_kit import practice, until
from worlds import Practice

from releaseconsole.metrics.alerting import Alerting, read_alerting
from releaseconsole.metrics.belonging import Scope
from releaseconsole.metrics.client import PrometheusClient, Source
from releaseconsole.sandbox.prometheus.server import Prometheus
from releaseconsole.sandbox.release.manifests import NAMESPACE, SERVICES
from releaseconsole.session.views import Liveness

PRODUCTION = "production"
HEALTHPAY = Scope(frozenset({NAMESPACE}), tuple(f"deployment/{name}" for name in SERVICES))


@dataclass
class Ruled:
    """A world in which errors can begin, and what its rules say."""

    practice: Practice
    client: PrometheusClient

    async def read(self) -> Alerting:
        return await read_alerting(self.client, HEALTHPAY)


@pytest.fixture
async def ruled() -> AsyncIterator[Ruled]:
    practice = Practice("error-spike")
    prometheus = Prometheus(practice.world.traffic, "production", practice.clock)
    async with TestServer(prometheus.application()) as server:
        client = PrometheusClient(Source(str(server.make_url("/"))))
        try:
            yield Ruled(practice, client)
        finally:
            await client.close()


async def test_before_the_release_its_rules_are_there_and_quiet(ruled: Ruled) -> None:
    found = await ruled.read()
    assert (found.alerts, found.elsewhere, found.broken) == ((), 0, 0)
    assert {(one.name, one.health) for one in found.named} == {
        ("HealthPayErrorRateHigh", "ok"),
        ("HealthPayLatencyHigh", "ok"),
    }


async def test_errors_are_pending_first_then_fire_and_end_with_the_way_back(ruled: Ruled) -> None:
    for service in SERVICES:
        ruled.practice.set_image("1.0.0", service)
    ruled.practice.run(30)
    states = []
    for _ in range(12):
        ruled.practice.run(10)
        states += [str(one.state) for one in (await ruled.read()).alerts]
    assert states
    assert states == sorted(states, reverse=True), "pending before firing"
    assert states[-1] == "firing"
    (alert,) = (await ruled.read()).alerts
    assert (alert.name, alert.severity, dict(alert.labels)["namespace"]) == (
        "HealthPayErrorRateHigh", "critical", NAMESPACE,
    )  # fmt: skip
    assert alert.value is not None
    assert 1 < alert.value < 10
    for service in SERVICES:
        ruled.practice.undo(service)
    ruled.practice.run(90)
    assert (await ruled.read()).alerts == ()


async def test_a_session_watches_them_while_the_environment_is_seen(tmp_path: Path) -> None:
    async with practice(tmp_path) as place, place.opened(PRODUCTION) as session:
        session.focus(PRODUCTION)
        await until(
            session, lambda: session.environment(PRODUCTION).alerts_freshness.liveness is Liveness.LIVE
        )
        view = session.environment(PRODUCTION)
        assert (view.alerts, view.alert_counts.rules, view.alert_counts.named) == ((), 2, 2)
