"""The DaemonSet controller: a pod on every node, and how an update goes from node to node."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from numbered import Sets
from worlds import NAMESPACE

BROKEN = "store/agent:3-image-pull"
TAINT = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}


def started(**spec: Any) -> Sets:
    """An agent on all three nodes."""
    sets = Sets("daemonset", "agent", "store/agent:1", **spec)
    assert sets.run(until=lambda: sets.status["numberReady"] == sets.status["desiredNumberScheduled"] > 0)
    return sets


def rolling(**limits: Any) -> dict[str, Any]:
    return {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": limits}}


def nodes_of(sets: Sets) -> list[str]:
    return sorted(pod["spec"]["nodeName"] for pod in sets.pods().values())


def change_node(sets: Sets, name: str, change: Callable[[dict[str, Any]], None]) -> None:
    sets.store.update("nodes", "", name, change)


def updated(sets: Sets) -> bool:
    return sets.status.get("numberAvailable") == sets.status.get("updatedNumberScheduled") == 3


class TestNodes:
    def test_every_node_has_one_pod(self) -> None:
        assert nodes_of(started()) == ["node-1", "node-2", "node-3"]

    def test_a_pod_comes_back_to_the_node_it_was_on(self) -> None:
        sets = started()
        (name,) = (name for name, pod in sets.pods().items() if pod["spec"]["nodeName"] == "node-2")
        sets.delete_pod(name)
        sets.run()
        assert nodes_of(sets) == ["node-1", "node-2", "node-3"]

    def test_a_new_node_gets_a_pod(self) -> None:
        sets = started()
        sets.store.create("nodes", {"metadata": {"name": "node-4"}})
        sets.run()
        assert (nodes_of(sets)[-1], sets.status["desiredNumberScheduled"]) == ("node-4", 4)

    def test_only_the_chosen_nodes(self) -> None:
        sets = Sets("daemonset", "agent")

        def choose(obj: dict[str, Any]) -> None:
            obj["spec"]["template"]["spec"]["nodeSelector"] = {"kubernetes.io/hostname": "node-3"}

        sets.change(choose)
        sets.run()
        assert (nodes_of(sets), sets.status["desiredNumberScheduled"]) == (["node-3"], 1)

    def test_a_taint_keeps_new_pods_away_and_leaves_those_that_run(self) -> None:
        sets = started()
        change_node(sets, "node-1", lambda node: node["spec"].update(taints=[TAINT]))
        sets.run()
        assert nodes_of(sets) == ["node-1", "node-2", "node-3"]
        assert (sets.status["desiredNumberScheduled"], sets.status["numberMisscheduled"]) == (2, 1)

    def test_a_taint_that_evicts_drives_them_out(self) -> None:
        sets = started()
        change_node(
            sets, "node-1", lambda node: node["spec"].update(taints=[{**TAINT, "effect": "NoExecute"}])
        )
        sets.run()
        assert nodes_of(sets) == ["node-2", "node-3"]

    def test_a_cordoned_node_keeps_its_daemon(self) -> None:
        sets = started()
        taint = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
        change_node(sets, "node-1", lambda node: node["spec"].update(unschedulable=True, taints=[taint]))
        sets.set_image("store/agent:2")
        assert sets.run(until=lambda: updated(sets))
        assert nodes_of(sets) == ["node-1", "node-2", "node-3"]


class TestUpdate:
    def test_one_node_after_the_other(self) -> None:
        sets = started()
        sets.statuses.clear()
        sets.set_image("store/agent:2")
        assert sets.run(until=lambda: updated(sets))
        assert {status.get("numberUnavailable", 0) for status in sets.statuses} == {0, 1}
        assert [status.get("updatedNumberScheduled", 0) for status in sets.statuses] == sorted(
            status.get("updatedNumberScheduled", 0) for status in sets.statuses
        )

    def test_as_many_at_a_time_as_allowed(self) -> None:
        sets = started(**rolling(maxUnavailable="60%"))
        sets.running.clear()
        sets.set_image("store/agent:2")
        assert sets.run(until=lambda: updated(sets))
        going = [Counter(tag[0] for tag in moment.values())["-"] for moment in sets.running]
        assert max(going) == 2

    def test_with_surge_the_new_pod_is_there_before_the_old_one_goes(self) -> None:
        sets = started(**rolling(maxSurge=1, maxUnavailable=0))
        sets.statuses.clear()
        sets.running.clear()
        sets.set_image("store/agent:2")
        assert sets.run(until=lambda: updated(sets))
        assert all(status["numberReady"] == 3 for status in sets.statuses)
        staying = [[tag for tag in moment.values() if tag[0] != "-"] for moment in sets.running]
        assert max(map(len, staying)) == 4

    def test_on_delete_nothing_is_replaced_unasked(self) -> None:
        sets = started(updateStrategy={"type": "OnDelete"})
        sets.set_image("store/agent:2")
        sets.run()
        assert Counter(sets.tags().values()) == {"1": 3}
        sets.delete_pod(next(iter(sets.pods())))
        sets.run()
        assert Counter(sets.tags().values()) == {"1": 2, "2": 1}

    def test_a_broken_version_stops_at_the_first_node_and_going_back_frees_it(self) -> None:
        sets = started()
        sets.set_image(BROKEN)
        sets.run(200)
        assert Counter(sets.tags().values()) == {"1": 2, "3-image-pull": 1}
        assert sets.status["numberUnavailable"] == 1
        sets.set_image("store/agent:1")
        assert sets.run(until=lambda: updated(sets))
        assert Counter(sets.tags().values()) == {"1": 3}

    def test_the_status_at_rest(self) -> None:
        assert started().status == {
            "observedGeneration": 1,
            "desiredNumberScheduled": 3,
            "currentNumberScheduled": 3,
            "numberMisscheduled": 0,
            "numberReady": 3,
            "updatedNumberScheduled": 3,
            "numberAvailable": 3,
        }

    def test_available_is_later_than_ready(self) -> None:
        sets = Sets("daemonset", "agent", minReadySeconds=20)
        sets.run(until=lambda: sets.status["numberReady"] == 3)
        ready = sets.practice.clock.at
        assert sets.run(until=lambda: sets.status.get("numberAvailable") == 3)
        assert 19 <= sets.practice.clock.at - ready <= 21


class TestRevisions:
    def test_an_older_template_comes_back_as_the_newest(self) -> None:
        sets = started()
        sets.set_image("store/agent:2")
        sets.run()
        sets.set_image("store/agent:1")
        sets.run()
        assert sets.revisions() == {"1": 3, "2": 2}

    def test_pods_carry_the_hash_of_their_revision_and_the_number_of_their_template(self) -> None:
        sets = started()
        sets.set_image("store/agent:2")
        assert sets.run(until=lambda: updated(sets))
        labels = [pod["metadata"]["labels"] for pod in sets.pods().values()]
        names = {f"agent-{one['controller-revision-hash']}" for one in labels}
        assert names < sets.revision_names()
        assert {one["pod-template-generation"] for one in labels} == {"2"}
        notes = sets.object["metadata"]["annotations"]
        assert notes["deprecated.daemonset.template.generation"] == "2"

    def test_only_so_many_are_kept(self) -> None:
        sets = started(revisionHistoryLimit=1)
        for tag in ("2", "3", "4"):
            sets.set_image(f"store/agent:{tag}")
            sets.run()
        assert sets.revisions() == {"3": 3, "4": 4}

    def test_what_is_deleted_takes_its_pods_and_revisions_along(self) -> None:
        sets = started()
        sets.store.delete(sets.plural, NAMESPACE, "agent")
        sets.run()
        assert (sets.pods(), sets.revisions()) == ({}, {})

    def test_events_name_the_pods(self) -> None:
        sets = started()
        made = {message.removeprefix("Created pod: ") for message in sets.messages("SuccessfulCreate")}
        assert made == set(sets.pods())
