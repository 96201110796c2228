"""The controller of Argo Rollouts on the control plane, and what the tests do with its Rollouts."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import binaries
import pytest
import yaml
from bench import Bench, Obj
from control_plane import ControlPlane

PROGRAM = "rollouts-controller"
HASH_LABEL = "rollouts-pod-template-hash"
REVISION = "rollout.argoproj.io/revision"
_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_ROLLOUTS = "/apis/argoproj.io/v1alpha1/rollouts"


class Argo:
    """Argo Rollouts, installed on a control plane."""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane

    def start(self) -> None:
        # Its ports are of no use here; with 0 the system chooses free ones.
        kubeconfig = f"--kubeconfig={self._plane.folder / 'admin.yaml'}"
        ports = ("--metricsPort=0", "--healthzPort=0", "--leader-elect=false")
        self._plane.start_other(PROGRAM, kubeconfig, *ports, "--qps=500", "--burst=1000")

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """The controller is dead for a while."""
        self._plane.kill(PROGRAM)
        try:
            yield
        finally:
            self.start()


@contextmanager
def installed(plane: ControlPlane) -> Iterator[Argo]:
    """Argo Rollouts with its CRDs, for a while."""
    if missing := binaries.missing([binaries.ARGO]):
        pytest.fail(f"Without {', '.join(missing)} there is no Argo Rollouts: run `{binaries.HOW}`.")
    definitions = [_read(plane.programs[name]) for name in binaries.ARGO.files]
    for one in definitions:
        plane.api.post(_CRDS, json=one).raise_for_status()
    plane.wait_for(lambda: plane.api.get(_ROLLOUTS).status_code == 200, "the kind Rollout")
    argo = Argo(plane)
    argo.start()
    try:
        yield argo
    finally:
        plane.kill(PROGRAM)
        for one in definitions:
            plane.api.delete(f"{_CRDS}/{one['metadata']['name']}").raise_for_status()
        plane.wait_for(lambda: plane.api.get(_ROLLOUTS).status_code == 404, "the end of the kind Rollout")


def _read(path: Path) -> Obj:
    return dict(yaml.safe_load(path.read_text()))


class Shop:
    """The Rollout ``shop`` of a namespace."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    def create(self, image: str, *, replicas: int = 2, strategy: Obj | None = None, **spec: Any) -> Obj:
        """A canary that pauses half-way until it is promoted, unless told otherwise."""
        steps = [{"setWeight": 50}, {"pause": {}}]
        labels = {"app": "shop"}
        annotations = spec.pop("annotations", {})
        template = {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "first", "image": image}]},
        }
        body = {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": template,
            "strategy": strategy or {"canary": {"steps": steps}},
            **copy.deepcopy(spec),
        }
        metadata = {"name": "shop", "annotations": annotations}
        manifest = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Rollout",
            "metadata": metadata,
            "spec": body,
        }
        return self.bench.create("rollout", manifest)

    def get(self) -> Obj:
        return self.bench.get("rollout", "shop")

    @property
    def template(self) -> Obj:
        return dict(self.get()["spec"]["template"])

    def image(self) -> str:
        return self.bench.image("rollout", "shop")

    def set_image(self, image: str) -> Obj:
        return self.bench.set_image("rollout", "shop", image)

    def change(self, **spec: Any) -> Obj:
        return self.bench.patch("rollout", "shop", {"spec": spec})

    def promote(self) -> None:
        """What ``kubectl argo rollouts promote --full`` sends."""
        self.bench.patch("rollout", "shop", {"status": {"promoteFull": True}}, "status")

    def abort(self) -> None:
        """What ``kubectl argo rollouts abort`` sends."""
        self.bench.patch("rollout", "shop", {"status": {"abort": True}}, "status")

    async def until(self, phase: str) -> Obj:
        """Wait until the controller has seen the present spec and calls it that."""
        await self.bench.until(lambda: self._phase() == phase, f"the Rollout is {phase}")
        return self.get()

    async def release(self, image: str) -> Obj:
        """Deploy a version, past every step."""
        self.set_image(image)
        await self.until("Paused")
        self.promote()
        return await self.until("Healthy")

    def holders(self) -> dict[str, Obj]:
        """Its ReplicaSets, by the image that they run."""
        return {
            one["spec"]["template"]["spec"]["containers"][0]["image"]: one
            for one in self.bench.list("replicaset")
        }

    def revisions(self) -> dict[str, str]:
        """Image → number of its revision."""
        return {image: one["metadata"]["annotations"][REVISION] for image, one in self.holders().items()}

    def held(self, image: str) -> Obj:
        """The template that the ReplicaSet of an image keeps, without the hash label."""
        template = copy.deepcopy(self.holders()[image]["spec"]["template"])
        del template["metadata"]["labels"][HASH_LABEL]
        return dict(template)

    def undo(self, image: str) -> None:
        """What ``kubectl argo rollouts undo`` sends."""
        patch = [{"op": "replace", "path": "/spec/template", "value": self.held(image)}]
        path, headers = self.bench.path("rollout", "shop"), {"Content-Type": "application/json-patch+json"}
        self.bench.plane.api.patch(path, json=patch, headers=headers).raise_for_status()

    def _phase(self) -> str:
        found = self.get()
        status = found.get("status", {})
        seen = status.get("observedGeneration") == str(found["metadata"]["generation"])
        return str(status.get("phase")) if seen else ""
