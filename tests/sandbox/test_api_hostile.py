"""Damaged manifests and patches: refused or stored, never an internal error, and reading still works."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from apikit import TABLE, Served, deployment, pod, serving

from releaseconsole.sandbox.store.objects import clone

_ODD: tuple[Any, ...] = (
    None,
    0,
    -1,
    2**70,
    1.5,
    True,
    "",
    "x",
    "\x00",
    "é" * 300,
    [],
    [None],
    [[]],
    {},
    {"a": None},
    {"": {}},
)
_META = {"name": "web", "namespace": "shop"}
_BODIES: dict[str, dict[str, Any]] = {
    "/apis/apps/v1/namespaces/shop/deployments": deployment(
        replicas=2, strategy={"rollingUpdate": {"maxSurge": 1}}
    ),
    "/api/v1/namespaces/shop/pods": {
        **pod("web", app="web"),
        "status": {"phase": "Running", "containerStatuses": [{"name": "web", "state": {"running": {}}}]},
    },
    "/api/v1/namespaces/shop/services": {
        "metadata": _META,
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}]},
    },
    "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers": {
        "metadata": _META,
        "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": "web"},
            "metrics": [{"resource": {"name": "cpu", "target": {"averageUtilization": 70}}}],
        },
    },
    "/api/v1/namespaces/shop/events": {
        "metadata": _META,
        "involvedObject": {"kind": "Pod", "name": "web"},
        "source": {"component": "kubelet"},
        "series": {"count": 2},
    },
    "/api/v1/namespaces/shop/secrets": {"metadata": _META, "stringData": {"a": "b"}},
    "/api/v1/nodes": {
        "metadata": {"name": "web", "labels": {"a": "b"}},
        "status": {"conditions": [{"type": "Ready"}], "addresses": [{"type": "InternalIP", "address": "x"}]},
    },
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in JSON data."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in pairs:
        yield (*path, key)
        yield from places(below, (*path, key))


def damaged(body: dict[str, Any], dice: random.Random) -> dict[str, Any]:
    """The body with one place replaced by something odd."""
    copy = clone(body)
    *above, last = dice.choice(list(places(copy)))
    target: Any = copy
    for key in above:
        target = target[key]
    target[last] = clone(dice.choice(_ODD))
    return copy


async def check_reading(api: Served, path: str) -> None:
    for headers in ({}, TABLE):
        answer = await api.get(path, headers=headers)
        assert answer.status == 200


@pytest.mark.parametrize("path", _BODIES)
async def test_a_damaged_manifest_never_breaks_the_server(path: str) -> None:
    dice = random.Random(path)
    async with serving() as api:
        for _ in range(60):
            body = damaged(_BODIES[path], dice)
            made = await api.send("POST", path, body)
            assert made.status < 500, (body, made.body)
            await api.send("POST", path, _BODIES[path])
            for kind in ("merge", "strategic-merge", "apply"):
                body = damaged(_BODIES[path], dice)
                force = "&force=true" if kind == "apply" else ""
                patched = await api.patch(f"{path}/web?fieldManager=me{force}", body, kind)
                # The API server itself answers some patches that make no sense with 500, but never this.
                assert patched.body.get("reason") != "InternalError", (kind, body, patched.body)
            replaced = await api.send("PUT", f"{path}/web", damaged(_BODIES[path], dice))
            assert replaced.status < 500, replaced.body
            await check_reading(api, path)
            await api.send("DELETE", f"{path}/web?gracePeriodSeconds=0")


async def test_damaged_json_patches_scales_and_deletions() -> None:
    path = "/apis/apps/v1/namespaces/shop/deployments"
    operations: dict[str, Any] = {
        "list": [
            {"op": "test", "path": "/metadata/name", "value": "web"},
            {"op": "move", "from": "/metadata/labels/app", "path": "/metadata/annotations"},
        ]
    }
    options = {"preconditions": {"uid": "x"}, "gracePeriodSeconds": 1, "propagationPolicy": "Background"}
    dice = random.Random(1)
    async with serving() as api:
        for _ in range(150):
            await api.send("POST", path, deployment())
            for answer in (
                await api.patch(f"{path}/web", damaged(operations, dice)["list"], "json"),
                await api.patch(f"{path}/web/scale", damaged({"spec": {"replicas": 1}}, dice), "merge"),
                await api.send("PUT", f"{path}/web/scale", damaged({"spec": {"replicas": 1}}, dice)),
                await api.patch(f"{path}/web/status", damaged({"status": {"conditions": []}}, dice), "merge"),
                await api.send("DELETE", f"{path}/web", damaged(options, dice)),
            ):
                assert answer.status < 500, answer.body
            await check_reading(api, path)
