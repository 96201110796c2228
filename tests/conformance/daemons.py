"""What becomes of a DaemonSet over time: its counts, its revisions, and how many nodes are without it."""

from __future__ import annotations

from typing import Any

from conformance.ground import Ground, Obj
from conformance.manifests import GOOD, PODS
from conformance.numbered import (
    DAEMON_SETS,
    REVISIONS,
    SLOW,
    SLOWER,
    events,
    first_seen,
    following,
    is_ready,
    numbered,
    numbers,
    pods,
    undo,
    with_image,
)
from conformance.table import Theme

THEME = Theme("daemons")
_AGENT = f"{DAEMON_SETS}/agent"
_COUNTS = ("currentNumberScheduled", "updatedNumberScheduled", "numberReady", "numberAvailable")


def _settled(found: Obj) -> bool:
    """Every node that is to have a pod has one of the newest template, and it is available."""
    status = found.get("status", {})
    wanted = status.get("desiredNumberScheduled", 0)
    observed = status.get("observedGeneration", 0) >= found["metadata"]["generation"]
    return observed and wanted > 0 and all(status.get(one, 0) == wanted for one in _COUNTS)


def _renewed(found: Obj) -> bool:
    return found["metadata"]["generation"] > 1 and _settled(found)


async def _agent(ground: Ground, image: str = GOOD, **spec: Any) -> Obj:
    await ground.made(DAEMON_SETS, numbered("DaemonSet", "agent", image, **spec))
    return await ground.until(_AGENT, _settled, "the set is complete")


async def _update(ground: Ground, **limits: int) -> list[Obj]:
    """Every state from the next version on."""
    await _agent(ground, SLOW, updateStrategy={"type": "RollingUpdate", "rollingUpdate": limits})
    return await following(ground, DAEMON_SETS, lambda: with_image(ground, _AGENT, SLOWER), _renewed)


@THEME.row(
    {
        "currentNumberScheduled": "nodes",
        "desiredNumberScheduled": "nodes",
        "numberAvailable": "nodes",
        "numberMisscheduled": 0,
        "numberReady": "nodes",
        "observedGeneration": 1,
        "updatedNumberScheduled": "nodes",
    }
)
async def the_status_of_a_complete_set(ground: Ground) -> Any:
    found = await _agent(ground)
    nodes = len((await ground.found("/api/v1/nodes"))["items"])
    status = found["status"]
    return {key: "nodes" if value == nodes else value for key, value in sorted(status.items())}


@THEME.row([True, True])
async def one_pod_on_every_node(ground: Ground) -> Any:
    await _agent(ground)
    nodes = {one["metadata"]["name"] for one in (await ground.found("/api/v1/nodes"))["items"]}
    found = [one["spec"]["nodeName"] for one in (await ground.found(PODS))["items"]]
    return [len(found) == len(nodes), set(found) == nodes]


@THEME.row(
    [
        True,
        {"app": "agent", "pod-template-generation": "1"},
        "agent-",
        {
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "name": "agent",
            "uid": True,
            "controller": True,
            "blockOwnerDeletion": True,
        },
        ["metadata.name", True],
        [
            ["node.kubernetes.io/disk-pressure", "Exists", "NoSchedule"],
            ["node.kubernetes.io/memory-pressure", "Exists", "NoSchedule"],
            ["node.kubernetes.io/not-ready", "Exists", "NoExecute"],
            ["node.kubernetes.io/pid-pressure", "Exists", "NoSchedule"],
            ["node.kubernetes.io/unreachable", "Exists", "NoExecute"],
            ["node.kubernetes.io/unschedulable", "Exists", "NoSchedule"],
        ],
    ]
)
async def a_pod_of_it(ground: Ground) -> Any:
    found = await _agent(ground)
    pod, *_ = (await ground.found(PODS))["items"]
    (revision,) = (await ground.found(REVISIONS))["items"]
    labels, spec = pod["metadata"]["labels"], pod["spec"]
    (owner,) = pod["metadata"]["ownerReferences"]
    (term,) = spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][
        "nodeSelectorTerms"
    ]
    added = {(one["key"], one["operator"], one["effect"]) for one in spec["tolerations"]}
    return [
        labels.pop("controller-revision-hash") == revision["metadata"]["labels"]["controller-revision-hash"],
        labels,
        pod["metadata"]["generateName"],
        {**owner, "uid": owner["uid"] == found["metadata"]["uid"]},
        [term["matchFields"][0]["key"], term["matchFields"][0]["values"] == [spec["nodeName"]]],
        sorted(added),
    ]


@THEME.row(
    [
        True,
        {"app": "agent"},
        {"deprecated.daemonset.template.generation": "1"},
        1,
        [["spec"], ["template"], "replace"],
        True,
        {"app": "agent"},
    ]
)
async def its_revision(ground: Ground) -> Any:
    found = await _agent(ground)
    (revision,) = (await ground.found(REVISIONS))["items"]
    meta, template = revision["metadata"], revision["data"]["spec"]["template"]
    digest = meta["labels"].pop("controller-revision-hash")
    return [
        meta["name"] == f"agent-{digest}",
        meta["labels"],
        meta["annotations"],
        revision["revision"],
        [list(revision["data"]), list(revision["data"]["spec"]), template["$patch"]],
        template["spec"] == found["spec"]["template"]["spec"],
        template["metadata"]["labels"],
    ]


@THEME.row([{"deprecated.daemonset.template.generation": "2"}, 3])
async def templates_are_counted_in_an_annotation(ground: Ground) -> Any:
    await _agent(ground)
    await ground.patch(_AGENT, {"spec": {"minReadySeconds": 1}})
    await with_image(ground, _AGENT, "shop:good-2")
    await ground.patch(
        _AGENT, {"metadata": {"annotations": {"deprecated.daemonset.template.generation": "9"}}}
    )
    found = await ground.found(_AGENT)
    return [found["metadata"]["annotations"], found["metadata"]["generation"]]


@THEME.row([[3, 0, 1, 2], [0, 1], [3]])
async def the_status_of_an_update_in_turn(ground: Ground) -> Any:
    seen = await _update(ground, maxUnavailable=1)
    return [
        first_seen(one["status"].get("updatedNumberScheduled", 0) for one in seen),
        sorted({one["status"].get("numberUnavailable", 0) for one in seen}),
        sorted({one["status"]["desiredNumberScheduled"] for one in seen}),
    ]


@THEME.row(2)
async def two_nodes_at_a_time(ground: Ground) -> Any:
    seen = await _update(ground, maxUnavailable=2)
    return max(one["status"].get("numberUnavailable", 0) for one in seen)


@THEME.row([3, 4])
async def with_surge_no_node_is_without(ground: Ground) -> Any:
    limits = {"maxUnavailable": 0, "maxSurge": 1}
    await _agent(ground, SLOW, updateStrategy={"type": "RollingUpdate", "rollingUpdate": limits})
    standing = dict.fromkeys(await pods(ground), True)
    gone: set[str] = set()

    def last(pod: Obj) -> bool:
        gone.update([pod["metadata"]["name"]] if pod["event"] == "DELETED" else [])
        return len(gone) == len(standing)

    seen = await following(ground, PODS, lambda: with_image(ground, _AGENT, SLOWER), last)
    ready: list[int] = []
    for pod in seen:
        standing[pod["metadata"]["name"]] = is_ready(pod) and "deletionTimestamp" not in pod["metadata"]
        ready.append(sum(standing.values()))
    return [min(ready), max(ready)]


@THEME.row([["shop:good-1", "shop:good-1", "shop:good-1"], ["shop:good-1", "shop:good-1", "shop:good-2"], 0])
async def on_delete_nothing_moves_by_itself(ground: Ground) -> Any:
    await _agent(ground, updateStrategy={"type": "OnDelete"})
    await with_image(ground, _AGENT, "shop:good-2")
    await ground.until(_AGENT, lambda found: found["status"]["observedGeneration"] == 2, "it is observed")
    before = sorted((await pods(ground)).values())
    await ground.delete(f"{PODS}/{next(iter(await pods(ground)))}")
    found = await ground.until(
        _AGENT,
        lambda one: (one["status"].get("updatedNumberScheduled"), one["status"]["numberReady"]) == (1, 3),
        "it is counted",
    )
    return [before, sorted((await pods(ground)).values()), found["status"].get("numberUnavailable", 0)]


@THEME.row(
    [
        [["shop:good-1", 1], ["shop:good-2", 2], ["shop:good-3", 3]],
        [["shop:good-2", 2], ["shop:good-3", 3], ["shop:good-1", 4]],
    ]
)
async def going_back_gives_the_old_revision_a_new_number(ground: Ground) -> Any:
    await _agent(ground)
    for image in ("shop:good-2", "shop:good-3"):
        await with_image(ground, _AGENT, image)
        await ground.until(_AGENT, _settled, "the next version is complete")
    before = await numbers(ground)
    await undo(ground, _AGENT, GOOD)
    await ground.until(
        _AGENT, lambda found: found["metadata"]["generation"] == 4 and _settled(found), "it is back"
    )
    return [list(before.items()), list((await numbers(ground)).items())]


@THEME.row([["shop:good-3", 3], ["shop:good-4", 4]])
async def the_history_is_limited(ground: Ground) -> Any:
    await _agent(ground, revisionHistoryLimit=1)
    for image in ("shop:good-2", "shop:good-3", "shop:good-4"):
        await with_image(ground, _AGENT, image)
        await ground.until(_AGENT, _settled, "the next version is complete")
    await ground.until(REVISIONS, lambda found: len(found["items"]) == 2, "the oldest are gone")
    return list((await numbers(ground)).items())


@THEME.row(
    [
        ["shop:absent-1-image-pull", "shop:good-1", "shop:good-1"],
        ["shop:good-1", "shop:good-1", "shop:good-1"],
    ]
)
async def a_broken_version_stops_at_the_first_node_and_going_back_frees_it(ground: Ground) -> Any:
    await _agent(ground)
    await with_image(ground, _AGENT, "shop:absent-1-image-pull")
    await ground.until(
        _AGENT,
        lambda one: (one["status"].get("updatedNumberScheduled"), one["status"]["numberReady"]) == (1, 2),
        "one is broken",
    )
    broken = sorted((await pods(ground)).values())
    await undo(ground, _AGENT, GOOD)
    await ground.until(
        _AGENT, lambda found: found["metadata"]["generation"] == 3 and _settled(found), "it is back"
    )
    return [broken, sorted((await pods(ground)).values())]


@THEME.row(200)
async def what_is_deleted_takes_along_its_pods_and_revisions(ground: Ground) -> Any:
    await _agent(ground)
    said = await ground.delete(_AGENT, {"propagationPolicy": "Background"})
    await ground.until(PODS, lambda found: not found["items"], "the pods are gone")
    await ground.until(REVISIONS, lambda found: not found["items"], "the revisions are gone")
    return said.status


@THEME.row(
    [
        ["Created pod: POD", "Created pod: POD", "Created pod: POD"],
        [["Normal", "SuccessfulCreate", "daemonset-controller"]],
    ]
)
async def events_of_a_creation(ground: Ground) -> Any:
    await _agent(ground)
    names = list(await pods(ground))
    found = await events(ground, "DaemonSet", lambda said: len(said) == len(names))
    said = sorted(
        one["message"].replace(name, "POD") for one in found for name in names if name in one["message"]
    )
    return [said, sorted({(one["type"], one["reason"], one["source"]["component"]) for one in found})]
