"""Server-side apply: who owns what, and what happens when two want the same."""

from __future__ import annotations

import json
from typing import Any

from conformance.ground import Ground, Obj, Said
from conformance.manifests import BETTER, DEPLOYMENTS, MAPS, SHOP, config, deployment, with_image
from conformance.table import Theme

THEME = Theme("applies")
_ONE = f"{MAPS}/one"


def _owners(body: Obj) -> list[list[Any]]:
    entries = [
        [one["manager"], one["operation"], one.get("subresource", ""), _paths(one["fieldsV1"])]
        for one in body["metadata"]["managedFields"]
    ]
    return sorted(entries)


def _paths(tree: Obj) -> str:
    return json.dumps(tree, sort_keys=True, separators=(",", ":"))


def _bare(body: Obj) -> Obj:
    """Without replicas, which another may set."""
    del body["spec"]["replicas"]
    return body


async def _twice(ground: Ground, first: Obj, second: Obj, manager: str = "second", **options: Any) -> Said:
    await ground.apply(_ONE, first)
    return await ground.apply(_ONE, second, manager, **options)


@THEME.row([201, {"a": "1"}, [["first", "Apply", "", '{"f:data":{"f:a":{}}}']]])
async def it_makes_what_is_not_there(ground: Ground) -> Any:
    said = await ground.apply(_ONE, config(a="1"))
    return [said.status, said.body["data"], _owners(said.body)]


@THEME.row([200, True])
async def again_it_changes_nothing(ground: Ground) -> Any:
    first = await ground.apply(_ONE, config(a="1"))
    second = await ground.apply(_ONE, config(a="1"))
    return [second.status, first.version == second.version]


@THEME.row({"a": "1"})
async def what_is_left_out_goes(ground: Ground) -> Any:
    await ground.apply(_ONE, config(a="1", b="2"))
    return (await ground.apply(_ONE, config(a="1"))).body["data"]


@THEME.row(
    [
        {"a": "1", "b": "2"},
        [["first", "Apply", "", '{"f:data":{"f:a":{}}}'], ["second", "Apply", "", '{"f:data":{"f:b":{}}}']],
    ]
)
async def what_another_owns_too_stays(ground: Ground) -> Any:
    await _twice(ground, config(a="1", b="2"), config(b="2"))
    said = await ground.apply(_ONE, config(a="1"))
    return [said.body["data"], _owners(said.body)]


@THEME.row(
    [
        200,
        {"a": "1", "b": "2"},
        [["first", "Apply", "", '{"f:data":{"f:a":{}}}'], ["second", "Apply", "", '{"f:data":{"f:b":{}}}']],
    ]
)
async def two_managers_of_different_fields(ground: Ground) -> Any:
    said = await _twice(ground, config(a="1"), config(b="2"))
    return [said.status, said.body["data"], _owners(said.body)]


@THEME.row(
    [
        '409 Conflict: Apply failed with 1 conflict: conflict with "first": .data.a',
        {
            "causes": [
                {"reason": "FieldManagerConflict", "message": 'conflict with "first"', "field": ".data.a"}
            ]
        },
    ]
)
async def a_conflict_names_field_and_manager(ground: Ground) -> Any:
    said = await _twice(ground, config(a="1"), config(a="2"))
    return [said.said, said.details]


@THEME.row(
    [
        ('409 Conflict: Apply failed with 2 conflicts: conflicts with "first":\n- .data.a\n- .data.b'),
        {
            "causes": [
                {"reason": "FieldManagerConflict", "message": 'conflict with "first"', "field": ".data.a"},
                {"reason": "FieldManagerConflict", "message": 'conflict with "first"', "field": ".data.b"},
            ]
        },
    ]
)
async def two_conflicts(ground: Ground) -> Any:
    said = await _twice(ground, config(a="1", b="1"), config(a="2", b="2"))
    return [said.said, said.details]


@THEME.row(
    '409 Conflict: Apply failed with 2 conflicts: conflicts with "first":\n- '
    '.data.a\nconflicts with "second":\n- .data.b'
)
async def conflicts_with_two_managers(ground: Ground) -> Any:
    await _twice(ground, config(a="1"), config(b="1"))
    return (await ground.apply(_ONE, config(a="2", b="2"), "third")).said


@THEME.row(
    [200, [["first", "Apply", "", '{"f:data":{"f:a":{}}}'], ["second", "Apply", "", '{"f:data":{"f:a":{}}}']]]
)
async def the_same_value_is_no_conflict(ground: Ground) -> Any:
    said = await _twice(ground, config(a="1"), config(a="1"))
    return [said.status, _owners(said.body)]


@THEME.row(
    [
        200,
        {"a": "2", "b": "1"},
        [["first", "Apply", "", '{"f:data":{"f:b":{}}}'], ["second", "Apply", "", '{"f:data":{"f:a":{}}}']],
    ]
)
async def by_force(ground: Ground) -> Any:
    said = await _twice(ground, config(a="1", b="1"), config(a="2"), force="true")
    return [said.status, said.body["data"], _owners(said.body)]


@THEME.row('409 Conflict: Apply failed with 1 conflict: conflict with "editor" using v1: .data.a')
async def a_conflict_with_a_plain_update(ground: Ground) -> Any:
    await ground.made(MAPS, config(a="1"), fieldManager="editor")
    return (await ground.apply(_ONE, config(a="2"))).said


@THEME.row(
    [
        (
            '409 Conflict: Apply failed with 1 conflict: conflict with "conformance" using '
            'apps/v1: .spec.template.spec.containers[name="first"].image'
        ),
        {
            "causes": [
                {
                    "reason": "FieldManagerConflict",
                    "message": 'conflict with "conformance" using apps/v1',
                    "field": '.spec.template.spec.containers[name="first"].image',
                }
            ]
        },
    ]
)
async def a_conflict_with_a_patch(ground: Ground) -> Any:
    await ground.apply(SHOP, deployment(paused=True))
    await with_image(ground, BETTER)
    said = await ground.apply(SHOP, deployment(paused=True))
    return [said.said, said.details]


@THEME.row(
    '422 Invalid: PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is '
    "required for apply patch"
)
async def without_a_manager(ground: Ground) -> Any:
    return (await ground.patch(_ONE, config(), "apply")).said


@THEME.row(
    '422 Invalid: PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be '
    "specified for non-apply patch"
)
async def force_without_an_apply(ground: Ground) -> Any:
    await ground.made(MAPS, config())
    return (await ground.patch(_ONE, {}, "merge", force="true")).said


@THEME.row("400 BadRequest: metadata.managedFields must be nil")
async def with_managed_fields(ground: Ground) -> Any:
    body = config()
    body["metadata"]["managedFields"] = [{"manager": "x"}]
    return (await ground.apply(_ONE, body)).said


@THEME.row("400 BadRequest: invalid object type: /, Kind=")
async def without_a_kind(ground: Ground) -> Any:
    return (await ground.apply(_ONE, {"metadata": {"name": "one"}})).said


@THEME.row("409 Conflict")
async def with_an_old_version(ground: Ground) -> Any:
    first = await ground.apply(_ONE, config(a="1"))
    await ground.apply(_ONE, config(a="2"))
    body = config(a="3")
    body["metadata"]["resourceVersion"] = first.version
    return (await ground.apply(_ONE, body)).reason


@THEME.row("409 Conflict")
async def with_the_uid_of_nothing(ground: Ground) -> Any:
    body = config()
    body["metadata"]["uid"] = "00000000-0000-4000-8000-000000000000"
    return (await ground.apply(_ONE, body)).reason


@THEME.row("400 BadRequest: the name of the object (two) does not match the name on the URL (one)")
async def under_another_name(ground: Ground) -> Any:
    return (await ground.apply(_ONE, config("two"))).said


@THEME.row([201, {"a": "1"}])
async def as_yaml(ground: Ground) -> Any:
    text = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\ndata:\n  a: '1'\n"
    said = await ground.apply(_ONE, text)  # type: ignore[arg-type]
    return [said.status, said.body["data"]]


@THEME.row("400 BadRequest")
async def as_yaml_that_cannot_be_read(ground: Ground) -> Any:
    return (await ground.apply(_ONE, b"a: [")).reason  # type: ignore[arg-type]


@THEME.row("500 Failure")
async def an_unknown_field(ground: Ground) -> Any:
    body = deployment(paused=True, nothing=1)
    return (await ground.apply(SHOP, body)).reason


@THEME.row([201, {"a": "1"}, 404])
async def a_dry_run(ground: Ground) -> Any:
    said = await ground.apply(_ONE, config(a="1"), dryRun="All")
    return [said.status, said.body["data"], (await ground.get(_ONE)).status]


@THEME.row(
    [
        [
            "first",
            "Apply",
            "",
            (
                '{"f:metadata":{"f:labels":{"f:app":{}}},"f:spec":{"f:paused":{},"f:replicas":{},"f:sel'
                'ector":{},"f:template":{"f:metadata":{"f:labels":{"f:app":{}}},"f:spec":{"f:containers'
                '":{"k:{\\"name\\":\\"first\\"}":{".":{},"f:image":{},"f:name":{}}},"f:terminationGracePeri'
                'odSeconds":{}}}}}'
            ),
        ]
    ]
)
async def fields_of_a_deployment(ground: Ground) -> Any:
    said = await ground.apply(SHOP, deployment(paused=True))
    return _owners(said.body)


@THEME.row(
    [
        [
            "conformance",
            "Update",
            "",
            (
                '{"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{"f:paused":{},"f:progressDead'
                'lineSeconds":{},"f:replicas":{},"f:revisionHistoryLimit":{},"f:selector":{},"f:strateg'
                'y":{"f:rollingUpdate":{".":{},"f:maxSurge":{},"f:maxUnavailable":{}},"f:type":{}},"f:t'
                'emplate":{"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{"f:containers":{"k:{'
                '\\"name\\":\\"first\\"}":{".":{},"f:image":{},"f:imagePullPolicy":{},"f:name":{},"f:resour'
                'ces":{},"f:terminationMessagePath":{},"f:terminationMessagePolicy":{}}},"f:dnsPolicy":'
                '{},"f:restartPolicy":{},"f:schedulerName":{},"f:securityContext":{},"f:terminationGrac'
                'ePeriodSeconds":{}}}}}'
            ),
        ]
    ]
)
async def fields_of_a_created_deployment(ground: Ground) -> Any:
    return _owners(await ground.made(DEPLOYMENTS, deployment(paused=True)))


@THEME.row([200, [["first", "second"], ["first"]]])
async def containers_of_two_managers(ground: Ground) -> Any:
    await ground.apply(SHOP, deployment(paused=True))
    other: Obj = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shop"}}
    other["spec"] = {"template": {"spec": {"containers": [{"name": "second", "image": "y:1"}]}}}
    said = await ground.apply(SHOP, other, "second")
    gone = await ground.apply(SHOP, {**other, "spec": {}}, "second")
    assert gone.status == 200, gone.body
    names = [
        [one["name"] for one in each.body["spec"]["template"]["spec"]["containers"]] for each in (said, gone)
    ]
    return [said.status, names]


@THEME.row([200, 4])
async def replicas_may_be_left_to_another(ground: Ground) -> Any:
    await ground.apply(SHOP, _bare(deployment(paused=True)))
    await ground.patch(SHOP, {"spec": {"replicas": 4}})
    said = await ground.apply(SHOP, _bare(deployment(paused=True, minReadySeconds=1)))
    return [said.status, said.body["spec"]["replicas"]]


@THEME.row([1, 10])
async def a_field_that_is_given_up_falls_back_to_its_default(ground: Ground) -> Any:
    await ground.apply(SHOP, deployment(paused=True, replicas=4, revisionHistoryLimit=3))
    said = await ground.apply(SHOP, _bare(deployment(paused=True)))
    return [said.body["spec"]["replicas"], said.body["spec"]["revisionHistoryLimit"]]
