"""StatefulSets and DaemonSets for the rows: manifests, and every state that one goes through."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from conformance.ground import Ground, Obj
from conformance.manifests import PODS

STATEFUL_SETS = "/apis/apps/v1/namespaces/{ns}/statefulsets"
DAEMON_SETS = "/apis/apps/v1/namespaces/{ns}/daemonsets"
REVISIONS = "/apis/apps/v1/namespaces/{ns}/controllerrevisions"
#: Ready after a moment, so that every state of an update can be seen.
SLOW, SLOWER = "shop:slow-1", "shop:slow-2"


def numbered(kind: str, name: str, image: str = SLOW, **spec: Any) -> Obj:
    """A StatefulSet or DaemonSet with one container."""
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"terminationGracePeriodSeconds": 1, "containers": [{"name": "first", "image": image}]},
    }
    body: Obj = {"selector": {"matchLabels": {"app": name}}, "template": template, **spec}
    if kind == "StatefulSet":
        body.setdefault("serviceName", name)
    meta = {"name": name, "labels": {"app": name}}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": meta, "spec": body}


async def with_image(ground: Ground, path: str, image: str) -> None:
    """Deploys another version."""
    containers = [{"name": "first", "image": image}]
    change = {"spec": {"template": {"spec": {"containers": containers}}}}
    assert (await ground.patch(path, change, "strategic")).status == 200


async def undo(ground: Ground, path: str, image: str) -> None:
    """What ``kubectl rollout undo`` sends: the data of the revision that holds an image."""
    (target,) = [one for one in (await ground.found(REVISIONS))["items"] if image_of(one["data"]) == image]
    assert (await ground.patch(path, target["data"], "strategic")).status == 200


async def following(
    ground: Ground, collection: str, act: Callable[[], Awaitable[Any]], done: Callable[[Obj], Any]
) -> list[Obj]:
    """Every state of the objects of a collection from an act until ``done`` with one of them."""
    version = (await ground.found(collection))["metadata"]["resourceVersion"]
    seen: list[Obj] = []
    async with ground.watch(collection, resourceVersion=version) as events:
        await act()
        while not seen or not done(seen[-1]):
            seen += [{**event["object"], "event": event["type"]} for event in await events.take(1)]
    return seen


def in_turn(seen: Iterable[Any]) -> list[Any]:
    """What was seen, without repeats of the same."""
    return [one for one, _ in itertools.groupby(seen)]


def first_seen(seen: Iterable[Any]) -> list[Any]:
    """Everything that was seen, in the order of its first time."""
    return list(dict.fromkeys(seen))


def image_of(obj: Obj) -> str:
    return str(obj["spec"]["template"]["spec"]["containers"][0]["image"])


async def pods(ground: Ground) -> dict[str, str]:
    """The image of each pod."""
    found = (await ground.found(PODS))["items"]
    return {one["metadata"]["name"]: one["spec"]["containers"][0]["image"] for one in found}


async def numbers(ground: Ground) -> dict[str, int]:
    """The revision number of each image."""
    found = (await ground.found(REVISIONS))["items"]
    return {image_of(one["data"]): one["revision"] for one in sorted(found, key=lambda one: one["revision"])}


def is_ready(pod: Obj) -> bool:
    """Whether its condition says so."""
    conditions = pod.get("status", {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


async def events(ground: Ground, kind: str, enough: Callable[[list[Obj]], bool]) -> list[Obj]:
    """The events about objects of a kind, as soon as there are enough: they come later than what they tell of."""
    path = f"/api/v1/namespaces/{{ns}}/events?fieldSelector=involvedObject.kind={kind}"
    found = await ground.until(path, lambda body: enough(body["items"]), f"events about the {kind}")
    return list(found["items"])
