"""Where a rollout stands, by the rules of kubectl and against its traps."""

from __future__ import annotations

import pytest
from cluster_objects import deployment, made, pod, replica_set, running, waiting

from releaseconsole.cluster.objects import DaemonSet, Deployment, StatefulSet
from releaseconsole.cluster.progress import progress
from releaseconsole.cluster.rollout import (
    RolloutCounts,
    RolloutState,
    daemonset_verdict,
    deployment_counts,
    deployment_verdict,
    new_replica_set,
    pod_problem,
    statefulset_verdict,
    stuck_ordered_pods,
)

OLD, NEW = replica_set(1, "shop/web:1"), replica_set(2, "shop/web:2")
SETS = (OLD, NEW)
ROLLING = {"updatedReplicas": 2, "replicas": 5, "availableReplicas": 3}


def timed_out(message: str) -> dict[str, object]:
    return {
        "type": "Progressing",
        "status": "False",
        "reason": "ProgressDeadlineExceeded",
        "message": message,
    }


@pytest.mark.parametrize(
    ("status", "state", "words"),
    [
        ({"observedGeneration": 2}, RolloutState.WAITING, "controller"),
        ({"updatedReplicas": 1}, RolloutState.PROGRESSING, "1 of 4 replicas updated"),
        ({"replicas": 5}, RolloutState.PROGRESSING, "1 old replica still there"),
        ({"availableReplicas": 2}, RolloutState.PROGRESSING, "2 of 4 updated replicas available"),
        ({}, RolloutState.COMPLETE, "4 replicas"),
    ],
)
def test_the_questions_come_in_kubectls_order(
    status: dict[str, int], state: RolloutState, words: str
) -> None:
    verdict = deployment_verdict(deployment(status=status), (), ())
    assert verdict.state is state
    assert words in verdict.message


def test_nothing_that_runs_is_no_green_tick() -> None:
    status = {"replicas": 0, "updatedReplicas": 0, "availableReplicas": 0}
    zero = deployment(spec={"replicas": 0}, status=status)
    assert deployment_verdict(zero, (), ()).state is RolloutState.SCALED_TO_ZERO


def test_a_deployment_that_is_not_there_is_missing_and_one_being_deleted_has_failed() -> None:
    assert deployment_verdict(None, (), ()).state is RolloutState.MISSING
    leaving = deployment(metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"})
    assert deployment_verdict(leaving, (), ()).state is RolloutState.FAILED


def test_paused_is_said_even_when_all_replicas_are_up() -> None:
    assert deployment_verdict(deployment(spec={"paused": True}), (), ()).state is RolloutState.PAUSED


def test_an_exceeded_deadline_has_failed_and_names_the_pod_that_is_why() -> None:
    status = {**ROLLING, "conditions": [timed_out('ReplicaSet "web-2" has timed out progressing.')]}
    bad = pod("web-2-a", "web-2-uid", status=waiting("ImagePullBackOff", "no such tag"))
    verdict = deployment_verdict(deployment("shop/web:2", status=status), SETS, (bad,))
    assert verdict.state is RolloutState.FAILED
    assert "web-2-a" in verdict.message
    assert "no such tag" in verdict.message


def test_a_deadline_that_the_bad_revision_missed_is_not_held_against_the_one_rolled_back_to() -> None:
    status = {**ROLLING, "conditions": [timed_out('ReplicaSet "web-2" has timed out progressing.')]}
    back = deployment("shop/web:1", status=status)
    assert deployment_verdict(back, SETS, ()).state is RolloutState.PROGRESSING


@pytest.mark.parametrize(
    "reason", ["CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "CreateContainerConfigError"]
)
def test_a_broken_pod_of_the_new_revision_fails_the_rollout_before_the_deadline(reason: str) -> None:
    bad = pod("web-2-a", "web-2-uid", status=waiting(reason, "because"))
    verdict = deployment_verdict(deployment("shop/web:2", status=ROLLING), SETS, (bad,))
    assert verdict.state is RolloutState.FAILING
    assert verdict.message == f"web-2-a: {reason}: because"


def test_an_unschedulable_pod_fails_it_too() -> None:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}
    bad = pod("web-2-a", "web-2-uid", status={"phase": "Pending", "conditions": [condition]})
    verdict = deployment_verdict(deployment("shop/web:2", status=ROLLING), SETS, (bad,))
    assert verdict.message == "web-2-a: Unschedulable: 0/3 nodes"


def test_broken_pods_of_the_old_revision_are_not_held_against_the_new_one() -> None:
    old = pod("web-1-a", "web-1-uid", status=waiting("CrashLoopBackOff"))
    verdict = deployment_verdict(deployment("shop/web:2", status=ROLLING), SETS, (old,))
    assert verdict.state is RolloutState.PROGRESSING


def test_pods_that_a_quota_refuses_are_named() -> None:
    refused = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": "exceeded quota",
    }
    verdict = deployment_verdict(
        deployment("shop/web:2", status={**ROLLING, "conditions": [refused]}), SETS, ()
    )
    assert verdict.state is RolloutState.FAILING
    assert "exceeded quota" in verdict.message


def test_a_pod_between_two_crashes_still_counts_as_crashing() -> None:
    status = running(ready=False, restarts=3, last={"exitCode": 137, "reason": "OOMKilled"})
    assert (
        pod_problem(pod(status=status)) == "Crashing: 3 restarts, last ended with exit code 137 (OOMKilled)"
    )
    assert pod_problem(pod(status=running(ready=False, restarts=1, last={"exitCode": 1}))) is None
    assert pod_problem(pod(status=running(restarts=9, last={"exitCode": 1}))) is None


def test_the_new_replica_set_is_found_by_template_and_not_by_its_number() -> None:
    assert new_replica_set(deployment("shop/web:1"), SETS) is OLD
    assert new_replica_set(deployment("shop/web:3"), SETS) is None


def test_of_two_equal_replica_sets_the_older_is_taken() -> None:
    younger = replica_set(3, "shop/web:1", name="b", created="2026-02-01T00:00:00Z")
    assert new_replica_set(deployment("shop/web:1"), (younger, OLD)) is OLD


def test_a_replica_set_of_somebody_else_is_never_taken() -> None:
    stranger = deployment("shop/web:1", metadata={"uid": "another"})
    assert new_replica_set(stranger, SETS) is None


def test_the_counts_tell_new_from_old() -> None:
    old = replica_set(1, "shop/web:1", status={"replicas": 3, "readyReplicas": 3, "availableReplicas": 3})
    new = replica_set(2, "shop/web:2", status={"replicas": 2, "readyReplicas": 1})
    rolling = deployment("shop/web:2", status=ROLLING)
    assert deployment_counts(rolling, (old, new)) == RolloutCounts(
        desired=4, updated=2, ready=1, available=0, old=3
    )


class TestProgressOfARollback:
    def at(self, generation: int = 3, **status: int) -> str:
        return progress(deployment(status=status), SETS, (), generation)

    def test_it_is_patched_until_the_controller_has_seen_the_generation_of_the_answer(self) -> None:
        assert self.at(generation=4) == "patched"

    def test_it_is_observed_while_replicas_are_missing_or_old_ones_remain(self) -> None:
        assert self.at(updatedReplicas=3) == "observed"
        assert self.at(replicas=5) == "observed"

    def test_it_is_replaced_until_all_are_available(self) -> None:
        assert self.at(availableReplicas=3) == "replaced"
        assert self.at() == "available"

    def test_a_deadline_exceeded_before_the_patch_plays_no_part(self) -> None:
        late = deployment(status={"conditions": [timed_out('Deployment "web" has timed out progressing.')]})
        assert progress(late, SETS, (), 3) == "available"

    def test_an_old_pod_that_still_serves_is_not_replaced_yet(self) -> None:
        assert progress(deployment(), SETS, (pod("x", "web-2-uid"),), 3) == "observed"
        leaving = pod("x", "web-2-uid", deletionTimestamp="2026-01-01T00:00:00Z")
        assert progress(deployment(), SETS, (leaving,), 3) == "available"


def stateful(status: dict[str, object], **spec: object) -> StatefulSet:
    return made(
        StatefulSet,
        {
            "metadata": {"name": "db", "uid": "s", "generation": 2},
            "spec": {"replicas": 3, **spec},
            "status": {"observedGeneration": 2, "readyReplicas": 3, **status},
        },
    )


def test_a_stateful_set_waits_for_pods_and_then_for_its_revision() -> None:
    behind = stateful({"currentRevision": "a", "updateRevision": "b", "updatedReplicas": 1})
    assert statefulset_verdict(stateful({"observedGeneration": 0}), ()).state is RolloutState.WAITING
    assert statefulset_verdict(stateful({"readyReplicas": 2}), ()).state is RolloutState.PROGRESSING
    assert statefulset_verdict(behind, ()).state is RolloutState.PROGRESSING
    assert statefulset_verdict(stateful({}), ()).state is RolloutState.COMPLETE


def test_a_partition_is_complete_when_the_pods_above_it_are_updated() -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
    revisions = {"currentRevision": "a", "updateRevision": "b"}
    done = stateful({**revisions, "updatedReplicas": 1}, updateStrategy=strategy)
    assert statefulset_verdict(done, ()).state is RolloutState.COMPLETE


def test_on_delete_cannot_be_judged() -> None:
    assert (
        statefulset_verdict(stateful({}, updateStrategy={"type": "OnDelete"}), ()).state
        is RolloutState.UNKNOWN
    )


def test_a_broken_pod_of_an_ordered_stateful_set_is_offered_for_deletion() -> None:
    back = stateful({"updateRevision": "good"})
    broken = pod("db-2", "s", status=waiting("CrashLoopBackOff"), labels={"controller-revision-hash": "bad"})
    healthy = pod("db-1", "s", labels={"controller-revision-hash": "good"})
    assert stuck_ordered_pods(back, (healthy, broken)) == ("db-2",)
    parallel = stateful({"updateRevision": "good"}, podManagementPolicy="Parallel")
    assert stuck_ordered_pods(parallel, (broken,)) == ()


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ({"observedGeneration": 1}, RolloutState.WAITING),
        ({"updatedNumberScheduled": 1}, RolloutState.PROGRESSING),
        ({"numberAvailable": 2}, RolloutState.PROGRESSING),
        ({}, RolloutState.COMPLETE),
        ({"desiredNumberScheduled": 0}, RolloutState.SCALED_TO_ZERO),
    ],
)
def test_a_daemon_set_counts_nodes(status: dict[str, int], state: RolloutState) -> None:
    full = {
        "observedGeneration": 2,
        "desiredNumberScheduled": 3,
        "updatedNumberScheduled": 3,
        "numberAvailable": 3,
    }
    found = made(DaemonSet, {"metadata": {"generation": 2}, "status": {**full, **status}})
    assert daemonset_verdict(found, ()).state is state


def test_an_empty_deployment_is_judged_and_never_raises() -> None:
    assert deployment_verdict(Deployment(), (), ()).state is RolloutState.PROGRESSING
