from __future__ import annotations

import asyncio

import pytest
from apikit import StillClock, deployment, make_store, pod, set_status

from releaseconsole.sandbox.store.refusals import StoreError


def test_a_new_object_gets_identity_version_and_defaults() -> None:
    store = make_store()
    made = store.create("deployments", deployment())
    assert made["metadata"]["uid"].startswith("uid-")
    assert made["metadata"]["creationTimestamp"] == "2027-01-15T08:00:00Z"
    assert made["metadata"]["generation"] == 1
    assert made["metadata"]["resourceVersion"] == str(store.resource_version)
    assert made["spec"]["replicas"] == 1
    assert made["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": "25%", "maxUnavailable": "25%"}
    assert made["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] == "IfNotPresent"


def test_the_same_uids_give_the_same_generated_names() -> None:
    names = {
        make_store().create("pods", {"metadata": {"generateName": "web-"}})["metadata"]["name"] for _ in "ab"
    }
    assert len(names) == 1
    assert names.pop().startswith("web-")


def test_a_name_is_taken_once() -> None:
    store = make_store()
    store.create("pods", pod())
    with pytest.raises(StoreError) as refused:
        store.create("pods", pod())
    assert (refused.value.status, refused.value.reason) == (409, "AlreadyExists")
    assert refused.value.message == 'pods "web-1" already exists'


def test_a_missing_object_is_named_with_its_group() -> None:
    with pytest.raises(StoreError) as refused:
        make_store().get("deployments", "shop", "web")
    assert refused.value.message == 'deployments.apps "web" not found'
    assert refused.value.details == {"name": "web", "group": "apps", "kind": "deployments"}


def test_generation_moves_with_the_spec_only() -> None:
    store = make_store()
    store.create("deployments", deployment())
    labelled = store.update("deployments", "shop", "web", lambda obj: obj["metadata"]["labels"].update(a="b"))
    assert labelled["metadata"]["generation"] == 1
    set_status(store, "deployments", "web", replicas=1)
    scaled = store.update("deployments", "shop", "web", lambda obj: obj["spec"].update(replicas=3))
    assert scaled["metadata"]["generation"] == 2
    assert scaled["status"] == {"replicas": 1}


def test_a_change_that_changes_nothing_keeps_the_version() -> None:
    store = make_store()
    made = store.create("deployments", deployment())
    version = store.resource_version
    assert store.update("deployments", "shop", "web", lambda obj: None) is made
    assert store.resource_version == version


def test_status_and_spec_are_written_apart() -> None:
    store = make_store()
    store.create("deployments", deployment())

    def both(obj: dict[str, dict[str, int]]) -> None:
        obj["spec"]["replicas"] = 9
        obj["status"] = {"replicas": 9}

    by_status = store.update("deployments", "shop", "web", both, subresource="status")
    assert (by_status["spec"]["replicas"], by_status["status"]) == (1, {"replicas": 9})
    store.update("deployments", "shop", "web", lambda obj: obj.update(status={}), subresource="status")
    by_spec = store.update("deployments", "shop", "web", both)
    assert (by_spec["spec"]["replicas"], by_spec["status"]) == (9, {})


def test_nobody_can_change_what_was_handed_out() -> None:
    store = make_store()
    made = store.create("deployments", deployment())
    store.update("deployments", "shop", "web", lambda obj: obj["spec"].update(replicas=3))
    assert made["spec"]["replicas"] == 1


def test_a_stale_version_is_a_conflict() -> None:
    store = make_store()
    stale = store.create("deployments", deployment())["metadata"]["resourceVersion"]
    store.update("deployments", "shop", "web", lambda obj: obj["spec"].update(replicas=3))
    with pytest.raises(StoreError) as refused:
        store.update("deployments", "shop", "web", lambda obj: None, expected_rv=stale)
    assert (refused.value.status, refused.value.reason) == (409, "Conflict")
    assert "the object has been modified" in refused.value.message


def test_uid_and_name_survive_whatever_a_client_sends() -> None:
    store = make_store()
    made = store.create("pods", pod())
    changed = store.update(
        "pods", "shop", "web-1", lambda obj: obj.update(metadata={"name": "x", "uid": "y"})
    )
    assert changed["metadata"]["name"] == "web-1"
    assert changed["metadata"]["uid"] == made["metadata"]["uid"]


def test_a_dry_run_stores_nothing() -> None:
    store = make_store()
    version = store.resource_version
    store.create("pods", pod(), dry_run=True)
    assert store.find("pods", "shop", "web-1") is None
    assert store.resource_version == version


def test_a_pod_on_a_node_first_gets_its_deletion_time() -> None:
    store = make_store()
    store.create("pods", pod())
    marked = store.delete("pods", "shop", "web-1", grace=None)
    assert marked["metadata"]["deletionTimestamp"] == "2027-01-15T08:00:30Z"
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 30
    assert store.delete("pods", "shop", "web-1", grace=0)
    assert store.find("pods", "shop", "web-1") is None


def test_a_pod_without_a_node_goes_at_once() -> None:
    store = make_store()
    store.create("pods", pod(node=""))
    store.delete("pods", "shop", "web-1", grace=None)
    assert store.find("pods", "shop", "web-1") is None


def test_a_finalizer_holds_an_object_until_it_is_taken_away() -> None:
    store = make_store()
    store.create("configmaps", {"metadata": {"name": "c", "namespace": "shop", "finalizers": ["x/y"]}})
    assert "deletionTimestamp" in store.delete("configmaps", "shop", "c")["metadata"]
    store.update("configmaps", "shop", "c", lambda obj: obj["metadata"].pop("finalizers"))
    assert store.find("configmaps", "shop", "c") is None


def owned(name: str, owner: dict[str, dict[str, str]], kind: str) -> dict[str, object]:
    reference = {"kind": kind, "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]}
    return {"metadata": {"name": name, "namespace": "shop", "ownerReferences": [reference]}}


def test_what_loses_its_owner_is_collected() -> None:
    store = make_store()
    top = store.create("deployments", deployment())
    middle = store.create("replicasets", owned("web-1", top, "Deployment"))
    store.create("pods", owned("web-1-a", middle, "ReplicaSet"))
    store.delete("deployments", "shop", "web")
    assert store.list("replicasets") == []
    assert store.list("pods") == []


def test_orphans_stay_without_an_owner() -> None:
    store = make_store()
    top = store.create("deployments", deployment())
    store.create("replicasets", owned("web-1", top, "Deployment"))
    store.delete("deployments", "shop", "web", propagation="Orphan")
    assert "ownerReferences" not in store.get("replicasets", "shop", "web-1")["metadata"]


def test_a_namespace_is_terminating_until_its_last_object_is_gone() -> None:
    store = make_store()
    store.create("configmaps", {"metadata": {"name": "c", "namespace": "shop"}})
    store.create("pods", pod("a"))
    store.delete("namespaces", "", "shop")
    assert store.list("configmaps") == []
    assert "deletionTimestamp" in store.get("pods", "shop", "a")["metadata"]
    assert store.get("namespaces", "", "shop")["status"]["phase"] == "Terminating"
    store.delete("pods", "shop", "a", grace=0)
    assert store.find("namespaces", "", "shop") is None


async def test_a_watch_sees_every_change_after_its_version_in_order() -> None:
    store = make_store()
    store.create("pods", pod("a"))
    watch = store.watch("pods", store.resource_version)
    store.create("pods", pod("b"))
    store.create("configmaps", {"metadata": {"name": "c", "namespace": "shop"}})
    store.update("pods", "shop", "b", lambda obj: obj["metadata"].update(labels={"x": "y"}))
    store.delete("pods", "shop", "a")
    seen = [(change.type, change.object["metadata"]["name"]) for change in watch.take()]
    assert seen == [("ADDED", "b"), ("MODIFIED", "b"), ("DELETED", "a")]
    watch.close()


async def test_a_deleted_event_carries_a_version_of_its_own() -> None:
    store = make_store()
    store.create("pods", pod())
    watch = store.watch("pods", store.resource_version)
    store.delete("pods", "shop", "web-1")
    [change] = watch.take()
    assert change.object["metadata"]["resourceVersion"] == str(store.resource_version)


def test_compaction_ends_old_versions() -> None:
    store = make_store()
    old = store.resource_version
    store.create("pods", pod())
    store.compact()
    with pytest.raises(StoreError) as refused:
        store.watch("pods", old)
    assert (refused.value.status, refused.value.reason) == (410, "Expired")
    assert store.watch("pods", store.resource_version).take() == []


def test_history_is_bounded_and_a_slow_watch_learns_that_it_lost_its_place() -> None:
    store = make_store(history=4)
    watch = store.watch("pods", store.resource_version)
    for number in range(40):
        store.create("pods", pod(f"p{number}"))
    with pytest.raises(StoreError) as refused:
        watch.take()
    assert refused.value.status == 410


def test_the_past_can_be_listed_as_far_as_history_goes() -> None:
    store = make_store()
    store.create("pods", pod("a"))
    then = store.resource_version
    store.create("pods", pod("b"))
    store.update("pods", "shop", "a", lambda obj: obj["metadata"].update(labels={"new": "1"}))
    store.delete("pods", "shop", "a")
    [before] = store.list_at("pods", then)
    assert before["metadata"]["labels"] == {"app": "web"}
    store.compact()
    with pytest.raises(StoreError):
        store.list_at("pods", then)


async def test_a_subscription_wakes_once_for_many_changes_of_its_kinds() -> None:
    store = make_store()
    subscription = store.subscribe({"pods"})
    store.create("configmaps", {"metadata": {"name": "c", "namespace": "shop"}})
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await subscription.wait()
    for name in "abc":
        store.create("pods", pod(name))
    async with asyncio.timeout(1):
        await subscription.wait()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await subscription.wait()
    subscription.close()


def test_secrets_and_services_are_completed() -> None:
    store = make_store(StillClock())
    secret = store.create(
        "secrets", {"metadata": {"name": "s", "namespace": "shop"}, "stringData": {"a": "b"}}
    )
    assert secret["data"] == {"a": "Yg=="}
    spec = {"ports": [{"port": 80}], "selector": {"app": "web"}}
    service = store.create("services", {"metadata": {"name": "s", "namespace": "shop"}, "spec": spec})
    assert service["spec"]["clusterIP"].startswith("10.96.")
    assert service["spec"]["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]
