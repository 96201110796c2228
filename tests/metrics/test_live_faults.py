"""A Prometheus that is slow, starting, dead, doubtful, or not a Prometheus: told in words, and never a breach."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator

import pytest
from prom_follow import follow
from prom_gate import LOGIN_PAGE, PromGate
from prom_recording import START, Recording
from prom_server import Connect, Keeper, Prometheus, Start, Wanted, free_port

from releaseconsole.errors import MetricsError
from releaseconsole.metrics.trigger import TriggerState

OK, PENDING, BREACH = TriggerState.OK, TriggerState.PENDING, TriggerState.BREACH
DOWN = TriggerState.PROVIDER_DOWN
BURNING = "vector(20)"
SLOW = "count_over_time(vector(1)[1h:2ms])"


@pytest.fixture(scope="module")
def plain(keeper: Keeper) -> Iterator[Prometheus]:
    """One with nothing in it."""
    made = keeper.start(Wanted())
    yield made
    made.close()


@pytest.fixture
async def gate(plain: Prometheus) -> AsyncIterator[PromGate]:
    async with PromGate(plain.url) as opened:
        yield opened


async def test_a_slow_one_is_given_up_in_time_and_the_hold_waits_for_it(
    gate: PromGate, connect: Connect
) -> None:
    burning = follow(connect(gate.url, timeout=0.5), "any", query=BURNING, hold="1s")
    before = (await burning.until(PENDING))[-1]
    gate.delay = 3.0
    asked = time.monotonic()
    slow = await burning.poll()
    assert time.monotonic() - asked < 2.0
    assert (slow.state, slow.held) == (DOWN, before.held)
    assert "0.5 s" in slow.reason
    gate.passes()
    await burning.until(BREACH)


NO_ANSWERS: dict[str, tuple[int, str, str, str]] = {
    "while it starts": (503, "text/plain", "Service Unavailable", "status 503"),
    "a login page": (200, "text/html", LOGIN_PAGE, "a web page"),
    "a login page somewhere else": (302, "text/html", LOGIN_PAGE, "sends us elsewhere"),
    "a gateway without anything behind it": (502, "text/html", "<h1>Bad Gateway</h1>", "status 502"),
    "half of an answer": (200, "application/json", '{"status":"success","data":{"resu', "no JSON"),
    "another service's JSON": (200, "application/json", '{"hello":"world"}', "not Prometheus'"),
    "nothing at all": (200, "application/json", "", "no JSON"),
    "no such path": (404, "text/plain", "404 page not found", "no Prometheus API"),
    "too many questions": (429, "text/plain", "slow down", "status 429"),
}


@pytest.mark.parametrize("what", NO_ANSWERS)
async def test_what_is_no_answer_is_told_and_never_a_breach(
    what: str, gate: PromGate, connect: Connect
) -> None:
    status, kind, body, words = NO_ANSWERS[what]
    burning = follow(connect(gate.url), "any", query=BURNING, hold="10m")
    await burning.until(PENDING)
    gate.says(status, body, kind)
    told = [await burning.poll() for _ in range(5)]
    assert {one.state for one in told} == {DOWN}
    assert words in told[-1].reason
    gate.passes()
    assert (await burning.poll()).state is PENDING


async def test_one_that_starts_is_not_ready_and_then_it_is(start: Start, connect: Connect) -> None:
    prometheus = start()
    client = connect(prometheus.url)
    assert await client.ready()
    prometheus.kill()
    with pytest.raises(MetricsError):
        await client.ready()
    prometheus.start_only()
    assert (await follow(client, "any", query=BURNING, hold="10m").until(PENDING))[0].state is DOWN
    assert await client.ready()


async def test_a_query_that_prometheus_itself_gives_up_is_no_breach(start: Start, connect: Connect) -> None:
    prometheus = start(flags=("--query.timeout=1ms", "--query.max-samples=5000000"))
    slow = await follow(connect(prometheus.url), "any", query=f"{SLOW} * 0 + 20", hold="1s").poll()
    assert slow.state is DOWN
    assert "could not answer" in slow.reason
    assert "timed out" in slow.reason


async def test_a_query_that_is_too_large_is_refused_in_prometheus_own_words(
    start: Start, connect: Connect
) -> None:
    recording = Recording()
    for number in range(20):
        recording.sample("level", {"pod": f"pod-{number}"}, 0, 20)
    prometheus = start(recording=recording, flags=("--query.max-samples=10",))
    with pytest.raises(MetricsError, match="too many samples"):
        await connect(prometheus.url).instant("level", START)


async def test_an_answer_with_a_warning_is_shown_and_never_a_breach(start: Start, connect: Connect) -> None:
    elsewhere = f"http://127.0.0.1:{free_port()}/read"
    prometheus = start(config={"remote_read": [{"url": elsewhere, "read_recent": True}]})
    # With a selector in it, since only that is asked of the other one.
    query = "vector(20) + (sum(absent_in_both) or vector(0))"
    doubtful = follow(connect(prometheus.url), "any", query=query, hold="1s")
    told = await doubtful.during(2.0)
    assert {one.state for one in told} == {TriggerState.NO_DATA}
    assert "Prometheus warns: remote_read" in told[-1].reason
    assert doubtful.watched.value == 20


async def test_one_that_refuses_connections_is_down(connect: Connect) -> None:
    nobody = follow(connect(f"http://127.0.0.1:{free_port()}"), "any", query=BURNING, hold="1s")
    told = await nobody.poll()
    assert told.state is DOWN
    assert "refused the connection" in told.reason
