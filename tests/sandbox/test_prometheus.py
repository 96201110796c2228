"""The practice Prometheus over real HTTP: known queries, honest emptiness, Prometheus' own refusals."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from worlds import Practice

from releaseconsole.sandbox.prometheus.server import Prometheus
from releaseconsole.sandbox.release.manifests import SERVICES

_REQUESTS = 'sum(rate(http_requests_total{namespace="healthpay"}[1m]))'
_LATENCY = 'sum by (le) (rate(http_request_duration_seconds_bucket{namespace="healthpay"}[1m]))'
ERRORS = f'100 * sum(rate(http_requests_total{{namespace="healthpay",code=~"5.."}}[1m])) / {_REQUESTS}'
QUERIES = {
    ERRORS: (0.0, 0.1),
    _REQUESTS: (8500, 10_000),
    f"1000 * histogram_quantile(0.99, {_LATENCY})": (30, 50),
    f"1000 * histogram_quantile(0.95, {_LATENCY})": (5, 100),
    '100 * max(container_memory_working_set_bytes{namespace="healthpay",container!=""}'
    ' / container_spec_memory_limit_bytes{namespace="healthpay",container!=""})': (20, 70),
    '100 * sum(rate(container_cpu_usage_seconds_total{namespace="healthpay",container!=""}[1m]))'
    ' / sum(kube_pod_container_resource_limits{namespace="healthpay",resource="cpu"})': (10, 60),
    '100 * avg_over_time(avg(probe_success{namespace="healthpay"})[1h:1m])': (99.9, 100),
    '100 * sum(rate(sms_delivered_total{namespace="healthpay"}[5m]))'
    ' / sum(rate(sms_sent_total{namespace="healthpay"}[5m]))': (99, 100),
    '100 * sum(pg_stat_activity_count{namespace="healthpay"})'
    ' / sum(pg_settings_max_connections{namespace="healthpay"})': (5, 80),
    'sum(up{namespace="healthpay"})': (14, 14),
}


class Asked:
    """A client and the world behind it."""

    def __init__(self, practice: Practice, client: TestClient[Any, Any]) -> None:
        self.practice = practice
        self.client = client

    async def get(self, path: str, **fields: str) -> tuple[int, Any]:
        async with self.client.get(path, params=fields) as response:
            return response.status, await response.json()

    async def vector(self, query: str, **fields: str) -> list[Any]:
        status, body = await self.get("/api/v1/query", query=query, **fields)
        assert (status, body["status"], body["data"]["resultType"]) == (200, "success", "vector")
        return list(body["data"]["result"])

    async def value(self, query: str) -> float:
        (series,) = await self.vector(query)
        return float(series["value"][1])


@pytest.fixture
async def asked() -> AsyncIterator[Asked]:
    practice = Practice("error-spike")
    prometheus = Prometheus(practice.world.traffic, "production", practice.clock)
    async with TestClient(TestServer(prometheus.application())) as client:
        yield Asked(practice, client)


@pytest.mark.parametrize("query", QUERIES)
async def test_every_query_of_the_sample_plan_has_a_good_value(asked: Asked, query: str) -> None:
    least, most = QUERIES[query]
    assert least <= await asked.value(query) <= most


async def test_white_space_does_not_matter(asked: Asked) -> None:
    spread = _REQUESTS.replace("(", " ( \n").replace(")", " )")
    assert await asked.value(spread) == await asked.value(_REQUESTS)


def _of(pods: str) -> str:
    return f'sum(rate(http_requests_total{{namespace="healthpay",pod=~"{pods}"}}[1m]))'


async def test_the_pods_of_one_service_and_of_the_others_make_the_whole(asked: Asked) -> None:
    whole = await asked.value(_REQUESTS)
    parts = [await asked.value(_of(f"({name})-.*")) for name in SERVICES]
    assert sum(parts) == pytest.approx(whole)
    assert await asked.value(_of(f"({'|'.join(SERVICES)})-.*")) == pytest.approx(whole)
    assert await asked.vector(_of("nobody-.*")) == []


@pytest.mark.parametrize("pods", ["(a+)+$", "[a-z]*", "a{1,9}", "(", "x" * 5000, ".*" * 41])
async def test_a_pattern_of_pods_that_is_not_understood_is_bad_data(asked: Asked, pods: str) -> None:
    status, body = await asked.get("/api/v1/query", query=_of(pods))
    assert (status, body["errorType"]) == (400, "bad_data")
    assert "pods" in body["error"]


async def test_only_what_pods_count_themselves_can_be_asked_of_some_pods(asked: Asked) -> None:
    status, body = await asked.get("/api/v1/query", query='sum(up{namespace="healthpay",pod=~"api-.*"})')
    assert (status, body["errorType"]) == (400, "bad_data")


async def test_post_works_like_get(asked: Asked) -> None:
    async with asked.client.post("/api/v1/query", data={"query": _REQUESTS}) as response:
        body = await response.json()
    assert float(body["data"]["result"][0]["value"][1]) == await asked.value(_REQUESTS)


async def test_up_names_every_pod(asked: Asked) -> None:
    series = await asked.vector('up{namespace="healthpay"}')
    assert len(series) == 14
    assert {item["metric"]["job"] for item in series} == set(SERVICES)
    assert {item["value"][1] for item in series} == {"1"}


async def test_an_unknown_namespace_gives_an_empty_vector(asked: Asked) -> None:
    for query in QUERIES:
        assert await asked.vector(query.replace("healthpay", "elsewhere")) == []


@pytest.mark.parametrize(
    "query",
    ["", "up", 'rate(foo{namespace="healthpay"}[5m])', "x" * 5000, 'up{namespace="a"} + up{namespace="b"}'],
)
async def test_any_other_query_is_refused_with_a_sentence(asked: Asked, query: str) -> None:
    status, body = await asked.get("/api/v1/query", query=query)
    assert (status, body["status"], body["errorType"]) == (400, "error", "bad_data")
    assert len(body["error"]) < 400


async def test_metrics_follow_the_release_and_recover(asked: Asked) -> None:
    practice = asked.practice
    for service in SERVICES:
        practice.set_image("1.0.0", service)
    practice.run(90)
    assert 6 < await asked.value(ERRORS) < 9
    _, body = await asked.get("/api/v1/alerts")
    names = {(alert["labels"]["alertname"], alert["state"]) for alert in body["data"]["alerts"]}
    assert names == {("HealthPayErrorRateHigh", "firing")}
    for service in SERVICES:
        practice.undo(service)
    practice.run(90)
    assert await asked.value(ERRORS) < 0.1
    _, body = await asked.get("/api/v1/alerts")
    assert body["data"]["alerts"] == []


async def test_pods_that_never_served_have_no_request_series(asked: Asked) -> None:
    for service in SERVICES:
        asked.practice.set_image("1.0.1-stuck", service)
        asked.practice.change(service, lambda obj: obj["spec"].update(strategy={"type": "Recreate"}))
    asked.practice.run(120)
    assert await asked.vector(ERRORS) == []
    assert await asked.vector(_REQUESTS) == []
    assert await asked.value('sum(up{namespace="healthpay"})') == 14


async def test_without_requests_a_ratio_is_not_a_number(asked: Asked) -> None:
    timeline = asked.practice.world.timeline
    idle = tuple(replace(pod, ready=False) for pod in timeline.latest.pods)
    timeline.record(asked.practice.clock.now(), idle)
    asked.practice.clock.at += 120
    assert math.isnan(await asked.value(ERRORS))
    assert math.isnan(await asked.value(f"1000 * histogram_quantile(0.99, {_LATENCY})"))
    assert await asked.value(_REQUESTS) == 0


async def test_a_range_has_history_from_before_the_start(asked: Asked) -> None:
    end = asked.practice.clock.now()
    fields = {"query": _REQUESTS, "start": str(end - 3600), "end": str(end), "step": "15s"}
    status, body = await asked.get("/api/v1/query_range", **fields)
    (series,) = body["data"]["result"]
    assert (status, body["data"]["resultType"], len(series["values"])) == (200, "matrix", 241)
    assert all(8500 < float(value) < 10_000 for _, value in series["values"])


async def test_a_range_ends_where_the_future_begins(asked: Asked) -> None:
    now = asked.practice.clock.now()
    fields = {"query": _REQUESTS, "start": str(now - 60), "end": str(now + 600), "step": "60"}
    _, body = await asked.get("/api/v1/query_range", **fields)
    assert [at for at, _ in body["data"]["result"][0]["values"]] == [now - 60, now]


@pytest.mark.parametrize(
    ("start", "end", "step", "sentence"),
    [
        ("0", "100000", "1", "exceeded maximum resolution of 11,000 points"),
        ("100", "0", "1", "end timestamp must not be before start time"),
        ("0", "100", "0", "zero or negative query resolution step"),
        ("0", "100", "-5", "zero or negative query resolution step"),
        ("0", "100", "soon", 'cannot parse "soon" to a valid duration'),
        ("x", "100", "1", 'cannot parse "x" to a valid timestamp'),
        ("nan", "100", "1", "to a valid timestamp"),
        ("0", "inf", "1", "to a valid timestamp"),
        ("0", "100", "nan", "to a valid duration"),
        ("", "", "", "to a valid"),
    ],
)
async def test_a_bad_range_is_refused_in_prometheus_own_words(
    asked: Asked, start: str, end: str, step: str, sentence: str
) -> None:
    status, body = await asked.get("/api/v1/query_range", query=_REQUESTS, start=start, end=end, step=step)
    assert (status, body["errorType"]) == (400, "bad_data")
    assert sentence in body["error"]


async def test_targets_rules_and_readiness_answer(asked: Asked) -> None:
    _, targets = await asked.get("/api/v1/targets")
    assert {target["health"] for target in targets["data"]["activeTargets"]} == {"up"}
    _, rules = await asked.get("/api/v1/rules")
    assert {rule["state"] for rule in rules["data"]["groups"][0]["rules"]} == {"inactive"}
    _, build = await asked.get("/api/v1/status/buildinfo")
    assert build["data"]["version"]
    for path in ("/-/ready", "/-/healthy", "/"):
        async with asked.client.get(path) as response:
            assert response.status == 200


async def test_crashing_pods_are_down(asked: Asked) -> None:
    asked.practice.set_image("1.0.1-crash-loop")
    asked.practice.run(30)
    values = [series["value"][1] for series in await asked.vector('up{namespace="healthpay"}')]
    assert "0" in values
    _, targets = await asked.get("/api/v1/targets")
    down = [target for target in targets["data"]["activeTargets"] if target["health"] == "down"]
    assert "connection refused" in down[0]["lastError"]
