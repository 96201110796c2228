"""A rollback while others write and the network fails: it lands once, on the right object, or says why not."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from bench import Bench, Obj
from control_plane import ControlPlane
from gate import Burst, Gate, LostAnswer

from releaseconsole.cluster.connect import Client
from releaseconsole.cluster.rollback import RollbackTarget, plan_rollback, read_pin
from releaseconsole.cluster.rollback_run import dry_run, execute
from releaseconsole.errors import ApiRejected, Conflict, Unreachable

SHOP = "deployment/shop"


async def _bad_release(bench: Bench, client: Client, replicas: int = 3) -> RollbackTarget:
    """A good version, a bad one in the middle of its rollout, and the plan of the way back."""
    bench.deploy(replicas=replicas)
    await bench.settled("deployment", "shop")
    pin = await read_pin(client, bench.namespace, SHOP)
    bench.set_image("deployment", "shop", "shop:crash-2")
    await bench.until(lambda: len(bench.list("pod")) > replicas, "the bad version has a pod")
    return await plan_rollback(client, bench.namespace, SHOP, pin=pin)


async def test_a_rollback_in_the_middle_of_a_rollout_ends_with_the_good_version_alone(
    bench: Bench, client: Client
) -> None:
    target = await _bad_release(bench, client)
    assert await dry_run(client, target) == ""
    assert bench.image("deployment", "shop") == "shop:crash-2"
    done = await execute(client, target)
    assert done.patched
    await bench.settled("deployment", "shop")
    await bench.until(lambda: _images(bench) == ["shop:good-1"] * 3, "only good pods are left")


async def test_a_change_of_the_spec_after_the_plan_is_seen_and_the_patch_is_made_anew(
    bench: Bench, client: Client
) -> None:
    target = await _bad_release(bench, client)
    bench.patch("deployment", "shop", {"spec": {"replicas": 4}})
    done = await execute(client, target)
    assert (done.patched, done.replanned) == (True, 1)
    settled = await bench.settled("deployment", "shop")
    assert settled["spec"]["replicas"] == 4
    assert bench.image("deployment", "shop") == "shop:good-1"


async def test_somebody_else_who_was_faster_is_not_a_failure(bench: Bench, client: Client) -> None:
    target = await _bad_release(bench, client)
    bench.set_image("deployment", "shop", "shop:good-1")
    done = await execute(client, target)
    assert not done.patched
    await bench.settled("deployment", "shop")


async def test_a_writer_of_status_and_labels_never_makes_it_plan_again(bench: Bench, client: Client) -> None:
    target = await _bad_release(bench, client)
    async with _busy_writer(bench):
        done = await execute(client, target)
    assert (done.patched, done.replanned) == (True, 0)
    await bench.settled("deployment", "shop")


async def test_a_writer_of_the_spec_is_outrun_within_a_few_tries(bench: Bench, client: Client) -> None:
    target = await _bad_release(bench, client)
    bench.patch("deployment", "shop", {"spec": {"minReadySeconds": 1}})
    done = await execute(client, target)
    assert done.replanned >= 1
    assert bench.image("deployment", "shop") == "shop:good-1"


async def test_a_patch_that_the_server_finds_invalid_is_not_tried_again_and_says_what_is_wrong(
    bench: Bench, gate: Gate, gated: Client, client: Client
) -> None:
    target = await _bad_release(bench, client)
    broken = {"op": "replace", "path": "/spec/template/spec/restartPolicy", "value": "Sometimes"}
    wrong = replace(target, patch=(*target.patch, broken))
    with pytest.raises(ApiRejected, match="restartPolicy"):
        await execute(gated, wrong)
    assert [method for method, _ in gate.seen].count("PATCH") == 1


async def test_an_answer_that_was_lost_does_not_make_it_act_twice(
    bench: Bench, gate: Gate, gated: Client, client: Client
) -> None:
    target = await _bad_release(bench, client)
    before = bench.get("deployment", "shop")["metadata"]["generation"]
    gate.hooks.append(LostAnswer(gate, "PATCH"))
    done = await execute(gated, target)
    assert done.patched
    assert bench.get("deployment", "shop")["metadata"]["generation"] == before + 1
    assert [method for method, _ in gate.seen].count("PATCH") == 1
    await bench.settled("deployment", "shop")


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_server_that_is_busy_for_a_moment_only_delays_it(
    status: int, bench: Bench, gate: Gate, gated: Client, client: Client
) -> None:
    target = await _bad_release(bench, client)
    gate.hooks.append(Burst(status, 2, method="PATCH"))
    done = await execute(gated, target)
    assert done.patched
    assert bench.image("deployment", "shop") == "shop:good-1"


async def test_an_api_server_killed_between_two_patches_loses_neither(
    bench: Bench, client: Client, control_plane: ControlPlane
) -> None:
    for name in ("shop", "desk"):
        bench.deploy(name)
        await bench.settled("deployment", name)
        await bench.release("deployment", name, "shop:good-2")
    plans = [
        await plan_rollback(client, bench.namespace, f"deployment/{name}", to="1")
        for name in ("shop", "desk")
    ]
    await execute(client, plans[0])
    control_plane.kill("kube-apiserver")
    second = asyncio.create_task(execute(client, plans[1]))
    await asyncio.sleep(3)
    assert not second.done()
    control_plane.start_program("kube-apiserver")
    assert (await second).patched
    await asyncio.to_thread(control_plane.recover)
    for name in ("shop", "desk"):
        await bench.settled("deployment", name)
        assert bench.image("deployment", name) == "shop:good-1"


async def test_an_api_server_that_stays_away_is_given_up_and_named(
    bench: Bench, client: Client, control_plane: ControlPlane
) -> None:
    target = await _bad_release(bench, client)
    with control_plane.without("kube-apiserver"), pytest.raises(Unreachable, match="cannot be reached"):
        await execute(client, target, patience=0.5)
    await asyncio.to_thread(control_plane.recover)
    assert bench.image("deployment", "shop") == "shop:crash-2"


async def test_a_workload_that_is_gone_is_a_plain_refusal(bench: Bench, client: Client) -> None:
    target = await _bad_release(bench, client)
    bench.delete("deployment", "shop")
    bench.deploy(image="shop:good-7")
    with pytest.raises(Conflict, match="made anew"):
        await execute(client, target)
    assert bench.image("deployment", "shop") == "shop:good-7"


@asynccontextmanager
async def _busy_writer(bench: Bench) -> AsyncIterator[None]:
    """Somebody who patches labels and status fifty times a second."""
    written = 0

    async def write() -> None:
        nonlocal written
        for number in itertools.count():
            began = time.monotonic()
            changed = {"metadata": {"labels": {"beat": str(number)}}}
            await asyncio.to_thread(bench.patch, "deployment", "shop", changed)
            condition = {"type": "Beat", "status": "True", "reason": f"b{number}"}
            status: Obj = {"status": {"conditions": [condition]}}
            await asyncio.to_thread(bench.patch, "deployment", "shop", status, "status")
            written = number
            await asyncio.sleep(max(0.0, 0.02 - (time.monotonic() - began)))

    async with asyncio.TaskGroup() as group:
        writing = group.create_task(write())
        await bench.until(lambda: written > 5, "the other writer is busy")
        yield
        writing.cancel()


def _images(bench: Bench) -> list[str]:
    return [str(pod["spec"]["containers"][0]["image"]) for pod in bench.list("pod")]
