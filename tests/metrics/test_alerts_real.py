"""Alerts of a real Prometheus: rules that fire at once, that wait, that are broken, and whose they are."""

from __future__ import annotations

import time

import pytest
from prom_server import Connect, Prometheus, Start, wait_until

from releaseconsole.metrics.alerting import Alerting, read_alerting
from releaseconsole.metrics.belonging import Scope
from releaseconsole.metrics.client import PrometheusClient

SHOP = Scope(frozenset({"shop"}), ("deployment/web",))
RULES = """
groups:
  - name: shop.rules
    rules:
      - alert: FiresAtOnce
        expr: vector(7.5) > 1
        labels: { severity: critical, namespace: shop }
        annotations: { summary: "Value is {{ $value }}.", runbook_url: "https://wiki.example/fires" }
      - alert: StillPending
        expr: vector(1)
        for: 1d
        labels: { severity: warning, namespace: shop }
      - alert: Broken
        expr: label_replace(two, "n", "", "n", ".*")
        labels: { severity: critical, namespace: shop }
      - alert: Quiet
        expr: absent_over_time(vector(1)[1m:1s]) or sum(errors_total{namespace="shop"}) > 1
        labels: { severity: critical }
      - record: shop:one
        expr: vector(1)
  - name: others.rules
    rules:
      - alert: Elsewhere
        expr: vector(1)
        labels: { severity: critical, namespace: other }
      - alert: ByItsPod
        expr: label_replace(vector(1), "pod", "web-5d8f7c9b6d-x2k9p", "", "")
        labels: { severity: info }
      - alert: Watchdog
        expr: vector(1)
        labels: { severity: none }
  - name: feed
    rules:
      - record: two
        expr: label_replace(vector(1), "n", "a", "", "")
      - record: two
        expr: label_replace(vector(1), "n", "b", "", "")
"""


@pytest.fixture
def ruled(start: Start) -> Prometheus:
    """A Prometheus whose rules have been evaluated, the broken one included."""
    made = start(rules={"alerts": RULES})

    def settled() -> bool:
        rules = made.http.get(f"{made.url}/api/v1/rules?type=alert").json()["data"]["groups"]
        health = {rule["name"]: rule["health"] for group in rules for rule in group["rules"]}
        return health.pop("Broken") == "err" and set(health.values()) == {"ok"}

    wait_until(settled, "every rule to be evaluated")
    return made


async def reading(client: PrometheusClient) -> Alerting:
    return await read_alerting(client, SHOP)


async def test_a_real_prometheus_tells_what_fires_what_waits_and_what_is_broken(
    ruled: Prometheus, connect: Connect
) -> None:
    found = await reading(connect(ruled.url))
    assert [(one.name, one.state, one.severity) for one in found.alerts] == [
        ("FiresAtOnce", "firing", "critical"),
        ("ByItsPod", "firing", "info"),
        ("StillPending", "pending", "warning"),
    ]
    first = found.alerts[0]
    assert (first.value, first.summary, first.group) == (7.5, "Value is 7.5.", "shop.rules")
    assert dict(first.annotations)["runbook_url"] == "https://wiki.example/fires"
    assert abs(time.time() - first.since) < 60
    assert (found.firing, found.elsewhere, found.watched, found.broken) == (2, 1, 6, 1)
    (broken,) = [one for one in found.named if one.broken]
    assert broken.name == "Broken"
    assert broken.error
    assert {one.name for one in found.named} == {"FiresAtOnce", "StillPending", "Broken", "Quiet", "ByItsPod"}
    assert all(one.evaluated > time.time() - 60 for one in found.named)


async def test_rules_that_are_taken_away_fire_no_more(ruled: Prometheus, connect: Connect) -> None:
    client = connect(ruled.url)
    ruled.add_rules("alerts", "groups: []")
    assert await reading(client) == Alerting()


async def test_a_prometheus_under_a_prefix_is_asked_there(start: Start, connect: Connect) -> None:
    made = start(prefix="/prom", rules={"alerts": RULES})
    client = connect(made.url)
    assert (await reading(client)).watched == 6
