"""The real kubectl against the API server; what needs controllers is seeded by hand."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from apikit import TOKEN, VIEWER, Recorded, Script, Served, deployment, pod, serving, set_status

from releaseconsole.sandbox.api import kubeconfig
from releaseconsole.sandbox.api.faults import Fault
from releaseconsole.sandbox.api.tls import make_authority

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on PATH")

_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Result:
    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Kubectl:
    """kubectl with a home, a kubeconfig and a cache of its own."""

    api: Served
    home: Path
    logs: Recorded
    faults: Script

    async def __call__(self, *words: str, text: str = "") -> Result:
        process = await self._start(*words)
        async with asyncio.timeout(_SECONDS):
            out, err = await process.communicate(text.encode())
        return Result(process.returncode or 0, out.decode(), err.decode())

    async def works(self, *words: str, text: str = "") -> str:
        """The output of a command that has to succeed."""
        result = await self(*words, text=text)
        assert result.code == 0, result.err
        return result.out

    @asynccontextmanager
    async def following(self, *words: str) -> AsyncIterator[Lines]:
        """A command that runs until the test has seen enough."""
        process = await self._start(*words)
        assert process.stdout is not None
        try:
            yield Lines(process.stdout)
        finally:
            process.kill()
            await process.communicate()

    async def _start(self, *words: str) -> asyncio.subprocess.Process:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "KUBECONFIG": str(self.home / "kubeconfig"),
        }
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            "kubectl", "--cache-dir", str(self.home / "cache"), *words,
            env=environment, cwd=self.home, stdin=pipe, stdout=pipe, stderr=pipe,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of a running command."""

    stream: asyncio.StreamReader

    async def until(self, text: str) -> str:
        """The next line that holds ``text``."""
        async with asyncio.timeout(_SECONDS):
            while line := (await self.stream.readline()).decode():
                if text in line:
                    return line
        raise AssertionError(f"the command ended before it said {text!r}")


@pytest.fixture
async def kubectl(tmp_path: Path) -> AsyncIterator[Kubectl]:
    authority, logs, faults = make_authority(), Recorded(), Script()
    async with serving(ssl_context=authority.server, pod_logs=logs, faults=faults) as api:
        users = {"staging": TOKEN, "viewer": VIEWER, "stranger": "wrong"}
        accesses = [
            kubeconfig.Access(name, api.server.url, authority.ca_pem, token, "shop")
            for name, token in users.items()
        ]
        kubeconfig.write(kubeconfig.build(accesses, current="staging"), tmp_path / "kubeconfig")
        yield Kubectl(api, tmp_path, logs, faults)


def manifest(path: Path, image: str = "web:1") -> str:
    """A deployment and its service, as a file."""
    ports = [{"port": 80, "targetPort": 8080}]
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"selector": {"app": "web"}, "ports": ports},
    }
    items = [deployment(image=image), service]
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    return str(path)


def image_of(kubectl: Kubectl) -> str:
    obj = kubectl.api.store.get("deployments", "shop", "web")
    found: str = obj["spec"]["template"]["spec"]["containers"][0]["image"]
    return found


def replicaset(owner: dict[str, Any], revision: int, image: str) -> dict[str, Any]:
    """A ReplicaSet as the deployment controller makes it."""
    made = deployment(f"web-{revision}", image)
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "controller": True}
    made["metadata"] = {
        "name": f"web-{revision}",
        "namespace": "shop",
        "labels": {"app": "web", "pod-template-hash": str(revision)},
        "annotations": {"deployment.kubernetes.io/revision": str(revision)},
        "ownerReferences": [{**reference, "uid": owner["metadata"]["uid"]}],
    }
    labels = {"app": "web", "pod-template-hash": str(revision)}
    made["spec"]["selector"] = {"matchLabels": labels}
    made["spec"]["template"]["metadata"]["labels"] = labels
    return made


def seed_rollout(kubectl: Kubectl) -> None:
    """A deployment at revision 2, with both its ReplicaSets, one pod and one event."""
    store = kubectl.api.store
    seeded = deployment(image="web:2")
    seeded["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "2"}
    owner = store.create("deployments", seeded)
    for revision in (1, 2):
        store.create("replicasets", replicaset(owner, revision, f"web:{revision}"))
    store.create("pods", pod())
    ready = {"name": "web", "ready": True, "restartCount": 0, "state": {"running": {}}, "image": "web:2"}
    set_status(store, "pods", "web-1", phase="Running", podIP="10.1.2.3", containerStatuses=[ready])
    about = {"kind": "Deployment", "name": "web", "namespace": "shop", "uid": owner["metadata"]["uid"]}
    event = {
        "metadata": {"name": "web.1", "namespace": "shop"},
        "involvedObject": about,
        "type": "Normal",
        "reason": "ScalingReplicaSet",
        "message": "Scaled up replica set web-2 to 1",
        "lastTimestamp": "2027-01-15T07:59:00Z",
        "source": {"component": "deployment-controller"},
    }
    store.create("events", event)


async def test_get_shows_the_usual_columns(kubectl: Kubectl) -> None:
    seed_rollout(kubectl)
    out = await kubectl.works("get", "pods,deploy,rs,svc,events,ns", "-o", "wide")
    assert "NOMINATED NODE" in out
    assert "10.1.2.3" in out
    assert "UP-TO-DATE" in out
    assert "ScalingReplicaSet" in out
    assert "deployment/web" in out
    one = await kubectl.works("get", "pod", "web-1")
    assert one.splitlines()[0].split() == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert one.splitlines()[1].split()[:4] == ["web-1", "1/1", "Running", "0"]
    everything = await kubectl.works("get", "all")
    assert "replicaset.apps/web-2" in everything


async def test_get_as_json_and_by_selector(kubectl: Kubectl) -> None:
    seed_rollout(kubectl)
    kubectl.api.store.create("pods", pod("db-1", app="db"))
    listed = json.loads(await kubectl.works("get", "pods", "-o", "json", "-l", "app in (db)"))
    assert [item["metadata"]["name"] for item in listed["items"]] == ["db-1"]
    assert listed["items"][0]["kind"] == "Pod"
    named = await kubectl.works("get", "pods", "--field-selector", "metadata.name=web-1", "-o", "name")
    assert named == "pod/web-1\n"


@pytest.mark.parametrize(
    ("kind", "seen"),
    [("pods", "late"), ("deploy", "late"), ("rs", "late"), ("svc", "late"), ("events", "Hello")],
)
async def test_get_follows_changes(kubectl: Kubectl, kind: str, seen: str) -> None:
    seed_rollout(kubectl)
    store = kubectl.api.store
    meta = {"name": "late", "namespace": "shop"}
    late: dict[str, tuple[str, dict[str, Any]]] = {
        "pods": ("pods", pod("late")),
        "deploy": ("deployments", deployment("late")),
        "rs": ("replicasets", {**deployment("late"), "metadata": meta}),
        "svc": ("services", {"metadata": meta, "spec": {"ports": [{"port": 80}]}}),
        "events": ("events", {"metadata": meta, "involvedObject": {}, "reason": "Hello"}),
    }
    store.create("services", {"metadata": {"name": "web", "namespace": "shop"}, "spec": {"ports": []}})
    async with kubectl.following("get", kind, "-w") as lines:
        await lines.until("web")
        store.create(*late[kind])
        assert seen in await lines.until(seen)


async def test_describe_tells_of_replicasets_and_events(kubectl: Kubectl) -> None:
    seed_rollout(kubectl)
    out = await kubectl.works("describe", "deployment", "web")
    assert "Image:" in out
    assert "OldReplicaSets:" in out
    assert "Scaled up replica set web-2 to 1" in out
    assert "web-1" in await kubectl.works("describe", "pod", "web-1")


async def test_apply_on_the_client_side(kubectl: Kubectl) -> None:
    path = manifest(kubectl.home / "web.json")
    assert "deployment.apps/web created" in await kubectl.works("apply", "-f", path)
    assert "deployment.apps/web unchanged" in await kubectl.works("apply", "-f", path)
    manifest(kubectl.home / "web.json", "web:2")
    assert "web:2" in (await kubectl("diff", "-f", path)).out
    out = await kubectl.works("apply", "-f", path)
    assert "deployment.apps/web configured" in out
    assert "service/web unchanged" in out
    assert image_of(kubectl) == "web:2"


async def test_apply_on_the_server_side(kubectl: Kubectl) -> None:
    path = manifest(kubectl.home / "web.json")
    command = ("apply", "--server-side", "-f", path)
    assert "deployment.apps/web serverside-applied" in await kubectl.works(*command)
    version = kubectl.api.store.resource_version
    await kubectl.works(*command)
    assert kubectl.api.store.resource_version == version
    await kubectl.works("set", "image", "deploy/web", "web=web:9")
    manifest(kubectl.home / "web.json", "web:2")
    refused = await kubectl(*command)
    assert refused.code != 0
    assert 'conflict with "kubectl-set" using apps/v1' in refused.err
    await kubectl.works(*command, "--force-conflicts")
    assert image_of(kubectl) == "web:2"


async def test_a_server_side_apply_takes_over_from_a_client_side_one(kubectl: Kubectl) -> None:
    path = manifest(kubectl.home / "web.json")
    await kubectl.works("apply", "-f", path)
    await kubectl.works("apply", "--server-side", "-f", path)
    manifest(kubectl.home / "web.json", "web:2")
    await kubectl.works("apply", "--server-side", "-f", path)
    assert image_of(kubectl) == "web:2"


async def test_a_manifest_that_cannot_work_is_explained(kubectl: Kubectl) -> None:
    broken = deployment()
    broken["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
    refused = await kubectl("apply", "-f", "-", text=json.dumps(broken))
    assert refused.code == 1
    assert "`selector` does not match template `labels`" in refused.err


async def test_a_misspelt_field_is_found(kubectl: Kubectl) -> None:
    misspelt = deployment()
    misspelt["spec"]["template"]["spec"]["containers"][0]["imagee"] = "x"
    refused = await kubectl("apply", "-f", "-", text=json.dumps(misspelt))
    assert refused.code == 1
    assert 'unknown field "spec.template.spec.containers[0].imagee"' in refused.err


async def test_set_image_scale_label_and_patch(kubectl: Kubectl) -> None:
    await kubectl.works("apply", "-f", manifest(kubectl.home / "web.json"))
    await kubectl.works("set", "image", "deployment/web", "web=web:7")
    await kubectl.works("scale", "deployment/web", "--replicas", "4", "--current-replicas", "1")
    await kubectl.works("label", "deploy", "web", "tier=front")
    await kubectl.works("patch", "deploy", "web", "-p", '{"spec":{"minReadySeconds":3}}')
    obj = kubectl.api.store.get("deployments", "shop", "web")
    assert image_of(kubectl) == "web:7"
    assert (obj["spec"]["replicas"], obj["spec"]["minReadySeconds"]) == (4, 3)
    assert obj["metadata"]["labels"] == {"app": "web", "tier": "front"}


async def test_rollout_history_undo_pause_resume_restart(kubectl: Kubectl) -> None:
    seed_rollout(kubectl)
    history = await kubectl.works("rollout", "history", "deployment/web")
    assert [line.split()[0] for line in history.splitlines()[2:4]] == ["1", "2"]
    assert "web:1" in await kubectl.works("rollout", "history", "deployment/web", "--revision=1")
    await kubectl.works("rollout", "undo", "deployment/web")
    assert image_of(kubectl) == "web:1"
    await kubectl.works("rollout", "pause", "deployment/web")
    refused = await kubectl("rollout", "undo", "deployment/web")
    assert "paused" in refused.err
    await kubectl.works("rollout", "resume", "deployment/web")
    await kubectl.works("rollout", "restart", "deployment/web")
    template = kubectl.api.store.get("deployments", "shop", "web")["spec"]["template"]
    assert "kubectl.kubernetes.io/restartedAt" in template["metadata"]["annotations"]
    assert "pod-template-hash" not in template["metadata"]["labels"]


async def test_users_know_what_they_may(kubectl: Kubectl) -> None:
    assert (await kubectl("auth", "can-i", "delete", "deployments")).out == "yes\n"
    viewer = await kubectl("--context", "viewer", "auth", "can-i", "delete", "deployments")
    assert (viewer.code, viewer.out) == (1, "no\n")
    assert (await kubectl("--context", "viewer", "auth", "can-i", "get", "pods")).out == "yes\n"
    assert "*.*" in await kubectl.works("auth", "can-i", "--list")
    assert "viewer" in await kubectl.works("--context", "viewer", "auth", "whoami")
    seed_rollout(kubectl)
    refused = await kubectl("--context", "viewer", "delete", "deployment", "web")
    assert 'User "viewer" cannot delete resource "deployments" in API group "apps"' in refused.err


async def test_a_wrong_token_is_told_to_log_in(kubectl: Kubectl) -> None:
    result = await kubectl("--context", "stranger", "get", "pods")
    assert result.code == 1
    assert "You must be logged in to the server" in result.err


async def test_logs_are_read_and_followed(kubectl: Kubectl) -> None:
    seed_rollout(kubectl)
    assert await kubectl.works("logs", "web-1", "--tail=1") == "line 2\n"
    assert "line 0" in await kubectl.works("logs", "deployment/web")
    async with kubectl.following("logs", "-f", "web-1") as lines:
        await lines.until("line 2")
        kubectl.logs.more.set()
        await lines.until("line 3")


async def test_create_and_delete(kubectl: Kubectl) -> None:
    await kubectl.works("create", "configmap", "settings", "--from-literal=colour=green")
    assert await kubectl.works("get", "cm", "settings", "-o", "jsonpath={.data.colour}") == "green"
    await kubectl.works("create", "deployment", "made", "--image=made:1", "--replicas=2", "--port=80")
    await kubectl.works("expose", "deployment", "made", "--port=80")
    made = kubectl.api.store.get("deployments", "shop", "made")
    assert (made["spec"]["replicas"], made["spec"]["template"]["spec"]["containers"][0]["image"]) == (
        2,
        "made:1",
    )
    out = await kubectl.works("delete", "deployment/made", "service/made", "configmap/settings")
    assert out.count("deleted") == 3
    missing = await kubectl("get", "deployment", "made")
    assert 'deployments.apps "made" not found' in missing.err


async def test_resources_and_version_are_known(kubectl: Kubectl) -> None:
    assert "Server Version: v1.36" in await kubectl.works("version")
    out = await kubectl.works("api-resources", "-o", "name")
    assert {"pods", "deployments.apps", "horizontalpodautoscalers.autoscaling"} <= set(out.split())


async def test_a_throttled_kubectl_gets_through(kubectl: Kubectl) -> None:
    seed_rollout(kubectl)
    await kubectl.works("get", "pods")
    kubectl.faults.next.extend([Fault(status=429, retry_after=1), Fault(delay=0.05)])
    assert "web-1" in await kubectl.works("get", "pods")
    assert kubectl.faults.next == []
