"""Owners and what they own, pods and their grace, namespaces and what is in them."""

from __future__ import annotations

from typing import Any

from conformance.ground import Ground
from conformance.manifests import (
    DEPLOYMENTS,
    MAPS,
    PODS,
    REPLICA_SETS,
    SHOP,
    config,
    pod,
    shop,
)  # fmt: skip
from conformance.table import Theme

THEME = Theme("endings")


@THEME.row([200, "Status", "Success"])
async def what_is_deleted_takes_along_what_it_owns(ground: Ground) -> Any:
    await shop(ground, replicas=1)
    said = await ground.delete(SHOP, {"propagationPolicy": "Background"})
    await ground.until(PODS, lambda found: not found["items"], "the pods are gone")
    await ground.until(REPLICA_SETS, lambda found: not found["items"], "the ReplicaSets are gone")
    return [said.status, said.body.get("kind"), said.body.get("status")]


@THEME.row([200, "Deployment", 1, [None]])
async def orphans_stay(ground: Ground) -> Any:
    await shop(ground, replicas=1)
    said = await ground.delete(SHOP, {"propagationPolicy": "Orphan"})
    await ground.until(DEPLOYMENTS, lambda found: not found["items"], "the Deployment is gone")
    sets = await ground.found(REPLICA_SETS)
    return [
        said.status,
        said.body.get("kind"),
        len(sets["items"]),
        [item["metadata"].get("ownerReferences") for item in sets["items"]],
    ]


@THEME.row([200, "Deployment", ["foregroundDeletion"], True, "MODIFIED", 0])
async def in_the_foreground_the_owner_goes_last(ground: Ground) -> Any:
    await shop(ground, replicas=1)
    version = (await ground.found(DEPLOYMENTS))["metadata"]["resourceVersion"]
    said = await ground.delete(SHOP, {"propagationPolicy": "Foreground"})
    seen = []
    async with ground.watch(DEPLOYMENTS, resourceVersion=version) as events:
        while not seen or seen[-1]["type"] != "DELETED":
            seen += await events.take(1)
    left = await ground.found(REPLICA_SETS)
    return [
        said.status,
        said.body["kind"],
        said.meta.get("finalizers"),
        "deletionTimestamp" in said.meta,
        seen[0]["type"],
        len(left["items"]),
    ]


@THEME.row([200, True, 404])
async def a_finalizer_holds_an_object_back(ground: Ground) -> Any:
    body = config()
    body["metadata"]["finalizers"] = ["example.com/hold"]
    await ground.made(MAPS, body)
    said = await ground.delete(f"{MAPS}/one")
    held = await ground.found(f"{MAPS}/one")
    await ground.patch(f"{MAPS}/one", {"metadata": {"finalizers": None}})
    return [said.status, "deletionTimestamp" in held["metadata"], (await ground.get(f"{MAPS}/one")).status]


@THEME.row([200, "Pod", 7, "MODIFIED", 7])
async def a_pod_ends_after_its_grace(ground: Ground) -> Any:
    await ground.made(PODS, pod())
    found = await ground.until(
        f"{PODS}/alone", lambda found: found["status"].get("phase") == "Running", "it runs"
    )
    version = found["metadata"]["resourceVersion"]
    said = await ground.delete(f"{PODS}/alone", {"gracePeriodSeconds": 7})
    seen = []
    async with ground.watch(PODS, resourceVersion=version) as events:
        while not seen or seen[-1]["type"] != "DELETED":
            seen += await events.take(1)
    ending = next(event for event in seen if "deletionTimestamp" in event["object"]["metadata"])
    grace = ending["object"]["metadata"]["deletionGracePeriodSeconds"]
    return [
        said.status,
        said.body["kind"],
        said.meta.get("deletionGracePeriodSeconds"),
        ending["type"],
        grace,
    ]


@THEME.row(404)
async def a_pod_that_is_deleted_at_once(ground: Ground) -> Any:
    await ground.made(PODS, pod())
    await ground.until(f"{PODS}/alone", lambda found: found["status"].get("phase") == "Running", "it runs")
    await ground.delete(f"{PODS}/alone", {"gracePeriodSeconds": 0})
    return (await ground.get(f"{PODS}/alone")).status


@THEME.row(["422 Invalid", ["spec"]])
async def a_pod_keeps_its_spec(ground: Ground) -> Any:
    await ground.made(PODS, pod())
    said = await ground.patch(f"{PODS}/alone", {"spec": {"restartPolicy": "Never"}})
    return [said.reason, [cause["field"] for cause in said.details["causes"]]]


@THEME.row(
    [
        200,
        "Namespace",
        "Terminating",
        True,
        (
            '403 Forbidden: configmaps "late" is forbidden: unable to create new content in '
            "namespace NS because it is being terminated"
        ),
        {
            "name": "late",
            "kind": "configmaps",
            "causes": [
                {
                    "reason": "NamespaceTerminating",
                    "message": "namespace NS is being terminated",
                    "field": "metadata.namespace",
                }
            ],
        },
    ]
)
async def a_namespace_is_terminating_before_it_goes(ground: Ground) -> Any:
    body = config()
    body["metadata"]["finalizers"] = ["example.com/hold"]
    await ground.made(MAPS, body)
    said = await ground.delete("/api/v1/namespaces/{ns}")
    refused = await ground.post(MAPS, config("late"))
    await ground.patch(f"{MAPS}/one", {"metadata": {"finalizers": None}})
    return [
        said.status,
        said.body["kind"],
        said.body["status"]["phase"],
        "deletionTimestamp" in said.meta,
        refused.said,
        refused.details,
    ]
