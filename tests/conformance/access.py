"""Who may do what, and what the server says of itself."""

from __future__ import annotations

from typing import Any

from conformance.ground import READER, Ground, Obj
from conformance.manifests import DEPLOYMENTS, MAPS, PODS, SHOP, deployment
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
