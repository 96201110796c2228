"""What becomes of a StatefulSet over time: order, revisions, and the pod on which it gets stuck."""

from __future__ import annotations

from typing import Any

from conformance.ground import Ground, Obj
from conformance.manifests import GOOD, PODS
from conformance.numbered import (
    REVISIONS,
    SLOW,
    SLOWER,
    STATEFUL_SETS,
    events,
    first_seen,
    following,
    in_turn,
    is_ready,
    numbered,
    numbers,
    pods,
    undo,
    with_image,
)
from conformance.table import Theme

THEME = Theme("ordered")
_DB = f"{STATEFUL_SETS}/db"
_BROKEN = "shop:absent-1-image-pull"
_PARTED = {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}


def _settled(found: Obj) -> bool:
    """Every pod is of the newest revision and ready."""
    status, wanted = found.get("status", {}), found["spec"]["replicas"]
    counts = ("replicas", "readyReplicas", "availableReplicas", "updatedReplicas", "currentReplicas")
    observed = status.get("observedGeneration", 0) >= found["metadata"]["generation"]
    done = status.get("currentRevision") == status.get("updateRevision")
    return observed and done and all(status.get(one, 0) == wanted for one in counts)


async def _db(ground: Ground, image: str = GOOD, replicas: int = 2, **spec: Any) -> Obj:
    await ground.made(STATEFUL_SETS, numbered("StatefulSet", "db", image, replicas=replicas, **spec))
    return await ground.until(_DB, _settled, "the set is complete")


async def _broken(ground: Ground, **spec: Any) -> None:
    """Deploys a version that never starts, and waits until its first pod does not."""
    await _db(ground, **spec)
    await with_image(ground, _DB, _BROKEN)
    await ground.until(f"{PODS}/db-1", _waits, "db-1 cannot start")


def _waits(found: Obj) -> bool:
    if found.get("kind") != "Pod":
        return False
    statuses = found.get("status", {}).get("containerStatuses", ())
    reasons = [one["state"].get("waiting", {}).get("reason") for one in statuses]
    return reasons in (["ErrImagePull"], ["ImagePullBackOff"])


def _facts(found: Obj) -> tuple[bool, int, int]:
    status = found["status"]
    same = status.get("currentRevision") == status.get("updateRevision")
    return same, status.get("updatedReplicas", 0), status.get("readyReplicas", 0)


async def _update_facts(ground: Ground, **spec: Any) -> list[Obj]:
    """Every state from the next version on."""
    await _db(ground, SLOW, **spec)
    return await following(
        ground,
        STATEFUL_SETS,
        lambda: with_image(ground, _DB, SLOWER),
        lambda found: found["metadata"]["generation"] > 1 and _settled(found),
    )


@THEME.row(
    [["db-0", False], ["db-0", True], ["db-1", False], ["db-1", True], ["db-2", False], ["db-2", True]]
)
async def one_pod_after_the_other(ground: Ground) -> Any:
    async def act() -> None:
        await _db(ground, SLOW, 3)

    seen = await following(ground, PODS, act, lambda pod: pod["metadata"]["name"] == "db-2" and is_ready(pod))
    return in_turn(
        [one["metadata"]["name"], is_ready(one)] for one in seen if one["event"] == "ADDED" or is_ready(one)
    )


@THEME.row([0, ["db-0", "db-1", "db-2"]])
async def in_parallel_all_at_once(ground: Ground) -> Any:
    async def act() -> None:
        await ground.made(
            STATEFUL_SETS,
            numbered("StatefulSet", "db", "shop:stuck-1-stuck", replicas=3, podManagementPolicy="Parallel"),
        )

    seen = await following(
        ground, STATEFUL_SETS, act, lambda found: found["status"].get("updatedReplicas") == 3
    )
    return [seen[-1]["status"].get("readyReplicas", 0), sorted(await pods(ground))]


@THEME.row(
    [
        True,
        {
            "observedGeneration": 1,
            "replicas": 2,
            "readyReplicas": 2,
            "currentReplicas": 2,
            "updatedReplicas": 2,
            "collisionCount": 0,
            "availableReplicas": 2,
        },
    ]
)
async def the_status_of_a_complete_set(ground: Ground) -> Any:
    status = (await _db(ground))["status"]
    same = status.pop("currentRevision") == status.pop("updateRevision")
    return [same, status]


@THEME.row(
    [
        True,
        {"app": "db", "apps.kubernetes.io/pod-index": "1", "statefulset.kubernetes.io/pod-name": "db-1"},
        "db-",
        ["db-1", "db"],
        {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "name": "db",
            "uid": True,
            "controller": True,
            "blockOwnerDeletion": True,
        },
    ]
)
async def a_pod_of_it(ground: Ground) -> Any:
    found = await _db(ground)
    pod = await ground.found(f"{PODS}/db-1")
    labels = pod["metadata"]["labels"]
    (owner,) = pod["metadata"]["ownerReferences"]
    return [
        labels.pop("controller-revision-hash") == found["status"]["updateRevision"],
        labels,
        pod["metadata"]["generateName"],
        [pod["spec"].get(one) for one in ("hostname", "subdomain")],
        {**owner, "uid": owner["uid"] == found["metadata"]["uid"]},
    ]


@THEME.row(
    [
        True,
        {"app": "db"},
        None,
        {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "name": "db",
            "uid": True,
            "controller": True,
            "blockOwnerDeletion": True,
        },
        1,
        [["spec"], ["template"], "replace"],
        True,
        {"app": "db"},
    ]
)
async def its_revision(ground: Ground) -> Any:
    found = await _db(ground)
    (revision,) = (await ground.found(REVISIONS))["items"]
    meta, template = revision["metadata"], revision["data"]["spec"]["template"]
    (owner,) = meta["ownerReferences"]
    digest = meta["labels"].pop("controller.kubernetes.io/hash")
    return [
        meta["name"] == f"db-{digest}" == found["status"]["updateRevision"],
        meta["labels"],
        meta.get("annotations"),
        {**owner, "uid": owner["uid"] == found["metadata"]["uid"]},
        revision["revision"],
        [list(revision["data"]), list(revision["data"]["spec"]), template["$patch"]],
        template["spec"] == found["spec"]["template"]["spec"],
        template["metadata"]["labels"],
    ]


@THEME.row(
    [
        ["DELETED", "db-2"],
        ["ADDED", "db-2"],
        ["DELETED", "db-1"],
        ["ADDED", "db-1"],
        ["DELETED", "db-0"],
        ["ADDED", "db-0"],
    ]
)
async def an_update_from_the_highest_number(ground: Ground) -> Any:
    await _db(ground, SLOW, 3)
    seen = await following(
        ground,
        PODS,
        lambda: with_image(ground, _DB, SLOWER),
        lambda pod: pod["metadata"]["name"] == "db-0" and pod["event"] == "ADDED",
    )
    return first_seen((one["event"], one["metadata"]["name"]) for one in seen if one["event"] != "MODIFIED")


@THEME.row([[True, 2, 2], [False, 0, 2], [False, 0, 1], [False, 1, 1], [False, 1, 2], [False, 2, 1]])
async def the_status_of_an_update_in_turn(ground: Ground) -> Any:
    return first_seen(map(_facts, await _update_facts(ground)))


@THEME.row([[2, 1, 0], [2, 1], 2, 2])
async def what_is_current_during_an_update(ground: Ground) -> Any:
    seen = await _update_facts(ground)
    return [
        first_seen(one["status"].get("currentReplicas", 0) for one in seen),
        first_seen(one["status"]["replicas"] for one in seen),
        len(first_seen(one["status"]["updateRevision"] for one in seen)),
        seen[-1]["status"]["observedGeneration"],
    ]


@THEME.row([{"db-0": "shop:good-1", "db-1": "shop:good-2", "db-2": "shop:good-2"}, 1])
async def a_partition_is_respected(ground: Ground) -> Any:
    await _db(ground, replicas=3, updateStrategy=_PARTED)
    await with_image(ground, _DB, "shop:good-2")
    found = await ground.until(_DB, lambda one: _facts(one) == (False, 2, 3), "the upper part is updated")
    return [await pods(ground), found["status"]["currentReplicas"]]


@THEME.row({"db-0": "shop:good-1", "db-1": "shop:good-2"})
async def below_a_partition_the_old_version_comes_back(ground: Ground) -> Any:
    await _db(ground, replicas=2, updateStrategy=_PARTED)
    await with_image(ground, _DB, "shop:good-2")
    await ground.until(_DB, lambda one: _facts(one) == (False, 1, 2), "the upper part is updated")
    uid = (await ground.found(f"{PODS}/db-0"))["metadata"]["uid"]
    await ground.delete(f"{PODS}/db-0")
    await ground.until(f"{PODS}/db-0", lambda pod: _other(pod, uid) and is_ready(pod), "it is back")
    return await pods(ground)


def _other(found: Obj, uid: str) -> bool:
    return found.get("metadata", {}).get("uid") not in (None, uid)


@THEME.row(
    [{"db-0": "shop:good-1", "db-1": "shop:good-1"}, {"db-0": "shop:good-2", "db-1": "shop:good-1"}, 1]
)
async def on_delete_nothing_moves_by_itself(ground: Ground) -> Any:
    await _db(ground, updateStrategy={"type": "OnDelete"})
    await with_image(ground, _DB, "shop:good-2")
    await ground.until(_DB, lambda one: one["status"]["observedGeneration"] == 2, "it is observed")
    uid = (await ground.found(f"{PODS}/db-0"))["metadata"]["uid"]
    before = await pods(ground)
    await ground.delete(f"{PODS}/db-0")
    await ground.until(f"{PODS}/db-0", lambda pod: _other(pod, uid) and is_ready(pod), "it is back")
    found = await ground.until(_DB, lambda one: _facts(one) == (False, 1, 2), "it is counted")
    return [before, await pods(ground), found["status"]["currentReplicas"]]


@THEME.row(
    [
        [["shop:good-1", 1], ["shop:good-2", 2], ["shop:good-3", 3]],
        [["shop:good-2", 2], ["shop:good-3", 3], ["shop:good-1", 4]],
    ]
)
async def going_back_gives_the_old_revision_a_new_number(ground: Ground) -> Any:
    await _db(ground)
    for image in ("shop:good-2", "shop:good-3"):
        await with_image(ground, _DB, image)
        await ground.until(_DB, _settled, "the next version is complete")
    before = await numbers(ground)
    await undo(ground, _DB, GOOD)
    await ground.until(
        _DB, lambda found: found["metadata"]["generation"] == 4 and _settled(found), "it is back"
    )
    return [list(before.items()), list((await numbers(ground)).items())]


@THEME.row([["shop:good-3", 3], ["shop:good-4", 4]])
async def the_history_is_limited(ground: Ground) -> Any:
    await _db(ground, revisionHistoryLimit=1)
    for image in ("shop:good-2", "shop:good-3", "shop:good-4"):
        await with_image(ground, _DB, image)
        await ground.until(_DB, _settled, "the next version is complete")
    await ground.until(REVISIONS, lambda found: len(found["items"]) == 2, "the oldest are gone")
    return list((await numbers(ground)).items())


@THEME.row([{"db-0": "shop:good-1", "db-1": "shop:absent-1-image-pull"}, 1])
async def a_broken_pod_stops_the_update(ground: Ground) -> Any:
    await _broken(ground)
    found = await ground.until(_DB, lambda one: _facts(one) == (False, 1, 1), "one pod is broken")
    return [await pods(ground), found["status"].get("currentReplicas")]


@THEME.row(
    [
        [True, 1, 1],
        {"db-0": "shop:good-1", "db-1": "shop:absent-1-image-pull"},
        {"db-0": "shop:good-1", "db-1": "shop:good-1"},
    ]
)
async def going_back_does_not_free_a_broken_pod(ground: Ground) -> Any:
    await _broken(ground)
    await undo(ground, _DB, GOOD)
    stuck = await ground.until(_DB, lambda one: one["status"]["observedGeneration"] == 3, "it is observed")
    found = await pods(ground)
    await ground.delete(f"{PODS}/db-1")
    await ground.until(_DB, _settled, "it is complete")
    return [_facts(stuck), found, await pods(ground)]


@THEME.row({"db-0": "shop:good-1", "db-1": "shop:good-1"})
async def in_parallel_going_back_frees_it(ground: Ground) -> Any:
    await _broken(ground, podManagementPolicy="Parallel")
    await undo(ground, _DB, GOOD)
    await ground.until(
        _DB, lambda found: found["metadata"]["generation"] == 3 and _settled(found), "it is back"
    )
    return await pods(ground)


@THEME.row(["db-2", "db-1"])
async def the_highest_number_goes_first(ground: Ground) -> Any:
    await _db(ground, replicas=3)
    seen = await following(
        ground,
        PODS,
        lambda: ground.patch(_DB, {"spec": {"replicas": 1}}),
        lambda pod: pod["event"] == "DELETED" and pod["metadata"]["name"] == "db-1",
    )
    return first_seen(one["metadata"]["name"] for one in seen if one["event"] == "DELETED")


@THEME.row(200)
async def what_is_deleted_takes_along_its_pods_and_revisions(ground: Ground) -> Any:
    await _db(ground)
    said = await ground.delete(_DB, {"propagationPolicy": "Background"})
    await ground.until(PODS, lambda found: not found["items"], "the pods are gone")
    await ground.until(REVISIONS, lambda found: not found["items"], "the revisions are gone")
    return said.status


@THEME.row(
    [
        [
            "Normal",
            "SuccessfulCreate",
            "Create Pod db-0 in StatefulSet db successful",
            "statefulset-controller",
        ],
        [
            "Normal",
            "SuccessfulDelete",
            "Delete Pod db-0 in StatefulSet db successful",
            "statefulset-controller",
        ],
    ]
)
async def events_of_an_update(ground: Ground) -> Any:
    await _db(ground, replicas=1)
    await with_image(ground, _DB, "shop:good-2")
    await ground.until(
        _DB, lambda found: found["metadata"]["generation"] == 2 and _settled(found), "it is complete"
    )
    found = await events(ground, "StatefulSet", lambda said: len({one["reason"] for one in said}) == 2)
    return sorted({(one["type"], one["reason"], one["message"], one["source"]["component"]) for one in found})
