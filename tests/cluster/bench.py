"""A namespace of the real control plane, and what the tests do in it without the console's own code."""

from __future__ import annotations

import asyncio
import copy
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from control_plane import ControlPlane

Obj = dict[str, Any]
_MERGE = {"Content-Type": "application/strategic-merge-patch+json"}
_PLAIN_MERGE = {"Content-Type": "application/merge-patch+json"}
"""For custom resources, of which the API server does not know how to merge lists."""
_KINDS = {
    "deployment": "/apis/apps/v1",
    "statefulset": "/apis/apps/v1",
    "daemonset": "/apis/apps/v1",
    "replicaset": "/apis/apps/v1",
    "controllerrevision": "/apis/apps/v1",
    "rollout": "/apis/argoproj.io/v1alpha1",
    "pod": "/api/v1",
    "service": "/api/v1",
    "configmap": "/api/v1",
}
_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Bench:
    """One namespace."""

    plane: ControlPlane
    namespace: str
    kubeconfig: Path
    folder: Path

    def open(self) -> None:
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}
        self.plane.api.post("/api/v1/namespaces", json=body).raise_for_status()

    def close(self) -> None:
        self.plane.api.delete(f"/api/v1/namespaces/{self.namespace}")

    def label_namespace(self, key: str, value: str) -> None:
        body = {"metadata": {"labels": {key: value}}}
        path = f"/api/v1/namespaces/{self.namespace}"
        self._said(self.plane.api.patch(path, content=json.dumps(body), headers=_MERGE))

    def path(self, kind: str, name: str = "") -> str:
        return f"{_KINDS[kind]}/namespaces/{self.namespace}/{kind}s" + (f"/{name}" if name else "")

    def create(self, kind: str, body: Obj) -> Obj:
        return self._said(self.plane.api.post(self.path(kind), json=body))

    def get(self, kind: str, name: str) -> Obj:
        return self._said(self.plane.api.get(self.path(kind, name)))

    def list(self, kind: str) -> list[Obj]:
        return list(self._said(self.plane.api.get(self.path(kind)))["items"])

    def patch(self, kind: str, name: str, body: Obj, subresource: str = "") -> Obj:
        path = self.path(kind, name) + (f"/{subresource}" if subresource else "")
        headers = _PLAIN_MERGE if kind == "rollout" else _MERGE
        return self._said(self.plane.api.patch(path, content=json.dumps(body), headers=headers))

    def delete(self, kind: str, name: str) -> None:
        self._said(self.plane.api.delete(self.path(kind, name)))

    def deploy(self, name: str = "shop", image: str = "shop:good-1", replicas: int = 2, **spec: Any) -> Obj:
        """Create a Deployment."""
        return self.create("deployment", workload("Deployment", name, image, replicas=replicas, **spec))

    def set_image(self, kind: str, name: str, image: str) -> Obj:
        """Deploy another version."""
        containers = [{"name": "first", "image": image}]
        return self.patch(kind, name, {"spec": {"template": {"spec": {"containers": containers}}}})

    def image(self, kind: str, name: str) -> str:
        return str(self.get(kind, name)["spec"]["template"]["spec"]["containers"][0]["image"])

    async def until(self, holds: Callable[[], bool], what: str, seconds: float = _PATIENCE) -> None:
        """Wait for a condition; fails after ``seconds``."""
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
            await asyncio.sleep(0.05)

    async def until_replica_sets(self, count: int) -> None:
        """Wait until there are that many ReplicaSets."""
        await self.until(lambda: len(self.list("replicaset")) == count, f"{count} ReplicaSets")

    async def settled(self, kind: str, name: str) -> Obj:
        """Wait until the controller has nothing more to do, by the object's own counts; the object."""
        await self.until(lambda: _is_settled(self.get(kind, name)), f"{kind}/{name} settled")
        return self.get(kind, name)

    async def release(self, kind: str, name: str, image: str) -> Obj:
        """Deploy another version and wait until it runs everywhere."""
        self.set_image(kind, name, image)
        return await self.settled(kind, name)

    async def kubectl(self, *words: str, text: str = "", kubeconfig: Path | None = None) -> Ran:
        """Run kubectl in this namespace."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            str(self.plane.programs["kubectl"]),
            f"--kubeconfig={kubeconfig or self.kubeconfig}",
            f"--cache-dir={self.plane.folder / 'kubectl'}",
            f"--namespace={self.namespace}",
            *words,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder)},
            stdin=pipe, stdout=pipe, stderr=pipe,
        )  # fmt: skip
        async with asyncio.timeout(_PATIENCE):
            out, err = await process.communicate(text.encode())
        return Ran(process.returncode or 0, out.decode(), err.decode())

    async def undo(self, kind: str, name: str, *options: str) -> Ran:
        """What kubectl does in the console's place."""
        return await self.kubectl("rollout", "undo", f"{kind}/{name}", *options)

    @staticmethod
    def _said(response: Any) -> Obj:
        assert response.is_success, response.text
        return dict(response.json())


def workload(kind: str, name: str, image: str, **spec: Any) -> Obj:
    """The manifest of a Deployment, StatefulSet or DaemonSet."""
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "first", "image": image}]}}
    body: Obj = {"selector": {"matchLabels": labels}, "template": template, **copy.deepcopy(spec)}
    if kind == "StatefulSet":
        body.setdefault("serviceName", name)
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "labels": labels}, "spec": body}


def _is_settled(found: Obj) -> bool:
    status = found.get("status", {})
    if status.get("observedGeneration", 0) < found["metadata"]["generation"]:
        return False
    if found["kind"] == "DaemonSet":
        wanted = status.get("desiredNumberScheduled", 0)
        counts: tuple[str, ...] = ("updatedNumberScheduled", "numberAvailable", "currentNumberScheduled")
        return wanted > 0 and all(status.get(one, 0) == wanted for one in counts)
    wanted = found["spec"]["replicas"]
    counts = ("updatedReplicas", "readyReplicas", "availableReplicas", "replicas")
    if found["kind"] == "StatefulSet" and status.get("currentRevision") != status.get("updateRevision"):
        return False
    return all(status.get(one, 0) == wanted for one in counts)
