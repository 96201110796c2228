from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaseconsole.sandbox.patches import fieldset
from releaseconsole.sandbox.patches.patch import (
    JSON_PATCH,
    MERGE_PATCH,
    STRATEGIC_PATCH,
    apply_patch,
)
from releaseconsole.sandbox.patches.shapes import shape_of
from releaseconsole.sandbox.store.objects import clone
from releaseconsole.sandbox.store.refusals import StoreError


def workload(**container: Any) -> dict[str, Any]:
    first = {"name": "web", "image": "web:1", "env": [{"name": "A", "value": "1"}], **container}
    side = {"name": "side", "image": "side:1"}
    return {
        "metadata": {"name": "web", "finalizers": ["a", "b"]},
        "spec": {"template": {"spec": {"containers": [first, side], "tolerations": [{"key": "x"}]}}},
    }


def in_pod(**spec: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": spec}}}


def strategic(obj: dict[str, Any], patch: dict[str, Any], kind: str = "deployments") -> dict[str, Any]:
    return apply_patch(STRATEGIC_PATCH, obj, patch, kind)


def containers(obj: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = obj["spec"]["template"]["spec"]["containers"]
    return found


def test_containers_are_merged_by_name() -> None:
    patched = strategic(workload(), in_pod(containers=[{"name": "web", "image": "web:2"}]))
    assert [item["image"] for item in containers(patched)] == ["web:2", "side:1"]
    assert containers(patched)[0]["env"] == [{"name": "A", "value": "1"}]


def test_a_new_container_is_added_in_front_as_the_api_server_does() -> None:
    patched = strategic(workload(), in_pod(containers=[{"name": "new", "image": "new:1"}]))
    assert [item["name"] for item in containers(patched)] == ["new", "web", "side"]


def test_a_container_can_be_deleted_or_replaced_by_directive() -> None:
    deleted = strategic(workload(), in_pod(containers=[{"name": "side", "$patch": "delete"}]))
    assert [item["name"] for item in containers(deleted)] == ["web"]
    replacing = {"name": "web", "image": "web:2", "$patch": "replace"}
    replaced = strategic(workload(), in_pod(containers=[replacing]))
    assert containers(replaced)[0] == {"name": "web", "image": "web:2"}


def test_a_whole_list_or_map_can_be_replaced() -> None:
    listed = strategic(workload(), in_pod(containers=[{"name": "only"}, {"$patch": "replace"}]))
    assert containers(listed) == [{"name": "only"}]
    mapped = strategic(workload(), {"spec": {"$patch": "replace", "paused": True}})
    assert mapped["spec"] == {"paused": True}


def test_ports_go_by_container_port_in_pods_and_by_port_in_services() -> None:
    obj = workload(ports=[{"containerPort": 80, "name": "http"}])
    patch = in_pod(containers=[{"name": "web", "ports": [{"containerPort": 80, "name": "web"}]}])
    assert containers(strategic(obj, patch))[0]["ports"] == [{"containerPort": 80, "name": "web"}]
    service = {"spec": {"ports": [{"port": 80, "targetPort": 1}]}}
    moved = strategic(service, {"spec": {"ports": [{"port": 80, "targetPort": 2}]}}, "services")
    assert moved["spec"]["ports"] == [{"port": 80, "targetPort": 2}]


def test_conditions_go_by_type_and_tolerations_as_a_whole() -> None:
    obj = {"status": {"conditions": [{"type": "A", "status": "False"}, {"type": "B"}]}}
    patched = strategic(obj, {"status": {"conditions": [{"type": "A", "status": "True"}]}})
    assert patched["status"]["conditions"] == [{"type": "A", "status": "True"}, {"type": "B"}]
    replaced = strategic(workload(), in_pod(tolerations=[{"key": "y"}]))
    assert replaced["spec"]["template"]["spec"]["tolerations"] == [{"key": "y"}]


def test_the_order_of_a_list_follows_the_patch_and_keeps_what_it_does_not_name() -> None:
    obj = in_pod(containers=[{"name": name} for name in "abcd"])
    order = {"$setElementOrder/containers": [{"name": "c"}, {"name": "a"}, {"name": "new"}]}
    patched = strategic(obj, in_pod(**order, containers=[{"name": "new"}]))
    names = [item["name"] for item in containers(patched)]
    assert [name for name in names if name in ("c", "a", "new")] == ["c", "a", "new"]
    assert [name for name in names if name in ("b", "d")] == ["b", "d"]


def test_values_can_be_deleted_from_a_list_of_values() -> None:
    patch = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"], "finalizers": ["c"]}}
    assert strategic(workload(), patch)["metadata"]["finalizers"] == ["b", "c"]


def test_retain_keys_drops_the_others() -> None:
    obj = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}
    patch = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    assert strategic(obj, patch)["spec"]["strategy"] == {"type": "Recreate"}


def test_null_deletes_a_field_and_directives_never_get_stored() -> None:
    patched = strategic({"metadata": {"labels": {"a": "1", "b": "2"}}}, {"metadata": {"labels": {"a": None}}})
    assert patched["metadata"]["labels"] == {"b": "2"}
    fresh = strategic({}, {"metadata": {"labels": {"x": None, "y": "1", "$retainKeys": ["y"]}}})
    assert fresh == {"metadata": {"labels": {"y": "1"}}}


@pytest.mark.parametrize(
    ("patch", "status"),
    [
        (in_pod(containers=[{"image": "without-a-name"}]), 500),
        (in_pod(containers=["text"]), 500),
        ({"spec": {"$patch": "explode"}}, 500),
        ({"metadata": {"$deleteFromPrimitiveList/finalizers": "a"}}, 400),
        ({"metadata": {"$retainKeys": 5}}, 400),
        (in_pod(containers=[{"name": str(number)} for number in range(5000)]), 400),
    ],
)
def test_a_strategic_patch_that_makes_no_sense_is_refused(patch: dict[str, Any], status: int) -> None:
    with pytest.raises(StoreError) as refused:
        strategic(workload(), patch)
    assert refused.value.status == status


def test_a_merge_patch_replaces_lists_and_deletes_nulls() -> None:
    patched = apply_patch(
        MERGE_PATCH, workload(), {"metadata": {"finalizers": ["z"], "name": None}}, "deployments"
    )
    assert patched["metadata"] == {"finalizers": ["z"]}


def test_a_json_patch_is_applied_in_order() -> None:
    operations = [
        {"op": "test", "path": "/metadata/name", "value": "web"},
        {"op": "add", "path": "/metadata/labels", "value": {}},
        {"op": "add", "path": "/metadata/labels/a~1b", "value": "c"},
        {"op": "remove", "path": "/metadata/finalizers/0"},
    ]
    patched = apply_patch(JSON_PATCH, workload(), operations, "deployments")
    assert patched["metadata"] == {"name": "web", "finalizers": ["b"], "labels": {"a/b": "c"}}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/metadata/name", "value": "other"},
        {"op": "remove", "path": "/metadata/nothing"},
        {"op": "replace", "path": "/spec/template/nothing/here", "value": 1},
        {"op": "add", "path": "/metadata/finalizers/99", "value": 1},
        {"op": "add", "path": "/metadata/name/deeper", "value": 1},
    ],
)
def test_a_json_patch_that_does_not_fit_is_invalid_without_a_reason(operation: dict[str, Any]) -> None:
    obj = workload()
    with pytest.raises(StoreError) as refused:
        apply_patch(JSON_PATCH, obj, [operation], "deployments")
    assert (refused.value.status, refused.value.reason) == (422, "Invalid")
    assert refused.value.message == "the server rejected our request due to an error in our request"
    assert obj == workload()


@pytest.mark.parametrize(
    ("patch", "status"),
    [
        ({}, 400),
        ([5], 400),
        ([{"op": "explode", "path": "/a"}], 422),
        ([{"path": "/a"}], 422),
        ([{"op": "add"}], 422),
    ],
)
def test_what_is_not_a_json_patch_is_refused(patch: Any, status: int) -> None:
    with pytest.raises(StoreError) as refused:
        apply_patch(JSON_PATCH, workload(), patch, "deployments")
    assert refused.value.status == status


def test_copies_cannot_blow_an_object_up() -> None:
    operations = [{"op": "copy", "from": "/metadata", "path": f"/metadata/x{number}"} for number in range(60)]
    with pytest.raises(StoreError) as refused:
        apply_patch(JSON_PATCH, workload(), operations, "deployments")
    assert refused.value.status == 413


def test_an_unknown_patch_type_is_415() -> None:
    with pytest.raises(StoreError) as refused:
        apply_patch("application/json", workload(), {}, "deployments")
    assert refused.value.status == 415


_KEYS = (
    "metadata",
    "spec",
    "template",
    "containers",
    "name",
    "finalizers",
    "env",
    "$patch",
    "$retainKeys",
    "$setElementOrder/containers",
    "$deleteFromPrimitiveList/finalizers",
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab$", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4),
    max_leaves=12,
)
_OBJECTS = st.dictionaries(st.sampled_from(_KEYS[:7]), _JSON, max_size=4)


@given(obj=_OBJECTS, patch=st.dictionaries(st.sampled_from(_KEYS), _JSON, max_size=4))
def test_whatever_a_strategic_patch_holds_it_merges_or_is_refused(
    obj: dict[str, Any], patch: dict[str, Any]
) -> None:
    before = clone(obj), clone(patch)
    with contextlib.suppress(StoreError):
        strategic(obj, patch)
    assert (obj, patch) == before


_LABELS = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["1", "2"]))
_NAMED = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from("pqrs")}, optional={"image": st.sampled_from(["i", "j"])}),
    unique_by=lambda item: item["name"],
)
_PODS = st.fixed_dictionaries(
    {},
    optional={
        "metadata": st.fixed_dictionaries({"labels": _LABELS}),
        "spec": st.fixed_dictionaries({"containers": _NAMED}),
    },
)


@given(live=_PODS, config=_PODS)
def test_an_applied_object_holds_everything_that_was_applied(
    live: dict[str, Any], config: dict[str, Any]
) -> None:
    shape = shape_of("pods")
    merged = fieldset.merge(clone(live), config, shape)
    for path in fieldset.fields_of(config, shape):
        assert fieldset.value_at(merged, path, shape) is not None


@given(obj=_PODS)
def test_a_field_set_survives_its_written_form(obj: dict[str, Any]) -> None:
    fields = fieldset.fields_of(obj, shape_of("pods"))
    assert fieldset.from_tree(fieldset.to_tree(fields)) == fields


def test_a_path_is_spelled_as_the_server_does() -> None:
    path = ("f:spec", "f:containers", 'k:{"name":"web"}', "f:image")
    assert fieldset.spell(path) == '.spec.containers[name="web"].image'
