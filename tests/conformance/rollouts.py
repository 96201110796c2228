"""What becomes of a Deployment over time: the order of what is seen, never how long it took."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

from conformance.ground import Ground, Obj
from conformance.manifests import (
    ABSENT,
    BETTER,
    DEPLOYMENTS,
    GOOD,
    PODS,
    REPLICA_SETS,
    SHOP,
    SLOW,
    STUCK,
    deployment,
    settled,
    shop,
    with_image,
)  # fmt: skip
from conformance.table import Theme

THEME = Theme("rollouts")
_REVISION = "deployment.kubernetes.io/revision"
_HISTORY = "deployment.kubernetes.io/revision-history"
_DESIRED = "deployment.kubernetes.io/desired-replicas"
_MOST = "deployment.kubernetes.io/max-replicas"


async def _sets(ground: Ground) -> list[Obj]:
    """The ReplicaSets by their revision."""
    found = (await ground.found(REPLICA_SETS))["items"]
    return sorted(found, key=lambda rs: int(rs["metadata"]["annotations"][_REVISION]))


def _image(obj: Obj) -> str:
    return str(obj["spec"]["template"]["spec"]["containers"][0]["image"])


def _conditions(found: Obj) -> list[str]:
    return sorted(
        f"{one['type']}={one['status']} {one['reason']}" for one in found["status"].get("conditions", ())
    )


def _in_turn(seen: Iterable[Any]) -> list[Any]:
    """What was seen, without repeats of the same."""
    return [one for one, _ in itertools.groupby(seen)]


async def _following(ground: Ground, done: Callable[[Obj], bool], act: Callable[[], Any]) -> list[Obj]:
    """Every state of the Deployment ``shop`` from an act until ``done``."""
    version = (await ground.found(DEPLOYMENTS))["metadata"]["resourceVersion"]
    seen: list[Obj] = []
    async with ground.watch(DEPLOYMENTS, resourceVersion=version) as events:
        await act()
        while not seen or not done(seen[-1]):
            seen += [event["object"] for event in await events.take(1)]
    return seen


def _complete(found: Obj) -> bool:
    status, wanted = found.get("status", {}), found["spec"]["replicas"]
    counts = ("updatedReplicas", "availableReplicas", "replicas")
    reasons = [one["reason"] for one in status.get("conditions", ())]
    observed = status.get("observedGeneration", 0) >= found["metadata"]["generation"]
    return (
        observed
        and "NewReplicaSetAvailable" in reasons
        and all(status.get(one, 0) == wanted for one in counts)
    )


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
    (rs,) = await _sets(ground)
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
    (rs,) = await _sets(ground)
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
    found = await ground.until(SHOP, _complete, "complete")
    status = dict(found["status"])
    conditions = [
        [
            one["type"],
            one["status"],
            one["reason"],
            one["message"].replace((await _sets(ground))[0]["metadata"]["name"], "RS"),
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

    seen = await _following(ground, _complete, act)
    progress = [word for found in seen for word in _conditions(found) if word.startswith("Progressing")]
    available = [word for found in seen for word in _conditions(found) if word.startswith("Available")]
    return [_in_turn(progress), _in_turn(available)]


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
    await ground.until(SHOP, _complete, "complete")

    async def act() -> None:
        await with_image(ground, SLOW)

    def done(found: Obj) -> bool:
        return found["metadata"]["generation"] > 1 and _complete(found)

    seen = await _following(ground, done, act)
    progress = [word for found in seen for word in _conditions(found) if word.startswith("Progressing")]
    return [_in_turn(progress), _in_turn(found["metadata"]["generation"] for found in seen)]


@THEME.row(["2", [["1", "shop:good-1", 0, 0], ["2", "shop:good-2", 1, 1]]])
async def a_new_version_is_a_new_revision(ground: Ground) -> Any:
    await shop(ground, replicas=1)
    await with_image(ground, BETTER)
    found = await settled(ground)
    sets = [
        [
            rs["metadata"]["annotations"][_REVISION],
            _image(rs),
            rs["spec"]["replicas"],
            rs["status"]["replicas"],
        ]
        for rs in await _sets(ground)
    ]
    return [found["metadata"]["annotations"][_REVISION], sets]


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
    await ground.until(SHOP, lambda found: found["metadata"]["annotations"][_REVISION] == "3", "revision 3")
    notes = [
        {key: rs["metadata"]["annotations"].get(key) for key in (_REVISION, _HISTORY)}
        for rs in await _sets(ground)
    ]
    return [notes, [_image(rs) for rs in await _sets(ground)]]


@THEME.row([["4", "2"], ["5", "1,3"]])
async def back_and_forth_keeps_a_history(ground: Ground) -> Any:
    await shop(ground)
    for number, image in enumerate((BETTER, GOOD, BETTER, GOOD), start=2):
        await with_image(ground, image)
        await ground.until(
            SHOP,
            lambda found, number=number: found["metadata"]["annotations"][_REVISION] == str(number),
            "its revision",
        )
    return [
        [rs["metadata"]["annotations"][_REVISION], rs["metadata"]["annotations"].get(_HISTORY)]
        for rs in await _sets(ground)
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
    (rs,) = await _sets(ground)
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
    return [len(await _sets(ground)), (await _sets(ground))[0]["metadata"]["annotations"][_REVISION]]


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
    await ground.until(SHOP, _complete, "complete")
    await ground.patch(SHOP, {"spec": {"paused": True}})
    said = await with_image(ground, BETTER)
    found = await ground.until(
        SHOP, lambda found: found["status"]["observedGeneration"] == said.meta["generation"], "observed"
    )
    sets = [[_image(rs), rs["spec"]["replicas"]] for rs in await _sets(ground)]
    status = {key: found["status"].get(key) for key in ("replicas", "updatedReplicas", "availableReplicas")}
    await ground.patch(SHOP, {"spec": {"paused": False}})
    resumed = await settled(ground)
    return [
        _conditions(found),
        sets,
        status,
        [_image(rs) for rs in await _sets(ground)],
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
    await ground.until(SHOP, _complete, "complete")

    async def act() -> None:
        await ground.patch(SHOP, {"spec": {"paused": True}})
        await ground.until(SHOP, lambda found: "DeploymentPaused" in str(found["status"]), "it says so")
        await ground.patch(SHOP, {"spec": {"paused": False}})

    seen = await _following(ground, lambda found: "DeploymentResumed" in str(found["status"]), act)
    return _in_turn(word for found in seen for word in _conditions(found) if word.startswith("Progressing"))


@THEME.row([2, ["2"]])
async def a_paused_deployment_can_be_scaled(ground: Ground) -> Any:
    await shop(ground, replicas=1)
    await ground.patch(SHOP, {"spec": {"paused": True}})
    await ground.patch(SHOP, {"spec": {"replicas": 2}})
    found = await ground.until(SHOP, lambda found: found["status"].get("availableReplicas") == 2, "two pods")
    return [
        found["status"]["replicas"],
        [rs["metadata"]["annotations"][_DESIRED] for rs in await _sets(ground)],
    ]


async def _bounds(ground: Ground, surge: Any, missing: Any, replicas: int, image: str = BETTER) -> list[Obj]:
    rolling = {"maxSurge": surge, "maxUnavailable": missing}
    await shop(ground, replicas=replicas, strategy={"type": "RollingUpdate", "rollingUpdate": rolling})
    await ground.until(SHOP, _complete, "complete")

    async def act() -> None:
        await with_image(ground, image)

    return await _following(
        ground, lambda found: found["metadata"]["generation"] > 1 and _complete(found), act
    )


def _counts(found: Obj, name: str) -> int:
    return int(found["status"].get(name, 0))


@THEME.row([4, 3])
async def never_more_than_the_surge(ground: Ground) -> Any:
    seen = await _bounds(ground, 1, 0, 3)
    most, least = (
        max(_counts(one, "replicas") for one in seen),
        min(_counts(one, "availableReplicas") for one in seen),
    )
    return [most, least]


@THEME.row([True, True])
async def never_fewer_than_may_be_missing(ground: Ground) -> Any:
    seen = await _bounds(ground, 0, 1, 3)
    return [
        max(_counts(one, "replicas") for one in seen) <= 3,
        min(_counts(one, "availableReplicas") for one in seen) >= 2,
    ]


@THEME.row("5")
async def a_share_of_the_pods(ground: Ground) -> Any:
    await shop(ground, replicas=3, strategy={"rollingUpdate": {"maxSurge": "34%", "maxUnavailable": "34%"}})
    (rs,) = await _sets(ground)
    return rs["metadata"]["annotations"][_MOST]


@THEME.row([["shop:good-1", 3], ["shop:stuck-1-stuck", 2]])
async def a_version_that_never_becomes_ready_stops_at_the_bounds(ground: Ground) -> Any:
    await shop(ground, replicas=4, strategy={"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 1}})
    await with_image(ground, STUCK)
    await ground.until(
        SHOP,
        lambda found: _counts(found, "updatedReplicas") == 2 and _counts(found, "replicas") == 5,
        "two new pods",
    )
    return [[_image(rs), rs["spec"]["replicas"]] for rs in await _sets(ground)]


async def _too_late(ground: Ground) -> Obj:
    """A Deployment whose second version has run into its deadline."""
    await shop(ground, replicas=1)
    await ground.until(SHOP, _complete, "complete")
    containers = [{"name": "first", "image": ABSENT}]
    spec = {"progressDeadlineSeconds": 1, "template": {"spec": {"containers": containers}}}
    await ground.patch(SHOP, {"spec": spec}, "strategic")
    return await ground.until(
        SHOP, lambda found: "ProgressDeadlineExceeded" in str(found["status"]), "too late"
    )


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
    name = (await _sets(ground))[-1]["metadata"]["name"]
    (told,) = [one for one in found["status"]["conditions"] if one["type"] == "Progressing"]
    return [
        told["status"],
        told["message"].replace(name, "RS"),
        _conditions(found),
        _counts(found, "unavailableReplicas"),
    ]


@THEME.row(["Progressing=False ProgressDeadlineExceeded", "Progressing=True NewReplicaSetAvailable"])
async def a_deadline_stays_until_there_is_progress(ground: Ground) -> Any:
    await _too_late(ground)

    async def act() -> None:
        await with_image(ground, GOOD)

    seen = await _following(ground, _complete, act)
    return _in_turn(word for found in seen for word in _conditions(found) if word.startswith("Progressing"))


@THEME.row(["3", "4"])
async def old_replica_sets_are_cleaned_up(ground: Ground) -> Any:
    await shop(ground, revisionHistoryLimit=1)
    for number in (2, 3, 4):
        await with_image(ground, f"shop:good-{number}")
        await settled(ground)
    await ground.until(REPLICA_SETS, lambda found: len(found["items"]) == 2, "two are left")
    return [rs["metadata"]["annotations"][_REVISION] for rs in await _sets(ground)]


@THEME.row(["2"])
async def without_a_history(ground: Ground) -> Any:
    await shop(ground, revisionHistoryLimit=0)
    await with_image(ground, BETTER)
    await ground.until(
        REPLICA_SETS, lambda found: [_image(rs) for rs in found["items"]] == [BETTER], "one is left"
    )
    return [rs["metadata"]["annotations"][_REVISION] for rs in await _sets(ground)]


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
    return [status, _conditions(found)]


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
    (rs,) = await _sets(ground)
    notes = {key: rs["metadata"]["annotations"][key] for key in (_REVISION, _DESIRED, _MOST)}
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
    return _in_turn(one for one in seen if one[0] in ("ADDED", "DELETED"))


@THEME.row(1)
async def a_pod_that_is_deleted_comes_again(ground: Ground) -> Any:
    await shop(ground, replicas=1)
    (first,) = (await ground.found(PODS))["items"]
    await ground.delete(f"{PODS}/{first['metadata']['name']}")

    def again(found: Obj) -> bool:
        names = [one["metadata"]["name"] for one in found["items"]]
        return len(names) == 1 and names != [first["metadata"]["name"]]

    await ground.until(PODS, again, "another pod")
    return len(await _sets(ground))


@THEME.row([[True], "1"])
async def an_orphan_is_adopted(ground: Ground) -> Any:
    await shop(ground, replicas=1)
    await ground.delete(SHOP, {"propagationPolicy": "Orphan"})
    await ground.until(DEPLOYMENTS, lambda found: not found["items"], "the Deployment is gone")
    made = await shop(ground, replicas=1)
    (rs,) = await _sets(ground)
    return [
        [one["uid"] == made["metadata"]["uid"] for one in rs["metadata"]["ownerReferences"]],
        rs["metadata"]["annotations"][_REVISION],
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
        rs["metadata"]["name"]: f"RS{rs['metadata']['annotations'][_REVISION]}" for rs in await _sets(ground)
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
    (rs,) = await _sets(ground)
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
            _counts(found, "updatedReplicas") > 0 and found["metadata"]["annotations"][_REVISION] == "2"
        ),
        "begun",
    )
    await with_image(ground, BETTER)
    found = await settled(ground)
    return [
        found["metadata"]["annotations"][_REVISION],
        [[_image(rs), rs["spec"]["replicas"]] for rs in await _sets(ground)],
    ]


@THEME.row([["shop:good-1", 5], ["shop:stuck-1-stuck", 4]])
async def scaled_in_the_middle_of_a_rollout(ground: Ground) -> Any:
    await shop(ground, replicas=4, strategy={"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 1}})
    await with_image(ground, STUCK)
    await ground.until(
        SHOP,
        lambda found: _counts(found, "updatedReplicas") == 2 and _counts(found, "replicas") == 5,
        "two new pods",
    )
    await ground.patch(SHOP, {"spec": {"replicas": 8}})
    await ground.until(SHOP, lambda found: _counts(found, "replicas") == 9, "nine pods")
    return [[_image(rs), rs["spec"]["replicas"]] for rs in await _sets(ground)]
