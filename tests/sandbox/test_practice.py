"""The whole practice cluster, from outside: real sockets, real git."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import ssl
import stat
import subprocess
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from releaseconsole.errors import ReleaseConsoleError, UsageError
from releaseconsole.sandbox import SCENARIOS, Options, PracticeCluster, PracticeThread, make_workspace

_SECONDS = 20.0
_QUICK = Options(speed=8.0, ready_seconds=2.0)


@pytest.fixture
async def cluster() -> AsyncIterator[PracticeCluster]:
    async with PracticeCluster(_QUICK) as running:
        yield running


def _tls(cluster: PracticeCluster, tmp_path: Path) -> ssl.SSLContext:
    cluster.write_kubeconfig(tmp_path / "config")
    config = yaml.safe_load((tmp_path / "config").read_text(encoding="utf-8"))
    authority = config["clusters"][0]["cluster"]["certificate-authority-data"]
    return ssl.create_default_context(cadata=base64.b64decode(authority).decode())


async def test_the_kubeconfig_has_three_contexts_and_is_private(
    cluster: PracticeCluster, tmp_path: Path
) -> None:
    path = tmp_path / "deep" / "config"
    cluster.write_kubeconfig(path)
    config: Any = cluster.kubeconfig
    assert [entry["name"] for entry in config["contexts"]] == ["staging", "uat", "production"]
    assert {entry["context"]["namespace"] for entry in config["contexts"]} == {"healthpay"}
    assert config["current-context"] == "staging"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert yaml.safe_load(path.read_text(encoding="utf-8")) == config


async def test_every_server_answers(cluster: PracticeCluster, tmp_path: Path) -> None:
    tls = _tls(cluster, tmp_path)
    async with aiohttp.ClientSession() as session:
        for context, endpoints in cluster.endpoints.items():
            headers = {"Authorization": f"Bearer {cluster.token(context)}"}
            pods = f"{endpoints.server}/api/v1/namespaces/healthpay/pods"
            async with session.get(pods, ssl=tls, headers=headers) as response:
                assert len((await response.json())["items"]) == (14 if context == "production" else 6)
            async with session.get(f"{endpoints.prometheus}/-/ready") as response:
                assert response.status == 200
            async with session.get(f"{endpoints.api}/api/health") as response:
                assert (await response.json())["environment"] == context


async def test_the_contexts_are_different_clusters_and_the_seed_decides_their_identity() -> None:
    def identities(options: Options) -> list[str]:
        stores = PracticeCluster(options).stores
        return [
            store.create("namespaces", {"metadata": {"name": "x"}})["metadata"]["uid"]
            for store in stores.values()
        ]

    first = identities(Options(seed=3))
    assert len(set(first)) == 3
    assert identities(Options(seed=3)) == first
    assert not set(identities(Options(seed=4))) & set(first)


async def test_nothing_is_left_when_it_stops(tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    async with PracticeCluster(_QUICK) as cluster:
        endpoint = cluster.endpoints["uat"].api
        tls = _tls(cluster, tmp_path)
        session = aiohttp.ClientSession()
        watch = await session.get(
            f"{cluster.endpoints['uat'].server}/api/v1/pods?watch=true",
            ssl=tls,
            headers={"Authorization": f"Bearer {cluster.token('uat')}"},
        )
        assert watch.status == 200
    watch.close()
    with pytest.raises(aiohttp.ClientConnectionError):
        await session.get(f"{endpoint}/api/health")
    await session.close()
    assert asyncio.all_tasks() == before


async def test_the_scenario_can_be_switched_while_it_runs(cluster: PracticeCluster) -> None:
    cluster.set_scenario("error-spike@production")
    with pytest.raises(UsageError):
        cluster.set_scenario("sunny")
    for name in SCENARIOS:
        cluster.set_scenario(name)


async def test_a_flaky_api_refuses_some_requests_and_only_while_it_is_wished(
    cluster: PracticeCluster, tmp_path: Path
) -> None:
    tls = _tls(cluster, tmp_path)
    headers = {"Authorization": f"Bearer {cluster.token('uat')}"}

    async def statuses() -> set[int]:
        async with aiohttp.ClientSession(headers=headers) as session:

            async def ask() -> int:
                async with session.get(
                    f"{cluster.endpoints['uat'].server}/api/v1/nodes", ssl=tls
                ) as response:
                    return response.status

            return set(await asyncio.gather(*(ask() for _ in range(40))))

    assert await statuses() == {200}
    cluster.set_scenario("flaky-api@uat")
    assert await statuses() == {200, 429, 500}
    cluster.set_scenario("flaky-api@staging")
    assert await statuses() == {200}


@pytest.mark.parametrize(
    "options",
    [
        Options(scenario="sunny"),
        Options(speed=0),
        Options(speed=float("nan")),
        Options(ready_seconds=-1),
        Options(port=80),
        Options(port=65535),
        Options(host="0.0.0.0"),
    ],
)
def test_options_that_cannot_work_are_refused_with_a_remedy(options: Options) -> None:
    with pytest.raises(UsageError) as caught:
        PracticeCluster(options)
    assert caught.value.remedy


async def test_a_port_that_is_taken_is_told() -> None:
    async with PracticeCluster(_QUICK) as cluster:
        port = int(cluster.endpoints["staging"].server.rpartition(":")[2])
        with pytest.raises(ReleaseConsoleError, match="could not listen"):
            async with PracticeCluster(Options(port=port)):
                pass


def test_it_runs_in_a_thread_of_its_own() -> None:
    thread = PracticeThread(_QUICK)
    with thread as cluster:
        assert set(cluster.endpoints) == {"staging", "uat", "production"}
        thread.call(lambda running: running.set_scenario("slow"))
        assert any(item.name == "practice-cluster" for item in threading.enumerate())
    assert not any(item.name == "practice-cluster" for item in threading.enumerate())
    thread.stop()


def test_a_thread_that_cannot_start_says_why() -> None:
    with pytest.raises(UsageError):
        PracticeThread(Options(scenario="sunny")).start()


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return make_workspace(tmp_path / "work", Options(speed=60))


def _run(workspace: Path, *command: str, folder: str = ".") -> str:
    path = f"{workspace / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=workspace / folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=True,
    )
    return done.stdout


def test_the_documents_own_commands_work_in_the_workspace(workspace: Path) -> None:
    assert "practice stand-in" in _run(workspace, "docker-compose", "build")
    assert "practice stand-in" in _run(workspace, "npm", "run", "load-test", folder="tests/load")
    assert "TPS" in _run(workspace, "cat", "load-test-results.txt", folder="tests/load")
    if shutil.which("git"):
        _run(workspace, "git", "checkout", "develop")
        _run(workspace, "git", "pull", "origin", "develop")
        assert _run(workspace, "git", "status", "--porcelain") == ""


def test_a_workspace_can_be_made_again_over_an_old_one(workspace: Path) -> None:
    manifest = workspace / "deployment/k8s/api-gateway.yaml"
    manifest.write_text("damaged", encoding="utf-8")
    make_workspace(workspace, Options())
    documents = list(yaml.safe_load_all(manifest.read_text(encoding="utf-8")))
    assert [document["kind"] for document in documents] == ["Deployment", "Service"]
    assert documents[0]["spec"]["template"]["spec"]["containers"][0]["image"] == "healthpay/api-gateway:1.0.0"


def test_a_workspace_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ReleaseConsoleError, match="could not be made"):
        make_workspace(tmp_path / "file", Options())


async def test_the_load_test_drives_the_practice_cluster(cluster: PracticeCluster, tmp_path: Path) -> None:
    folder = make_workspace(tmp_path / "work", Options(speed=60), cluster.endpoints)
    output = await asyncio.to_thread(_run, folder, "npm", "run", "load-test", folder="tests/load")
    assert "load on uat: started" in output
    results = (folder / "tests/load/load-test-results.txt").read_text(encoding="utf-8")
    assert "8,900 TPS" in results
