"""A rollback of a workload that never stands still: other writers move its generation all the time."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from bench import Bench, Obj, workload
from gate import Gate

from releaseconsole.cluster.connect import Client
from releaseconsole.cluster.rollback import plan_rollback
from releaseconsole.cluster.rollback_run import ATTEMPTS, dry_run, execute
from releaseconsole.errors import Conflict

KINDS = {"deployment": "Deployment", "statefulset": "StatefulSet", "daemonset": "DaemonSet"}


def _annotations(number: int) -> Obj:
    return {"metadata": {"annotations": {"beat": str(number)}}}


def _settings(number: int) -> Obj:
    return {"spec": {"minReadySeconds": number % 2}}


@pytest.mark.parametrize(
    ("kind", "change"),
    [("deployment", _annotations), *((kind, _settings) for kind in KINDS)],
    ids=["annotations of a deployment", *(f"settings of a {kind}" for kind in KINDS)],
)
async def test_a_writer_that_moves_the_generation_all_the_time_does_not_stop_it(
    kind: str, change: Callable[[int], Obj], bench: Bench, gate: Gate, gated: Client
) -> None:
    """Between the look and the patch the other writer comes first: the server is 30 ms away."""
    await _two_versions(bench, kind)
    target = await plan_rollback(gated, bench.namespace, f"{kind}/shop", to="1")
    gate.hooks.append(_far_away)
    async with _writer(bench, kind, change):
        assert await dry_run(gated, target) == ""
        done = await execute(gated, target)
    assert done.patched
    assert done.replanned >= 1
    assert bench.image(kind, "shop") == "shop:good-1"
    await bench.settled(kind, "shop")


async def test_somebody_who_deploys_in_such_a_moment_is_seen_all_the_same(
    bench: Bench, gate: Gate, gated: Client
) -> None:
    """It goes back from that version too, by a patch made for it, and never by one made for another."""
    await _two_versions(bench, "deployment")
    target = await plan_rollback(gated, bench.namespace, "deployment/shop", to="1")
    before_each_patch = [_annotations(1), _annotations(2), _image("shop:good-8")]

    async def somebody(request: web.Request) -> web.StreamResponse | None:
        if request.method == "PATCH" and before_each_patch:
            await asyncio.to_thread(bench.patch, "deployment", "shop", before_each_patch.pop(0))
        return None

    gate.hooks.append(somebody)
    done = await execute(gated, target)
    assert (done.patched, done.replanned) == (True, 3)
    assert not before_each_patch
    assert bench.image("deployment", "shop") == "shop:good-1"


async def test_a_workload_that_changes_under_each_try_is_given_up_with_how_often_and_what_helps(
    bench: Bench, gate: Gate, gated: Client
) -> None:
    await _two_versions(bench, "deployment")
    target = await plan_rollback(gated, bench.namespace, "deployment/shop", to="1")
    deploys = itertools.count(3)

    async def somebody(request: web.Request) -> web.StreamResponse | None:
        if request.method == "PATCH":
            image = f"shop:good-{next(deploys)}"
            await asyncio.to_thread(bench.set_image, "deployment", "shop", image)
        return None

    gate.hooks.append(somebody)
    with pytest.raises(Conflict, match=rf"deployment/shop changed under each of {ATTEMPTS} tries") as caught:
        await execute(gated, target)
    assert "--show-managed-fields" in str(caught.value)
    assert [method for method, _ in gate.seen].count("PATCH") == ATTEMPTS
    assert bench.image("deployment", "shop") == f"shop:good-{2 + ATTEMPTS}"


async def test_a_workload_made_anew_in_such_a_moment_is_left_alone(
    bench: Bench, gate: Gate, gated: Client
) -> None:
    await _two_versions(bench, "deployment")
    target = await plan_rollback(gated, bench.namespace, "deployment/shop", to="1")
    moments = ["annotations", "annotations", "made anew"]

    async def somebody(request: web.Request) -> web.StreamResponse | None:
        if request.method != "PATCH" or not moments:
            return None
        if moments.pop(0) == "annotations":
            await asyncio.to_thread(bench.patch, "deployment", "shop", _annotations(len(moments)))
        else:
            await asyncio.to_thread(bench.delete, "deployment", "shop")
            await asyncio.to_thread(bench.deploy, "shop", "shop:good-2")
        return None

    gate.hooks.append(somebody)
    with pytest.raises(Conflict, match="made anew"):
        await execute(gated, target)
    assert not moments
    assert bench.image("deployment", "shop") == "shop:good-2"


async def _two_versions(bench: Bench, kind: str) -> None:
    size: dict[str, Any] = {} if kind == "daemonset" else {"replicas": 2}
    bench.create(kind, workload(KINDS[kind], "shop", "shop:good-1", **size))
    await bench.settled(kind, "shop")
    await bench.release(kind, "shop", "shop:good-2")


def _image(image: str) -> Obj:
    return {"spec": {"template": {"spec": {"containers": [{"name": "first", "image": image}]}}}}


async def _far_away(_request: web.Request) -> web.StreamResponse | None:
    await asyncio.sleep(0.03)
    return None


@asynccontextmanager
async def _writer(bench: Bench, kind: str, change: Callable[[int], Obj]) -> AsyncIterator[None]:
    written = 0

    async def write() -> None:
        nonlocal written
        for written in itertools.count(1):
            await asyncio.to_thread(bench.patch, kind, "shop", change(written))
            await asyncio.sleep(0.01)

    async with asyncio.TaskGroup() as group:
        writing = group.create_task(write())
        await bench.until(lambda: written > 5, "the other writer is busy")
        yield
        writing.cancel()
