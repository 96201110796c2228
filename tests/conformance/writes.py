"""Creating, replacing and deleting: what is refused in which words, what is filled in, what a dry run leaves."""

from __future__ import annotations

from typing import Any

from conformance.ground import Ground, Obj
from conformance.manifests import (
    BETTER,
    DEPLOYMENTS,
    MAPS,
    PODS,
    REPLICA_SETS,
    SERVICES,
    SHOP,
    config,
    deployment,
    maps,
    pod,
    shop,
    with_image,
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


@THEME.row(
    [
        (
            '409 Conflict: Operation cannot be fulfilled on configmaps "one": the object has been '
            "modified; please apply your changes to the latest version and try again"
        ),
        {"name": "one", "kind": "configmaps"},
    ]
)
async def replace_with_an_old_version(ground: Ground) -> Any:
    (made,) = await maps(ground, "one")
    await ground.patch(f"{MAPS}/one", {"data": {"said": "changed"}})
    said = await ground.put(f"{MAPS}/one", made)
    return [said.said, said.details]


@THEME.row(
    '409 Conflict: Operation cannot be fulfilled on configmaps "one": StorageError: '
    "invalid object, Code: 4, Key: /registry/configmaps/NS/one, ResourceVersion: 0, "
    "AdditionalErrorMsg: Precondition failed: UID in precondition: UID, UID in object "
    "meta: UID"
)
async def replace_with_the_uid_of_another(ground: Ground) -> Any:
    (made,) = await maps(ground, "one")
    made["metadata"] |= {"uid": _GHOST, "resourceVersion": ""}
    return (await ground.put(f"{MAPS}/one", made)).said


@THEME.row([200, {"said": "new"}, None])
async def replace_without_a_version(ground: Ground) -> Any:
    await maps(ground, "one")
    said = await ground.put(f"{MAPS}/one", config(said="new"))
    return [said.status, said.body["data"], said.meta.get("labels")]


@THEME.row(
    '409 Conflict: Operation cannot be fulfilled on configmaps "one": the object has been '
    "modified; please apply your changes to the latest version and try again"
)
async def patch_with_an_old_version(ground: Ground) -> Any:
    (made,) = await maps(ground, "one")
    await ground.patch(f"{MAPS}/one", {"data": {"said": "changed"}})
    version = made["metadata"]["resourceVersion"]
    said = await ground.patch(
        f"{MAPS}/one", {"metadata": {"resourceVersion": version}, "data": {"said": "late"}}
    )
    return said.said


@THEME.row('422 Invalid: ConfigMap "one" is invalid: metadata.uid: Invalid value: "UID": field is immutable')
async def patch_with_the_uid_of_another(ground: Ground) -> Any:
    await maps(ground, "one")
    return (await ground.patch(f"{MAPS}/one", {"metadata": {"uid": _GHOST}})).said


@THEME.row("400 BadRequest: the name of the object (two) does not match the name on the URL (one)")
async def patch_that_renames(ground: Ground) -> Any:
    await maps(ground, "one")
    return (await ground.patch(f"{MAPS}/one", {"metadata": {"name": "two"}})).said


@THEME.row([True, True])
async def a_change_that_changes_nothing_keeps_the_version(ground: Ground) -> Any:
    (made,) = await maps(ground, "one")
    patched = await ground.patch(f"{MAPS}/one", {"data": {"said": "one"}})
    replaced = await ground.put(f"{MAPS}/one", made)
    return [one.version == made["metadata"]["resourceVersion"] for one in (patched, replaced)]


@THEME.row(["409 Conflict", 200])
async def delete_with_an_old_version(ground: Ground) -> Any:
    (made,) = await maps(ground, "one")
    await ground.patch(f"{MAPS}/one", {"data": {"said": "changed"}})
    said = await ground.delete(
        f"{MAPS}/one", {"preconditions": {"resourceVersion": made["metadata"]["resourceVersion"]}}
    )
    return [said.reason, (await ground.get(f"{MAPS}/one")).status]


@THEME.row(
    '409 Conflict: Operation cannot be fulfilled on ConfigMap "one": the UID in the '
    "precondition (UID) does not match the UID in record (UID). The object might have been "
    "deleted and then recreated"
)
async def delete_with_the_uid_of_another(ground: Ground) -> Any:
    await maps(ground, "one")
    return (await ground.delete(f"{MAPS}/one", {"preconditions": {"uid": _GHOST}})).said


@THEME.row([200, "Status", "Success", {"name": "one", "kind": "configmaps", "uid": "UID"}])
async def delete_with_its_uid(ground: Ground) -> Any:
    (made,) = await maps(ground, "one")
    said = await ground.delete(f"{MAPS}/one", {"preconditions": {"uid": made["metadata"]["uid"]}})
    return [said.status, said.body["kind"], said.body["status"], said.details]


@THEME.row([200, "ConfigMapList", ["b"]])
async def delete_of_a_selection(ground: Ground) -> Any:
    await maps(ground, "a", "b", "c")
    said = await ground.delete(MAPS, labelSelector="is in (a,c)")
    left = await ground.found(MAPS)
    return [said.status, said.body["kind"], [item["metadata"]["name"] for item in left["items"]]]


@THEME.row("422 Invalid")
async def delete_with_an_unknown_propagation(ground: Ground) -> Any:
    await maps(ground, "one")
    return (await ground.delete(f"{MAPS}/one", {"propagationPolicy": "Sideways"})).reason


@THEME.row([201, ["creationTimestamp", "generation", "uid"], 404])
async def a_dry_run_creates_nothing(ground: Ground) -> Any:
    said = await ground.post(DEPLOYMENTS, deployment(), dryRun="All")
    shown = {key for key in ("uid", "creationTimestamp", "generation", "resourceVersion") if key in said.meta}
    return [said.status, sorted(shown), (await ground.get(SHOP)).status]


@THEME.row("409 AlreadyExists")
async def a_dry_run_is_refused_as_the_real_thing(ground: Ground) -> Any:
    await maps(ground, "one")
    return (await ground.post(MAPS, config(), dryRun="All")).reason


@THEME.row([3, 1, True, True])
async def a_dry_run_of_a_patch_changes_nothing(ground: Ground) -> Any:
    made = await ground.made(DEPLOYMENTS, deployment(paused=True))
    made = await ground.until(SHOP, lambda found: found["status"].get("observedGeneration"), "observed")
    said = await ground.patch(SHOP, {"spec": {"replicas": 3}}, dryRun="All")
    after = await ground.found(SHOP)
    return [
        said.body["spec"]["replicas"],
        said.meta["generation"] - made["metadata"]["generation"],
        said.version == made["metadata"]["resourceVersion"],
        after == made,
    ]


@THEME.row([200, "Success", 200])
async def a_dry_run_of_a_delete_deletes_nothing(ground: Ground) -> Any:
    await maps(ground, "one")
    said = await ground.delete(f"{MAPS}/one", dryRun="All")
    return [said.status, said.body["status"], (await ground.get(f"{MAPS}/one")).status]


@THEME.row([1, 2, 3, 3, 3, 4])
async def generation_counts_changes_of_the_spec_alone(ground: Ground) -> Any:
    await shop(ground)
    steps = (
        {"metadata": {"labels": {"tier": "web"}}},
        {"metadata": {"annotations": {"note": "x"}}},
        {"spec": {"minReadySeconds": 1}},
        {"spec": {"minReadySeconds": 1}},
        {"status": {"replicas": 9}},
        {"spec": {"replicas": 1}},
    )
    return [(await ground.patch(SHOP, step)).meta["generation"] for step in steps]


@THEME.row([3, 0, {"app": "shop"}, 1, 3])
async def the_status_is_written_through_its_own_door(ground: Ground) -> Any:
    await shop(ground)
    through = await ground.patch(
        f"{SHOP}/status",
        {"status": {"collisionCount": 3}, "spec": {"replicas": 5}, "metadata": {"labels": {"a": "b"}}},
    )
    around = await ground.patch(SHOP, {"status": {"collisionCount": 7}})
    return [
        through.body["status"]["collisionCount"], through.body["spec"]["replicas"], through.meta["labels"],
        through.meta["generation"], around.body["status"]["collisionCount"],
    ]  # fmt: skip


@THEME.row('404 NotFound: deployments.apps "shop" not found')
async def the_status_of_what_is_not_there(ground: Ground) -> Any:
    return (await ground.get(f"{SHOP}/status")).said


@THEME.row([2, 2])
async def generation_is_observed(ground: Ground) -> Any:
    await shop(ground)
    said = await with_image(ground, BETTER)
    seen = await ground.until(
        SHOP, lambda found: found["status"]["observedGeneration"] == said.meta["generation"], "observed"
    )
    return [said.meta["generation"], seen["status"]["observedGeneration"]]


@THEME.row([False, True, False])
async def a_config_map_has_no_generation(ground: Ground) -> Any:
    return [
        "generation" in (await ground.made(*one))["metadata"]
        for one in (
            (MAPS, config()),
            (PODS, pod()),
            (SERVICES, {"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}),
        )
    ]


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
