"""The whole practice cluster in the hands of the real kubectl."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from releaseconsole.sandbox import Options, PracticeCluster, make_workspace

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on PATH")

_SECONDS = 20.0


class Kubectl:
    """kubectl on one context, with a home and a kubeconfig of its own."""

    def __init__(self, cluster: PracticeCluster, home: Path, context: str) -> None:
        self.cluster = cluster
        self.home = home
        self.context = context
        cluster.write_kubeconfig(home / "kubeconfig")

    async def start(self, *words: str) -> asyncio.subprocess.Process:
        home, path = str(self.home), os.environ["PATH"]
        return await asyncio.create_subprocess_exec(
            *("kubectl", "--context", self.context, *words),
            env={"PATH": path, "HOME": home, "KUBECONFIG": str(self.home / "kubeconfig")},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    async def __call__(self, *words: str) -> str:
        """The output of a command that has to succeed."""
        process = await self.start(*words)
        async with asyncio.timeout(_SECONDS):
            output, _ = await process.communicate()
        assert process.returncode == 0, output.decode()
        return output.decode()

    async def until_pods_show(self, word: str) -> None:
        """Waits, pod change by pod change, until `get pods` shows a word."""
        changes = self.cluster.stores[self.context].subscribe({"pods"})
        async with asyncio.timeout(_SECONDS):
            while word not in await self("get", "pods"):
                await changes.wait()
        changes.close()


@pytest.fixture
async def cluster() -> AsyncIterator[PracticeCluster]:
    async with PracticeCluster(Options(speed=8.0, ready_seconds=2.0)) as running:
        yield running


@pytest.mark.parametrize("context", ["staging", "production"])
async def test_a_release_goes_there_and_back(cluster: PracticeCluster, tmp_path: Path, context: str) -> None:
    kubectl = Kubectl(cluster, tmp_path, context)
    folder = make_workspace(tmp_path / "work", Options())
    applied = await kubectl("apply", "-f", str(folder / "deployment/k8s"))
    assert "deployment.apps/api-gateway configured" in applied
    status = await kubectl("rollout", "status", "deployment/api-gateway", "--timeout=15s")
    assert "successfully rolled out" in status
    bad = "api-gateway=healthpay/api-gateway:1.0.1-crash-loop"
    await kubectl("set", "image", "deployment/api-gateway", bad)
    await kubectl.until_pods_show("CrashLoopBackOff")
    await kubectl("rollout", "undo", "deployment/api-gateway")
    await kubectl("rollout", "status", "deployment/api-gateway", "--timeout=15s")
    assert await _revisions(kubectl) == [1, 2, 3, 4, 6, 7]
    name = await _standing_pod(kubectl)
    assert "listening on :8080" in await kubectl("logs", name)
    assert "Successfully assigned" in await kubectl("describe", "pod", name)


async def test_a_log_is_followed_until_its_container_ends(cluster: PracticeCluster, tmp_path: Path) -> None:
    kubectl = Kubectl(cluster, tmp_path, "uat")
    following = await kubectl.start("logs", "-f", "deployment/query-service", "--tail=2")
    assert following.stdout is not None
    async with asyncio.timeout(_SECONDS):
        while b'"level"' not in await following.stdout.readline():
            pass
        await kubectl("scale", "deployment/query-service", "--replicas=0")
        await following.communicate()
    assert following.returncode == 0


async def test_a_stuck_rollout_is_told_by_rollout_status(cluster: PracticeCluster, tmp_path: Path) -> None:
    kubectl = Kubectl(cluster, tmp_path, "staging")
    await kubectl("patch", "deployment/api-gateway", "-p", '{"spec":{"progressDeadlineSeconds":12}}')
    bad = "api-gateway=healthpay/api-gateway:1.0.1-stuck"
    await kubectl("set", "image", "deployment/api-gateway", bad)
    process = await kubectl.start("rollout", "status", "deployment/api-gateway")
    async with asyncio.timeout(_SECONDS):
        output, _ = await process.communicate()
    assert process.returncode == 1
    assert "exceeded its progress deadline" in output.decode()


async def test_everything_planted_is_listed(cluster: PracticeCluster, tmp_path: Path) -> None:
    kubectl = Kubectl(cluster, tmp_path, "production")
    kinds = "deploy,rs,pods,svc,endpoints,endpointslices,hpa,pdb,ingress,configmaps,nodes"
    shown = await kubectl("get", kinds)
    for word in ("api-gateway", "query-service", "api-config", "node-3", "api.healthpay.example"):
        assert word in shown


async def _revisions(kubectl: Kubectl) -> list[int]:
    history = await kubectl("rollout", "history", "deployment/api-gateway")
    return [int(line.split()[0]) for line in history.splitlines() if line[:1].isdigit()]


async def _standing_pod(kubectl: Kubectl) -> str:
    listed: Any = json.loads(await kubectl("get", "pods", "-l", "app=api-gateway", "-o", "json"))
    standing = [pod for pod in listed["items"] if "deletionTimestamp" not in pod["metadata"]]
    return str(standing[0]["metadata"]["name"])
