"""What goes wrong with ``kubectl rollout undo`` on a real cluster, and what the console does in its place.

Each test shows both: kubectl in one namespace, the console in another, after the same history.
"""

from __future__ import annotations

import asyncio

import pytest
from bench import Bench
from control_plane import ControlPlane

from releaseconsole.cluster.connect import Client
from releaseconsole.cluster.rollback import PinnedRevision, plan_rollback, read_pin
from releaseconsole.cluster.rollback_run import execute
from releaseconsole.errors import Conflict

SHOP = "deployment/shop"
CONTROLLERS = "kube-controller-manager"


async def _deployed(bench: Bench, *images: str) -> None:
    bench.deploy(image=images[0], progressDeadlineSeconds=600)
    await bench.settled("deployment", "shop")
    for image in images[1:]:
        await bench.release("deployment", "shop", image)


async def _both_deployed(bench: Bench, twin: Bench, *images: str) -> None:
    await asyncio.gather(_deployed(bench, *images), _deployed(twin, *images))


async def _roll_back(client: Client, bench: Bench, pin: PinnedRevision) -> None:
    await execute(client, await plan_rollback(client, bench.namespace, SHOP, pin=pin))


async def test_undo_right_after_a_patch_goes_one_revision_too_far(
    bench: Bench, twin: Bench, client: Client, control_plane: ControlPlane
) -> None:
    await _both_deployed(bench, twin, "shop:good-1", "shop:good-2")
    pin = await read_pin(client, bench.namespace, SHOP)
    with control_plane.without(CONTROLLERS):
        bench.set_image("deployment", "shop", "shop:crash-3")
        twin.set_image("deployment", "shop", "shop:crash-3")
        assert (await twin.undo("deployment", "shop")).code == 0
        await _roll_back(client, bench, pin)
        unpinned = await plan_rollback(client, twin.namespace, SHOP, to="previous")
    assert twin.image("deployment", "shop") == "shop:good-1"
    assert bench.image("deployment", "shop") == "shop:good-2"
    assert unpinned.to_images == ("shop:good-2",)
    await asyncio.gather(bench.settled("deployment", "shop"), twin.settled("deployment", "shop"))


async def test_undo_pressed_twice_brings_the_bad_version_back(
    bench: Bench, twin: Bench, client: Client
) -> None:
    await _both_deployed(bench, twin, "shop:good-1")
    pin = await read_pin(client, bench.namespace, SHOP)
    for one in (bench, twin):
        one.set_image("deployment", "shop", "shop:crash-2")
        await one.until_replica_sets(2)
    for _ in range(2):
        assert (await twin.undo("deployment", "shop")).code == 0
        await twin.until(lambda: _is_observed(twin), "the controller has seen it")
        await _roll_back(client, bench, pin)
    again = await plan_rollback(client, bench.namespace, SHOP, pin=pin)
    assert twin.image("deployment", "shop") == "shop:crash-2"
    assert bench.image("deployment", "shop") == "shop:good-1"
    assert again.skipped
    assert not again.problem


async def test_undo_after_two_bad_versions_lands_on_the_first_of_them(
    bench: Bench, twin: Bench, client: Client
) -> None:
    await _both_deployed(bench, twin, "shop:good-1")
    pin = await read_pin(client, bench.namespace, SHOP)
    for number, image in enumerate(("shop:crash-2", "shop:absent-3"), 2):
        for one in (bench, twin):
            one.set_image("deployment", "shop", image)
        for one in (bench, twin):
            await one.until_replica_sets(number)
    assert (await twin.undo("deployment", "shop")).code == 0
    await _roll_back(client, bench, pin)
    assert twin.image("deployment", "shop") == "shop:crash-2"
    assert bench.image("deployment", "shop") == "shop:good-1"
    await bench.settled("deployment", "shop")


async def test_a_pinned_revision_that_the_cluster_has_forgotten_comes_from_the_pin(
    bench: Bench, twin: Bench, client: Client
) -> None:
    for one in (bench, twin):
        one.deploy(revisionHistoryLimit=1)
        await one.settled("deployment", "shop")
    pin = await read_pin(client, bench.namespace, SHOP)
    for one in (bench, twin):
        for image in ("shop:good-2", "shop:good-3", "shop:good-4"):
            await one.release("deployment", "shop", image)
        await one.until_replica_sets(2)
    undone = await twin.undo("deployment", "shop", "--to-revision=1")
    assert undone.code != 0
    assert "unable to find" in undone.err
    target = await plan_rollback(client, bench.namespace, SHOP, pin=pin)
    assert target.source == "pinned template"
    assert any("no longer keeps" in warning for warning in target.warnings)
    await execute(client, target)
    await bench.settled("deployment", "shop")
    assert bench.image("deployment", "shop") == "shop:good-1"


async def test_a_paused_deployment_is_resumed_and_rolled_back_in_one_go(
    bench: Bench, twin: Bench, client: Client
) -> None:
    await _both_deployed(bench, twin, "shop:good-1", "shop:good-2")
    pin = await read_pin(client, bench.namespace, SHOP)
    for one in (bench, twin):
        one.patch("deployment", "shop", {"spec": {"paused": True}})
        one.set_image("deployment", "shop", "shop:crash-3")
    undone = await twin.undo("deployment", "shop")
    assert undone.code != 0
    assert "paused" in undone.err
    refused = await plan_rollback(client, bench.namespace, SHOP, pin=pin)
    assert "Resume it first" in refused.problem
    with pytest.raises(Conflict):
        await execute(client, refused)
    await execute(client, await plan_rollback(client, bench.namespace, SHOP, pin=pin, resume=True))
    await bench.settled("deployment", "shop")
    assert bench.image("deployment", "shop") == "shop:good-2"
    assert "paused" not in bench.get("deployment", "shop")["spec"]
    assert len(bench.list("replicaset")) == 2


async def test_undo_overwrites_a_deployment_that_was_made_anew_and_the_console_does_not(
    bench: Bench, twin: Bench, client: Client
) -> None:
    await _both_deployed(bench, twin, "shop:good-1", "shop:good-2")
    target = await plan_rollback(client, bench.namespace, SHOP, to="1")
    for one in (bench, twin):
        one.delete("deployment", "shop")
        await one.until_replica_sets(0)
    for one in (bench, twin):
        await _deployed(one, "shop:good-8", "shop:good-9")
    assert (await twin.undo("deployment", "shop", "--to-revision=1")).code == 0
    assert twin.image("deployment", "shop") == "shop:good-8"
    with pytest.raises(Conflict, match="made anew"):
        await execute(client, target)
    assert bench.image("deployment", "shop") == "shop:good-9"


def _is_observed(bench: Bench) -> bool:
    found = bench.get("deployment", "shop")
    return bool(found["status"].get("observedGeneration") == found["metadata"]["generation"])
