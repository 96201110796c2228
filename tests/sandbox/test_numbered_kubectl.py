"""StatefulSets and DaemonSets of the practice cluster in the hands of the real kubectl."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from numbered import PLURALS, numbered
from test_practice_kubectl import Kubectl
from worlds import NAMESPACE

from releaseconsole.sandbox import Options, PracticeCluster

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on PATH")

#: What kubectl says at the end: of a StatefulSet (whose partition defaults to 0), and of a DaemonSet.
COMPLETE = ("partitioned roll out complete: 1 new pods", "successfully rolled out")
SETS = [("statefulset", "db"), ("daemonset", "agent")]


@pytest.fixture
async def cluster() -> AsyncIterator[PracticeCluster]:
    async with PracticeCluster(Options(speed=10.0, ready_seconds=0.5)) as running:
        for kind, name in SETS:
            running.stores["staging"].create(PLURALS[kind], numbered(kind, name))
        yield running


@pytest.fixture
def kubectl(cluster: PracticeCluster, tmp_path: Path) -> Kubectl:
    return Kubectl(cluster, tmp_path, "staging")


@pytest.mark.parametrize(("kind", "name"), SETS)
async def test_a_version_goes_there_and_back(kubectl: Kubectl, kind: str, name: str) -> None:
    thing = f"{kind}/{name}"
    await kubectl("rollout", "status", thing, "--timeout=15s")
    await kubectl("set", "image", thing, "first=store/db:2")
    assert "store/db:2" in await kubectl("get", thing, "-o", "wide")
    said = await kubectl("rollout", "status", thing, "--timeout=15s")
    assert any(words in said for words in COMPLETE)
    assert await _numbers(kubectl, thing) == [1, 2]
    await kubectl("rollout", "undo", thing)
    await kubectl("rollout", "status", thing, "--timeout=15s")
    assert await _numbers(kubectl, thing) == [2, 3]
    assert await _images(kubectl, name) == {"store/db:1"}
    assert "store/db:2" in await kubectl("rollout", "history", thing, "--revision=2")


@pytest.mark.parametrize(("kind", "name"), SETS)
async def test_a_restart_replaces_every_pod(kubectl: Kubectl, kind: str, name: str) -> None:
    thing = f"{kind}/{name}"
    await kubectl("rollout", "status", thing, "--timeout=15s")
    before = await _uids(kubectl, name)
    await kubectl("rollout", "restart", thing)
    await kubectl("rollout", "status", thing, "--timeout=15s")
    assert not before & await _uids(kubectl, name)


async def test_undo_leaves_an_ordered_set_on_its_broken_pod(
    cluster: PracticeCluster, kubectl: Kubectl
) -> None:
    await kubectl("scale", "statefulset/db", "--replicas=2")
    await kubectl("rollout", "status", "statefulset/db", "--timeout=15s")
    await kubectl("set", "image", "statefulset/db", "first=store/db:2-stuck")
    await _until_runs(cluster, "db-1", "store/db:2-stuck")
    await kubectl("rollout", "undo", "statefulset/db")
    process = await kubectl.start("rollout", "status", "statefulset/db", "--timeout=2s")
    await process.communicate()
    assert process.returncode == 1
    await kubectl("delete", "pod", "db-1")
    await kubectl("rollout", "status", "statefulset/db", "--timeout=15s")
    assert await _images(kubectl, "db") == {"store/db:1"}


async def test_a_deleted_set_leaves_nothing(cluster: PracticeCluster, kubectl: Kubectl) -> None:
    await kubectl("rollout", "status", "daemonset/agent", "--timeout=15s")
    await kubectl("delete", "daemonset/agent", "statefulset/db")
    await kubectl("wait", "--for=delete", "pod", "-l", "app in (agent,db)", "--timeout=15s")
    assert cluster.stores["staging"].list("controllerrevisions", NAMESPACE) == []


async def _until_runs(cluster: PracticeCluster, name: str, image: str) -> None:
    """Waits, pod change by pod change, until a pod of this name has an image."""
    store = cluster.stores["staging"]
    changes = store.subscribe({"pods"})
    async with asyncio.timeout(15):
        while image not in str((store.find("pods", NAMESPACE, name) or {}).get("spec")):
            await changes.wait()
    changes.close()


async def _numbers(kubectl: Kubectl, thing: str) -> list[int]:
    history = await kubectl("rollout", "history", thing)
    return [int(line.split()[0]) for line in history.splitlines() if line[:1].isdigit()]


async def _images(kubectl: Kubectl, name: str) -> set[str]:
    listed = json.loads(await kubectl("get", "pods", "-l", f"app={name}", "-o", "json"))["items"]
    return {pod["spec"]["containers"][0]["image"] for pod in listed}


async def _uids(kubectl: Kubectl, name: str) -> set[str]:
    listed = json.loads(await kubectl("get", "pods", "-l", f"app={name}", "-o", "json"))["items"]
    return {pod["metadata"]["uid"] for pod in listed}
