"""The four kinds of patches."""

from __future__ import annotations

from typing import Any

from conformance.ground import Ground, Obj
from conformance.manifests import DEPLOYMENTS, MAPS, SHOP, config, deployment, maps
from conformance.table import Theme

THEME = Theme("patches")
_ONE = f"{MAPS}/one"


async def _patched(ground: Ground, change: Any, kind: str) -> Any:
    """What a patch makes of the ConfigMap ``one``: its data, or the refusal."""
    await ground.made(MAPS, config("one", {"is": "one"}, a="1", b="2"))
    said = await ground.patch(_ONE, change, kind)
    if said.status == 200:
        return [said.body.get("data"), said.meta.get("labels")]
    # What follows these words is in the server's own language.
    head, found, _ = said.said.partition("patch: Invalid value")
    return f"{head.partition('error decoding patch')[0]}{found}" if said.status != 500 else said.reason


def _json(name: str, expected: Any, *operations: Obj) -> None:
    async def once(ground: Ground) -> Any:
        return await _patched(ground, list(operations), "json-patch")

    once.__name__ = name
    THEME.row(expected)(once)


def _merge(name: str, expected: Any, change: Any, kind: str = "merge") -> None:
    async def once(ground: Ground) -> Any:
        return await _patched(ground, change, kind)

    once.__name__ = name
    THEME.row(expected)(once)


_json(
    "json add",
    [{"a": "1", "b": "2", "c": "3"}, {"is": "one"}],
    {"op": "add", "path": "/data/c", "value": "3"},
)
_json(
    "json replace", [{"a": "9", "b": "2"}, {"is": "one"}], {"op": "replace", "path": "/data/a", "value": "9"}
)
_json("json remove", [{"b": "2"}, {"is": "one"}], {"op": "remove", "path": "/data/a"})
_json(
    "json move", [{"b": "2", "z": "1"}, {"is": "one"}], {"op": "move", "from": "/data/a", "path": "/data/z"}
)
_json(
    "json copy",
    [{"a": "1", "b": "2", "z": "1"}, {"is": "one"}],
    {"op": "copy", "from": "/data/a", "path": "/data/z"},
)
_json(
    "json test that holds",
    [{"b": "2"}, {"is": "one"}],
    {"op": "test", "path": "/data/a", "value": "1"},
    {"op": "remove", "path": "/data/a"},
)
_json(
    "json test that fails",
    "422 Invalid: the server rejected our request due to an error in our request",
    {"op": "test", "path": "/data/a", "value": "2"},
    {"op": "remove", "path": "/data/a"},
)
_json(
    "json test of what is not there",
    "422 Invalid: the server rejected our request due to an error in our request",
    {"op": "test", "path": "/data/x", "value": "2"},
)
_json(
    "json test that nothing is there",
    [{"a": "1", "b": "2", "x": "y"}, {"is": "one"}],
    {"op": "test", "path": "/data/x", "value": None},
    {"op": "add", "path": "/data/x", "value": "y"},
)
_json(
    "json replace of what is not there",
    [{"a": "1", "b": "2", "x": "9"}, {"is": "one"}],
    {"op": "replace", "path": "/data/x", "value": "9"},
)
_json(
    "json remove of what is not there",
    "422 Invalid: the server rejected our request due to an error in our request",
    {"op": "remove", "path": "/data/x"},
)
_json(
    "json add below what is not there",
    "422 Invalid: the server rejected our request due to an error in our request",
    {"op": "add", "path": "/nothing/x", "value": "9"},
)
_json(
    "json escaped path",
    [{"a": "1", "b": "2"}, {"example.com/x": "y", "is": "one"}],
    {"op": "add", "path": "/metadata/labels/example.com~1x", "value": "y"},
)
_json(
    "json unknown operation",
    "422 Invalid: the server rejected our request due to an error in our request",
    {"op": "guess", "path": "/data/x", "value": "9"},
)
_json(
    "json wrong type",
    '422 Invalid:  "" is invalid: patch: Invalid value',
    {"op": "replace", "path": "/data", "value": "text"},
)
_json("json nothing", [{"a": "1", "b": "2"}, {"is": "one"}])
_merge("json that is an object", "400 BadRequest: ", {"op": "add"}, "json-patch")
_merge("json that is not JSON", "400 BadRequest: ", b"[{", "json-patch")
_merge(
    "merge",
    [{"b": "2", "c": "3"}, {"is": "one", "new": "yes"}],
    {"data": {"a": None, "c": "3"}, "metadata": {"labels": {"new": "yes"}}},
)
_merge("merge of everything", [None, {"is": "one"}], {"data": None})
_merge("merge that is a list", "400 BadRequest: ", [1])
_merge("merge that is not JSON", "400 BadRequest: ", b"{")
_merge("merge with a wrong type", '422 Invalid:  "" is invalid: patch: Invalid value', {"data": {"a": 5}})
_merge("strategic", [{"b": "2", "c": "3"}, {"is": "one"}], {"data": {"a": None, "c": "3"}}, "strategic")
_merge(
    "strategic replace of a map",
    [{"z": "26"}, {"is": "one"}],
    {"data": {"$patch": "replace", "z": "26"}},
    "strategic",
)
_merge("strategic delete of a map", [None, {"is": "one"}], {"data": {"$patch": "delete"}}, "strategic")
_merge("strategic unknown directive", "500 Failure", {"data": {"$patch": "guess"}}, "strategic")
_merge(
    "an unknown media type",
    "415 UnsupportedMediaType: 415: Unsupported Media Type",
    {"data": {}},
    "text/yaml",
)
_merge("a plain media type", "415 UnsupportedMediaType: 415: Unsupported Media Type", {"data": {}}, "json")


@THEME.row(["422 Invalid: the server rejected our request due to an error in our request", {}, True])
async def a_failing_test_leaves_everything(ground: Ground) -> Any:
    (made,) = await maps(ground, "one")
    change = [
        {"op": "replace", "path": "/data/said", "value": "x"},
        {"op": "test", "path": "/metadata/uid", "value": "x"},
    ]
    said = await ground.patch(_ONE, change, "json-patch")
    return [said.said, said.details, (await ground.found(_ONE)) == made]


@THEME.row([200, 2, "422 Invalid: the server rejected our request due to an error in our request"])
async def a_test_of_uid_and_generation(ground: Ground) -> Any:
    made = await ground.made(DEPLOYMENTS, deployment(paused=True))
    tests = [
        {"op": "test", "path": "/metadata/uid", "value": made["metadata"]["uid"]},
        {"op": "test", "path": "/metadata/generation", "value": made["metadata"]["generation"]},
        {"op": "replace", "path": "/spec/minReadySeconds", "value": 3},
    ]
    first = await ground.patch(
        SHOP, [*tests[:2], {"op": "add", "path": "/spec/minReadySeconds", "value": 2}], "json-patch"
    )
    second = await ground.patch(SHOP, tests, "json-patch")
    return [first.status, first.meta["generation"], second.said]


@THEME.row(["422 Invalid: the server rejected our request due to an error in our request", "409 Conflict"])
async def a_test_of_the_version(ground: Ground) -> Any:
    (made,) = await maps(ground, "one")
    old = made["metadata"]["resourceVersion"]
    await ground.patch(_ONE, {"data": {"said": "changed"}})
    said = await ground.patch(
        _ONE, [{"op": "test", "path": "/metadata/resourceVersion", "value": old}], "json-patch"
    )
    replaced = await ground.patch(
        _ONE, [{"op": "replace", "path": "/metadata/resourceVersion", "value": old}], "json-patch"
    )
    return [said.said, replaced.reason]


async def _containers(ground: Ground, change: Any, kind: str = "strategic") -> Any:
    body = deployment(paused=True)
    container = body["spec"]["template"]["spec"]["containers"][0]
    container |= {
        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
        "ports": [{"containerPort": 80}],
    }
    await ground.made(DEPLOYMENTS, body)
    said = await ground.patch(SHOP, {"spec": {"template": {"spec": change}}}, kind)
    if said.status != 200:
        return said.reason if said.status == 500 else said.said
    return [
        [item["name"], item["image"], item.get("env"), item.get("ports")]
        for item in said.body["spec"]["template"]["spec"]["containers"]
    ]


def _list(name: str, expected: Any, change: Any, kind: str = "strategic") -> None:
    async def once(ground: Ground) -> Any:
        return await _containers(ground, change, kind)

    once.__name__ = name
    THEME.row(expected)(once)


_list(
    "strategic merges containers by name",
    [
        [
            "first",
            "x:2",
            [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
            [{"containerPort": 80, "protocol": "TCP"}],
        ]
    ],
    {"containers": [{"name": "first", "image": "x:2"}]},
)
_list(
    "strategic adds a container in front",
    [
        ["second", "y:1", None, None],
        [
            "first",
            "shop:good-1",
            [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
            [{"containerPort": 80, "protocol": "TCP"}],
        ],
    ],
    {"containers": [{"name": "second", "image": "y:1"}]},
)
_list(
    "strategic merges variables by name",
    [
        [
            "first",
            "shop:good-1",
            [{"name": "A", "value": "1"}, {"name": "B", "value": "9"}, {"name": "C", "value": "3"}],
            [{"containerPort": 80, "protocol": "TCP"}],
        ]
    ],
    {"containers": [{"name": "first", "env": [{"name": "B", "value": "9"}, {"name": "C", "value": "3"}]}]},
)
_list(
    "strategic deletes a variable",
    [["first", "shop:good-1", [{"name": "B", "value": "2"}], [{"containerPort": 80, "protocol": "TCP"}]]],
    {"containers": [{"name": "first", "env": [{"name": "A", "$patch": "delete"}]}]},
)
_list(
    "strategic replaces variables",
    [["first", "shop:good-1", [{"name": "Z", "value": "0"}], [{"containerPort": 80, "protocol": "TCP"}]]],
    {"containers": [{"name": "first", "env": [{"$patch": "replace"}, {"name": "Z", "value": "0"}]}]},
)
_list(
    "strategic merges ports by number",
    [
        [
            "first",
            "shop:good-1",
            [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
            [
                {"name": "web", "containerPort": 80, "protocol": "TCP"},
                {"containerPort": 81, "protocol": "TCP"},
            ],
        ]
    ],
    {
        "containers": [
            {"name": "first", "ports": [{"containerPort": 80, "name": "web"}, {"containerPort": 81}]}
        ]
    },
)
_list("strategic without the key", "500 Failure", {"containers": [{"image": "x:2"}]})
_list(
    "strategic replaces containers",
    [["only", "z:1", None, None]],
    {"containers": [{"$patch": "replace"}, {"name": "only", "image": "z:1"}]},
)
_list(
    "strategic deletes a container",
    [["second", "y:1", None, None]],
    {"containers": [{"name": "second", "image": "y:1"}, {"name": "first", "$patch": "delete"}]},
)
_list(
    "strategic orders containers",
    [
        ["second", "y:1", None, None],
        [
            "first",
            "shop:good-1",
            [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
            [{"containerPort": 80, "protocol": "TCP"}],
        ],
    ],
    {
        "$setElementOrder/containers": [{"name": "second"}, {"name": "first"}],
        "containers": [{"name": "second", "image": "y:1"}],
    },
)
_list(
    "merge replaces lists",
    [["only", "z:1", None, None]],
    {"containers": [{"name": "only", "image": "z:1"}]},
    "merge",
)


@THEME.row(
    [
        {"labels": {"app": "shop"}},
        ["only"],
        [
            "containers",
            "dnsPolicy",
            "restartPolicy",
            "schedulerName",
            "securityContext",
            "terminationGracePeriodSeconds",
        ],
    ]
)
async def strategic_replaces_a_template(ground: Ground) -> Any:
    body = deployment(paused=True)
    body["spec"]["template"]["metadata"]["annotations"] = {"note": "x"}
    await ground.made(DEPLOYMENTS, body)
    spec = {"containers": [{"name": "only", "image": "z:1"}]}
    template = {"$patch": "replace", "metadata": {"labels": {"app": "shop"}}, "spec": spec}
    said = await ground.patch(SHOP, {"spec": {"template": template}}, "strategic")
    found = said.body["spec"]["template"]
    return [found["metadata"], [item["name"] for item in found["spec"]["containers"]], sorted(found["spec"])]


@THEME.row({"type": "Recreate"})
async def strategic_keeps_keys_that_are_named(ground: Ground) -> Any:
    await ground.made(DEPLOYMENTS, deployment(paused=True))
    change = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    return (await ground.patch(SHOP, change, "strategic")).body["spec"]["strategy"]


@THEME.row(
    '422 Invalid: Deployment.apps "shop" is invalid: spec.strategy.rollingUpdate: '
    "Forbidden: may not be specified when strategy `type` is 'Recreate'"
)
async def strategic_without_retained_keys(ground: Ground) -> Any:
    await ground.made(DEPLOYMENTS, deployment(paused=True))
    return (await ground.patch(SHOP, {"spec": {"strategy": {"type": "Recreate"}}}, "strategic")).said
