"""Kubernetes objects for tests, made from the JSON that an API server sends."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from releaseconsole.cluster.decode import decode
from releaseconsole.cluster.objects import Deployment, Pod, ReplicaSet

T = TypeVar("T")
UID = "d-uid"


def made(kind: type[T], body: dict[str, Any]) -> T:
    return decode(kind, json.dumps(body).encode())


def template(image: str = "shop/web:1", **labels: str) -> dict[str, Any]:
    return {
        "metadata": {"labels": {"app": "web", **labels}},
        "spec": {"containers": [{"name": "web", "image": image}]},
    }


def deployment(
    image: str = "shop/web:1", *, metadata: dict[str, Any] | None = None, spec: Any = None, status: Any = None
) -> Deployment:
    """A Deployment of four replicas, all of them updated and available unless ``status`` says otherwise."""
    return made(
        Deployment,
        {
            "metadata": {"name": "web", "namespace": "shop", "uid": UID, "generation": 3, **(metadata or {})},
            "spec": {
                "replicas": 4,
                "selector": {"matchLabels": {"app": "web"}},
                "template": template(image),
                **(spec or {}),
            },
            "status": {
                "observedGeneration": 3,
                "replicas": 4,
                "updatedReplicas": 4,
                "readyReplicas": 4,
                "availableReplicas": 4,
                **(status or {}),
            },
        },
    )


def replica_set(
    revision: object,
    image: str,
    *,
    name: str = "",
    created: str = "",
    annotations: Any = None,
    status: Any = None,
) -> ReplicaSet:
    """The ReplicaSet of one revision, as the controller labels it."""
    name = name or f"web-{revision}"
    numbered = {} if revision is None else {"deployment.kubernetes.io/revision": str(revision)}
    return made(
        ReplicaSet,
        {
            "metadata": {
                "name": name,
                "uid": f"{name}-uid",
                "creationTimestamp": created or "2026-01-01T00:00:00Z",
                "labels": {"app": "web", "pod-template-hash": name},
                "annotations": {**numbered, **(annotations or {})},
                "ownerReferences": [{"kind": "Deployment", "name": "web", "uid": UID, "controller": True}],
            },
            "spec": {"template": template(image, **{"pod-template-hash": name})},
            "status": status or {},
        },
    )


def pod(name: str = "web-1-a", owner: str = "web-1-uid", *, status: Any = None, **metadata: Any) -> Pod:
    """A pod with one container, controlled by the object with UID ``owner``."""
    return made(
        Pod,
        {
            "metadata": {
                "name": name,
                "namespace": "shop",
                "uid": f"{name}-uid",
                "ownerReferences": [{"uid": owner, "controller": True}],
                **metadata,
            },
            "spec": {"containers": [{"name": "web", "image": "shop/web:1"}]},
            "status": status or running(),
        },
    )


def running(*, ready: bool = True, restarts: int = 0, last: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
        "containerStatuses": [
            {
                "name": "web",
                "ready": ready,
                "restartCount": restarts,
                "containerID": "containerd://1",
                "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
                "lastState": {"terminated": last} if last else {},
            }
        ],
    }


def waiting(reason: str, message: str = "", *, phase: str = "Pending") -> dict[str, Any]:
    return {
        "phase": phase,
        "containerStatuses": [
            {"name": "web", "ready": False, "state": {"waiting": {"reason": reason, "message": message}}}
        ],
    }
