"""What the server says of itself, and of a few objects that every cluster holds."""

from __future__ import annotations

import json
from typing import Any

from conformance.ground import Ground, Obj
from conformance.manifests import DEPLOYMENTS, MAPS, config, deployment
from conformance.table import Theme

THEME = Theme("documents")
_SECRETS = "/api/v1/namespaces/{ns}/secrets"
_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


@THEME.row(["APIVersions", ["v1"], ["kind", "serverAddressByClientCIDRs", "versions"]])
async def the_versions_of_the_core_group(ground: Ground) -> Any:
    said = await ground.get("/api")
    return [said.body["kind"], said.body["versions"], sorted(said.body)]


@THEME.row(
    [
        "APIGroupList",
        "v1",
        {
            "apps": "apps/v1",
            "batch": "batch/v1",
            "autoscaling": "autoscaling/v2",
            "policy": "policy/v1",
            "networking.k8s.io": "networking.k8s.io/v1",
            "discovery.k8s.io": "discovery.k8s.io/v1",
            "events.k8s.io": "events.k8s.io/v1",
        },
    ]
)
async def the_groups(ground: Ground) -> Any:
    said = await ground.get("/apis")
    listed = {one["name"]: one["preferredVersion"]["groupVersion"] for one in said.body["groups"]}
    known = (
        "apps",
        "batch",
        "autoscaling",
        "policy",
        "networking.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
    )
    return [said.body["kind"], said.body["apiVersion"], {name: listed.get(name) for name in known}]


@THEME.row(
    {
        "kind": "APIGroup",
        "apiVersion": "v1",
        "name": "apps",
        "versions": [{"groupVersion": "apps/v1", "version": "v1"}],
        "preferredVersion": {"groupVersion": "apps/v1", "version": "v1"},
    }
)
async def one_group(ground: Ground) -> Any:
    return (await ground.get("/apis/apps")).body


@THEME.row(
    [
        "APIResourceList",
        "apps/v1",
        {
            "controllerrevisions": [
                "ControllerRevision",
                True,
                "controllerrevision",
                None,
                None,
                None,
                "create delete deletecollection get list patch update watch",
            ],
            "daemonsets": [
                "DaemonSet",
                True,
                "daemonset",
                ["ds"],
                ["all"],
                None,
                "create delete deletecollection get list patch update watch",
            ],
            "daemonsets/status": ["DaemonSet", True, "", None, None, None, "get patch update"],
            "deployments": [
                "Deployment",
                True,
                "deployment",
                ["deploy"],
                ["all"],
                None,
                "create delete deletecollection get list patch update watch",
            ],
            "deployments/scale": ["Scale", True, "", None, None, "autoscaling", "get patch update"],
            "deployments/status": ["Deployment", True, "", None, None, None, "get patch update"],
            "replicasets": [
                "ReplicaSet",
                True,
                "replicaset",
                ["rs"],
                ["all"],
                None,
                "create delete deletecollection get list patch update watch",
            ],
            "replicasets/scale": ["Scale", True, "", None, None, "autoscaling", "get patch update"],
            "replicasets/status": ["ReplicaSet", True, "", None, None, None, "get patch update"],
            "statefulsets": [
                "StatefulSet",
                True,
                "statefulset",
                ["sts"],
                ["all"],
                None,
                "create delete deletecollection get list patch update watch",
            ],
            "statefulsets/scale": ["Scale", True, "", None, None, "autoscaling", "get patch update"],
            "statefulsets/status": ["StatefulSet", True, "", None, None, None, "get patch update"],
        },
    ]
)
async def the_resources_of_apps(ground: Ground) -> Any:
    said = await ground.get("/apis/apps/v1")
    return [
        said.body["kind"], said.body["groupVersion"],
        {
            one["name"]: [
                one["kind"], one["namespaced"], one.get("singularName"), one.get("shortNames"), one.get("categories"),
                one.get("group"), " ".join(sorted(one["verbs"])),
            ]
            for one in said.body["resources"]
        },
    ]  # fmt: skip


@THEME.row(
    {
        "pods": ["Pod", True, ["po"], ["all"], "create delete deletecollection get list patch update watch"],
        "pods/log": ["Pod", True, None, None, "get"],
        "pods/status": ["Pod", True, None, None, "get patch update"],
        "pods/eviction": ["Eviction", True, None, None, "create"],
        "services": [
            "Service",
            True,
            ["svc"],
            ["all"],
            "create delete deletecollection get list patch update watch",
        ],
        "configmaps": [
            "ConfigMap",
            True,
            ["cm"],
            None,
            "create delete deletecollection get list patch update watch",
        ],
        "namespaces": ["Namespace", False, ["ns"], None, "create delete get list patch update watch"],
        "events": ["Event", True, ["ev"], None, "create delete deletecollection get list patch update watch"],
        "secrets": ["Secret", True, None, None, "create delete deletecollection get list patch update watch"],
        "nodes": ["Node", False, ["no"], None, "create delete deletecollection get list patch update watch"],
    }
)
async def resources_of_the_core_group(ground: Ground) -> Any:
    said = await ground.get("/api/v1")
    listed = {one["name"]: one for one in said.body["resources"]}
    known = (
        "pods",
        "pods/log",
        "pods/status",
        "pods/eviction",
        "services",
        "configmaps",
        "namespaces",
        "events",
        "secrets",
        "nodes",
    )
    return {
        name: [
            listed[name]["kind"], listed[name]["namespaced"], listed[name].get("shortNames"),
            listed[name].get("categories"), " ".join(sorted(listed[name]["verbs"])),
        ]
        for name in known
    }  # fmt: skip


@THEME.row(
    [
        "APIGroupDiscoveryList",
        "apidiscovery.k8s.io/v2",
        "Current",
        {
            "resource": "deployments",
            "responseKind": {"group": "", "version": "", "kind": "Deployment"},
            "scope": "Namespaced",
            "singularResource": "deployment",
            "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
            "shortNames": ["deploy"],
            "categories": ["all"],
            "subresources": [["scale", ["get", "patch", "update"]], ["status", ["get", "patch", "update"]]],
        },
    ]
)
async def aggregated_discovery(ground: Ground) -> Any:
    said = await ground.get("/apis", accept=f"{_AGGREGATED},application/json")
    (apps,) = [item for item in said.body["items"] if item["metadata"]["name"] == "apps"]
    (found,) = [one for one in apps["versions"][0]["resources"] if one["resource"] == "deployments"]
    found["verbs"] = sorted(found["verbs"])
    found["subresources"] = sorted(
        (one["subresource"], sorted(one["verbs"])) for one in found["subresources"]
    )
    return [said.body["kind"], said.body["apiVersion"], apps["versions"][0]["freshness"], found]


@THEME.row(
    [
        200,
        "1",
        [
            "buildDate",
            "compiler",
            "gitCommit",
            "gitTreeState",
            "gitVersion",
            "goVersion",
            "major",
            "minor",
            "platform",
        ],
    ]
)
async def the_version(ground: Ground) -> Any:
    said = await ground.get("/version")
    kept = (
        "buildDate",
        "compiler",
        "gitCommit",
        "gitTreeState",
        "gitVersion",
        "goVersion",
        "major",
        "minor",
        "platform",
    )
    return [said.status, said.body["major"], [key for key in kept if key in said.body]]


async def _openapi(ground: Ground, path: str) -> Obj:
    """A document, whatever media type it is said to be of."""
    said = await ground.get(path)
    return dict(json.loads(said.body) if isinstance(said.body, str) else said.body)


@THEME.row([["paths"], [True, True, True, True]])
async def the_openapi_index(ground: Ground) -> Any:
    body = await _openapi(ground, "/openapi/v3")
    known = ("api/v1", "apis/apps/v1", "apis/batch/v1", "apis/autoscaling/v2")
    return [sorted(body), [name in body["paths"] for name in known]]


@THEME.row(["3.0.0", True, True])
async def the_openapi_document_of_apps(ground: Ground) -> Any:
    index = await _openapi(ground, "/openapi/v3")
    body = await _openapi(ground, index["paths"]["apis/apps/v1"]["serverRelativeURL"].partition("?")[0])
    path = body["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]
    kind = {"group": "apps", "kind": "Deployment", "version": "v1"}
    parameters = [one["name"] for one in path["patch"].get("parameters", ())]
    return [
        body["openapi"],
        path["patch"]["x-kubernetes-group-version-kind"] == kind,
        "fieldValidation" in parameters,
    ]


@THEME.row([201, '299 - "unknown field \\"spec.replica\\""', False])
async def an_unknown_field_is_warned_of(ground: Ground) -> Any:
    body = deployment()
    body["spec"]["replica"] = 1
    said = await ground.post(DEPLOYMENTS, body)
    return [said.status, said.headers.get("warning"), "replica" in said.body["spec"]]


@THEME.row([{"finalizers": ["kubernetes"]}, {"phase": "Active"}, {"kubernetes.io/metadata.name": True}])
async def a_namespace(ground: Ground) -> Any:
    found = await ground.found("/api/v1/namespaces/{ns}")
    labels = {key: text == ground.namespace for key, text in found["metadata"]["labels"].items()}
    return [found["spec"], found["status"], labels]


@THEME.row(
    [
        {
            "reason": "Told",
            "message": "a word",
            "type": "Normal",
            "count": 2,
            "source": {"component": "tester"},
            "firstTimestamp": "2026-01-01T00:00:00Z",
        },
        {
            "reason": "Told",
            "note": "a word",
            "type": "Normal",
            "deprecatedCount": 2,
            "deprecatedSource": {"component": "tester"},
            "deprecatedLastTimestamp": "2026-01-01T00:00:01Z",
        },
        "EventList",
        "events.k8s.io/v1",
        True,
    ]
)
async def an_event_in_both_its_faces(ground: Ground) -> Any:
    body = {
        "metadata": {"name": "told"}, "reason": "Told", "message": "a word", "type": "Normal", "count": 2,
        "involvedObject": {"kind": "ConfigMap", "name": "one", "namespace": ground.namespace},
        "source": {"component": "tester"},
        "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:00:01Z",
    }  # fmt: skip
    await ground.made("/api/v1/namespaces/{ns}/events", body)
    core = await ground.get(
        "/api/v1/namespaces/{ns}/events", fieldSelector="involvedObject.name=one,reason=Told"
    )
    new = await ground.get(
        "/apis/events.k8s.io/v1/namespaces/{ns}/events", fieldSelector="regarding.name=one"
    )
    old_face, new_face = core.body["items"][0], new.body["items"][0]
    old_words = ("reason", "message", "type", "count", "source", "firstTimestamp")
    new_words = ("reason", "note", "type", "deprecatedCount", "deprecatedSource", "deprecatedLastTimestamp")
    return [
        {key: old_face.get(key) for key in old_words},
        {key: new_face.get(key) for key in new_words},
        new.body["kind"], new.body["apiVersion"], old_face["involvedObject"] == new_face["regarding"],
    ]  # fmt: skip


@THEME.row("422 Invalid")
async def an_event_about_another_namespace(ground: Ground) -> Any:
    body = {
        "metadata": {"name": "told"},
        "involvedObject": {"kind": "ConfigMap", "name": "one", "namespace": "default"},
    }
    return (await ground.post("/api/v1/namespaces/{ns}/events", body)).reason


@THEME.row(["Opaque", {"word": "b3Blbg=="}, False])
async def the_data_of_a_secret(ground: Ground) -> Any:
    body = {"metadata": {"name": "one"}, "stringData": {"word": "open"}}
    made = await ground.made(_SECRETS, body)
    return [made["type"], made["data"], "stringData" in made]


@THEME.row("422 Invalid")
async def a_config_map_with_a_key_that_cannot_be(ground: Ground) -> Any:
    return (await ground.post(MAPS, {**config(), "data": {"not ok": "1"}})).reason
