"""Argo Rollouts' ``Rollout`` on the real control plane, with the real controller."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from argo import Argo, Shop, installed
from bench import Bench, Obj
from control_plane import ControlPlane
from recorder import recording
from session_bench import is_live, opened, plan_for, row, until

from releaseconsole.cluster.argo import Rollout
from releaseconsole.cluster.argo_rollout import rollout_verdict
from releaseconsole.cluster.connect import Client
from releaseconsole.cluster.decode import decode
from releaseconsole.cluster.objects import Pod, ReplicaSet
from releaseconsole.cluster.progress import progress
from releaseconsole.cluster.rollback import plan_rollback, read_pin
from releaseconsole.cluster.rollback_run import dry_run, execute
from releaseconsole.cluster.rollout import RolloutState, Verdict
from releaseconsole.errors import Conflict, NotFound

SHOP = "rollout/shop"
GOOD, NEXT = "shop:good-1", "shop:good-2"


@pytest.fixture(scope="module")
def argo(control_plane: ControlPlane) -> Iterator[Argo]:
    """Argo Rollouts, for the tests of this file."""
    with installed(control_plane) as made:
        yield made


@pytest.fixture
def shop(argo: Argo, bench: Bench) -> Shop:
    return Shop(bench)


@pytest.fixture
def twin_shop(argo: Argo, twin: Bench) -> Shop:
    return Shop(twin)


async def _mid_canary(shop: Shop) -> None:
    shop.set_image(NEXT)
    await shop.until("Paused")


async def _aborted(shop: Shop) -> None:
    await _mid_canary(shop)
    shop.abort()
    await shop.until("Degraded")


async def _degraded(shop: Shop) -> None:
    shop.change(progressDeadlineSeconds=2)
    shop.set_image("shop:crash-2")
    await shop.until("Degraded")


async def _crashing(shop: Shop) -> None:
    shop.set_image("shop:crash-2")
    await shop.bench.until(lambda: _verdict(shop).state is RolloutState.FAILING, "the new pod crashes")


@pytest.mark.parametrize("bad", [_mid_canary, _aborted, _degraded, _crashing])
async def test_a_rollback_to_the_stable_version_ends_as_undo_does_and_takes_no_steps(
    bad: Callable[[Shop], Awaitable[None]], shop: Shop, twin_shop: Shop, client: Client
) -> None:
    for one in (shop, twin_shop):
        one.create(GOOD)
        await one.until("Healthy")
    pin = await read_pin(client, shop.bench.namespace, SHOP)
    wanted = shop.held(GOOD)
    await asyncio.gather(bad(shop), bad(twin_shop))
    target = await plan_rollback(client, shop.bench.namespace, SHOP, pin=pin)
    assert (target.source, target.from_revision, target.to_revision) == ("pinned", "2", "1")
    assert target.warnings == ()
    assert await dry_run(client, target) == ""
    await execute(client, target)
    twin_shop.undo(GOOD)
    assert shop.template == twin_shop.template == wanted
    await asyncio.gather(shop.until("Healthy"), twin_shop.until("Healthy"))
    assert shop.revisions() == twin_shop.revisions()
    assert _plain(shop.get()["spec"]) == _plain(twin_shop.get()["spec"])
    assert _verdict(shop).state is RolloutState.COMPLETE


async def test_a_rollback_of_a_complete_release_takes_the_canary_steps_and_says_so_before(
    shop: Shop, client: Client
) -> None:
    shop.create(GOOD)
    await shop.until("Healthy")
    pin = await read_pin(client, shop.bench.namespace, SHOP)
    wanted = shop.held(GOOD)
    await shop.release(NEXT)
    target = await plan_rollback(client, shop.bench.namespace, SHOP, pin=pin)
    assert "2 canary steps" in target.warnings[0]
    assert "promote shop --full" in target.warnings[0]
    done = await execute(client, target)
    await shop.until("Paused")
    assert _verdict(shop) == Verdict(RolloutState.PAUSED, "paused at step 2 of 2 until it is promoted")
    assert _progress(shop, done.generation) == "observed"
    shop.promote()
    await shop.until("Healthy")
    assert shop.template == wanted
    assert _progress(shop, done.generation) == "available"


async def test_previous_is_the_version_before_even_when_no_controller_has_seen_the_new_one(
    shop: Shop, argo: Argo, client: Client
) -> None:
    shop.create("shop:good-0")
    await shop.until("Healthy")
    await shop.release(GOOD)
    with argo.stopped():
        shop.set_image("shop:crash-2")
        target = await plan_rollback(client, shop.bench.namespace, SHOP, to="previous")
        assert target.to_images == (GOOD,)
        assert _verdict(shop).state is RolloutState.WAITING
        done = await execute(client, target)
        assert _progress(shop, done.generation) == "patched"
    await shop.until("Healthy")
    assert shop.image() == GOOD


async def test_what_runs_already_is_skipped(shop: Shop, client: Client) -> None:
    shop.create(GOOD)
    await shop.until("Healthy")
    pin = await read_pin(client, shop.bench.namespace, SHOP)
    before = shop.get()["metadata"]["generation"]
    for to in ("pinned", "1"):
        target = await plan_rollback(client, shop.bench.namespace, SHOP, pin=pin, to=to)
        assert target.skipped
        assert not target.problem
        assert not (await execute(client, target)).patched
    assert shop.get()["metadata"]["generation"] == before


async def test_a_pinned_revision_that_was_collected_is_brought_back_from_the_pin(
    shop: Shop, client: Client
) -> None:
    shop.create(GOOD)
    await shop.until("Healthy")
    pin = await read_pin(client, shop.bench.namespace, SHOP)
    template = shop.template
    await shop.release(NEXT)
    shop.bench.delete("replicaset", shop.holders()[GOOD]["metadata"]["name"])
    target = await plan_rollback(client, shop.bench.namespace, SHOP, pin=pin)
    assert target.source == "pinned template"
    assert any("no longer keeps" in one for one in target.warnings)
    await execute(client, target)
    await shop.until("Paused")
    shop.promote()
    await shop.until("Healthy")
    assert shop.template == template
    without = await plan_rollback(client, shop.bench.namespace, SHOP, pin=replace(pin, uid="another"))
    assert without.skipped


async def test_a_removed_setting_comes_back(shop: Shop, client: Client) -> None:
    """``undo`` compares only what the new template names, and calls this one done already."""
    first = {"name": "first", "image": GOOD, "env": [{"name": "MODE", "value": "safe"}]}
    shop.create(GOOD)
    shop.change(template={"spec": {"containers": [first]}})
    await shop.until("Healthy")
    pin = await read_pin(client, shop.bench.namespace, SHOP)
    shop.change(template={"spec": {"containers": [{"name": "first", "image": GOOD}]}})
    await shop.until("Paused")
    target = await plan_rollback(client, shop.bench.namespace, SHOP, pin=pin)
    assert not target.skipped
    assert any(line.startswith("+") and "MODE" in line for line in target.template_diff)
    await execute(client, target)
    await shop.until("Healthy")
    assert shop.template["spec"]["containers"][0]["env"] == first["env"]


async def test_what_the_controller_adds_to_its_pods_is_not_carried_over(shop: Shop, client: Client) -> None:
    marks = {
        "stableMetadata": {"labels": {"role": "stable"}},
        "canaryMetadata": {"labels": {"role": "canary"}},
    }
    shop.create(GOOD, strategy={"canary": {"steps": [{"setWeight": 50}, {"pause": {}}], **marks}})
    await shop.until("Healthy")
    await shop.bench.until(lambda: "role" in _labels(shop.held(GOOD)), "the pods are marked")
    pin = await read_pin(client, shop.bench.namespace, SHOP)
    await _mid_canary(shop)
    await execute(client, await plan_rollback(client, shop.bench.namespace, SHOP, pin=pin))
    assert _labels(shop.template) == {"app": "shop"}
    await shop.until("Healthy")
    assert len(shop.revisions()) == 2


async def test_a_revision_number_left_by_a_deployment_does_not_mislead(shop: Shop, client: Client) -> None:
    shop.create("shop:good-0", annotations={"deployment.kubernetes.io/revision": "7"})
    await shop.until("Healthy")
    await shop.release(GOOD)
    await _mid_canary(shop)
    target = await plan_rollback(client, shop.bench.namespace, SHOP, to="previous")
    assert (target.from_revision, target.to_revision, target.to_images) == ("3", "2", (GOOD,))


async def test_a_paused_rollout_is_resumed_only_when_that_is_wanted(shop: Shop, client: Client) -> None:
    shop.create(GOOD)
    await shop.until("Healthy")
    pin = await read_pin(client, shop.bench.namespace, SHOP)
    shop.change(paused=True)
    shop.set_image(NEXT)
    await shop.until("Paused")
    assert _verdict(shop).message == "paused"
    refused = await plan_rollback(client, shop.bench.namespace, SHOP, pin=pin)
    assert "Resume it first" in refused.problem
    with pytest.raises(Conflict, match="Resume it first"):
        await execute(client, refused)
    await execute(client, await plan_rollback(client, shop.bench.namespace, SHOP, pin=pin, resume=True))
    await shop.until("Healthy")
    assert shop.image() == GOOD


async def test_a_template_of_another_workload_is_refused(shop: Shop, client: Client) -> None:
    shop.bench.deploy("source", image=GOOD, replicas=0)
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "source"}
    manifest: Obj = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "shop"},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "source"}},
            "workloadRef": reference,
            "strategy": {"canary": {}},
        },
    }
    shop.bench.create("rollout", manifest)
    await shop.until("Healthy")
    shop.bench.set_image("deployment", "source", NEXT)
    await shop.bench.until(lambda: len(shop.holders()) >= 2, "the new version has begun")
    target = await plan_rollback(client, shop.bench.namespace, SHOP, to="previous")
    assert "workloadRef" in target.problem
    assert "kubectl argo rollouts undo shop" in target.problem


async def test_the_verdict_is_right_at_every_moment_of_a_release_and_its_way_back(
    shop: Shop, client: Client
) -> None:
    async with recording(shop.bench, "rollout", "shop") as states:
        shop.create("shop:slow-1", replicas=3)
        await shop.until("Healthy")
        pin = await read_pin(client, shop.bench.namespace, SHOP)
        shop.change(progressDeadlineSeconds=2)
        shop.set_image("shop:stuck-2")
        await shop.until("Degraded")
        done = await execute(client, await plan_rollback(client, shop.bench.namespace, SHOP, pin=pin))
        await shop.until("Healthy")
    sets = _decoded(ReplicaSet, shop.bench.list("replicaset"))
    judged = [(state, rollout_verdict(decode(Rollout, _bytes(state)), sets, ())) for state in states]
    for state, verdict in judged:
        assert (verdict.state is RolloutState.COMPLETE) is _is_healthy(state), verdict
    after = [one.state for state, one in judged if state["metadata"]["generation"] >= done.generation]
    assert RolloutState.FAILED in {one.state for _, one in judged}
    assert RolloutState.FAILED not in after
    assert after[-1] is RolloutState.COMPLETE


async def test_pods_that_cannot_work_are_named_before_the_deadline(shop: Shop) -> None:
    shop.create(GOOD)
    await shop.until("Healthy")
    await _crashing(shop)
    assert "CrashLoopBackOff" in _verdict(shop).message
    shop.abort()
    await shop.until("Degraded")
    verdict = _verdict(shop)
    assert verdict.state is RolloutState.FAILED
    assert "aborted" in verdict.message.lower()


async def test_a_pause_with_an_end_is_progress(shop: Shop) -> None:
    shop.create(GOOD, strategy={"canary": {"steps": [{"setWeight": 50}, {"pause": {"duration": 300}}]}})
    await shop.until("Healthy")
    await _mid_canary(shop)
    assert _verdict(shop) == Verdict(RolloutState.PROGRESSING, "pauses for a while at step 2 of 2")


async def test_a_blue_green_switch_that_waits_for_somebody_is_a_pause(shop: Shop, client: Client) -> None:
    ports = {"selector": {"app": "shop"}, "ports": [{"port": 80}]}
    shop.bench.create("service", {"metadata": {"name": "shop"}, "spec": ports})
    shop.create(GOOD, strategy={"blueGreen": {"activeService": "shop", "autoPromotionEnabled": False}})
    await shop.until("Healthy")
    pin = await read_pin(client, shop.bench.namespace, SHOP)
    await shop.release(NEXT)
    target = await plan_rollback(client, shop.bench.namespace, SHOP, pin=pin)
    assert "promote shop --full" in target.warnings[0]
    shop.set_image("shop:good-3")
    await shop.until("Paused")
    assert "waits to be promoted" in _verdict(shop).message
    await execute(client, await plan_rollback(client, shop.bench.namespace, SHOP, to="previous"))
    await shop.until("Healthy")
    assert shop.image() == NEXT


async def test_a_rollout_that_does_not_exist_is_said_not_to(shop: Shop, client: Client) -> None:
    shop.create(GOOD)
    with pytest.raises(NotFound, match="rollout/shopp") as caught:
        await plan_rollback(client, shop.bench.namespace, "rollout/shopp")
    assert "rollout/shop" in caught.value.remedy


async def test_nothing_runs_of_a_rollout_scaled_to_zero(shop: Shop) -> None:
    shop.create(GOOD, replicas=0)
    await shop.until("Healthy")
    assert _verdict(shop).state is RolloutState.SCALED_TO_ZERO


async def test_a_session_shows_it_and_would_bring_it_back(
    shop: Shop, kubeconfig: Path, tmp_path: Path
) -> None:
    shop.create(GOOD)
    await shop.until("Healthy")
    plan = plan_for(shop.bench, SHOP)
    async with opened(plan, kubeconfig, tmp_path) as session:
        await until(session, lambda: is_live(session) and row(session).state == "complete", "it is complete")
        await until(session, lambda: row(session).ready == 2, "its pods are ready")
        await _mid_canary(shop)
        await until(session, lambda: row(session).state == "paused", "the pause is shown")
        shown = row(session)
        assert (shown.revision, shown.image, shown.desired, shown.old) == ("2", NEXT, 2, 1)
        await until(session, lambda: row(session).rollback_ready, "the way back is planned")
        assert row(session).previous_image == GOOD


def _verdict(shop: Shop) -> Verdict:
    rollout, sets, pods = _family(shop)
    return rollout_verdict(rollout, sets, pods)


def _progress(shop: Shop, generation: int) -> str:
    rollout, sets, pods = _family(shop)
    return progress(rollout, sets, pods, generation)


def _family(shop: Shop) -> tuple[Rollout, list[ReplicaSet], list[Pod]]:
    pods = _decoded(Pod, shop.bench.list("pod"))
    return decode(Rollout, _bytes(shop.get())), _decoded(ReplicaSet, shop.bench.list("replicaset")), pods


def _decoded(kind: type[Any], found: list[Obj]) -> list[Any]:
    return [decode(kind, _bytes(one)) for one in found]


def _is_healthy(state: Obj) -> bool:
    status = state.get("status", {})
    seen = status.get("observedGeneration") == str(state["metadata"]["generation"])
    return seen and status.get("phase") == "Healthy"


def _labels(template: Obj) -> dict[str, str]:
    return dict(template["metadata"]["labels"])


def _plain(spec: Obj) -> Obj:
    return {key: value for key, value in spec.items() if key != "restartAt"}


def _bytes(state: Obj) -> bytes:
    return json.dumps(state).encode()
