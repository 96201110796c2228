"""“Can this trigger fire?” asked of a real Prometheus, for each way in which it cannot."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
from prom_exporter import Exporter, serving
from prom_server import Connect, Keeper, Prometheus, Wanted

from releaseconsole.metrics.aim import Aim, Found, Line, Scene
from releaseconsole.metrics.preflight import cannot_fire, preflight
from releaseconsole.metrics.reading import Question

REQUESTS = 'sum(rate(http_requests_total{namespace="shop"}[10s]))'
ERRORS = f'100 * sum(rate(http_requests_total{{namespace="shop",code="500"}}[10s])) / {REQUESTS}'
QUIET = "sum(rate(quiet_total[10s]))"
PODS = "(web)-.*"


def quantile(metric: str = "http_request_duration_seconds", window: str = "10s") -> str:
    return f"histogram_quantile(0.99, sum by (le) (rate({metric}_bucket[{window}])))"


def page() -> str:
    now = time.time()
    lines = [f'http_requests_total{{code="{code}"}} {rate * now}' for code, rate in (("200", 50), ("500", 1))]
    for le, rate in (("0.1", 40), ("0.25", 50), ("+Inf", 51)):
        lines.append(f'http_request_duration_seconds_bucket{{le="{le}"}} {rate * now}')
        lines.append(f'quiet_duration_seconds_bucket{{le="{le}"}} 0')
    lines += ["quiet_total 0", "error_share 0.004", "load_percent 0.4"]
    return "\n".join(lines) + "\n"


def scrape_config(exporter: Exporter, number: int, **labels: str) -> dict[str, object]:
    target = {"targets": [f"127.0.0.1:{exporter.port}"], "labels": {"namespace": "shop", **labels}}
    return {"job_name": f"job-{number}", "metrics_path": f"/{number}/metrics", "static_configs": [target]}


@pytest.fixture(scope="module")
def prometheus(keeper: Keeper) -> Iterator[Prometheus]:
    """It scrapes one pod of the release well, another not at all, and something else every thirty seconds."""
    with serving() as exporter:
        exporter.pages[0].text, exporter.pages[0].status = page, 200
        exporter.pages[2].show("slow_total 1\n")
        scrapes = [
            scrape_config(exporter, 0, pod="web-1-a"),
            scrape_config(exporter, 1, pod="web-1-b"),
            scrape_config(exporter, 2, pod="db-0") | {"scrape_interval": "20s"},
        ]
        made = keeper.start(Wanted(config={"scrape_configs": scrapes}))
        made.wait_for(ERRORS)
        made.wait_for("slow_total")
        yield made
        made.close()


def aim(query: str, *, above: float = 1.0, traffic: str = REQUESTS, unit: str = "%", long: str = "") -> Aim:
    return Aim(
        id="one",
        name="One",
        question=Question(query=query, traffic=traffic, long=long),
        target=Line(f"< {above / 2:g} {unit}", lambda value: value < above / 2),
        line=Line(f"> {above:g} {unit}", lambda value: value > above),
        unit=unit,
        hold=60.0,
    )


async def examined(
    prometheus: Prometheus, connect: Connect, *aims: Aim, pods: str = PODS
) -> tuple[Found, ...]:
    scene = Scene(namespace="shop", pods=pods, now=time.time())
    return await preflight(connect(prometheus.url), aims, scene, patience=20.0)


async def told(prometheus: Prometheus, connect: Connect, one: Aim) -> list[tuple[str, str]]:
    results = await examined(prometheus, connect, one)
    return [(str(each.outlook), each.sentence) for each in results if each.subject == one.id]


@pytest.mark.parametrize(
    "good",
    [
        aim(ERRORS),
        aim(f"1000 * {quantile()}", above=200, unit="ms"),
        aim(f"clamp_min({quantile()}, 0) * 1e3", above=249, unit="ms"),
        aim("100 * error_share", traffic=""),
        aim("load_percent", traffic=""),
        aim(f"{ERRORS.replace('500', '501')} or vector(0)"),
    ],
    ids=["ratio", "quantile", "wrapped", "gauge", "percent", "or-vector"],
)
async def test_a_trigger_that_can_fire_is_not_talked_down(
    prometheus: Prometheus, connect: Connect, good: Aim
) -> None:
    ((outlook, sentence),) = await told(prometheus, connect, good)
    assert (outlook, "is measured" in sentence) == ("ok", True), sentence


@pytest.mark.parametrize(
    ("bad", "outlook", "words"),
    [
        (aim("sum(rate(http_requests_total[10s])"), "failed", "parse error: unclosed left parenthesis"),
        (aim("error_share / on(namespace) http_requests_total"), "failed", "duplicate series for the match group"),
        (aim("rate(http_requests_total[10s])"), "failed", "gives 2 series, not one"),
        (aim("sum(http_request_total)"), "failed", "no metric http_request_total. Did you mean http_requests_total"),
        (aim('100 * error_share{namespace="shpo"}'), "failed", "nothing matches error_share{namespace=\"shpo\"}"),
        (aim(ERRORS.replace("500", "501")), "warning", "Either none was ever counted, or its labels"),
        (aim("100 * error_share > 50"), "warning", "its query compares, and is empty while"),
        (aim("100 * error_share / on(pod) slow_total"), "failed", "though every metric in its query exists"),
        (aim(f"1000 * {quantile('quiet_duration_seconds')}", above=200, unit="ms", traffic=QUIET), "warning",
         "there is no traffic now: whether it can fire cannot be told"),
        (aim(f"1000 * {quantile()}", above=500, unit="ms"), "failed",
         "can never be > 500 ms: the largest bucket of http_request_duration_seconds_bucket ends at 0.25, which is"),
        (aim(f"max({quantile()} * 1000)", above=250, unit="ms"), "failed", "can never be > 250 ms"),
        (aim(f"1000 * {quantile()}", above=0.5, unit="ms", traffic="nosuch"), "warning",
         "traffic query of “One” is empty"),
        (aim(ERRORS, traffic="sum("), "failed", "The traffic of “One” cannot be measured"),
        (aim("error_share", traffic=""), "warning", "its query seems to give a ratio"),
        (aim("sum(rate(slow_total[20s]))", traffic="vector(1)"), "failed",
         "can never have a value: it is scraped every 20 s"),
        (aim(ERRORS, long="sum(rate(slow_total[30s]))"), "warning", "will have gaps"),
        (aim(ERRORS, traffic=""), "warning", "has no traffic query"),
        (aim(f"1000 * {quantile()} * on() group_left error_share", above=200, unit="ms"), "unknown",
         "cannot be told from its query"),
    ],
)  # fmt: skip
async def test_each_way_in_which_a_trigger_cannot_fire_is_told(
    prometheus: Prometheus, connect: Connect, bad: Aim, outlook: str, words: str
) -> None:
    results = await told(prometheus, connect, bad)
    assert any(found == outlook and words in sentence for found, sentence in results), results
    assert "ok" not in dict(results)


async def test_the_release_pods_are_looked_for_among_the_targets(
    prometheus: Prometheus, connect: Connect
) -> None:
    results = await examined(prometheus, connect)
    (one,) = results
    assert (str(one.outlook), one.subject) == ("warning", f"localhost:{prometheus.port}")
    assert "1 of 2 targets of the release cannot be scraped: server returned HTTP status 404" in one.sentence
    (none,) = await examined(prometheus, connect, pods="(api)-.*")
    assert "None of the 3 targets" in none.sentence


async def test_only_what_keeps_a_trigger_from_firing_counts_as_that(
    prometheus: Prometheus, connect: Connect
) -> None:
    aims = [aim(f"1000 * {quantile()}", above=500, unit="ms"), aim(ERRORS.replace("500", "501"))]
    results = await examined(prometheus, connect, aims[0])
    assert [one.lasting for one in cannot_fire(results, aims[:1])] == [True]
    assert cannot_fire(await examined(prometheus, connect, aims[1]), aims[1:]) == ()


async def test_a_prometheus_that_is_not_there_is_told_once(connect: Connect) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        client = connect(f"http://127.0.0.1:{taken.getsockname()[1]}")
        results = await preflight(client, [aim(ERRORS)], Scene(namespace="shop", pods=PODS, now=time.time()))
    assert [str(one.outlook) for one in results] == ["unknown"]
    assert results[0].sentence.endswith("(Also: one.)")


async def test_a_prometheus_that_hangs_is_left_after_its_time(connect: Connect) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        client = connect(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=3.0)
        begun = time.monotonic()
        results = await preflight(
            client, [aim(ERRORS)], Scene(namespace="shop", pods=PODS, now=time.time()), patience=0.5
        )
        assert time.monotonic() - begun < 2.5
    assert [str(one.outlook) for one in results] == ["unknown"]
    assert "did not answer everything within 0.5 s" in results[0].sentence
