"""Where ``kubectl rollout status`` misleads, and what the console says at the same moment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bench import Bench, Obj, workload
from recorder import recording, replaying

from releaseconsole.cluster.connect import Client
from releaseconsole.cluster.decode import decode
from releaseconsole.cluster.objects import Deployment, Pod, ReplicaSet, StatefulSet
from releaseconsole.cluster.progress import progress
from releaseconsole.cluster.rollback import plan_rollback, read_pin
from releaseconsole.cluster.rollback_run import delete_pod, execute
from releaseconsole.cluster.rollout import RolloutState, Verdict, deployment_verdict, stuck_ordered_pods

DEADLINE = "ProgressDeadlineExceeded"


async def test_a_deadline_that_the_bad_version_exceeded_is_not_held_against_the_rollback(
    bench: Bench, client: Client, tmp_path: Path
) -> None:
    bench.deploy(replicas=3, progressDeadlineSeconds=1, strategy={"type": "Recreate"})
    await bench.settled("deployment", "shop")
    pin = await read_pin(client, bench.namespace, "deployment/shop")
    bench.set_image("deployment", "shop", "shop:stuck-2")
    await bench.until(lambda: _timed_out(bench.get("deployment", "shop")), "the bad version times out")
    assert _judged(bench).state is RolloutState.FAILED
    async with recording(bench, "deployment", "shop") as states:
        target = await plan_rollback(client, bench.namespace, "deployment/shop", pin=pin)
        done = await execute(client, target)
        await bench.settled("deployment", "shop")
    after = [state for state in states if state["metadata"]["generation"] >= done.generation]
    stale = [state for state in after if _timed_out(state) and _is_observed(state)]
    assert stale, "the controller left the old condition standing for a moment"
    sets = bench.list("replicaset")
    assert RolloutState.FAILED not in {_verdict(state, sets, []).state for state in after}
    async with replaying(bench, "deployment", tmp_path) as replay:
        assert "exceeded its progress deadline" in (await replay.rollout_status(stale[0])).err
    assert _judged(bench).state is RolloutState.COMPLETE


async def test_a_deployment_scaled_to_zero_is_no_success(bench: Bench) -> None:
    bench.deploy(replicas=0)
    await bench.settled("deployment", "shop")
    assert "successfully rolled out" in (await bench.kubectl("rollout", "status", "deployment/shop")).out
    assert _judged(bench).state is RolloutState.SCALED_TO_ZERO


async def test_a_paused_deployment_is_no_success(bench: Bench) -> None:
    bench.deploy()
    await bench.settled("deployment", "shop")
    bench.patch("deployment", "shop", {"spec": {"paused": True}})
    await bench.settled("deployment", "shop")
    assert "successfully rolled out" in (await bench.kubectl("rollout", "status", "deployment/shop")).out
    assert _judged(bench).state is RolloutState.PAUSED


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ("shop:crash-2", "CrashLoopBackOff"),
        ("shop:absent-2", "ImagePullBackOff"),
        ("shop:config-2", "CreateContainerConfigError"),
    ],
)
async def test_a_new_pod_that_cannot_start_fails_the_rollout_long_before_its_deadline(
    bench: Bench, image: str, reason: str
) -> None:
    bench.deploy()
    await bench.settled("deployment", "shop")
    bench.set_image("deployment", "shop", image)
    await bench.until(lambda: _judged(bench).state is RolloutState.FAILING, "it is called failing", 10)
    said = await bench.kubectl("rollout", "status", "deployment/shop", "--watch=false")
    assert "Waiting for deployment" in said.out
    broken = [pod for pod in bench.list("pod") if pod["spec"]["containers"][0]["image"] == image]
    message = _judged(bench).message
    assert reason in message
    assert broken[0]["metadata"]["name"] in message


async def test_a_new_pod_that_no_node_takes_fails_the_rollout(bench: Bench) -> None:
    bench.deploy()
    await bench.settled("deployment", "shop")
    nowhere = {"template": {"spec": {"nodeSelector": {"disk": "golden"}}}}
    bench.patch("deployment", "shop", {"spec": nowhere})
    await bench.until(lambda: _judged(bench).state is RolloutState.FAILING, "it is called failing", 15)
    assert "Unschedulable" in _judged(bench).message
    assert "node" in _judged(bench).message


async def test_a_pod_that_the_cluster_refuses_to_make_fails_the_rollout(bench: Bench) -> None:
    bench.deploy()
    await bench.settled("deployment", "shop")
    bench.label_namespace("pod-security.kubernetes.io/enforce", "restricted")
    bench.set_image("deployment", "shop", "shop:good-2")
    await bench.until(lambda: _judged(bench).state is RolloutState.FAILING, "it is called failing", 15)
    assert "violates PodSecurity" in _judged(bench).message


async def test_an_ordered_stateful_set_stays_stuck_until_its_broken_pod_is_deleted(
    bench: Bench, client: Client
) -> None:
    bench.create("statefulset", workload("StatefulSet", "shop", "shop:good-1", replicas=2))
    await bench.settled("statefulset", "shop")
    pin = await read_pin(client, bench.namespace, "statefulset/shop")
    bench.set_image("statefulset", "shop", "shop:crash-2")
    await bench.until(lambda: _image_of(bench, "shop-1") == "shop:crash-2", "the last pod is the broken one")
    target = await plan_rollback(client, bench.namespace, "statefulset/shop", pin=pin)
    done = await execute(client, target)
    await bench.until(lambda: _stuck(bench) == ("shop-1",), "the broken pod is found")
    found = decode(StatefulSet, _bytes(bench.get("statefulset", "shop")))
    assert progress(found, (), (), done.generation) != "available"
    uid = bench.get("pod", "shop-1")["metadata"]["uid"]
    await delete_pod(client, bench.namespace, "shop-1", uid)
    await bench.settled("statefulset", "shop")
    assert _image_of(bench, "shop-1") == "shop:good-1"


def _judged(bench: Bench) -> Verdict:
    return _verdict(bench.get("deployment", "shop"), bench.list("replicaset"), bench.list("pod"))


def _verdict(state: Obj, sets: list[Obj], pods: list[Obj]) -> Verdict:
    return deployment_verdict(
        decode(Deployment, _bytes(state)),
        [decode(ReplicaSet, _bytes(one)) for one in sets],
        [decode(Pod, _bytes(one)) for one in pods],
    )


def _stuck(bench: Bench) -> tuple[str, ...]:
    found = decode(StatefulSet, _bytes(bench.get("statefulset", "shop")))
    return stuck_ordered_pods(found, [decode(Pod, _bytes(one)) for one in bench.list("pod")])


def _image_of(bench: Bench, pod: str) -> str:
    found = {one["metadata"]["name"]: one for one in bench.list("pod")}
    return str(found[pod]["spec"]["containers"][0]["image"]) if pod in found else ""


def _timed_out(state: Obj) -> bool:
    return any(one.get("reason") == DEADLINE for one in state["status"].get("conditions", []))


def _is_observed(state: Obj) -> bool:
    return bool(state["status"].get("observedGeneration") == state["metadata"]["generation"])


def _bytes(state: Obj) -> bytes:
    return json.dumps(state).encode()
