"""What kubectl does not say of a rollout, or says too late, for every kind: by what the console judges it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from bench import Bench, workload

from releaseconsole.cluster.decode import decode
from releaseconsole.cluster.objects import DaemonSet, Deployment, Pod, ReplicaSet, StatefulSet
from releaseconsole.cluster.rollout import (
    RolloutState,
    Verdict,
    daemonset_verdict,
    deployment_verdict,
    statefulset_verdict,
)

ORDERED = {"statefulset": "StatefulSet", "daemonset": "DaemonSet"}
ALL = {"deployment": "Deployment", **ORDERED}
BROKEN = {
    "shop:crash-2": ("CrashLoopBackOff", "back-off restarting failed container"),
    "shop:absent-2": ("ImagePullBackOff", "no such image"),
    "shop:config-2": ("CreateContainerConfigError", "no such secret"),
}


async def _deployed(bench: Bench, kind: str, **spec: Any) -> None:
    size: dict[str, Any] = {} if kind == "daemonset" else {"replicas": 2}
    bench.create(kind, workload(ALL[kind], "shop", "shop:good-1", **size, **spec))
    await bench.settled(kind, "shop")


@pytest.mark.parametrize("image", BROKEN)
@pytest.mark.parametrize("kind", ORDERED)
async def test_a_new_pod_that_cannot_start_fails_the_rollout_that_kubectl_waits_for(
    kind: str, image: str, bench: Bench
) -> None:
    await _deployed(bench, kind)
    bench.set_image(kind, "shop", image)
    await _failing(bench, kind)
    assert await _kubectl_waits(bench, kind)
    message = _judged(bench, kind).message
    broken = [pod for pod in bench.list("pod") if pod["spec"]["containers"][0]["image"] == image]
    assert broken[0]["metadata"]["name"] in message
    assert all(words in message for words in BROKEN[image])


@pytest.mark.parametrize("kind", ORDERED)
async def test_a_new_pod_that_no_node_takes_fails_the_rollout_that_kubectl_waits_for(
    kind: str, bench: Bench
) -> None:
    await _deployed(bench, kind)
    greedy = {"name": "first", "resources": {"requests": {"cpu": "100000"}}}
    bench.patch(kind, "shop", {"spec": {"template": {"spec": {"containers": [greedy]}}}})
    await _failing(bench, kind)
    assert await _kubectl_waits(bench, kind)
    message = _judged(bench, kind).message
    assert "Unschedulable" in message
    assert "Insufficient cpu" in message


async def test_a_broken_pod_of_the_old_version_is_not_held_against_the_new_one(bench: Bench) -> None:
    bench.deploy(image="shop:crash-1", replicas=3, strategy={"type": "RollingUpdate"})
    await bench.until(lambda: len(bench.list("pod")) == 3, "the broken version has its pods")
    bench.set_image("deployment", "shop", "shop:slow-2")
    await bench.until(lambda: len(bench.list("replicaset")) == 2, "the new version has begun")
    await bench.until(lambda: _is_observed(bench, "deployment"), "the controller has seen it")
    assert _judged(bench, "deployment").state in (RolloutState.PROGRESSING, RolloutState.COMPLETE)
    await bench.settled("deployment", "shop")
    assert _judged(bench, "deployment").state is RolloutState.COMPLETE


@pytest.mark.parametrize("kind", ORDERED)
async def test_a_workload_that_updates_on_delete_alone_is_no_rollout_to_either(
    kind: str, bench: Bench
) -> None:
    await _deployed(bench, kind, updateStrategy={"type": "OnDelete"})
    bench.set_image(kind, "shop", "shop:good-2")
    said = await bench.kubectl("rollout", "status", f"{kind}/shop", "--watch=false")
    assert said.code != 0
    assert "only available for RollingUpdate" in said.err
    assert _judged(bench, kind).state is RolloutState.UNKNOWN
    assert "OnDelete" in _judged(bench, kind).message


async def test_a_stateful_set_scaled_to_zero_is_no_success(bench: Bench) -> None:
    await _deployed(bench, "statefulset")
    bench.patch("statefulset", "shop", {"spec": {"replicas": 0}})
    await bench.settled("statefulset", "shop")
    said = await bench.kubectl("rollout", "status", "statefulset/shop", "--watch=false")
    assert said.code == 0
    assert _judged(bench, "statefulset").state is RolloutState.SCALED_TO_ZERO


async def test_a_daemon_set_that_no_node_wants_is_no_success(bench: Bench) -> None:
    await _deployed(bench, "daemonset")
    nowhere = {"template": {"spec": {"nodeSelector": {"disk": "golden"}}}}
    bench.patch("daemonset", "shop", {"spec": nowhere})
    await bench.until(lambda: _is_observed(bench, "daemonset") and not _wanted(bench), "no node wants it")
    said = await bench.kubectl("rollout", "status", "daemonset/shop", "--watch=false")
    assert "successfully rolled out" in said.out
    assert _judged(bench, "daemonset").state is RolloutState.SCALED_TO_ZERO


@pytest.mark.parametrize("kind", ALL)
async def test_a_workload_that_is_deleted_is_missing_where_kubectl_fails(kind: str, bench: Bench) -> None:
    await _deployed(bench, kind)
    bench.delete(kind, "shop")
    said = await bench.kubectl("rollout", "status", f"{kind}/shop", "--watch=false")
    assert said.code != 0
    assert "not found" in said.err
    assert _VERDICTS[kind](None, []).state is RolloutState.MISSING


@pytest.mark.parametrize("kind", ALL)
async def test_a_workload_that_waits_for_its_dependents_to_go_has_failed(kind: str, bench: Bench) -> None:
    await _deployed(bench, kind)
    bench.patch(kind, "shop", {"metadata": {"finalizers": ["example.org/hold"]}})
    bench.delete(kind, "shop")
    assert _judged(bench, kind).state is RolloutState.FAILED
    assert "being deleted" in _judged(bench, kind).message
    bench.patch(kind, "shop", {"metadata": {"finalizers": None}})


async def _failing(bench: Bench, kind: str) -> None:
    await bench.until(lambda: _judged(bench, kind).state is RolloutState.FAILING, "it is called failing", 15)


async def _kubectl_waits(bench: Bench, kind: str) -> bool:
    said = await bench.kubectl("rollout", "status", f"{kind}/shop", "--watch=false")
    return said.code == 0 and said.out.startswith("Waiting for")


def _is_observed(bench: Bench, kind: str) -> bool:
    found = bench.get(kind, "shop")
    return bool(found["status"].get("observedGeneration") == found["metadata"]["generation"])


def _wanted(bench: Bench) -> int:
    return int(bench.get("daemonset", "shop")["status"].get("desiredNumberScheduled", 0))


_VERDICTS: dict[str, Any] = {
    "deployment": lambda owner, pods: deployment_verdict(owner, [], pods),
    "statefulset": statefulset_verdict,
    "daemonset": daemonset_verdict,
}
_TYPES: dict[str, Any] = {"deployment": Deployment, "statefulset": StatefulSet, "daemonset": DaemonSet}


def _judged(bench: Bench, kind: str) -> Verdict:
    owner = decode(_TYPES[kind], _bytes(bench.get(kind, "shop")))
    pods = [decode(Pod, _bytes(one)) for one in bench.list("pod")]
    if isinstance(owner, Deployment):
        sets = [decode(ReplicaSet, _bytes(one)) for one in bench.list("replicaset")]
        return deployment_verdict(owner, sets, pods)
    verdict: Verdict = _VERDICTS[kind](owner, pods)
    return verdict


def _bytes(value: Any) -> bytes:
    return json.dumps(value).encode()
