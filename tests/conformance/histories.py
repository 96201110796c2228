"""What is left of rollouts: old ReplicaSets, orphans, events."""

from __future__ import annotations

from typing import Any

from conformance.ground import Ground, Obj
from conformance.manifests import (
    BETTER,
    DEPLOYMENTS,
    PODS,
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
    REVISION,
    conditions,
    counted,
    image_of,
    in_turn,
    sets,
)
from conformance.table import Theme

THEME = Theme("histories")


@THEME.row(["3", "4"])
async def old_replica_sets_are_cleaned_up(ground: Ground) -> Any:
    await shop(ground, revisionHistoryLimit=1)
    for number in (2, 3, 4):
        await with_image(ground, f"shop:good-{number}")
        await settled(ground)
    await ground.until(REPLICA_SETS, lambda found: len(found["items"]) == 2, "two are left")
    return [rs["metadata"]["annotations"][REVISION] for rs in await sets(ground)]


@THEME.row(["2"])
async def without_a_history(ground: Ground) -> Any:
    await shop(ground, revisionHistoryLimit=0)
    await with_image(ground, BETTER)
    await ground.until(
        REPLICA_SETS, lambda found: [image_of(rs) for rs in found["items"]] == [BETTER], "one is left"
    )
    return [rs["metadata"]["annotations"][REVISION] for rs in await sets(ground)]


@THEME.row(
    [
        {"observedGeneration": 2, "terminatingReplicas": 0},
        ["Available=True MinimumReplicasAvailable", "Progressing=True NewReplicaSetAvailable"],
    ]
)
async def scaled_to_nothing(ground: Ground) -> Any:
    await shop(ground, replicas=2)
    await ground.patch(SHOP, {"spec": {"replicas": 0}})
    await settled(ground)
    found = await ground.until(
        SHOP, lambda found: found["status"]["terminatingReplicas"] == 0, "all are gone"
    )
    status = {key: value for key, value in found["status"].items() if key != "conditions"}
    return [status, conditions(found)]


@THEME.row(
    [
        2,
        {
            "deployment.kubernetes.io/revision": "1",
            "deployment.kubernetes.io/desired-replicas": "3",
            "deployment.kubernetes.io/max-replicas": "4",
        },
        2,
    ]
)
async def scaling_makes_no_revision(ground: Ground) -> Any:
    await shop(ground, replicas=1)
    await ground.patch(SHOP, {"spec": {"replicas": 3}})
    found = await settled(ground)
    (rs,) = await sets(ground)
    notes = {key: rs["metadata"]["annotations"][key] for key in (REVISION, DESIRED, MOST)}
    return [found["metadata"]["generation"], notes, rs["metadata"]["generation"]]


@THEME.row([["DELETED", "shop:good-1"], ["ADDED", "shop:good-2"]])
async def recreate_ends_the_old_before_the_new(ground: Ground) -> Any:
    await shop(ground, replicas=2, strategy={"type": "Recreate"})
    version = (await ground.found(PODS))["metadata"]["resourceVersion"]
    await with_image(ground, BETTER)
    seen = []
    async with ground.watch(PODS, resourceVersion=version) as events:
        while [one[0] for one in seen].count("ADDED") < 2:
            (event,) = await events.take(1)
            seen.append((event["type"], event["object"]["spec"]["containers"][0]["image"]))
    await settled(ground)
    return in_turn(one for one in seen if one[0] in ("ADDED", "DELETED"))


@THEME.row(1)
async def a_pod_that_is_deleted_comes_again(ground: Ground) -> Any:
    await shop(ground, replicas=1)
    (first,) = (await ground.found(PODS))["items"]
    await ground.delete(f"{PODS}/{first['metadata']['name']}")

    def again(found: Obj) -> bool:
        names = [one["metadata"]["name"] for one in found["items"]]
        return len(names) == 1 and names != [first["metadata"]["name"]]

    await ground.until(PODS, again, "another pod")
    return len(await sets(ground))


@THEME.row([[True], "1"])
async def an_orphan_is_adopted(ground: Ground) -> Any:
    await shop(ground, replicas=1)
    await ground.delete(SHOP, {"propagationPolicy": "Orphan"})
    await ground.until(DEPLOYMENTS, lambda found: not found["items"], "the Deployment is gone")
    made = await shop(ground, replicas=1)
    (rs,) = await sets(ground)
    return [
        [one["uid"] == made["metadata"]["uid"] for one in rs["metadata"]["ownerReferences"]],
        rs["metadata"]["annotations"][REVISION],
    ]


@THEME.row(
    [
        ["Normal", "ScalingReplicaSet", "deployment-controller", "Scaled down replica set RS1 from 1 to 0"],
        ["Normal", "ScalingReplicaSet", "deployment-controller", "Scaled up replica set RS1 from 0 to 1"],
        ["Normal", "ScalingReplicaSet", "deployment-controller", "Scaled up replica set RS2 from 0 to 1"],
    ]
)
async def events_of_a_rollout(ground: Ground) -> Any:
    found = await shop(ground, replicas=1)
    await with_image(ground, BETTER)
    await settled(ground)
    names = {
        rs["metadata"]["name"]: f"RS{rs['metadata']['annotations'][REVISION]}" for rs in await sets(ground)
    }

    def all_told(body: Obj) -> bool:
        return (
            len([one for one in body["items"] if one["involvedObject"]["uid"] == found["metadata"]["uid"]])
            >= 3
        )

    body = await ground.until("/api/v1/namespaces/{ns}/events", all_told, "three events")
    told = []
    for event in body["items"]:
        if event["involvedObject"]["uid"] != found["metadata"]["uid"]:
            continue
        message = event["message"]
        for name, word in names.items():
            message = message.replace(name, word)
        told.append([event["type"], event["reason"], event["source"]["component"], message])
    return sorted(told)


@THEME.row(
    [
        "SuccessfulCreate",
        "Normal",
        "Created pod: POD",
        {"kind": "ReplicaSet", "apiVersion": "apps/v1"},
        {"component": "replicaset-controller"},
        1,
    ]
)
async def events_of_a_replica_set(ground: Ground) -> Any:
    await shop(ground, replicas=1)
    (rs,) = await sets(ground)
    (found,) = (await ground.found(PODS))["items"]
    uid = rs["metadata"]["uid"]
    body = await ground.until(
        "/api/v1/namespaces/{ns}/events",
        lambda body: any(one["involvedObject"]["uid"] == uid for one in body["items"]),
        "an event",
    )
    (event,) = [one for one in body["items"] if one["involvedObject"]["uid"] == uid]
    about = {key: event["involvedObject"].get(key) for key in ("kind", "apiVersion")}
    return [
        event["reason"],
        event["type"],
        event["message"].replace(found["metadata"]["name"], "POD"),
        about,
        event["source"],
        event["count"],
    ]


@THEME.row(["3", [["shop:good-1", 0], ["shop:stuck-1-stuck", 0], ["shop:good-2", 2]]])
async def a_change_in_the_middle_of_a_rollout(ground: Ground) -> Any:
    await shop(ground, replicas=2)
    await with_image(ground, STUCK)
    await ground.until(
        SHOP,
        lambda found: (
            counted(found, "updatedReplicas") > 0 and found["metadata"]["annotations"][REVISION] == "2"
        ),
        "begun",
    )
    await with_image(ground, BETTER)
    found = await settled(ground)
    return [
        found["metadata"]["annotations"][REVISION],
        [[image_of(rs), rs["spec"]["replicas"]] for rs in await sets(ground)],
    ]


@THEME.row([["shop:good-1", 5], ["shop:stuck-1-stuck", 4]])
async def scaled_in_the_middle_of_a_rollout(ground: Ground) -> Any:
    await shop(ground, replicas=4, strategy={"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 1}})
    await with_image(ground, STUCK)
    await ground.until(
        SHOP,
        lambda found: counted(found, "updatedReplicas") == 2 and counted(found, "replicas") == 5,
        "two new pods",
    )
    await ground.patch(SHOP, {"spec": {"replicas": 8}})
    await ground.until(SHOP, lambda found: counted(found, "replicas") == 9, "nine pods")
    return [[image_of(rs), rs["spec"]["replicas"]] for rs in await sets(ground)]
