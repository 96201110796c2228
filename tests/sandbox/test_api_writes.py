from __future__ import annotations

from typing import Any

import pytest
from apikit import DEPLOYMENTS, PODS, Served, deployment, pod, serving, set_status

WEB = f"{DEPLOYMENTS}/web"
CONFIGMAPS = "/api/v1/namespaces/shop/configmaps"


async def create(api: Served, **spec: Any) -> dict[str, Any]:
    answer = await api.send("POST", f"{DEPLOYMENTS}?fieldManager=maker", deployment(**spec))
    assert answer.status == 201, answer.body
    made: dict[str, Any] = answer.body
    return made


def image(obj: dict[str, Any]) -> str:
    found: str = obj["spec"]["template"]["spec"]["containers"][0]["image"]
    return found


def with_image(text: str) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": text}]}}}}


async def test_create_read_replace_delete() -> None:
    async with serving() as api:
        made = await create(api)
        assert made["metadata"]["generation"] == 1
        assert (await api.send("POST", DEPLOYMENTS, deployment())).body["reason"] == "AlreadyExists"
        made["spec"]["replicas"] = 4
        replaced = await api.send("PUT", WEB, made)
        assert (replaced.status, replaced.body["metadata"]["generation"]) == (200, 2)
        stale = await api.send("PUT", WEB, made)
        assert (stale.status, stale.body["reason"]) == (409, "Conflict")
        del made["metadata"]["resourceVersion"]
        assert (await api.send("PUT", WEB, made)).status == 200
        deleted = await api.send("DELETE", WEB)
        assert (deleted.status, deleted.body["status"]) == (200, "Success")
        gone = await api.get(WEB)
        assert (gone.status, gone.body["reason"]) == (404, "NotFound")
        assert gone.body["details"] == {"name": "web", "group": "apps", "kind": "deployments"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"selector": None}, "spec.selector"),
        ({"selector": {"matchLabels": {"app": "other"}}}, "spec.template.metadata.labels"),
        ({"replicas": -1}, "spec.replicas"),
        ({"template": {"metadata": {"labels": {"app": "web"}}}}, "spec.template.spec.containers"),
        ({"strategy": {"type": "Sideways"}}, "spec.strategy"),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}},
            "spec.strategy.rollingUpdate.maxUnavailable",
        ),
    ],
)
async def test_a_deployment_that_cannot_work_is_invalid(change: dict[str, Any], field: str) -> None:
    async with serving() as api:
        answer = await api.send("POST", DEPLOYMENTS, deployment(**change))
        assert (answer.status, answer.body["reason"]) == (422, "Invalid")
        assert field in [cause["field"] for cause in answer.body["details"]["causes"]]
        assert answer.body["message"].startswith('Deployment.apps "web" is invalid: ')


async def test_a_container_needs_an_image_and_a_name() -> None:
    async with serving() as api:
        manifest = deployment()
        manifest["spec"]["template"]["spec"]["containers"] = [{}, {"name": "a", "image": "x"}, {"name": "a"}]
        answer = await api.send("POST", DEPLOYMENTS, manifest)
        assert [cause["field"] for cause in answer.body["details"]["causes"]] == [
            "spec.template.spec.containers[0].name",
            "spec.template.spec.containers[0].image",
            "spec.template.spec.containers[2].name",
            "spec.template.spec.containers[2].image",
        ]


async def test_the_selector_is_immutable() -> None:
    async with serving() as api:
        await create(api)
        labels = {"spec": {"selector": {"matchLabels": {"app": "web", "x": "y"}}}}
        answer = await api.patch(WEB, labels, "merge")
        assert answer.status == 422
        assert "field is immutable" in answer.body["message"]


@pytest.mark.parametrize(
    "change",
    [{"replicas": "many"}, {"template": []}, {"selector": {"matchLabels": {"a": 1}}}, {"paused": "yes"}],
)
async def test_a_field_of_the_wrong_type_is_a_bad_request(change: dict[str, Any]) -> None:
    async with serving() as api:
        answer = await api.send("POST", DEPLOYMENTS, deployment(**change))
        assert (answer.status, answer.body["reason"]) == (400, "BadRequest")
        assert 'Deployment in version "v1" cannot be handled as a Deployment' in answer.body["message"]


async def test_names_namespaces_and_kinds_have_to_fit_the_path() -> None:
    async with serving() as api:
        await create(api)
        for answer in (
            await api.send("PUT", f"{DEPLOYMENTS}/other", deployment("web")),
            await api.send("POST", "/apis/apps/v1/namespaces/default/deployments", deployment()),
            await api.send("POST", PODS, deployment()),
        ):
            assert (answer.status, answer.body["reason"]) == (400, "BadRequest")
        nowhere = await api.send("POST", "/api/v1/namespaces/none/pods", {**pod(), "metadata": {"name": "p"}})
        assert (nowhere.status, nowhere.body["message"]) == (404, 'namespaces "none" not found')
        badly_named = await api.send("POST", CONFIGMAPS, {"metadata": {"name": "Not_A_Name"}})
        assert badly_named.status == 422


async def test_every_patch_type_changes_the_image() -> None:
    async with serving() as api:
        await create(api)
        path = "/spec/template/spec/containers/0/image"
        answers = [
            await api.patch(WEB, with_image("web:2"), "strategic-merge"),
            await api.patch(WEB, [{"op": "replace", "path": path, "value": "web:3"}], "json"),
            await api.patch(WEB, with_image("web:4"), "merge"),
        ]
        assert [image(answer.body) for answer in answers] == ["web:2", "web:3", "web:4"]
        assert [answer.body["metadata"]["generation"] for answer in answers] == [2, 3, 4]


async def test_a_test_that_fails_is_invalid_and_changes_nothing() -> None:
    async with serving() as api:
        made = await create(api)
        operations = [
            {"op": "test", "path": "/metadata/uid", "value": made["metadata"]["uid"]},
            {"op": "test", "path": "/metadata/generation", "value": 7},
            {"op": "replace", "path": "/spec/replicas", "value": 9},
        ]
        answer = await api.patch(WEB, operations, "json")
        assert (answer.status, answer.body["reason"]) == (422, "Invalid")
        assert (await api.get(WEB)).body == made


async def test_a_patch_that_names_an_old_version_is_a_conflict() -> None:
    async with serving() as api:
        made = await create(api)
        stale = {"metadata": {"resourceVersion": made["metadata"]["resourceVersion"]}}
        assert (await api.patch(WEB, {**stale, "spec": {"replicas": 2}}, "merge")).status == 200
        for kind in ("merge", "strategic-merge"):
            answer = await api.patch(WEB, {**stale, "spec": {"replicas": 3}}, kind)
            assert (answer.status, answer.body["reason"]) == (409, "Conflict")
        replace = {"op": "replace", "path": "/metadata/resourceVersion", "value": "1"}
        assert (await api.patch(WEB, [replace], "json")).status == 409


async def test_a_dry_run_answers_and_stores_nothing() -> None:
    async with serving() as api:
        made = await create(api)
        version = api.store.resource_version
        tried = await api.patch(f"{WEB}?dryRun=All", with_image("web:2"), "strategic-merge")
        assert image(tried.body) == "web:2"
        assert (await api.send("DELETE", f"{WEB}?dryRun=All")).status == 200
        assert (await api.send("POST", f"{DEPLOYMENTS}?dryRun=All", deployment("b"))).status == 201
        assert (await api.get(WEB)).body == made
        assert api.store.resource_version == version
        assert (await api.send("POST", f"{DEPLOYMENTS}?dryRun=Some", deployment("b"))).status == 422


async def test_the_status_is_written_through_its_own_door() -> None:
    async with serving() as api:
        await create(api)
        both = {"spec": {"replicas": 8}, "status": {"replicas": 8}}
        by_status = await api.patch(f"{WEB}/status", both, "merge")
        assert (by_status.body["spec"]["replicas"], by_status.body["status"]) == (1, {"replicas": 8})
        assert by_status.body["metadata"]["generation"] == 1
        by_spec = await api.patch(WEB, {"spec": {"replicas": 2}, "status": {"replicas": 1}}, "merge")
        assert (by_spec.body["spec"]["replicas"], by_spec.body["status"]) == (2, {"replicas": 8})


async def test_a_workload_is_scaled_through_its_scale() -> None:
    async with serving() as api:
        await create(api)
        set_status(api.store, "deployments", "web", replicas=1)
        scale = (await api.get(f"{WEB}/scale")).body
        assert (scale["kind"], scale["apiVersion"]) == ("Scale", "autoscaling/v1")
        assert scale["status"] == {"replicas": 1, "selector": "app=web"}
        scale["spec"]["replicas"] = 3
        put = await api.send("PUT", f"{WEB}/scale", scale)
        assert put.body["spec"]["replicas"] == 3
        assert (await api.send("PUT", f"{WEB}/scale", scale)).status == 409
        patched = await api.patch(f"{WEB}/scale", {"spec": {"replicas": 5}}, "merge")
        assert patched.body["spec"]["replicas"] == 5
        assert (await api.get(WEB)).body["spec"]["replicas"] == 5
        assert (await api.patch(f"{WEB}/scale", {"spec": {"replicas": -1}}, "merge")).status == 422
        assert (await api.patch(f"{WEB}/scale", {"spec": {"replicas": "x"}}, "merge")).status == 400


async def test_deletion_has_preconditions_and_propagation() -> None:
    async with serving() as api:
        made = await create(api)
        wrong = await api.send("DELETE", WEB, {"preconditions": {"uid": "other"}})
        assert (wrong.status, wrong.body["reason"]) == (409, "Conflict")
        owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": made["metadata"]["uid"]}
        child = {**pod(), "metadata": {"name": "p", "namespace": "shop", "ownerReferences": [owner]}}
        api.store.create("pods", child)
        assert (await api.send("DELETE", f"{WEB}?propagationPolicy=Sideways")).status == 422
        await api.send("DELETE", f"{WEB}?propagationPolicy=Orphan")
        assert "ownerReferences" not in (await api.get(f"{PODS}/p")).body["metadata"]


async def test_a_pod_is_given_its_grace_and_can_be_killed_at_once() -> None:
    async with serving() as api:
        api.store.create("pods", pod())
        graceful = await api.send("DELETE", f"{PODS}/web-1")
        assert graceful.body["metadata"]["deletionGracePeriodSeconds"] == 30
        assert (await api.get(f"{PODS}/web-1")).status == 200
        await api.send("DELETE", f"{PODS}/web-1?gracePeriodSeconds=0")
        assert (await api.get(f"{PODS}/web-1")).status == 404


async def test_many_are_deleted_by_selector() -> None:
    async with serving() as api:
        for name, app in (("a", "web"), ("b", "web"), ("c", "db")):
            api.store.create("pods", pod(name, node="", app=app))
        answer = await api.send("DELETE", f"{PODS}?labelSelector=app%3Dweb")
        assert [item["metadata"]["name"] for item in answer.body["items"]] == ["a", "b"]
        assert [obj["metadata"]["name"] for obj in api.store.list("pods")] == ["c"]


async def test_a_pods_image_may_change_and_nothing_else() -> None:
    async with serving() as api:
        await api.send("POST", PODS, pod())
        new = {"spec": {"containers": [{"name": "web", "image": "web:2"}]}}
        assert (await api.patch(f"{PODS}/web-1", new, "strategic-merge")).status == 200
        other = await api.patch(f"{PODS}/web-1", {"spec": {"nodeName": "node-b"}}, "merge")
        assert (other.status, other.body["reason"]) == (422, "Invalid")


def applied(**labels: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "labels": labels}}


async def apply(api: Served, manager: str, config: dict[str, Any], path: str, **query: str) -> Any:
    more = "".join(f"&{key}={value}" for key, value in query.items())
    return await api.patch(f"{path}?fieldManager={manager}{more}", config, "apply")


async def test_apply_creates_then_changes_then_removes() -> None:
    async with serving() as api:
        path = f"{CONFIGMAPS}/c"
        made = await apply(api, "me", applied(a="1", b="1"), path)
        assert made.status == 201
        same = await apply(api, "me", applied(a="1", b="1"), path)
        assert same.body["metadata"]["resourceVersion"] == made.body["metadata"]["resourceVersion"]
        less = await apply(api, "me", applied(a="2"), path)
        assert (less.status, less.body["metadata"]["labels"]) == (200, {"a": "2"})
        [entry] = less.body["metadata"]["managedFields"]
        assert (entry["manager"], entry["operation"]) == ("me", "Apply")
        assert entry["fieldsV1"] == {"f:metadata": {"f:labels": {"f:a": {}}}}


async def test_two_managers_conflict_over_a_value_unless_one_forces() -> None:
    async with serving() as api:
        path = f"{CONFIGMAPS}/c"
        await apply(api, "me", applied(a="1"), path)
        assert (await apply(api, "you", applied(a="1"), path)).status == 200
        clash = await apply(api, "you", applied(a="2"), path)
        assert (clash.status, clash.body["reason"]) == (409, "Conflict")
        assert clash.body["message"] == (
            'Apply failed with 1 conflict: conflict with "me": .metadata.labels.a'
        )
        [cause] = clash.body["details"]["causes"]
        assert (cause["reason"], cause["field"]) == ("FieldManagerConflict", ".metadata.labels.a")
        forced = await apply(api, "you", applied(a="2"), path, force="true")
        assert forced.body["metadata"]["labels"] == {"a": "2"}
        assert [entry["manager"] for entry in forced.body["metadata"]["managedFields"]] == ["you"]


async def test_a_shared_field_stays_until_its_last_manager_lets_go() -> None:
    async with serving() as api:
        path = f"{CONFIGMAPS}/c"
        await apply(api, "me", applied(a="1"), path)
        await apply(api, "you", applied(a="1"), path)
        assert (await apply(api, "me", applied(), path)).body["metadata"]["labels"] == {"a": "1"}
        assert "labels" not in (await apply(api, "you", applied(), path)).body["metadata"]


async def test_apply_meets_what_was_set_by_other_means() -> None:
    async with serving() as api:
        await create(api)
        await api.patch(f"{WEB}?fieldManager=setter", with_image("web:2"), "strategic-merge")
        config = {"apiVersion": "apps/v1", "kind": "Deployment", **with_image("web:3")}
        config["metadata"] = {"name": "web"}
        clash = await apply(api, "me", config, WEB)
        assert clash.status == 409
        assert (
            '"setter" using apps/v1: .spec.template.spec.containers[name="web"].image'
            in clash.body["message"]
        )
        forced = await apply(api, "me", config, WEB, force="true")
        assert image(forced.body) == "web:3"


async def test_apply_needs_a_manager_and_reads_yaml() -> None:
    async with serving() as api:
        path = f"{CONFIGMAPS}/c"
        assert (await api.patch(path, applied(), "apply")).status == 422
        text = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\ndata: {a: b}\n"
        made = await api.patch(f"{path}?fieldManager=me", text, "apply")
        assert (made.status, made.body["data"]) == (201, {"a": "b"})
        bomb = b"a: &a [x, x]\nb: &b [*a, *a]\n"
        assert (await api.patch(f"{path}?fieldManager=me", bomb, "apply")).status == 400


async def test_protobuf_is_read_where_kubectl_insists_and_refused_elsewhere() -> None:
    def field(number: int, value: bytes) -> bytes:
        return bytes([number << 3 | 2, len(value)]) + value

    def envelope(kind: bytes, raw: bytes) -> bytes:
        return b"k8s\x00" + field(1, field(1, b"v1") + field(2, kind)) + field(2, raw)

    proto = "application/vnd.kubernetes.protobuf"
    data = field(1, field(1, b"c")) + field(2, field(1, b"key") + field(2, b"value"))
    async with serving() as api:
        made = await api.send("POST", CONFIGMAPS, envelope(b"ConfigMap", data), content_type=proto)
        assert (made.status, made.body["data"]) == (201, {"key": "value"})
        for body, status in (
            (envelope(b"Lease", b""), 415),
            (envelope(b"ConfigMap", data + field(9, b"what")), 415),
            (envelope(b"ConfigMap", data[:-3]), 400),
            (b"k8s\x00\xff\xff\xff", 400),
            (b"nonsense", 400),
        ):
            answer = await api.send("POST", CONFIGMAPS, body, content_type=proto)
            assert answer.status == status


async def test_a_misspelt_field_is_refused_warned_of_or_ignored() -> None:
    async with serving() as api:
        await create(api)
        misspelt = with_image("web:2")
        misspelt["spec"]["template"]["spec"]["containers"][0]["imagee"] = "x"
        misspelt["spec"]["replcas"] = 2
        strict = await api.patch(f"{WEB}?fieldValidation=Strict", misspelt, "strategic-merge")
        assert (strict.status, strict.body["reason"]) == (400, "BadRequest")
        assert strict.body["message"].endswith(
            'strict decoding error: unknown field "spec.template.spec.containers[0].imagee", '
            'unknown field "spec.replcas"'
        )
        ignored = await api.patch(f"{WEB}?fieldValidation=Ignore", misspelt, "strategic-merge")
        assert (ignored.status, "Warning" in ignored.headers) == (200, False)
        more = await api.patch(f"{WEB}?fieldValidation=Strict", {"spec": {"replicas": 2}}, "merge")
        assert more.status == 200
        warned = await api.send("POST", DEPLOYMENTS, deployment("other", **{"spék\n": 1}))
        assert warned.status == 201
        assert warned.headers["Warning"] == '299 - "unknown field \\"spec.sp?k?\\""'
        assert (await api.patch(f"{WEB}?fieldValidation=Maybe", {}, "merge")).status == 422


async def test_a_grace_beyond_all_time_is_cut() -> None:
    async with serving() as api:
        api.store.create("pods", pod())
        answer = await api.send("DELETE", f"{PODS}/web-1?gracePeriodSeconds=99999999999999999")
        assert answer.body["metadata"]["deletionGracePeriodSeconds"] == 31_536_000


async def test_replicas_are_bounded() -> None:
    async with serving() as api:
        for count, status in ((5000, 201), (5001, 422), (2**40, 400)):
            answer = await api.send("POST", DEPLOYMENTS, deployment(f"n{count}", replicas=count))
            assert answer.status == status
