"""A real control plane for what is measured on one: the kit of ``tests/cluster``, and namespaces full of pods."""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KIT = Path(__file__).parents[1] / "tests" / "cluster"
STRATEGIC_MERGE = "application/strategic-merge-patch+json"
ADMIN = "admin"
ENVIRONMENT = "scale"


@dataclass(frozen=True, slots=True)
class Plane:
    """A control plane that runs."""

    kit: Any
    kubeconfig: Path
    kubectl: str

    def send(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Any:
        """The API server's answer, decoded. Raises RuntimeError when it refuses."""
        content = None if body is None else json.dumps(body)
        answer = self.kit.api.request(method, path, content=content, headers={"Content-Type": kind})
        if not answer.is_success:
            raise RuntimeError(answer.text)
        return answer.json()

    def until(self, holds: Any, what: str, seconds: float = 600.0) -> None:
        """Wait for a condition. Raises RuntimeError when it does not come."""
        end = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > end:
                raise RuntimeError(f"not within {seconds:.0f} s: {what}")
            time.sleep(0.2)


@dataclass(frozen=True, slots=True)
class Fleet:
    """Deployments of one namespace."""

    plane: Plane
    namespace: str
    names: tuple[str, ...]
    replicas: int

    @property
    def pods(self) -> int:
        return len(self.names) * self.replicas

    @property
    def path(self) -> str:
        return f"/apis/apps/v1/namespaces/{self.namespace}/deployments"

    def create(self) -> None:
        """Make them and wait until every pod is ready."""
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}
        self.plane.send("POST", "/api/v1/namespaces", namespace)
        self._each(lambda name: self.plane.send("POST", self.path, deployment(name, self.replicas)))
        self.settle()

    def set_images(self, tag: str) -> None:
        """Release another version of every one of them."""
        self._each(
            lambda name: self._patch(name, {"containers": [{"name": "first", "image": f"shop:{tag}"}]})
        )

    def restart(self) -> None:
        """What ``kubectl rollout restart`` does to each of them."""
        stamp = {"kubectl.kubernetes.io/restartedAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        body = {"spec": {"template": {"metadata": {"annotations": stamp}}}}
        self._each(lambda name: self.plane.send("PATCH", f"{self.path}/{name}", body, STRATEGIC_MERGE))

    def settle(self) -> None:
        """Wait until the controllers have nothing more to do."""
        self.plane.until(self._settled, f"{self.pods} pods are ready in {self.namespace}")

    def _patch(self, name: str, pod: dict[str, Any]) -> None:
        body = {"spec": {"template": {"spec": pod}}}
        self.plane.send("PATCH", f"{self.path}/{name}", body, STRATEGIC_MERGE)

    def _settled(self) -> bool:
        found = self.plane.send("GET", self.path)["items"]
        return len(found) == len(self.names) and all(_is_settled(one) for one in found)

    def _each(self, work: Any) -> None:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, self.names))


def deployment(name: str, replicas: int) -> dict[str, Any]:
    """A Deployment as a release has them: two containers, variables, probes, resources."""
    labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "shop", "team": "payments"}
    container = {
        "name": "first",
        "image": "shop:good-1",
        "ports": [{"containerPort": 8080, "name": "http"}],
        "env": [{"name": f"SETTING_{number}", "value": f"value-{number}"} for number in range(8)],
        "resources": {
            "requests": {"cpu": "100m", "memory": "64Mi"},
            "limits": {"cpu": "500m", "memory": "128Mi"},
        },
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 5},
        "livenessProbe": {"httpGet": {"path": "/live", "port": 8080}, "periodSeconds": 10},
    }
    second = {"name": "second", "image": "proxy:good-1"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container, second]}},
        },
    }


def _is_settled(found: dict[str, Any]) -> bool:
    status, wanted = found.get("status", {}), found["spec"]["replicas"]
    if status.get("observedGeneration", 0) < found["metadata"]["generation"]:
        return False
    counts = ("updatedReplicas", "readyReplicas", "availableReplicas", "replicas")
    return all(status.get(one, 0) == wanted for one in counts)


def fleet(plane: Plane, pods: int, namespace: str = "") -> Fleet:
    """A fleet of that many pods, a hundred to a Deployment."""
    count = max(1, pods // 100)
    names = tuple(f"service-{number:02}" for number in range(count))
    return Fleet(plane, namespace or f"pods-{pods}", names, pods // count)


def plan_of(ships: Fleet) -> str:
    """A plan with one environment of all their Deployments."""
    workloads = ", ".join(f'"deployment/{name}"' for name in ships.names)
    return f"""
[release]
name = "bench"
title = "Bench"
version = "1"
[environments.{ENVIRONMENT}]
targets = [{{ context = "{ADMIN}", namespace = "{ships.namespace}" }}]
workloads = [{workloads}]
[[phases]]
id = "production"
title = "Production"
environment = "{ENVIRONMENT}"
"""


def absent() -> str:
    """Which programs of the control plane are not built, and what builds them; "" when all are there."""
    binaries = _kit("binaries")
    missing: list[str] = binaries.missing()
    return f"{', '.join(missing)} not built: run `{binaries.HOW}`" if missing else ""


@contextmanager
def running() -> Iterator[Plane]:
    """Start a control plane, and end it afterwards."""
    programs = _kit("binaries").find()
    kit = _kit("control_plane").ControlPlane(programs)
    try:
        kit.start()
        users = {ADMIN: {"token": kit.tokens[ADMIN]}}
        yield Plane(kit, kit.kubeconfig(kit.folder / "bench.yaml", users), str(programs["kubectl"]))
    finally:
        kit.close()


def _kit(name: str) -> Any:
    if str(KIT) not in sys.path:
        sys.path.append(str(KIT))
    return importlib.import_module(name)
