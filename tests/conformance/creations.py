"""New objects: names, what is filled in, and what a client may not set."""

from __future__ import annotations

from typing import Any

from conformance.ground import Ground, Obj
from conformance.manifests import (
    DEPLOYMENTS,
    MAPS,
    PODS,
    config,
    deployment,
    maps,
    pod,
)  # fmt: skip
from conformance.table import Theme

THEME = Theme("creations")
_GHOST = "00000000-0000-4000-8000-000000000000"


def _without(body: Obj, *path: str) -> Obj:
    """The manifest without a field."""
    inner = body
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return body


def _but(body: Obj, value: Any, *path: str) -> Obj:
    """The manifest with another value for a field."""
    inner = body
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return body


@THEME.row(['409 AlreadyExists: configmaps "one" already exists', {"name": "one", "kind": "configmaps"}])
async def the_name_is_taken(ground: Ground) -> Any:
    await maps(ground, "one")
    said = await ground.post(MAPS, config())
    return [said.said, said.details]


@THEME.row(["some-", "some-"])
async def a_generated_name(ground: Ground) -> Any:
    body = _but(_without(config(), "metadata", "name"), "some-", "metadata", "generateName")
    made = await ground.made(MAPS, body)
    return [made["metadata"]["name"][:-5], made["metadata"]["generateName"]]


@THEME.row(
    [
        {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "shop"}},
            "template": {
                "metadata": {"labels": {"app": "shop"}},
                "spec": {
                    "containers": [
                        {
                            "name": "first",
                            "image": "shop:good-1",
                            "resources": {},
                            "terminationMessagePath": "/dev/termination-log",
                            "terminationMessagePolicy": "File",
                            "imagePullPolicy": "IfNotPresent",
                        }
                    ],
                    "restartPolicy": "Always",
                    "terminationGracePeriodSeconds": 1,
                    "dnsPolicy": "ClusterFirst",
                    "securityContext": {},
                    "schedulerName": "default-scheduler",
                },
            },
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"},
            },
            "revisionHistoryLimit": 10,
            "paused": True,
            "progressDeadlineSeconds": 600,
        },
        {},
        ["creationTimestamp", "generation", "labels", "name", "namespace", "resourceVersion", "uid"],
        1,
    ]
)
async def what_is_filled_in_for_a_deployment(ground: Ground) -> Any:
    made = await ground.made(DEPLOYMENTS, deployment(replicas=None, paused=True))
    del made["metadata"]["managedFields"]
    return [made["spec"], made["status"], sorted(made["metadata"]), made["metadata"]["generation"]]


@THEME.row(
    [
        {
            "containers": [
                {
                    "name": "first",
                    "image": "shop:good-1",
                    "resources": {},
                    "terminationMessagePath": "/dev/termination-log",
                    "terminationMessagePolicy": "File",
                    "imagePullPolicy": "IfNotPresent",
                }
            ],
            "restartPolicy": "Always",
            "dnsPolicy": "ClusterFirst",
            "schedulerName": "default-scheduler",
            "terminationGracePeriodSeconds": 1,
            "enableServiceLinks": True,
            "securityContext": {},
        },
        "Pending",
        "BestEffort",
    ]
)
async def what_is_filled_in_for_a_pod(ground: Ground) -> Any:
    made = await ground.made(PODS, pod())
    known = ("containers", "restartPolicy", "dnsPolicy", "schedulerName", "terminationGracePeriodSeconds")
    spec = {key: made["spec"].get(key) for key in (*known, "enableServiceLinks", "securityContext")}
    return [spec, made["status"]["phase"], made["status"]["qosClass"]]


@THEME.row([False, 1, False, {}])
async def what_a_client_may_not_set(ground: Ground) -> Any:
    body = deployment()
    body["metadata"] |= {"uid": _GHOST, "generation": 7, "creationTimestamp": "2001-01-01T00:00:00Z"}
    body["status"] = {"replicas": 5}
    made = await ground.made(DEPLOYMENTS, body)
    meta = made["metadata"]
    return [
        meta["uid"] == _GHOST,
        meta["generation"],
        meta["creationTimestamp"][:4] == "2001",
        made["status"],
    ]


@THEME.row("500 Failure: resourceVersion should not be set on objects to be created")
async def create_with_a_version(ground: Ground) -> Any:
    return (await ground.post(MAPS, _but(config(), "5", "metadata", "resourceVersion"))).said
