"""Rollouts that are held up: pauses, bounds, deadlines and sizes that change."""

from __future__ import annotations

from typing import Any

from conformance.ground import Ground, Obj
from conformance.manifests import (
    ABSENT,
    BETTER,
    GOOD,
    REPLICA_SETS,
    SHOP,
    STUCK,
    settled,
    shop,
    with_image,
)  # fmt: skip
from conformance.states import (
    DESIRED,
    MOST,
    complete,
    conditions,
    counted,
    following,
    image_of,
    in_turn,
    sets,
)
from conformance.table import Theme

THEME = Theme("pauses")


@THEME.row(
    [
        ["Available=True MinimumReplicasAvailable", "Progressing=Unknown DeploymentPaused"],
        [["shop:good-1", 1]],
        {"replicas": 1, "updatedReplicas": None, "availableReplicas": 1},
        ["shop:good-1", "shop:good-2"],
        1,
    ]
)
async def a_paused_deployment_waits(ground: Ground) -> Any:
    await shop(ground, replicas=1)
    await ground.until(SHOP, complete, "complete")
    await ground.patch(SHOP, {"spec": {"paused": True}})
    said = await with_image(ground, BETTER)
    found = await ground.until(
        SHOP, lambda found: found["status"]["observedGeneration"] == said.meta["generation"], "observed"
    )
    sizes = [[image_of(rs), rs["spec"]["replicas"]] for rs in await sets(ground)]
    status = {key: found["status"].get(key) for key in ("replicas", "updatedReplicas", "availableReplicas")}
    await ground.patch(SHOP, {"spec": {"paused": False}})
    resumed = await settled(ground)
    return [
        conditions(found),
        sizes,
        status,
        [image_of(rs) for rs in await sets(ground)],
        resumed["status"]["replicas"],
    ]


@THEME.row(
    [
        "Progressing=True NewReplicaSetAvailable",
        "Progressing=Unknown DeploymentPaused",
        "Progressing=Unknown DeploymentResumed",
    ]
)
async def conditions_of_a_pause_in_turn(ground: Ground) -> Any:
    await shop(ground)
    await ground.until(SHOP, complete, "complete")

    async def act() -> None:
        await ground.patch(SHOP, {"spec": {"paused": True}})
        await ground.until(SHOP, lambda found: "DeploymentPaused" in str(found["status"]), "it says so")
        await ground.patch(SHOP, {"spec": {"paused": False}})

    seen = await following(ground, lambda found: "DeploymentResumed" in str(found["status"]), act)
    return in_turn(word for found in seen for word in conditions(found) if word.startswith("Progressing"))


@THEME.row([2, ["2"]])
async def a_paused_deployment_can_be_scaled(ground: Ground) -> Any:
    await shop(ground, replicas=1)
    await ground.patch(SHOP, {"spec": {"paused": True}})
    await ground.patch(SHOP, {"spec": {"replicas": 2}})
    found = await ground.until(SHOP, lambda found: found["status"].get("availableReplicas") == 2, "two pods")
    return [
        found["status"]["replicas"],
        [rs["metadata"]["annotations"][DESIRED] for rs in await sets(ground)],
    ]


async def _bounds(ground: Ground, surge: Any, missing: Any, replicas: int) -> tuple[int, int]:
    """The most pods that all ReplicaSets together were asked for during a rollout, and the fewest that were available.

    Asked for, and not counted: a status adds up counts of different moments, and a slow controller's come to more.
    """
    rolling = {"maxSurge": surge, "maxUnavailable": missing}
    await shop(ground, replicas=replicas, strategy={"type": "RollingUpdate", "rollingUpdate": rolling})
    await ground.until(SHOP, complete, "complete")
    listed = await ground.found(REPLICA_SETS)
    sizes = {rs["metadata"]["name"]: rs["spec"]["replicas"] for rs in listed["items"]}
    most = sum(sizes.values())

    async def act() -> None:
        await with_image(ground, BETTER)

    def done(found: Obj) -> bool:
        return found["metadata"]["generation"] > 1 and complete(found)

    async with ground.watch(REPLICA_SETS, resourceVersion=listed["metadata"]["resourceVersion"]) as events:
        seen = await following(ground, done, act)
        while sorted(sizes.values()) != [0, replicas]:
            for event in await events.take(1):
                sizes[event["object"]["metadata"]["name"]] = event["object"]["spec"]["replicas"]
                most = max(most, sum(sizes.values()))
    return most, min(counted(one, "availableReplicas") for one in seen)


@THEME.row([4, 3])
async def never_more_than_the_surge(ground: Ground) -> Any:
    return await _bounds(ground, 1, 0, 3)


@THEME.row([3, True])
async def never_fewer_than_may_be_missing(ground: Ground) -> Any:
    most, least = await _bounds(ground, 0, 1, 3)
    return [most, least >= 2]


@THEME.row("5")
async def a_share_of_the_pods(ground: Ground) -> Any:
    await shop(ground, replicas=3, strategy={"rollingUpdate": {"maxSurge": "34%", "maxUnavailable": "34%"}})
    (rs,) = await sets(ground)
    return rs["metadata"]["annotations"][MOST]


@THEME.row([["shop:good-1", 3], ["shop:stuck-1-stuck", 2]])
async def a_version_that_never_becomes_ready_stops_at_the_bounds(ground: Ground) -> Any:
    await shop(ground, replicas=4, strategy={"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 1}})
    await with_image(ground, STUCK)
    await ground.until(
        SHOP,
        lambda found: counted(found, "updatedReplicas") == 2 and counted(found, "replicas") == 5,
        "two new pods",
    )
    return [[image_of(rs), rs["spec"]["replicas"]] for rs in await sets(ground)]


async def _too_late(ground: Ground) -> Obj:
    """A Deployment whose second version has run into its deadline."""
    await shop(ground, replicas=1)
    await ground.until(SHOP, complete, "complete")
    containers = [{"name": "first", "image": ABSENT}]
    spec = {"progressDeadlineSeconds": 1, "template": {"spec": {"containers": containers}}}
    await ground.patch(SHOP, {"spec": spec}, "strategic")
    return await ground.until(SHOP, _is_too_late, "too late")


def _is_too_late(found: Obj) -> bool:
    """And its pod is there: a slow controller may be late before it has made one, which is progress again."""
    status = found["status"]
    pods = (status.get("updatedReplicas"), status.get("unavailableReplicas"))
    return "ProgressDeadlineExceeded" in str(status) and pods == (1, 1)


@THEME.row(
    [
        "False",
        'ReplicaSet "RS" has timed out progressing.',
        ["Available=True MinimumReplicasAvailable", "Progressing=False ProgressDeadlineExceeded"],
        1,
    ]
)
async def the_deadline_passes(ground: Ground) -> Any:
    found = await _too_late(ground)
    name = (await sets(ground))[-1]["metadata"]["name"]
    (told,) = [one for one in found["status"]["conditions"] if one["type"] == "Progressing"]
    return [
        told["status"],
        told["message"].replace(name, "RS"),
        conditions(found),
        counted(found, "unavailableReplicas"),
    ]


@THEME.row(["Progressing=False ProgressDeadlineExceeded", "Progressing=True NewReplicaSetAvailable"])
async def a_deadline_stays_until_there_is_progress(ground: Ground) -> Any:
    await _too_late(ground)

    async def act() -> None:
        await with_image(ground, GOOD)

    seen = await following(ground, complete, act)
    return in_turn(word for found in seen for word in conditions(found) if word.startswith("Progressing"))
