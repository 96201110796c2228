"""Whatever happens to the API server and the network, the cache ends up equal to a fresh list, and says so."""

from __future__ import annotations

import asyncio

import pytest
from bench import Bench
from control_plane import ControlPlane
from gate import Burst, Gate
from watching import equal_to_a_fresh_list, live, watching

from releaseconsole.cluster.connect import Client
from releaseconsole.cluster.decode import PODS

WATCHES = "watch=true"


def _change_everything(bench: Bench) -> None:
    """One object deleted, one changed, one made anew under its old name, one added."""
    bench.delete("deployment", "gone")
    bench.set_image("deployment", "shop", "shop:good-2")
    uid = bench.get("deployment", "desk")["metadata"]["uid"]
    bench.delete("deployment", "desk")
    assert bench.deploy("desk", replicas=1)["metadata"]["uid"] != uid
    bench.deploy("fresh", replicas=1)


@pytest.fixture
def planted(bench: Bench) -> Bench:
    for name in ("shop", "desk", "gone"):
        bench.deploy(name, replicas=1)
    return bench


async def test_every_change_arrives(planted: Bench, client: Client) -> None:
    async with watching(client, planted) as cache:
        await live(planted, cache)
        _change_everything(planted)
        await equal_to_a_fresh_list(planted, cache)


async def test_a_list_of_many_pages_holds_everything(bench: Bench, client: Client) -> None:
    for number in range(11):
        bench.deploy(f"shop-{number}", replicas=1)
    await bench.until(lambda: len(bench.list("pod")) == 11, "every pod exists")
    async with watching(client, bench, PODS, page=3) as cache:
        await equal_to_a_fresh_list(bench, cache, "pod")
        assert len(cache.objects) == 11


async def test_an_api_server_killed_and_started_again_is_taken_up_where_it_was(
    planted: Bench, client: Client, control_plane: ControlPlane
) -> None:
    async with watching(client, planted) as cache:
        await live(planted, cache)
        held = set(cache.objects)
        control_plane.kill("kube-apiserver")
        await planted.until(lambda: bool(cache.error), "the cache says that it is cut off", 5)
        assert not cache.live
        assert cache.age() < 5
        assert set(cache.objects) == held
        control_plane.start_program("kube-apiserver")
        await asyncio.to_thread(control_plane.recover)
        _change_everything(planted)
        await equal_to_a_fresh_list(planted, cache)
        await live(planted, cache)


async def test_a_store_killed_and_started_again_is_lived_through(
    planted: Bench, client: Client, control_plane: ControlPlane
) -> None:
    async with watching(client, planted) as cache:
        await live(planted, cache)
        with control_plane.without("etcd"):
            await asyncio.sleep(0.5)
        await asyncio.to_thread(control_plane.recover)
        _change_everything(planted)
        await equal_to_a_fresh_list(planted, cache)


async def test_a_place_that_was_compacted_away_means_a_new_list(
    planted: Bench, gate: Gate, gated: Client, control_plane: ControlPlane
) -> None:
    async with watching(gated, planted) as cache:
        await live(planted, cache)
        gate.seen.clear()
        gate.silent = True
        gate.cut()
        await planted.until(lambda: bool(gate.seen), "the cache tries to go on where it was")
        _change_everything(planted)
        # A fresh API server has no history of its own, so that what etcd has forgotten is gone for good.
        control_plane.compact()
        await asyncio.to_thread(control_plane.restart_api_server)
        gate.silent = False
        await equal_to_a_fresh_list(planted, cache)
        await live(planted, cache)
        asked = [path for _, path in gate.seen]
    assert WATCHES in asked[0]
    assert WATCHES not in asked[1], "it was told that the place is gone, and has listed"


async def test_a_connection_that_goes_silent_is_given_up_and_made_anew(
    planted: Bench, gate: Gate, gated: Client
) -> None:
    async with watching(gated, planted, silence=1.0) as cache:
        await live(planted, cache)
        gate.silent = True
        _change_everything(planted)
        await planted.until(lambda: not cache.live, "the silence is noticed", 5)
        assert "no answer" in cache.error
        gate.silent = False
        await equal_to_a_fresh_list(planted, cache)
        await live(planted, cache)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_a_burst_of_refusals_is_waited_out_without_a_storm(
    status: int, planted: Bench, gate: Gate, gated: Client
) -> None:
    async with watching(gated, planted) as cache:
        await live(planted, cache)
        burst = Burst(status, 10_000)
        gate.hooks.append(burst)
        gate.seen.clear()
        gate.cut()
        await planted.until(lambda: bool(cache.error), "the refusal is shown")
        assert not cache.denied
        await asyncio.sleep(1.5)
        assert len(gate.seen) < 12
        _change_everything(planted)
        burst.times = 0
        await equal_to_a_fresh_list(planted, cache)
        await live(planted, cache)


async def test_the_pause_that_the_server_asks_for_is_kept(planted: Bench, gate: Gate, gated: Client) -> None:
    async with watching(gated, planted) as cache:
        await live(planted, cache)
        burst = Burst(429, 10_000, {"Retry-After": "2"})
        gate.hooks.append(burst)
        gate.cut()
        await planted.until(lambda: bool(cache.error), "the refusal is shown")
        gate.seen.clear()
        await asyncio.sleep(1.5)
        assert len(gate.seen) <= 1


async def test_connections_that_break_again_and_again_lose_nothing(
    planted: Bench, gate: Gate, gated: Client
) -> None:
    async with watching(gated, planted) as cache:
        for number in range(2, 12):
            planted.set_image("deployment", "shop", f"shop:good-{number}")
            gate.cut()
            await asyncio.sleep(0.05)
        await equal_to_a_fresh_list(planted, cache)


async def test_a_namespace_that_is_deleted_ends_up_empty(planted: Bench, client: Client) -> None:
    async with watching(client, planted) as cache:
        await live(planted, cache)
        planted.close()
        await planted.until(lambda: not cache.objects, "nothing is left")
        assert cache.live
