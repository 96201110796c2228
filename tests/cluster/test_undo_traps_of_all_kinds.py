"""The traps of ``kubectl rollout undo`` for StatefulSets and DaemonSets, and those that all kinds share.

As in ``test_undo_traps``: kubectl in one namespace, the console in another, after the same history.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web
from bench import Bench, workload
from control_plane import ADMIN, ControlPlane
from gate import Gate

from releaseconsole.cluster.connect import Client
from releaseconsole.cluster.rollback import PinnedRevision, plan_rollback, read_pin
from releaseconsole.cluster.rollback_run import execute

ORDERED = ("statefulset", "daemonset")
ALL = ("deployment", *ORDERED)
_NAMES = {"deployment": "Deployment", "statefulset": "StatefulSet", "daemonset": "DaemonSet"}
_HOLDERS = {"deployment": "replicaset", **dict.fromkeys(ORDERED, "controllerrevision")}
CONTROLLERS = "kube-controller-manager"
_REVISION = "deployment.kubernetes.io/revision"


async def _deployed(bench: Bench, kind: str, *images: str, **spec: Any) -> None:
    size: dict[str, Any] = {} if kind == "daemonset" else {"replicas": 2}
    bench.create(kind, workload(_NAMES[kind], "shop", images[0], **size, **spec))
    await bench.settled(kind, "shop")
    for image in images[1:]:
        await bench.release(kind, "shop", image)


async def _both(bench: Bench, twin: Bench, kind: str, *images: str, **spec: Any) -> None:
    await asyncio.gather(*(_deployed(one, kind, *images, **spec) for one in (bench, twin)))


async def _set_both(bench: Bench, twin: Bench, kind: str, image: str, revisions: int) -> None:
    """Deploy to both, and wait until the controller has made the new revision."""
    for one in (bench, twin):
        one.set_image(kind, "shop", image)
    for one in (bench, twin):
        await one.until(lambda one=one: len(one.list(_HOLDERS[kind])) == revisions, f"{revisions} revisions")


async def _roll_back(client: Client, bench: Bench, kind: str, pin: PinnedRevision) -> None:
    await execute(client, await plan_rollback(client, bench.namespace, f"{kind}/shop", pin=pin))


def _is_observed(bench: Bench, kind: str) -> bool:
    found = bench.get(kind, "shop")
    return bool(found["status"].get("observedGeneration") == found["metadata"]["generation"])


@pytest.mark.parametrize("kind", ORDERED)
async def test_undo_right_after_a_patch_goes_one_revision_too_far(
    kind: str, bench: Bench, twin: Bench, client: Client, control_plane: ControlPlane
) -> None:
    await _both(bench, twin, kind, "shop:good-1", "shop:good-2")
    pin = await read_pin(client, bench.namespace, f"{kind}/shop")
    with control_plane.without(CONTROLLERS):
        for one in (bench, twin):
            one.set_image(kind, "shop", "shop:crash-3")
        assert (await twin.undo(kind, "shop")).code == 0
        await _roll_back(client, bench, kind, pin)
    assert twin.image(kind, "shop") == "shop:good-1"
    assert bench.image(kind, "shop") == "shop:good-2"
    await bench.settled(kind, "shop")


@pytest.mark.parametrize("kind", ORDERED)
async def test_undo_pressed_twice_brings_the_bad_version_back(
    kind: str, bench: Bench, twin: Bench, client: Client
) -> None:
    await _both(bench, twin, kind, "shop:good-1")
    pin = await read_pin(client, bench.namespace, f"{kind}/shop")
    await _set_both(bench, twin, kind, "shop:crash-2", 2)
    for _ in range(2):
        assert (await twin.undo(kind, "shop")).code == 0
        await twin.until(lambda: _is_observed(twin, kind), "the controller has seen it")
        await _roll_back(client, bench, kind, pin)
    assert twin.image(kind, "shop") == "shop:crash-2"
    assert bench.image(kind, "shop") == "shop:good-1"
    again = await plan_rollback(client, bench.namespace, f"{kind}/shop", pin=pin)
    assert again.skipped
    assert not again.problem


@pytest.mark.parametrize("kind", ORDERED)
async def test_undo_after_two_bad_versions_lands_on_the_first_of_them(
    kind: str, bench: Bench, twin: Bench, client: Client
) -> None:
    await _both(bench, twin, kind, "shop:good-1")
    pin = await read_pin(client, bench.namespace, f"{kind}/shop")
    await _set_both(bench, twin, kind, "shop:crash-2", 2)
    await _set_both(bench, twin, kind, "shop:absent-3", 3)
    assert (await twin.undo(kind, "shop")).code == 0
    await _roll_back(client, bench, kind, pin)
    assert twin.image(kind, "shop") == "shop:crash-2"
    assert bench.image(kind, "shop") == "shop:good-1"


@pytest.mark.parametrize("kind", ORDERED)
async def test_a_pinned_revision_that_the_cluster_has_forgotten_comes_from_the_pin(
    kind: str, bench: Bench, twin: Bench, client: Client
) -> None:
    await _both(bench, twin, kind, "shop:good-1", revisionHistoryLimit=1)
    pin = await read_pin(client, bench.namespace, f"{kind}/shop")
    for one in (bench, twin):
        for image in ("shop:good-2", "shop:good-3", "shop:good-4"):
            await one.release(kind, "shop", image)
        await one.until(lambda one=one: len(one.list(_HOLDERS[kind])) == 2, "the first revision is collected")
    undone = await twin.undo(kind, "shop", "--to-revision=1")
    assert undone.code != 0
    assert "unable to find" in undone.err
    target = await plan_rollback(client, bench.namespace, f"{kind}/shop", pin=pin)
    assert target.source == "pinned template"
    await execute(client, target)
    await bench.settled(kind, "shop")
    assert bench.image(kind, "shop") == "shop:good-1"


@pytest.mark.parametrize("kind", ALL)
async def test_what_runs_already_is_skipped_by_both_and_nothing_is_written(
    kind: str, bench: Bench, twin: Bench, client: Client
) -> None:
    await _both(bench, twin, kind, "shop:good-1", "shop:good-2")
    before = bench.get(kind, "shop")["metadata"]["generation"]
    undone = await twin.undo(kind, "shop", "--to-revision=2")
    assert (undone.code, "skipped rollback" in undone.out) == (0, True)
    target = await plan_rollback(client, bench.namespace, f"{kind}/shop", to="2")
    assert target.skipped
    assert not target.problem
    assert not (await execute(client, target)).patched
    assert bench.get(kind, "shop")["metadata"]["generation"] == before


@pytest.mark.parametrize("kind", ["deployment", "daemonset"])
async def test_a_half_finished_rollout_goes_back_to_good_pods_alone(
    kind: str, bench: Bench, client: Client
) -> None:
    await _deployed(bench, kind, "shop:good-1")
    pin = await read_pin(client, bench.namespace, f"{kind}/shop")
    bench.set_image(kind, "shop", "shop:crash-2")
    await bench.until(lambda: "shop:crash-2" in _images(bench), "the bad version has a pod")
    await _roll_back(client, bench, kind, pin)
    await bench.settled(kind, "shop")
    await bench.until(lambda: set(_images(bench)) == {"shop:good-1"}, "only good pods are left")


async def test_undo_leaves_an_ordered_stateful_set_stuck_and_says_it_has_rolled_back(
    twin: Bench, client: Client
) -> None:
    await _deployed(twin, "statefulset", "shop:good-1")
    twin.set_image("statefulset", "shop", "shop:crash-2")
    await twin.until(lambda: "shop:crash-2" in _images(twin), "the bad version has a pod")
    undone = await twin.undo("statefulset", "shop")
    assert (undone.code, "rolled back" in undone.out) == (0, True)
    await twin.until(lambda: _is_observed(twin, "statefulset"), "the controller has seen it")
    said = await twin.kubectl("rollout", "status", "statefulset/shop", "--timeout=3s")
    assert said.code != 0
    assert "shop:crash-2" in _images(twin)


@pytest.mark.parametrize("mine", [True, False], ids=["the console", "kubectl"])
async def test_a_revision_number_renewed_meanwhile_is_put_back_by_kubectl_and_kept_by_the_console(
    mine: bool, bench: Bench, gate: Gate, gated: Client, control_plane: ControlPlane
) -> None:
    """``undo`` replaces the whole map of annotations by what it has read before."""
    await _deployed(bench, "deployment", "shop:good-1", "shop:good-2")
    written: list[str] = []

    async def controller(request: web.Request) -> web.StreamResponse | None:
        if request.method == "PATCH" and not written:
            written.append(request.path)
            renewed = {"metadata": {"annotations": {_REVISION: "7"}}}
            await asyncio.to_thread(bench.patch, "deployment", "shop", renewed)
        return None

    gate.hooks.append(controller)
    with control_plane.without(CONTROLLERS):
        if mine:
            await execute(gated, await plan_rollback(gated, bench.namespace, "deployment/shop", to="1"))
        else:
            user = {ADMIN: {"token": control_plane.tokens[ADMIN]}}
            path = control_plane.kubeconfig(bench.folder / "kubectl-gated", user, gate.server)
            words = ("rollout", "undo", "deployment/shop", "--to-revision=1")
            assert (await bench.kubectl(*words, kubeconfig=path)).code == 0
        found = bench.get("deployment", "shop")
    assert written
    assert bench.image("deployment", "shop") == "shop:good-1"
    assert found["metadata"]["annotations"][_REVISION] == ("7" if mine else "2")


def _images(bench: Bench) -> list[str]:
    return [str(pod["spec"]["containers"][0]["image"]) for pod in bench.list("pod")]
