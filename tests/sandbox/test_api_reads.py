from __future__ import annotations

from urllib.parse import quote

import pytest
from apikit import DEPLOYMENTS, PODS, TABLE, Served, deployment, pod, serving, set_status


async def names(api: Served, query: str, path: str = PODS) -> list[str]:
    answer = await api.get(f"{path}?{query}")
    assert answer.status == 200, answer.body
    return [item["metadata"]["name"] for item in answer.body["items"]]


def seed_pods(api: Served) -> None:
    api.store.create("pods", pod("a", app="web", tier="front"))
    api.store.create("pods", pod("b", app="web", tier="back", node="node-b"))
    api.store.create("pods", pod("c", app="db", n="7"))


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("", "abc"),
        ("app=web", "ab"),
        ("app==web,tier!=back", "a"),
        ("app!=web", "c"),
        ("app in (web, db),tier", "ab"),
        ("app in (web,db)", "abc"),
        ("tier notin (front)", "bc"),
        ("!tier", "c"),
        ("tier", "ab"),
        ("n>5", "c"),
        ("n<5", ""),
        ("app=", ""),
    ],
)
async def test_label_selectors(selector: str, found: str) -> None:
    async with serving() as api:
        seed_pods(api)
        assert await names(api, f"labelSelector={quote(selector)}") == list(found)


@pytest.mark.parametrize(
    "selector", ["a in web", "a=b=c", "a in (b", ")", "a,,b", "-a=b", "a=b c", "((", "=", "!"]
)
async def test_a_label_selector_that_cannot_be_read_is_a_bad_request(selector: str) -> None:
    async with serving() as api:
        answer = await api.get(f"{PODS}?labelSelector={quote(selector)}")
        assert (answer.status, answer.body["reason"]) == (400, "BadRequest")


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("metadata.name=a", "a"),
        ("metadata.name!=a", "bc"),
        ("metadata.namespace=shop,spec.nodeName=node-b", "b"),
        ("status.phase=Pending", "abc"),
        ("status.phase=Running", ""),
    ],
)
async def test_field_selectors(selector: str, found: str) -> None:
    async with serving() as api:
        seed_pods(api)
        assert await names(api, f"fieldSelector={quote(selector)}") == list(found)


async def test_a_field_that_cannot_be_selected_is_named() -> None:
    async with serving() as api:
        answer = await api.get(f"{PODS}?fieldSelector=spec.color%3Dred")
        assert answer.status == 400
        assert "spec.color" in answer.body["message"]


async def test_pages_show_one_version_whatever_happens_in_between() -> None:
    async with serving() as api:
        seed_pods(api)
        first = await api.get(f"{PODS}?limit=2")
        assert first.body["metadata"]["remainingItemCount"] == 1
        api.store.delete("pods", "shop", "c")
        api.store.create("pods", pod("d"))
        token = first.body["metadata"]["continue"]
        second = await api.get(f"{PODS}?limit=2&continue={token}")
        assert [item["metadata"]["name"] for item in second.body["items"]] == ["c"]
        assert second.body["metadata"] == {"resourceVersion": first.body["metadata"]["resourceVersion"]}
        api.store.compact()
        gone = await api.get(f"{PODS}?limit=2&continue={token}")
        assert (gone.status, gone.body["reason"]) == (410, "Expired")
        assert (await api.get(f"{PODS}?continue=nonsense")).status == 400


async def test_versions_of_a_list() -> None:
    async with serving() as api:
        seed_pods(api)
        version = api.store.resource_version
        api.store.create("pods", pod("d"))
        assert await names(api, f"resourceVersion={version}&resourceVersionMatch=Exact") == ["a", "b", "c"]
        assert len(await names(api, f"resourceVersion={version}")) == 4
        future = await api.get(f"{PODS}?resourceVersion=999999")
        assert (future.status, future.body["reason"]) == (504, "Timeout")
        assert (await api.get(f"{PODS}?resourceVersion=soon")).status == 400


async def test_the_items_of_a_list_carry_no_kind_of_their_own() -> None:
    async with serving() as api:
        seed_pods(api)
        answer = await api.get("/api/v1/pods")
        assert (answer.body["kind"], answer.body["apiVersion"]) == ("PodList", "v1")
        assert all("kind" not in item for item in answer.body["items"])


async def test_the_columns_of_pods() -> None:
    async with serving() as api:
        api.store.create("pods", pod("a"))
        running = {"name": "web", "ready": True, "restartCount": 2, "state": {"running": {}}}
        running["lastState"] = {"terminated": {"finishedAt": "2027-01-15T07:55:00Z", "exitCode": 1}}
        set_status(api.store, "pods", "a", phase="Running", podIP="10.0.0.1", containerStatuses=[running])
        api.clock.time += 90
        table = (await api.get(PODS, headers=TABLE)).body
        assert [c["name"] for c in table["columnDefinitions"] if not c["priority"]] == [
            "Name", "Ready", "Status", "Restarts", "Age",
        ]  # fmt: skip
        assert table["rows"][0]["cells"] == [
            "a", "1/1", "Running", "2 (6m30s ago)", "90s", "10.0.0.1", "node-a", "<none>", "<none>",
        ]  # fmt: skip
        assert table["rows"][0]["object"]["kind"] == "PartialObjectMetadata"


def with_state(phase: str, **state: object) -> dict[str, object]:
    return {"phase": phase, "containerStatuses": [{"state": state}]}


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ({"phase": "Pending"}, "Pending"),
        (with_state("Pending", waiting={"reason": "ImagePullBackOff"}), "ImagePullBackOff"),
        (with_state("Running", terminated={"reason": "Error"}), "Error"),
        (with_state("Running", terminated={"exitCode": 3}), "ExitCode:3"),
        ({"phase": "Failed", "reason": "Evicted"}, "Evicted"),
        ({"phase": "Pending", "initContainerStatuses": [{"state": {"running": {}}}]}, "Init:0/1"),
    ],
)
async def test_the_status_word_of_a_pod(status: dict[str, object], word: str) -> None:
    async with serving() as api:
        api.store.create("pods", pod("a"))
        set_status(api.store, "pods", "a", **status)
        table = (await api.get(f"{PODS}/a", headers=TABLE)).body
        assert table["rows"][0]["cells"][2] == word


async def test_a_pod_with_a_deletion_time_is_terminating() -> None:
    async with serving() as api:
        api.store.create("pods", pod("a"))
        api.store.delete("pods", "shop", "a", grace=None)
        table = (await api.get(f"{PODS}/a", headers=TABLE)).body
        assert table["rows"][0]["cells"][2] == "Terminating"


async def test_the_columns_of_deployments_services_and_events() -> None:
    async with serving() as api:
        api.store.create("deployments", deployment(replicas=3))
        set_status(api.store, "deployments", "web", readyReplicas=2, updatedReplicas=1, availableReplicas=2)
        row = (await api.get(DEPLOYMENTS, headers=TABLE)).body["rows"][0]["cells"]
        assert row == ["web", "2/3", 1, 2, "0s", "web", "web:1", "app=web"]
        ports = [{"port": 80, "nodePort": 30080, "name": "a"}, {"port": 81, "protocol": "UDP", "name": "b"}]
        spec = {"type": "NodePort", "clusterIP": "10.96.0.9", "ports": ports, "selector": {"app": "web"}}
        api.store.create("services", {"metadata": {"name": "s", "namespace": "shop"}, "spec": spec})
        row = (await api.get("/api/v1/namespaces/shop/services", headers=TABLE)).body["rows"][0]["cells"]
        assert row[:5] == ["s", "NodePort", "10.96.0.9", "<none>", row[4]]
        assert row[4].startswith("80:30080/TCP,81:")
        event = {
            "metadata": {"name": "e", "namespace": "shop"},
            "involvedObject": {"kind": "Pod", "name": "a", "namespace": "shop"},
            "type": "Warning", "reason": "Failed", "message": "no such image",
            "lastTimestamp": "2027-01-15T07:59:00Z", "count": 4,
        }  # fmt: skip
        api.store.create("events", event)
        cells = (await api.get("/api/v1/namespaces/shop/events", headers=TABLE)).body["rows"][0]["cells"]
        assert cells[:4] == ["60s", "Warning", "Failed", "pod/a"]
        assert cells[6] == "no such image"


async def test_an_event_has_two_faces() -> None:
    async with serving() as api:
        event = {"metadata": {"name": "e"}, "regarding": {"kind": "Pod", "name": "a"}, "note": "hello"}
        made = await api.send("POST", "/apis/events.k8s.io/v1/namespaces/shop/events", event)
        assert made.status == 201
        assert made.body["note"] == "hello"
        core = await api.get("/api/v1/namespaces/shop/events?fieldSelector=involvedObject.name%3Da")
        assert core.body["items"][0]["message"] == "hello"
        new = await api.get("/apis/events.k8s.io/v1/namespaces/shop/events?fieldSelector=regarding.name%3Da")
        assert new.body["items"][0]["regarding"]["name"] == "a"


async def test_a_kind_without_columns_of_its_own_shows_name_and_age() -> None:
    async with serving() as api:
        api.store.create("limitranges", {"metadata": {"name": "l", "namespace": "shop"}})
        table = (await api.get("/api/v1/namespaces/shop/limitranges", headers=TABLE)).body
        assert table["rows"][0]["cells"] == ["l", "0s"]


async def test_metadata_alone_can_be_asked_for() -> None:
    async with serving() as api:
        seed_pods(api)
        accept = {"Accept": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"}
        answer = await api.get(PODS, headers=accept)
        assert answer.body["kind"] == "PartialObjectMetadataList"
        assert set(answer.body["items"][0]) == {"kind", "apiVersion", "metadata"}
