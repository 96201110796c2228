"""The StatefulSet controller: order, revisions, and the pod that a rollback does not free."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from numbered import Sets, numbered
from worlds import NAMESPACE

BROKEN = "store/db:3-image-pull"


def started(**spec: Any) -> Sets:
    """A set of three pods that are all well."""
    sets = Sets("statefulset", "db", **{"replicas": 3, **spec})
    assert sets.run(until=lambda: sets.status.get("readyReplicas") == sets.object["spec"]["replicas"])
    sets.run(1)
    return sets


def firsts(sets: Sets, tag: str) -> list[str]:
    """In which order pods first ran a tag."""
    found: list[str] = []
    for moment in sets.running:
        found += [name for name, shown in moment.items() if shown == tag and name not in found]
    return found


class TestOrder:
    def test_pods_are_made_one_by_one(self) -> None:
        sets = started()
        assert [list(moment) for moment in sets.running if moment] == [
            ["db-0"],
            ["db-0", "db-1"],
            ["db-0", "db-1", "db-2"],
        ]

    def test_in_parallel_they_are_made_at_once(self) -> None:
        sets = started(podManagementPolicy="Parallel")
        assert list(sets.running[0]) == ["db-0", "db-1", "db-2"]

    def test_the_last_goes_first_when_it_shrinks(self) -> None:
        sets = started()
        sets.set(replicas=1)
        sets.run(until=lambda: len(sets.pods()) == 1)
        gone = [name for moment in sets.running for name, tag in moment.items() if tag.startswith("-")]
        assert list(dict.fromkeys(gone)) == ["db-2", "db-1"]
        assert not any(moment.get("db-1") == "-1" and "db-2" in moment for moment in sets.running)

    def test_it_may_begin_at_another_number(self) -> None:
        assert list(started(ordinals={"start": 5}).pods()) == ["db-5", "db-6", "db-7"]

    def test_a_pod_carries_its_number_and_its_revision(self) -> None:
        sets = started()
        pod = sets.pods()["db-1"]
        assert pod["metadata"]["labels"] == {
            "app": "db",
            "statefulset.kubernetes.io/pod-name": "db-1",
            "apps.kubernetes.io/pod-index": "1",
            "controller-revision-hash": sets.status["currentRevision"],
        }
        assert (pod["spec"]["hostname"], pod["spec"]["subdomain"]) == ("db-1", "db")

    def test_the_next_pod_waits_for_the_time_it_has_to_be_ready(self) -> None:
        sets = Sets("statefulset", "db", replicas=2, minReadySeconds=20)
        sets.run(until=lambda: sets.status.get("readyReplicas") == 1)
        ready = sets.practice.clock.at
        assert sets.run(until=lambda: len(sets.pods()) == 2)
        assert 19 <= sets.practice.clock.at - ready <= 21


class TestUpdate:
    def test_the_highest_number_is_replaced_first(self) -> None:
        sets = started()
        sets.set_image("store/db:2")
        assert sets.run(until=lambda: sets.status["currentRevision"] == sets.status["updateRevision"])
        assert firsts(sets, "2") == ["db-2", "db-1", "db-0"]

    def test_no_two_pods_are_missing_at_a_time(self) -> None:
        sets = started()
        sets.statuses.clear()
        sets.set_image("store/db:2")
        sets.run()
        assert {status["readyReplicas"] for status in sets.statuses} == {2, 3}

    def test_the_status_tells_how_far_it_is(self) -> None:
        sets = started()
        sets.statuses.clear()
        sets.set_image("store/db:2")
        sets.run()
        facts = [
            (status["currentRevision"] == status["updateRevision"], status.get("updatedReplicas", 0))
            for status in sets.statuses
        ]
        assert [fact for fact, _ in itertools.groupby(facts)] == [
            (False, 0),
            (False, 1),
            (False, 2),
            (False, 3),
            (True, 3),
        ]
        assert sets.status == {
            "observedGeneration": 2,
            "replicas": 3,
            "readyReplicas": 3,
            "availableReplicas": 3,
            "currentReplicas": 3,
            "updatedReplicas": 3,
            "collisionCount": 0,
            "currentRevision": sets.status["updateRevision"],
            "updateRevision": sets.status["updateRevision"],
        }

    def test_a_partition_keeps_the_lower_numbers(self) -> None:
        sets = started(updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 2}})
        sets.set_image("store/db:2")
        sets.run()
        assert sets.tags() == {"db-0": "1", "db-1": "1", "db-2": "2"}
        assert sets.status["currentRevision"] != sets.status["updateRevision"]

    def test_a_pod_below_the_partition_comes_back_as_it_was(self) -> None:
        sets = started(updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 2}})
        sets.set_image("store/db:2")
        sets.run()
        sets.delete_pod("db-0")
        sets.run()
        assert sets.tags() == {"db-0": "1", "db-1": "1", "db-2": "2"}

    def test_on_delete_nothing_is_replaced_unasked(self) -> None:
        sets = started(updateStrategy={"type": "OnDelete"})
        sets.set_image("store/db:2")
        sets.run()
        assert set(sets.tags().values()) == {"1"}
        sets.delete_pod("db-1")
        sets.run()
        assert sets.tags() == {"db-0": "1", "db-1": "2", "db-2": "1"}
        assert sets.status["updatedReplicas"] == 1


class TestBrokenPods:
    def test_a_broken_pod_stops_the_update(self) -> None:
        sets = started()
        sets.set_image(BROKEN)
        sets.run(120)
        assert sets.tags() == {"db-0": "1", "db-1": "1", "db-2": "3-image-pull"}
        waiting = sets.pods()["db-2"]["status"]["containerStatuses"][0]["state"]["waiting"]
        assert waiting["reason"] == "ImagePullBackOff"

    def test_going_back_does_not_free_it_until_the_pod_is_deleted(self) -> None:
        sets = started()
        sets.set_image(BROKEN)
        sets.run()
        sets.set_image("store/db:1")
        sets.run(600)
        assert sets.tags()["db-2"] == "3-image-pull"
        sets.delete_pod("db-2")
        sets.run()
        assert (set(sets.tags().values()), sets.status["readyReplicas"]) == ({"1"}, 3)

    def test_in_parallel_going_back_frees_it(self) -> None:
        sets = started(podManagementPolicy="Parallel")
        sets.set_image(BROKEN)
        sets.run()
        sets.set_image("store/db:1")
        sets.run()
        assert (set(sets.tags().values()), sets.status["readyReplicas"]) == ({"1"}, 3)

    def test_a_pod_that_somebody_deletes_comes_back(self) -> None:
        sets = started()
        sets.delete_pod("db-1")
        sets.run()
        assert list(sets.pods()) == ["db-0", "db-1", "db-2"]


class TestRevisions:
    def test_every_template_has_a_number_and_an_older_one_comes_back_as_the_newest(self) -> None:
        sets = started()
        for tag in ("2", "3"):
            sets.set_image(f"store/db:{tag}")
            sets.run()
        assert sets.revisions() == {"1": 1, "2": 2, "3": 3}
        sets.set_image("store/db:1")
        sets.run()
        assert sets.revisions() == {"1": 4, "2": 2, "3": 3}

    def test_a_revision_holds_the_whole_template_as_a_patch(self) -> None:
        sets = started()
        (revision,) = sets.store.list("controllerrevisions", NAMESPACE)
        template = {**sets.object["spec"]["template"], "$patch": "replace"}
        assert revision["data"] == {"spec": {"template": template}}
        assert revision["metadata"]["name"] == sets.status["updateRevision"]
        digest = revision["metadata"]["labels"]["controller.kubernetes.io/hash"]
        assert revision["metadata"]["name"] == f"db-{digest}"

    def test_scaling_makes_no_revision(self) -> None:
        sets = started()
        sets.set(replicas=4)
        sets.run()
        assert sets.revisions() == {"1": 1}

    def test_only_so_many_that_nothing_runs_are_kept(self) -> None:
        sets = started(revisionHistoryLimit=1)
        for tag in ("2", "3", "4"):
            sets.set_image(f"store/db:{tag}")
            sets.run()
        assert sets.revisions() == {"3": 3, "4": 4}

    def test_a_name_that_is_taken_is_not_used(self) -> None:
        sets = started()
        taken = next(iter(sets.revision_names()))
        other = Sets("statefulset", "db", replicas=0)
        stranger = {"metadata": {"name": taken, "namespace": NAMESPACE, "labels": {"app": "x"}}}
        other.store.create("controllerrevisions", {**stranger, "data": {}, "revision": 1})
        other.run(1)
        assert other.status["collisionCount"] == 1
        assert other.status["updateRevision"] != taken


class TestOwnership:
    def test_what_is_deleted_takes_its_pods_and_revisions_along(self) -> None:
        sets = started()
        sets.store.delete(sets.plural, NAMESPACE, "db")
        sets.run()
        assert (sets.pods(), sets.revisions()) == ({}, {})

    def test_orphaned_pods_are_adopted_by_the_next_set(self) -> None:
        sets = started()
        uids = {name: pod["metadata"]["uid"] for name, pod in sets.pods().items()}
        sets.store.delete(sets.plural, NAMESPACE, "db", propagation="Orphan")
        sets.run()
        assert len(sets.pods()) == 3
        sets.store.create(sets.plural, numbered("statefulset", "db", replicas=3))
        sets.run()
        assert {name: pod["metadata"]["uid"] for name, pod in sets.pods().items()} == uids
        assert sets.revisions() == {"1": 1}

    def test_a_pod_that_loses_its_labels_is_let_go_and_blocks_its_name(self) -> None:
        sets = started()

        def strip(pod: dict[str, Any]) -> None:
            pod["metadata"]["labels"] = {"app": "other"}

        sets.store.update("pods", NAMESPACE, "db-1", strip)
        sets.run(20)
        assert "ownerReferences" not in sets.store.get("pods", NAMESPACE, "db-1")["metadata"]
        assert sets.status["replicas"] == 2
        sets.store.delete("pods", NAMESPACE, "db-1", grace=0)
        sets.run()
        assert sets.status["readyReplicas"] == 3

    def test_volumes_stay_with_their_number(self) -> None:
        size = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
        sets = started(volumeClaimTemplates=[{"metadata": {"name": "data"}, "spec": size}])
        assert sets.pods()["db-1"]["spec"]["volumes"][0] == {
            "name": "data",
            "persistentVolumeClaim": {"claimName": "data-db-1"},
        }
        sets.set(replicas=1)
        sets.run()
        claims = [one["metadata"]["name"] for one in sets.store.list("persistentvolumeclaims", NAMESPACE)]
        assert claims == ["data-db-0", "data-db-1", "data-db-2"]


class TestTelling:
    def test_events_name_the_pod_and_the_set(self) -> None:
        sets = started()
        sets.set_image("store/db:2")
        sets.run()
        assert "Create Pod db-0 in StatefulSet db successful" in sets.messages("SuccessfulCreate")
        assert "Delete Pod db-2 in StatefulSet db successful" in sets.messages("SuccessfulDelete")

    @pytest.mark.parametrize("policy", ["OrderedReady", "Parallel"])
    def test_more_than_the_practice_cluster_can_run_is_said(self, policy: str) -> None:
        sets = Sets("statefulset", "db", replicas=5000, podManagementPolicy=policy)
        assert sets.run(2000, until=lambda: bool(sets.messages("FailedCreate")))
        assert len(sets.store.list("pods")) == 150
