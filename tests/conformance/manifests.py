"""Paths and manifests that the rows use. The tag of an image says how a pod of it fares, on both servers."""

from __future__ import annotations

from typing import Any

from conformance.ground import Ground, Obj, Said

MAPS = "/api/v1/namespaces/{ns}/configmaps"
PODS = "/api/v1/namespaces/{ns}/pods"
SERVICES = "/api/v1/namespaces/{ns}/services"
DEPLOYMENTS = "/apis/apps/v1/namespaces/{ns}/deployments"
REPLICA_SETS = "/apis/apps/v1/namespaces/{ns}/replicasets"
SHOP = f"{DEPLOYMENTS}/shop"
GOOD, BETTER = "shop:good-1", "shop:good-2"
#: Ready after a moment, so that what comes before can be seen.
SLOW = "shop:slow-1"
STUCK, CRASHING, ABSENT = "shop:stuck-1-stuck", "shop:crash-1-crash-loop", "shop:absent-1-image-pull"


def config(name: str = "one", labels: Obj | None = None, **data: str) -> Obj:
    """A ConfigMap."""
    body: Obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}
    if labels:
        body["metadata"]["labels"] = labels
    return body


def deployment(name: str = "shop", image: str = GOOD, replicas: int | None = 0, **spec: Any) -> Obj:
    """A Deployment with one container; without pods unless told otherwise."""
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"terminationGracePeriodSeconds": 1, "containers": [{"name": "first", "image": image}]},
    }
    body: Obj = {"selector": {"matchLabels": {"app": name}}, "template": template, **spec}
    if replicas is not None:
        body["replicas"] = replicas
    meta = {"name": name, "labels": {"app": name}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": body}


def pod(name: str = "alone", image: str = GOOD, *containers: str, labels: Obj | None = None) -> Obj:
    """A Pod; its containers are ``first`` unless named."""
    listed = [{"name": one, "image": image} for one in containers or ("first",)]
    meta: Obj = {"name": name, "labels": labels or {"app": name}}
    spec = {"terminationGracePeriodSeconds": 1, "containers": listed}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


async def maps(ground: Ground, *names: str) -> list[Obj]:
    """ConfigMaps of these names, each with its name as the label ``is``."""
    return [await ground.made(MAPS, config(name, {"is": name}, said=name)) for name in names]


async def shop(ground: Ground, **spec: Any) -> Obj:
    """The Deployment ``shop`` that its controller has looked at and brought to rest."""
    await ground.made(DEPLOYMENTS, deployment(**spec))
    return await settled(ground)


async def settled(ground: Ground, path: str = SHOP) -> Obj:
    """The Deployment as soon as its rollout is complete."""
    return await ground.until(path, is_settled, "the rollout is complete")


def is_settled(found: Obj) -> bool:
    """By its own counts, as ``kubectl rollout status`` looks at them."""
    status, wanted = found.get("status", {}), found["spec"]["replicas"]
    counts = ("updatedReplicas", "availableReplicas", "replicas")
    observed = status.get("observedGeneration", 0) >= found["metadata"]["generation"]
    return bool(observed and status.get("conditions")) and all(status.get(one, 0) == wanted for one in counts)


async def with_image(ground: Ground, image: str, path: str = SHOP) -> Said:
    """Deploys another version."""
    containers = [{"name": "first", "image": image}]
    change = {"spec": {"template": {"spec": {"containers": containers}}}}
    return await ground.patch(path, change, "strategic")
