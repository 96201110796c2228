"""The emergency rollback of rollouts that are half done, of every kind and in every bad state, by a real session."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from bench import Bench, workload
from control_plane import ADMIN
from emergency import BACK, GOOD, generations, plan_of, plan_text, program, stages
from session_bench import opened, until

from releaseconsole.session import Session

SHOP = "deployment/shop"


def plan(bench: Bench, *workloads: str) -> Any:
    return plan_of([(ADMIN, bench.namespace)], workloads or (SHOP,))


async def rolled_back_once(bench: Bench, session: Session, key: str) -> None:
    """Fire, and see the good version alone, by one change of the workload."""
    before = generations(bench, key)
    async with asyncio.timeout(60):
        done = await session.roll_back("real")
    assert (done.outcome, stages(done) <= BACK) == ("complete", True), done
    await bench.settled(*key.split("/"))
    assert bench.image(*key.split("/")) == GOOD
    assert generations(bench, key) == {key: before[key] + 1}
    await bench.until(lambda: _images(bench) == {GOOD}, "only pods of the good version are left")


@pytest.mark.parametrize("bad", ["crash-2", "absent-2", "stuck-2", "broken-2", "slow-2"])
async def test_a_deployment_in_the_middle_of_its_rollout_whatever_its_new_pods_do(
    bad: str, bench: Bench, kubeconfig: Path, tmp_path: Path
) -> None:
    bench.deploy(replicas=4)
    await bench.settled("deployment", "shop")
    async with opened(plan(bench), kubeconfig, tmp_path) as session:
        await session.pin("real")
        bench.set_image("deployment", "shop", f"shop:{bad}")
        await bench.until(lambda: f"shop:{bad}" in _images(bench), "the bad version has pods")
        await rolled_back_once(bench, session, SHOP)


async def test_a_deployment_whose_bad_template_has_no_replica_set_yet(
    bench: Bench, kubeconfig: Path, tmp_path: Path
) -> None:
    bench.deploy()
    await bench.settled("deployment", "shop")
    async with opened(plan(bench), kubeconfig, tmp_path) as session:
        await session.pin("real")
        with bench.plane.without("kube-controller-manager"):
            bench.set_image("deployment", "shop", "shop:crash-2")
            rollback = asyncio.create_task(session.roll_back("real"))
            await bench.until(lambda: bench.image("deployment", "shop") == GOOD, "it is patched")
        done = await rollback
        assert done.outcome == "complete"
        assert len(bench.list("replicaset")) == 1


async def test_a_paused_deployment_is_resumed_and_rolled_back_in_one_patch(
    bench: Bench, kubeconfig: Path, tmp_path: Path
) -> None:
    bench.deploy(replicas=3)
    await bench.settled("deployment", "shop")
    async with opened(plan(bench), kubeconfig, tmp_path) as session:
        await session.pin("real")
        bench.set_image("deployment", "shop", "shop:crash-2")
        await bench.until_replica_sets(2)
        bench.patch("deployment", "shop", {"spec": {"paused": True}})
        (line,) = (await session.preview_rollback("real")).lines
        assert "resumed in the same patch" in line.note
        await rolled_back_once(bench, session, SHOP)
        assert not bench.get("deployment", "shop")["spec"].get("paused")


@pytest.mark.parametrize("bad", ["crash-2", "slow-2"])
async def test_a_daemonset_with_some_nodes_on_the_bad_version(
    bad: str, bench: Bench, kubeconfig: Path, tmp_path: Path
) -> None:
    bench.create("daemonset", workload("DaemonSet", "agent", GOOD))
    await bench.settled("daemonset", "agent")
    async with opened(plan(bench, "daemonset/agent"), kubeconfig, tmp_path) as session:
        await session.pin("real")
        bench.set_image("daemonset", "agent", f"shop:{bad}")
        await bench.until(lambda: f"shop:{bad}" in _images(bench), "it has begun")
        await rolled_back_once(bench, session, "daemonset/agent")


@pytest.mark.parametrize("policy", ["OrderedReady", "Parallel"])
async def test_a_statefulset_in_the_middle_of_a_rollout_that_works(
    policy: str, bench: Bench, kubeconfig: Path, tmp_path: Path
) -> None:
    body = workload("StatefulSet", "store", GOOD, replicas=3, podManagementPolicy=policy)
    bench.create("statefulset", body)
    await bench.settled("statefulset", "store")
    async with opened(plan(bench, "statefulset/store"), kubeconfig, tmp_path) as session:
        await session.pin("real")
        bench.set_image("statefulset", "store", "shop:slow-2")
        await bench.until(lambda: "shop:slow-2" in _images(bench), "it has begun")
        await rolled_back_once(bench, session, "statefulset/store")


async def test_the_command_deletes_the_stuck_pod_of_a_statefulset_when_it_was_told_to(
    bench: Bench, kubeconfig: Path, tmp_path: Path
) -> None:
    key, file, state = "statefulset/store", tmp_path / "plan.toml", tmp_path / "state"
    bench.create("statefulset", workload("StatefulSet", "store", GOOD, replicas=3))
    await bench.settled("statefulset", "store")
    async with opened(plan(bench, key), kubeconfig, tmp_path, state=state) as session:
        await session.pin("real")
    bench.set_image("statefulset", "store", "shop:absent-2")
    await bench.until(lambda: "shop:absent-2" in _images(bench), "its last pod is broken")
    before = generations(bench, key)
    file.write_text(plan_text([(ADMIN, bench.namespace)], [key]), "utf-8")
    async with program(file, kubeconfig, state, "--delete-stuck-pods") as run:
        ended = await run.ended()
    assert ended.code == 0, ended
    assert "deletes the pod store-2" in ended.err
    assert generations(bench, key) == {key: before[key] + 1}
    await bench.until(lambda: _images(bench) == {GOOD}, "only pods of the good version are left")


async def test_a_statefulset_stuck_on_a_broken_pod_is_said_and_freed_by_the_pods_deletion(
    bench: Bench, kubeconfig: Path, tmp_path: Path
) -> None:
    bench.create("statefulset", workload("StatefulSet", "store", GOOD, replicas=3))
    await bench.settled("statefulset", "store")
    async with opened(plan(bench, "statefulset/store"), kubeconfig, tmp_path) as session:
        await session.pin("real")
        bench.set_image("statefulset", "store", "shop:crash-2")
        await bench.until(lambda: "shop:crash-2" in _images(bench), "its last pod is broken")
        before = generations(bench, "statefulset/store")
        rollback = asyncio.create_task(session.roll_back("real"))
        await until(session, lambda: session.stuck_pods("real"), "the stuck pod is found")
        (pod,) = session.stuck_pods("real")
        assert pod.pod == "store-2"

        def told() -> bool:
            (one,) = session.state.rollbacks[-1].workloads.values()
            return "store-2" in one.message and "67250" in one.message

        await until(session, told, "the stage names the pod and why")
        assert not rollback.done()
        await session.delete_stuck_pod("real", pod.key, pod.pod)
        async with asyncio.timeout(60):
            done = await rollback
        assert (done.outcome, stages(done) <= BACK) == ("complete", True)
        kinds = [entry.kind for entry in session.ledger.entries]
        assert kinds.index("pod.deleting") < kinds.index("pod.deleted")
        assert generations(bench, "statefulset/store") == {
            "statefulset/store": before["statefulset/store"] + 1
        }
    await bench.until(lambda: _images(bench) == {GOOD}, "only pods of the good version are left")


def _images(bench: Bench) -> set[str]:
    return {str(pod["spec"]["containers"][0]["image"]) for pod in bench.list("pod")}
