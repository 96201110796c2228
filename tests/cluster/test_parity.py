"""The console beside kubectl: a rollback ends in the same state, and a rollout is judged alike at every moment."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bench import Bench, Obj, Ran, workload
from recorder import recording, replaying

from releaseconsole.cluster.connect import Client
from releaseconsole.cluster.decode import decode
from releaseconsole.cluster.objects import DaemonSet, Deployment, ReplicaSet, StatefulSet
from releaseconsole.cluster.rollback import plan_rollback
from releaseconsole.cluster.rollback_run import execute
from releaseconsole.cluster.rollout import (
    RolloutState,
    Verdict,
    daemonset_verdict,
    deployment_verdict,
    statefulset_verdict,
)

KINDS = {"deployment": "Deployment", "statefulset": "StatefulSet", "daemonset": "DaemonSet"}
_HOLDERS = {
    "deployment": "replicaset",
    "statefulset": "controllerrevision",
    "daemonset": "controllerrevision",
}
_OWN = ("uid", "resourceVersion", "generation", "managedFields", "creationTimestamp", "namespace")
_TIMES = ("lastTransitionTime", "lastUpdateTime")
_DONE = ("successfully rolled out", "rolling update complete", "roll out complete")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_rollback_ends_where_that_of_kubectl_does(
    kind: str, bench: Bench, twin: Bench, client: Client
) -> None:
    await asyncio.gather(_three_versions(bench, kind), _three_versions(twin, kind))
    await execute(client, await plan_rollback(client, bench.namespace, f"{kind}/shop", to="1"))
    undone = await twin.undo(kind, "shop", "--to-revision=1")
    assert undone.code == 0, undone.err
    await asyncio.gather(bench.settled(kind, "shop"), twin.settled(kind, "shop"))
    assert bench.image(kind, "shop") == "shop:good-1"
    await bench.until(lambda: _left(bench, kind) == _left(twin, kind), "both namespaces are equal", 5)


@pytest.mark.parametrize("kind", KINDS)
async def test_the_plain_way_back_is_that_of_kubectl_too(
    kind: str, bench: Bench, twin: Bench, client: Client
) -> None:
    await asyncio.gather(_three_versions(bench, kind), _three_versions(twin, kind))
    await execute(client, await plan_rollback(client, bench.namespace, f"{kind}/shop", to="previous"))
    assert (await twin.undo(kind, "shop")).code == 0
    await asyncio.gather(bench.settled(kind, "shop"), twin.settled(kind, "shop"))
    assert bench.image(kind, "shop") == "shop:good-2"
    await bench.until(lambda: _left(bench, kind) == _left(twin, kind), "both namespaces are equal", 5)


async def test_a_deployment_is_judged_as_kubectl_judges_it(bench: Bench, tmp_path: Path) -> None:
    async with recording(bench, "deployment", "shop") as states:
        bench.deploy(image="shop:slow-1", replicas=3, progressDeadlineSeconds=2)
        await bench.settled("deployment", "shop")
        await bench.release("deployment", "shop", "shop:good-2")
        bench.set_image("deployment", "shop", "shop:stuck-3")
        await bench.until(lambda: _timed_out(bench), "the deadline is exceeded")
    sets = [decode(ReplicaSet, _bytes(one)) for one in bench.list("replicaset")]

    def judge(state: Obj) -> Verdict:
        return deployment_verdict(decode(Deployment, _bytes(state)), sets, ())

    seen = await _compare(bench, "deployment", states, judge, tmp_path)
    assert seen == {"done", "waiting", "failed"}


async def test_a_stateful_set_is_judged_as_kubectl_judges_it(bench: Bench, tmp_path: Path) -> None:
    async with recording(bench, "statefulset", "shop") as states:
        bench.create("statefulset", workload("StatefulSet", "shop", "shop:slow-1", replicas=2))
        await bench.settled("statefulset", "shop")
        await bench.release("statefulset", "shop", "shop:good-2")
        part = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}
        bench.patch("statefulset", "shop", {"spec": {"updateStrategy": part}})
        bench.set_image("statefulset", "shop", "shop:slow-3")
        await bench.until(lambda: _updated(bench) == 1, "the part of the partition is updated")

    def judge(state: Obj) -> Verdict:
        return statefulset_verdict(decode(StatefulSet, _bytes(state)), ())

    assert await _compare(bench, "statefulset", states, judge, tmp_path) == {"done", "waiting"}


async def test_a_daemon_set_is_judged_as_kubectl_judges_it(bench: Bench, tmp_path: Path) -> None:
    async with recording(bench, "daemonset", "shop") as states:
        bench.create("daemonset", workload("DaemonSet", "shop", "shop:slow-1"))
        await bench.settled("daemonset", "shop")
        await bench.release("daemonset", "shop", "shop:slow-2")

    def judge(state: Obj) -> Verdict:
        return daemonset_verdict(decode(DaemonSet, _bytes(state)), ())

    assert await _compare(bench, "daemonset", states, judge, tmp_path) == {"done", "waiting"}


async def _compare(
    bench: Bench, kind: str, states: list[Obj], judge: Callable[[Obj], Verdict], folder: Path
) -> set[str]:
    """Every recorded state judged by both; the judgements that occurred."""
    seen = set()
    async with replaying(bench, kind, folder) as replay:
        for state in states:
            verdict, said = judge(state), await replay.rollout_status(state)
            assert _ours(verdict) == _theirs(said), f"{verdict} / {said}"
            if kind != "statefulset" and _ours(verdict) == "waiting":
                assert _numbers(verdict.message) == _numbers(said.out), f"{verdict} / {said}"
            seen.add(_ours(verdict))
    return seen


def _ours(verdict: Verdict) -> str:
    if verdict.state in (RolloutState.COMPLETE, RolloutState.SCALED_TO_ZERO):
        return "done"
    return "failed" if verdict.state is RolloutState.FAILED else "waiting"


def _theirs(said: Ran) -> str:
    if said.code:
        assert "exceeded its progress deadline" in said.err, said
        return "failed"
    if any(words in said.out for words in _DONE):
        return "done"
    assert said.out.startswith("Waiting for"), said
    return "waiting"


def _numbers(text: str) -> list[str]:
    return re.findall(r"\d+", text)


async def _three_versions(bench: Bench, kind: str) -> None:
    spec: dict[str, Any] = {} if kind == "daemonset" else {"replicas": 2}
    body = workload(KINDS[kind], "shop", "shop:good-1", **spec)
    body["metadata"]["annotations"] = {"kubernetes.io/change-cause": "the first version"}
    bench.create(kind, body)
    await bench.settled(kind, "shop")
    for number in (2, 3):
        cause = {"kubernetes.io/change-cause": f"version {number}", "team": "payments"}
        containers = [{"name": "first", "image": f"shop:good-{number}"}]
        change = {
            "metadata": {"annotations": cause},
            "spec": {"template": {"spec": {"containers": containers}}},
        }
        bench.patch(kind, "shop", change)
        await bench.settled(kind, "shop")


def _left(bench: Bench, kind: str) -> list[Any]:
    """The workload and the objects that hold its revisions, without what differs from run to run."""
    holders = sorted(bench.list(_HOLDERS[kind]), key=lambda one: str(one["metadata"]["name"]))
    return [_plain(one) for one in (bench.get(kind, "shop"), *holders)]


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    left_out = (*_OWN, *_TIMES, "observedGeneration")
    return {key: _plain(item) for key, item in value.items() if key not in left_out}


def _timed_out(bench: Bench) -> bool:
    conditions = bench.get("deployment", "shop")["status"].get("conditions", [])
    return any(one.get("reason") == "ProgressDeadlineExceeded" for one in conditions)


def _updated(bench: Bench) -> int:
    status = bench.get("statefulset", "shop")["status"]
    return int(status.get("updatedReplicas", 0)) if status.get("readyReplicas") == 2 else 0


def _bytes(state: Obj) -> bytes:
    return json.dumps(state).encode()
