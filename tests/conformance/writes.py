"""Creating, replacing and deleting: what is refused in which words, what is filled in, what a dry run leaves."""

from __future__ import annotations

from typing import Any

from conformance.ground import Ground, Obj
from conformance.manifests import (
    DEPLOYMENTS,
    MAPS,
    PODS,
    SERVICES,
    SHOP,
    config,
    deployment,
    pod,
)  # fmt: skip
from conformance.table import Theme

THEME = Theme("writes")
_ASK = THEME.ask
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


_ASK("create", "POST", MAPS, "201", config())
_ASK("a body that is not JSON", "POST", MAPS, "400 BadRequest", b"{not json", upto="400 BadRequest")
_ASK("an empty body", "POST", MAPS, "400 BadRequest", b"", upto="400 BadRequest")
_ASK("a body that is a list", "POST", MAPS, "400 BadRequest", b"[]", upto="400 BadRequest")
_ASK(
    "a media type that is not served",
    "POST",
    MAPS,
    (
        "415 UnsupportedMediaType: the body of the request was in an unknown format - accepted "
        "media types include: application/json, application/yaml, "
        "application/vnd.kubernetes.protobuf"
    ),
    b"x",
    kind="image/png",
)
_ASK(
    "another kind",
    "POST",
    MAPS,
    '400 BadRequest: Deployment in version "v1" cannot be handled as a',
    deployment(),
    upto="cannot be handled as a",
)
_ASK(
    "another version",
    "POST",
    MAPS,
    '400 BadRequest: ConfigMap in version "v2" cannot be handled as a',
    {**config(), "apiVersion": "v2"},
    upto="cannot be handled as a",
)
_ASK(
    "another namespace",
    "POST",
    MAPS,
    ("400 BadRequest: the namespace of the provided object does not match the namespace sent on the request"),
    _but(config(), "default", "metadata", "namespace"),
)
_ASK(
    "no name",
    "POST",
    MAPS,
    ('422 Invalid: ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required'),
    _without(config(), "metadata", "name"),
)
_ASK(
    "a name that cannot be",
    "POST",
    MAPS,
    (
        '422 Invalid: ConfigMap "Big_Name" is invalid: metadata.name: Invalid value: '
        '"Big_Name": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric '
        "characters, '-' or '.', and must start and end with an alphanumeric character (e.g. "
        "'example.com', regex used for validation is "
        "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
    ),
    config("Big_Name"),
)
_ASK(
    "a label that cannot be",
    "POST",
    MAPS,
    (
        '422 Invalid: ConfigMap "one" is invalid: metadata.labels: Invalid value: "not ok!": a '
        "valid label must be an empty string or consist of alphanumeric characters, '-', '_' "
        "or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or "
        "'my_value',  or '12345', regex used for validation is "
        "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
    ),
    config(labels={"ok": "not ok!"}),
)
_ASK(
    "a label key that cannot be",
    "POST",
    MAPS,
    (
        '422 Invalid: ConfigMap "one" is invalid: metadata.labels: Invalid value: "not ok": '
        "name part must consist of alphanumeric characters, '-', '_' or '.', and must start "
        "and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', "
        "regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
    ),
    config(labels={"not ok": "ok"}),
)
_ASK(
    "a namespace that is not there",
    "POST",
    "/api/v1/namespaces/no-such/configmaps",
    '404 NotFound: namespaces "no-such" not found',
    config(),
)
_ASK(
    "create at the place of one object",
    "POST",
    f"{MAPS}/one",
    "405 MethodNotAllowed: the server does not allow this method on the requested resource",
    config(),
)
_ASK(
    "create in no namespace",
    "POST",
    "/api/v1/configmaps",
    "405 MethodNotAllowed: the server does not allow this method on the requested resource",
    config(),
)
_ASK(
    "replace the collection",
    "PUT",
    MAPS,
    "405 MethodNotAllowed: the server does not allow this method on the requested resource",
    config(),
)
_ASK(
    "patch the collection",
    "PATCH",
    MAPS,
    "405 MethodNotAllowed: the server does not allow this method on the requested resource",
    {},
    kind="merge",
)
_ASK(
    "replace what is not there", "PUT", SHOP, '404 NotFound: deployments.apps "shop" not found', deployment()
)
_ASK(
    "replace under another name",
    "PUT",
    f"{MAPS}/two",
    "400 BadRequest: the name of the object (one) does not match the name on the URL (two)",
    config("one"),
)
_ASK(
    "patch what is not there",
    "PATCH",
    SHOP,
    '404 NotFound: deployments.apps "shop" not found',
    {},
    kind="merge",
)
_ASK("delete what is not there", "DELETE", SHOP, '404 NotFound: deployments.apps "shop" not found')
_ASK(
    "an unknown dry run",
    "POST",
    MAPS,
    (
        '422 Invalid: CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: '
        '["Some"]: supported values: "All"'
    ),
    config(),
    dryRun="Some",
)
_ASK(
    "an unknown field validation",
    "POST",
    MAPS,
    (
        '422 Invalid: CreateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported '
        'value: "Some": supported values: "", "Ignore", "Strict", "Warn"'
    ),
    config(),
    fieldValidation="Some",
)
_ASK(
    "an unknown field, strictly",
    "POST",
    DEPLOYMENTS,
    (
        '400 BadRequest: Deployment in version "v1" cannot be handled as a Deployment: strict '
        'decoding error: unknown field "spec.replica"'
    ),
    _but(deployment(), 1, "spec", "replica"),
    fieldValidation="Strict",
)
_ASK(
    "a wrong type",
    "POST",
    DEPLOYMENTS,
    '400 BadRequest: Deployment in version "v1" cannot be handled as a',
    _but(deployment(), "two", "spec", "replicas"),
    upto="cannot be handled as a",
)
_ASK(
    "a deployment without a selector",
    "POST",
    DEPLOYMENTS,
    (
        '422 Invalid: Deployment.apps "shop" is invalid: [spec.selector: Required value, '
        'spec.template.metadata.labels: Invalid value: {"app":"shop"}: `selector` does not '
        "match template `labels`]"
    ),
    _without(deployment(), "spec", "selector"),
)
_ASK(
    "a deployment without containers",
    "POST",
    DEPLOYMENTS,
    ('422 Invalid: Deployment.apps "shop" is invalid: spec.template.spec.containers: Required value'),
    _but(deployment(), [], "spec", "template", "spec", "containers"),
)
_ASK(
    "a deployment without an image",
    "POST",
    DEPLOYMENTS,
    (
        '422 Invalid: Deployment.apps "shop" is invalid: '
        "spec.template.spec.containers[0].image: Required value"
    ),
    deployment(image=""),
)
_ASK(
    "a deployment with another selector than its labels",
    "POST",
    DEPLOYMENTS,
    (
        '422 Invalid: Deployment.apps "shop" is invalid: spec.template.metadata.labels: '
        'Invalid value: {"app":"shop"}: `selector` does not match template `labels`'
    ),
    _but(deployment(), {"app": "x"}, "spec", "selector", "matchLabels"),
)
_ASK(
    "a deployment of less than nothing",
    "POST",
    DEPLOYMENTS,
    (
        '422 Invalid: Deployment.apps "shop" is invalid: spec.replicas: Invalid value: -1: '
        "must be greater than or equal to 0"
    ),
    deployment(replicas=-1),
)
_ASK(
    "a deployment with an unknown strategy",
    "POST",
    DEPLOYMENTS,
    (
        '422 Invalid: Deployment.apps "shop" is invalid: spec.strategy: Unsupported value: '
        '{"Type":"Guess","RollingUpdate":null}: supported values: "Recreate", "RollingUpdate"'
    ),
    deployment(strategy={"type": "Guess"}),
)
_ASK(
    "a deployment that may never move",
    "POST",
    DEPLOYMENTS,
    (
        '422 Invalid: Deployment.apps "shop" is invalid: '
        "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when "
        "`maxSurge` is 0"
    ),
    deployment(strategy={"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}),
)
_ASK(
    "a deployment with a deadline below its patience",
    "POST",
    DEPLOYMENTS,
    (
        '422 Invalid: Deployment.apps "shop" is invalid: spec.progressDeadlineSeconds: Invalid '
        "value: 5: must be greater than minReadySeconds"
    ),
    deployment(progressDeadlineSeconds=5, minReadySeconds=9),
)
_ASK(
    "a deployment that does not restart",
    "POST",
    DEPLOYMENTS,
    (
        '422 Invalid: Deployment.apps "shop" is invalid: spec.template.spec.restartPolicy: '
        'Unsupported value: "Never": supported values: "Always"'
    ),
    _but(deployment(), "Never", "spec", "template", "spec", "restartPolicy"),
)
_ASK(
    "a pod without containers",
    "POST",
    PODS,
    '422 Invalid: Pod "alone" is invalid: spec.containers: Required value',
    _but(pod(), [], "spec", "containers"),
)
_ASK(
    "a pod with two containers of one name",
    "POST",
    PODS,
    '422 Invalid: Pod "alone" is invalid: spec.containers[1].name: Duplicate value: "first"',
    pod("alone", "shop:good-1", "first", "first"),
)
_ASK(
    "a container port that cannot be",
    "POST",
    PODS,
    (
        '422 Invalid: Pod "alone" is invalid: spec.containers[0].ports[0].containerPort: '
        "Invalid value: 70000: must be between 1 and 65535, inclusive"
    ),
    _but(
        pod(),
        [{"name": "first", "image": "shop:good-1", "ports": [{"containerPort": 70000}]}],
        "spec",
        "containers",
    ),
)
_ASK(
    "a service without ports",
    "POST",
    SERVICES,
    '422 Invalid: Service "web" is invalid: spec.ports: Required value',
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {}},
)


@THEME.row(
    {
        "name": "shop",
        "group": "apps",
        "kind": "Deployment",
        "causes": [
            {"reason": "FieldValueRequired", "message": "Required value", "field": "spec.selector"},
            {
                "reason": "FieldValueInvalid",
                "message": 'Invalid value: {"app":"shop"}: `selector` does not match template `labels`',
                "field": "spec.template.metadata.labels",
            },
        ],
    }
)
async def causes_of_a_deployment_without_a_selector(ground: Ground) -> Any:
    return (await ground.post(DEPLOYMENTS, _without(deployment(), "spec", "selector"))).details


@THEME.row(
    [
        "422 Invalid",
        {
            "name": "shop",
            "group": "apps",
            "kind": "Deployment",
            "causes": [
                {
                    "reason": "FieldValueInvalid",
                    "message": 'Invalid value: {"matchLabels":{"app":"x"}}: field is immutable',
                    "field": "spec.selector",
                }
            ],
        },
    ]
)
async def a_selector_never_changes(ground: Ground) -> Any:
    await ground.made(DEPLOYMENTS, deployment())
    change = {
        "spec": {
            "selector": {"matchLabels": {"app": "x"}},
            "template": {"metadata": {"labels": {"app": "x"}}},
        }
    }
    said = await ground.patch(SHOP, change)
    return [said.reason, said.details]
