"""The states that a Deployment goes through, and what the rows look at in them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

from conformance.ground import Ground, Obj
from conformance.manifests import (
    DEPLOYMENTS,
    REPLICA_SETS,
)  # fmt: skip

REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MOST = "deployment.kubernetes.io/max-replicas"


async def sets(ground: Ground) -> list[Obj]:
    """The ReplicaSets by their revision."""
    found = (await ground.found(REPLICA_SETS))["items"]
    return sorted(found, key=lambda rs: int(rs["metadata"]["annotations"][REVISION]))


def image_of(obj: Obj) -> str:
    return str(obj["spec"]["template"]["spec"]["containers"][0]["image"])


def conditions(found: Obj) -> list[str]:
    return sorted(
        f"{one['type']}={one['status']} {one['reason']}" for one in found["status"].get("conditions", ())
    )


def in_turn(seen: Iterable[Any]) -> list[Any]:
    """What was seen, without repeats of the same."""
    return [one for one, _ in itertools.groupby(seen)]


async def following(ground: Ground, done: Callable[[Obj], bool], act: Callable[[], Any]) -> list[Obj]:
    """Every state of the Deployment ``shop`` from an act until ``done``."""
    version = (await ground.found(DEPLOYMENTS))["metadata"]["resourceVersion"]
    seen: list[Obj] = []
    async with ground.watch(DEPLOYMENTS, resourceVersion=version) as events:
        await act()
        while not seen or not done(seen[-1]):
            seen += [event["object"] for event in await events.take(1)]
    return seen


def complete(found: Obj) -> bool:
    status, wanted = found.get("status", {}), found["spec"]["replicas"]
    counts = ("updatedReplicas", "availableReplicas", "replicas")
    reasons = [one["reason"] for one in status.get("conditions", ())]
    observed = status.get("observedGeneration", 0) >= found["metadata"]["generation"]
    return (
        observed
        and "NewReplicaSetAvailable" in reasons
        and all(status.get(one, 0) == wanted for one in counts)
    )


def counted(found: Obj, name: str) -> int:
    return int(found["status"].get(name, 0))
