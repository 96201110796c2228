"""What becomes of a Deployment over time: the order of what is seen, never how long it took."""

from __future__ import annotations

from typing import Any

from conformance.ground import Ground, Obj
from conformance.manifests import (
    BETTER,
    DEPLOYMENTS,
    GOOD,
    PODS,
    REPLICA_SETS,
    SHOP,
    SLOW,
    deployment,
    settled,
    shop,
    with_image,
)  # fmt: skip
from conformance.states import (
    HISTORY,
    REVISION,
    complete,
    conditions,
    following,
    image_of,
    in_turn,
    sets,
)
from conformance.table import Theme

THEME = Theme("rollouts")


@THEME.row(
    [
        True,
        ["app", "pod-template-hash"],
        {
            "deployment.kubernetes.io/desired-replicas": "2",
            "deployment.kubernetes.io/max-replicas": "3",
            "deployment.kubernetes.io/revision": "1",
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "name": "shop",
            "uid": True,
            "controller": True,
            "blockOwnerDeletion": True,
        },
        True,
        ["app", "pod-template-hash"],
        1,
        2,
        {
            "replicas": 2,
            "fullyLabeledReplicas": 2,
            "readyReplicas": 2,
            "availableReplicas": 2,
            "terminatingReplicas": 0,
            "observedGeneration": 1,
        },
    ]
)
async def the_first_replica_set(ground: Ground) -> Any:
    made = await shop(ground, replicas=2)
    (rs,) = await sets(ground)
    meta, digest = rs["metadata"], rs["metadata"]["labels"]["pod-template-hash"]
    (owner,) = meta["ownerReferences"]
    template = rs["spec"]["template"]
    return [
        meta["name"] == f"shop-{digest}",
        sorted(meta["labels"]),
        meta["annotations"],
        {**owner, "uid": owner["uid"] == made["metadata"]["uid"]},
        rs["spec"]["selector"]["matchLabels"].keys() == {"app", "pod-template-hash"},
        sorted(template["metadata"]["labels"]),
        meta["generation"],
        rs["spec"]["replicas"],
        rs["status"],
    ]


@THEME.row({"deployment.kubernetes.io/revision": "1"})
async def the_deployment_carries_its_revision(ground: Ground) -> Any:
    found = await shop(ground)
    return found["metadata"]["annotations"]


@THEME.row(
    [
        True,
        True,
        ["app", "pod-template-hash"],
        {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "name": True,
            "uid": True,
            "controller": True,
            "blockOwnerDeletion": True,
        },
    ]
)
async def pods_belong_to_the_replica_set(ground: Ground) -> Any:
    await shop(ground, replicas=1)
    (rs,) = await sets(ground)
    (found,) = (await ground.found(PODS))["items"]
    (owner,) = found["metadata"]["ownerReferences"]
    name = rs["metadata"]["name"]
    return [
        found["metadata"]["name"].startswith(f"{name}-"),
        found["metadata"]["generateName"] == f"{name}-",
        sorted(found["metadata"]["labels"]),
        {**owner, "uid": owner["uid"] == rs["metadata"]["uid"], "name": owner["name"] == name},
    ]


@THEME.row(
    [
        {
            "observedGeneration": 1,
            "replicas": 2,
            "updatedReplicas": 2,
            "readyReplicas": 2,
            "availableReplicas": 2,
            "terminatingReplicas": 0,
        },
        [
            [
                "Available",
                "True",
                "MinimumReplicasAvailable",
                "Deployment has minimum availability.",
                ["lastTransitionTime", "lastUpdateTime", "message", "reason", "status", "type"],
            ],
            [
                "Progressing",
                "True",
                "NewReplicaSetAvailable",
                'ReplicaSet "RS" has successfully progressed.',
                ["lastTransitionTime", "lastUpdateTime", "message", "reason", "status", "type"],
            ],
        ],
    ]
)
async def the_status_of_a_complete_rollout(ground: Ground) -> Any:
    await shop(ground, replicas=2)
    found = await ground.until(SHOP, complete, "complete")
    status = dict(found["status"])
    conditions = [
        [
            one["type"],
            one["status"],
            one["reason"],
            one["message"].replace((await sets(ground))[0]["metadata"]["name"], "RS"),
            sorted(one),
        ]
        for one in sorted(status.pop("conditions"), key=lambda one: one["type"])
    ]
    return [status, conditions]


@THEME.row(
    [
        [
            "Progressing=True NewReplicaSetCreated",
            "Progressing=True ReplicaSetUpdated",
            "Progressing=True NewReplicaSetAvailable",
        ],
        ["Available=False MinimumReplicasUnavailable", "Available=True MinimumReplicasAvailable"],
    ]
)
async def conditions_of_a_creation_in_turn(ground: Ground) -> Any:
    async def act() -> None:
        await ground.made(DEPLOYMENTS, deployment(image=SLOW, replicas=1))

    seen = await following(ground, complete, act)
    progress = [word for found in seen for word in conditions(found) if word.startswith("Progressing")]
    available = [word for found in seen for word in conditions(found) if word.startswith("Available")]
    return [in_turn(progress), in_turn(available)]


@THEME.row(
    [
        [
            "Progressing=True NewReplicaSetAvailable",
            "Progressing=True NewReplicaSetCreated",
            "Progressing=True ReplicaSetUpdated",
            "Progressing=True NewReplicaSetAvailable",
        ],
        [2],
    ]
)
async def conditions_of_a_new_version_in_turn(ground: Ground) -> Any:
    await shop(ground, replicas=2)
    await ground.until(SHOP, complete, "complete")

    async def act() -> None:
        await with_image(ground, SLOW)

    def done(found: Obj) -> bool:
        return found["metadata"]["generation"] > 1 and complete(found)

    seen = await following(ground, done, act)
    progress = [word for found in seen for word in conditions(found) if word.startswith("Progressing")]
    return [in_turn(progress), in_turn(found["metadata"]["generation"] for found in seen)]


@THEME.row(["2", [["1", "shop:good-1", 0, 0], ["2", "shop:good-2", 1, 1]]])
async def a_new_version_is_a_new_revision(ground: Ground) -> Any:
    await shop(ground, replicas=1)
    await with_image(ground, BETTER)
    found = await settled(ground)
    sizes = [
        [
            rs["metadata"]["annotations"][REVISION],
            image_of(rs),
            rs["spec"]["replicas"],
            rs["status"]["replicas"],
        ]
        for rs in await sets(ground)
    ]
    return [found["metadata"]["annotations"][REVISION], sizes]


@THEME.row(
    [
        [
            {"deployment.kubernetes.io/revision": "2", "deployment.kubernetes.io/revision-history": None},
            {"deployment.kubernetes.io/revision": "3", "deployment.kubernetes.io/revision-history": "1"},
        ],
        ["shop:good-2", "shop:good-1"],
    ]
)
async def an_older_template_gets_a_new_number(ground: Ground) -> Any:
    await shop(ground)
    for image in (BETTER, GOOD):
        await with_image(ground, image)
        await settled(ground)
    await ground.until(SHOP, lambda found: found["metadata"]["annotations"][REVISION] == "3", "revision 3")
    notes = [
        {key: rs["metadata"]["annotations"].get(key) for key in (REVISION, HISTORY)}
        for rs in await sets(ground)
    ]
    return [notes, [image_of(rs) for rs in await sets(ground)]]


@THEME.row([["4", "2"], ["5", "1,3"]])
async def back_and_forth_keeps_a_history(ground: Ground) -> Any:
    await shop(ground)
    for number, image in enumerate((BETTER, GOOD, BETTER, GOOD), start=2):
        await with_image(ground, image)
        await ground.until(
            SHOP,
            lambda found, number=number: found["metadata"]["annotations"][REVISION] == str(number),
            "its revision",
        )
    return [
        [rs["metadata"]["annotations"][REVISION], rs["metadata"]["annotations"].get(HISTORY)]
        for rs in await sets(ground)
    ]


@THEME.row(
    [
        ["deployment.kubernetes.io/desired-replicas", "0"],
        ["deployment.kubernetes.io/max-replicas", "0"],
        ["deployment.kubernetes.io/revision", "1"],
        ["kubernetes.io/change-cause", "first"],
    ]
)
async def annotations_are_handed_on(ground: Ground) -> Any:
    body = deployment()
    body["metadata"]["annotations"] = {
        "kubernetes.io/change-cause": "first",
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
    }
    await ground.made(DEPLOYMENTS, body)
    await settled(ground)
    (rs,) = await sets(ground)
    return sorted(rs["metadata"]["annotations"].items())


@THEME.row([1, "1"])
async def a_label_of_the_deployment_makes_no_revision(ground: Ground) -> Any:
    await shop(ground)
    await ground.patch(SHOP, {"metadata": {"labels": {"tier": "web"}, "annotations": {"note": "x"}}})
    await ground.until(
        REPLICA_SETS,
        lambda found: any("note" in rs["metadata"]["annotations"] for rs in found["items"]),
        "handed on",
    )
    return [len(await sets(ground)), (await sets(ground))[0]["metadata"]["annotations"][REVISION]]
