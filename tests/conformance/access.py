"""Who may do what, and what the server says of itself."""

from __future__ import annotations

import json
from typing import Any

from conformance.ground import READER, Ground, Obj
from conformance.manifests import DEPLOYMENTS, MAPS, PODS, SHOP, config, deployment
from conformance.table import Theme

THEME = Theme("access")
_ASK = THEME.ask
_SECRETS = "/api/v1/namespaces/{ns}/secrets"
_REVIEWS = "/apis/authorization.k8s.io/v1"
_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

_ASK(
    "without a token",
    "GET",
    MAPS,
    (
        '403 Forbidden: configmaps is forbidden: User "system:anonymous" cannot list resource '
        '"configmaps" in API group "" in the namespace "NS"'
    ),
    who=None,
)
_ASK("with a token that nobody has", "GET", MAPS, "401 Unauthorized: Unauthorized", who="nobody-has-this")
_ASK(
    "discovery without a token",
    "GET",
    "/apis",
    '403 Forbidden: forbidden: User "system:anonymous" cannot get path "/apis"',
    who=None,
)
_ASK("version without a token", "GET", "/version", "200", who=None)
_ASK("ready without a token", "GET", "/readyz", "200", who=None)
_ASK(
    "a list that may not be read",
    "GET",
    _SECRETS,
    (
        '403 Forbidden: secrets is forbidden: User "reader" cannot list resource "secrets" in '
        'API group "" in the namespace "NS"'
    ),
    who=READER,
)
_ASK(
    "a list of all namespaces that may not be read",
    "GET",
    "/api/v1/secrets",
    (
        '403 Forbidden: secrets is forbidden: User "reader" cannot list resource "secrets" in '
        'API group "" at the cluster scope'
    ),
    who=READER,
)
_ASK(
    "an object that may not be read",
    "GET",
    f"{_SECRETS}/one",
    (
        '403 Forbidden: secrets "one" is forbidden: User "reader" cannot get resource '
        '"secrets" in API group "" in the namespace "NS"'
    ),
    who=READER,
)
_ASK(
    "a watch that may not be",
    "GET",
    _SECRETS,
    (
        '403 Forbidden: secrets is forbidden: User "reader" cannot watch resource "secrets" in '
        'API group "" in the namespace "NS"'
    ),
    who=READER,
    watch="true",
)
_ASK("a list that may be read", "GET", PODS, "200", who=READER)
_ASK(
    "create that may not be",
    "POST",
    DEPLOYMENTS,
    (
        '403 Forbidden: deployments.apps is forbidden: User "reader" cannot create resource '
        '"deployments" in API group "apps" in the namespace "NS"'
    ),
    deployment(),
    who=READER,
)
_ASK(
    "replace that may not be",
    "PUT",
    SHOP,
    (
        '403 Forbidden: deployments.apps "shop" is forbidden: User "reader" cannot update '
        'resource "deployments" in API group "apps" in the namespace "NS"'
    ),
    deployment(),
    who=READER,
)
_ASK(
    "patch that may not be",
    "PATCH",
    SHOP,
    (
        '403 Forbidden: deployments.apps "shop" is forbidden: User "reader" cannot patch '
        'resource "deployments" in API group "apps" in the namespace "NS"'
    ),
    {},
    kind="merge",
    who=READER,
)
_ASK(
    "delete that may not be",
    "DELETE",
    SHOP,
    (
        '403 Forbidden: deployments.apps "shop" is forbidden: User "reader" cannot delete '
        'resource "deployments" in API group "apps" in the namespace "NS"'
    ),
    who=READER,
)
_ASK(
    "delete of a collection that may not be",
    "DELETE",
    DEPLOYMENTS,
    (
        '403 Forbidden: deployments.apps is forbidden: User "reader" cannot deletecollection '
        'resource "deployments" in API group "apps" in the namespace "NS"'
    ),
    who=READER,
)
_ASK(
    "patch of a subresource that may not be",
    "PATCH",
    f"{SHOP}/scale",
    (
        '403 Forbidden: deployments.apps "shop" is forbidden: User "reader" cannot patch '
        'resource "deployments/scale" in API group "apps" in the namespace "NS"'
    ),
    {},
    kind="merge",
    who=READER,
)
_ASK(
    "a namespace that may not be deleted",
    "DELETE",
    "/api/v1/namespaces/{ns}",
    (
        '403 Forbidden: namespaces "NS" is forbidden: User "reader" cannot delete resource '
        '"namespaces" in API group "" in the namespace "NS"'
    ),
    who=READER,
)


@THEME.row([{"name": "shop", "group": "apps", "kind": "deployments"}, {"kind": "secrets"}])
async def details_of_what_may_not_be(ground: Ground) -> Any:
    return [
        (await ground.patch(SHOP, {}, who=READER)).details,
        (await ground.get(_SECRETS, who=READER)).details,
    ]


@THEME.row(
    {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "Unauthorized",
        "reason": "Unauthorized",
        "code": 401,
    }
)
async def a_401_as_an_object(ground: Ground) -> Any:
    return (await ground.get(MAPS, who="nobody-has-this")).body


def _review(**attributes: str) -> Obj:
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }


@THEME.row([[201, True], [201, False], [201, True], [201, True], [201, False], [201, False], [201, True]])
async def access_reviews(ground: Ground) -> Any:
    asked = (
        ("admin", "patch", "apps", "deployments", ""),
        ("reader", "patch", "apps", "deployments", ""),
        ("reader", "list", "apps", "deployments", ""),
        ("reader", "get", "", "pods", "log"),
        ("reader", "list", "", "secrets", ""),
        ("reader", "create", "", "pods", "eviction"),
        ("admin", "*", "*", "*", ""),
    )
    found = []
    for who, verb, group, resource, subresource in asked:
        body = _review(
            namespace=ground.namespace, verb=verb, group=group, resource=resource, subresource=subresource
        )
        said = await ground.post(f"{_REVIEWS}/selfsubjectaccessreviews", body, who=who)
        found.append([said.status, said.body["status"]["allowed"]])
    return found


@THEME.row(
    [
        201,
        "SelfSubjectAccessReview",
        "authorization.k8s.io/v1",
        ["group", "namespace", "resource", "verb"],
        ["allowed"],
    ]
)
async def the_form_of_an_access_review(ground: Ground) -> Any:
    body = _review(namespace=ground.namespace, verb="get", group="apps", resource="deployments")
    said = await ground.post(f"{_REVIEWS}/selfsubjectaccessreviews", body)
    attributes = sorted(said.body["spec"]["resourceAttributes"])
    return [said.status, said.body["kind"], said.body["apiVersion"], attributes, sorted(said.body["status"])]


@THEME.row(True)
async def an_access_review_of_a_path(ground: Ground) -> Any:
    body = _review()
    body["spec"] = {"nonResourceAttributes": {"path": "/version", "verb": "get"}}
    return (await ground.post(f"{_REVIEWS}/selfsubjectaccessreviews", body)).body["status"]["allowed"]


@THEME.row("422 Invalid")
async def an_access_review_of_nothing(ground: Ground) -> Any:
    body = {**_review(), "spec": {}}
    return (await ground.post(f"{_REVIEWS}/selfsubjectaccessreviews", body)).reason


@THEME.row([201, "SelfSubjectRulesReview", ["incomplete", "nonResourceRules", "resourceRules"], True])
async def the_form_of_a_rules_review(ground: Ground) -> Any:
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": ground.namespace},
    }
    said = await ground.post(f"{_REVIEWS}/selfsubjectrulesreviews", body)
    everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
    return [
        said.status,
        said.body["kind"],
        sorted(said.body["status"]),
        everything in said.body["status"]["resourceRules"],
    ]


@THEME.row([201, "SelfSubjectReview", True])
async def who_am_i(ground: Ground) -> Any:
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    said = await ground.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", body)
    groups = said.body["status"]["userInfo"]["groups"]
    return [said.status, said.body["kind"], "system:authenticated" in groups]


@THEME.row("405 MethodNotAllowed: the server does not allow this method on the requested resource")
async def reviews_are_only_created(ground: Ground) -> Any:
    return (await ground.get(f"{_REVIEWS}/selfsubjectaccessreviews")).said


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
        "source": {"component": "tester"}, "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:00:01Z",
    }  # fmt: skip
    await ground.made("/api/v1/namespaces/{ns}/events", body)
    core = await ground.get(
        "/api/v1/namespaces/{ns}/events", fieldSelector="involvedObject.name=one,reason=Told"
    )
    new = await ground.get(
        "/apis/events.k8s.io/v1/namespaces/{ns}/events", fieldSelector="regarding.name=one"
    )
    old_face, new_face = core.body["items"][0], new.body["items"][0]
    return [
        {key: old_face.get(key) for key in ("reason", "message", "type", "count", "source", "firstTimestamp")},
        {key: new_face.get(key) for key in ("reason", "note", "type", "deprecatedCount", "deprecatedSource", "deprecatedLastTimestamp")},
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
