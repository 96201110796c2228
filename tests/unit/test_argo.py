"""Argo Rollouts' Rollout: what it says, where it stands, which ReplicaSet is its own, what a way back sends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from releaseconsole.cluster.argo import HASH_LABEL, REVISION, Rollout, as_kept, without_injected
from releaseconsole.cluster.argo_rollout import rollout_verdict, way_back
from releaseconsole.cluster.decode import DEPLOYMENTS, INGRESSES, PODS, ROLLOUTS, decode
from releaseconsole.cluster.defaults import completed_equal
from releaseconsole.cluster.objects import Pod, ReplicaSet
from releaseconsole.cluster.progress import progress
from releaseconsole.cluster.rollback import PinnedRevision, RollbackTarget, make_pin, make_target
from releaseconsole.cluster.rollout import RolloutState
from releaseconsole.cluster.templates import new_replica_set
from releaseconsole.cluster.workload import History, deployment_history, place_of
from releaseconsole.errors import ApiRejected

UID = "11111111-1111-4111-8111-111111111111"
FILLED = {
    "imagePullPolicy": "IfNotPresent",
    "terminationMessagePath": "/dev/termination-log",
    "resources": {},
}
PAUSE_STEPS = [{"setWeight": 50}, {"pause": {}}]
CANARY = {"canary": {"steps": PAUSE_STEPS}}


def rollout(version: str = "2", *, generation: int = 2, seen: Any = "2", **parts: Any) -> Rollout:
    """Healthy at a version, as the API server would send it."""
    status = {
        "observedGeneration": seen,
        "phase": "Healthy",
        "currentPodHash": f"hash-{version}",
        "stableRS": f"hash-{version}",
        "replicas": 2,
        "updatedReplicas": 2,
        "availableReplicas": 2,
        **parts.pop("status", {}),
    }
    spec = {"replicas": 2, "template": _written(version), "strategy": CANARY, **parts}
    metadata = {"name": "shop", "namespace": "shop", "uid": UID, "generation": generation}
    return decode(Rollout, json.dumps({"metadata": metadata, "spec": spec, "status": status}).encode())


def held(version: str, number: int, **template: Any) -> ReplicaSet:
    """The ReplicaSet of a version, with the API server's defaults in its template."""
    labels = {"app": "shop", HASH_LABEL: f"hash-{version}"}
    containers = [{"name": "first", "image": f"shop:{version}", **FILLED}]
    body = {
        "metadata": {
            "name": f"shop-hash-{version}",
            "uid": f"set-{version}",
            "labels": labels,
            "annotations": {REVISION: str(number)},
            "creationTimestamp": f"2026-01-01T00:00:0{version}Z",
            "ownerReferences": [{"kind": "Rollout", "name": "shop", "uid": UID, "controller": True}],
        },
        "spec": {
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": containers, "dnsPolicy": "ClusterFirst", **template},
            }
        },
    }
    return decode(ReplicaSet, json.dumps(body).encode())


def broken_pod(version: str) -> Pod:
    waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}
    owner = {"kind": "ReplicaSet", "name": "x", "uid": f"set-{version}", "controller": True}
    statuses = [{"name": "first", "restartCount": 3, "state": waiting}]
    body = {
        "metadata": {"name": f"shop-{version}-a", "uid": f"pod-{version}", "ownerReferences": [owner]},
        "spec": {"containers": [{"name": "first"}]},
        "status": {"phase": "Running", "containerStatuses": statuses},
    }
    return decode(Pod, json.dumps(body).encode())


def _written(version: str) -> dict[str, Any]:
    containers = [{"name": "first", "image": f"shop:{version}"}]
    return {"metadata": {"labels": {"app": "shop"}}, "spec": {"containers": containers}}


def history(found: Rollout, *sets: ReplicaSet) -> History:
    return deployment_history(place_of("shop", "rollout/shop"), found, list(sets))


def planned(
    found: Rollout, *sets: ReplicaSet, pin: PinnedRevision | None = None, to: str = "pinned"
) -> RollbackTarget:
    return make_target("uat", history(found, *sets), pin, to)


ONE, TWO, THREE = held("1", 1), held("2", 2), held("3", 3)


@pytest.mark.parametrize(
    ("seen", "number"),
    [("7", 7), (7, 7), ("", 0), ("6f8d", 0), ("-1", 0), ("٣", 0), ("9" * 40, 0), ("1.5", 0)],
)
def test_the_observed_generation_is_text_and_may_be_anything(seen: object, number: int) -> None:
    assert rollout(seen=seen).status.observed_generation == number


def test_a_rollout_with_fields_of_the_wrong_type_is_refused_and_nulls_are_not() -> None:
    decode(Rollout, b'{"spec": {"strategy": null, "replicas": null}, "status": {"pauseConditions": null}}')
    with pytest.raises(ApiRejected):
        decode(Rollout, b'{"status": {"phase": ["Healthy"]}}')


def test_only_kinds_of_crds_count_as_custom() -> None:
    assert ROLLOUTS.custom
    assert ROLLOUTS.path("shop", "web") == "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/web"
    assert not any(one.custom for one in (DEPLOYMENTS, PODS, INGRESSES))


@pytest.mark.parametrize(
    ("status", "state", "words"),
    [
        ({}, RolloutState.COMPLETE, "2 replicas updated and available"),
        ({"phase": "Progressing", "updatedReplicas": 1}, RolloutState.PROGRESSING, "1 of 2 replicas updated"),
        (
            {"phase": "Degraded", "message": "RolloutAborted: stop."},
            RolloutState.FAILED,
            "RolloutAborted: stop",
        ),
        ({"phase": "Degraded", "message": ""}, RolloutState.FAILED, "degraded"),
        ({"phase": "Sideways\x1b[31m"}, RolloutState.UNKNOWN, "is not known"),
        ({"phase": ""}, RolloutState.UNKNOWN, "is not known"),
        ({"observedGeneration": "1"}, RolloutState.WAITING, "waiting for the controller"),
        ({"observedGeneration": ""}, RolloutState.WAITING, "waiting for the controller"),
    ],
)
def test_its_phase_is_believed_once_the_generation_was_seen(
    status: dict[str, Any], state: RolloutState, words: str
) -> None:
    verdict = rollout_verdict(rollout(status=status), [ONE, TWO], ())
    assert verdict.state is state
    assert words in verdict.message
    assert "\x1b" not in verdict.message


def test_what_does_not_exist_or_is_being_deleted_is_no_success() -> None:
    assert rollout_verdict(None, (), ()).state is RolloutState.MISSING
    gone = decode(Rollout, b'{"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}')
    assert rollout_verdict(gone, (), ()).state is RolloutState.FAILED
    assert rollout_verdict(rollout(replicas=0), [TWO], ()).state is RolloutState.SCALED_TO_ZERO


def test_a_pod_of_the_new_version_that_cannot_work_makes_it_failing_and_one_of_the_old_does_not() -> None:
    moving = rollout(status={"phase": "Progressing", "updatedReplicas": 1, "stableRS": "hash-1"})
    assert rollout_verdict(moving, [ONE, TWO], [broken_pod("2")]).state is RolloutState.FAILING
    assert rollout_verdict(moving, [ONE, TWO], [broken_pod("1")]).state is RolloutState.PROGRESSING


def test_a_deadline_that_another_version_exceeded_is_not_held_against_this_one() -> None:
    def judged(name: str, **more: Any) -> RolloutState:
        message = f'ProgressDeadlineExceeded: ReplicaSet "{name}" has timed out progressing.'
        status = {"phase": "Degraded", "message": message, "updatedReplicas": 1, **more}
        return rollout_verdict(rollout(status=status), [ONE, TWO], ()).state

    assert judged("shop-hash-2") is RolloutState.FAILED
    assert judged("shop-hash-1") is RolloutState.PROGRESSING
    assert judged("shop-hash-1", abort=True) is RolloutState.FAILED


@pytest.mark.parametrize(
    ("reason", "strategy", "state", "words"),
    [
        ("CanaryPauseStep", CANARY, RolloutState.PAUSED, "paused at step 2 of 2 until it is promoted"),
        (
            "CanaryPauseStep",
            {"canary": {"steps": [{}, {"pause": {"duration": "10m"}}]}},
            RolloutState.PROGRESSING,
            "pauses for a while at step 2 of 2",
        ),
        ("CanaryPauseStep", {"canary": {}}, RolloutState.PAUSED, "paused"),
        ("InconclusiveAnalysisRun", CANARY, RolloutState.PAUSED, "inconclusive"),
        ("BlueGreenPause", {"blueGreen": {}}, RolloutState.PAUSED, "waits to be promoted"),
        (
            "BlueGreenPause",
            {"blueGreen": {"autoPromotionSeconds": 30}},
            RolloutState.PROGRESSING,
            "traffic moves over soon",
        ),
    ],
)
def test_a_pause_that_ends_by_itself_is_progress_and_one_that_waits_for_somebody_is_not(
    reason: str, strategy: dict[str, Any], state: RolloutState, words: str
) -> None:
    pause = {"phase": "Paused", "currentStepIndex": 1, "pauseConditions": [{"reason": reason}]}
    verdict = rollout_verdict(rollout(strategy=strategy, status=pause), [ONE, TWO], ())
    assert verdict.state is state
    assert words in verdict.message


def test_a_pause_that_was_just_ended_is_progress() -> None:
    ended = rollout(status={"phase": "Paused", "controllerPause": True, "pauseConditions": []})
    assert rollout_verdict(ended, [TWO], ()).state is RolloutState.PROGRESSING
    by_hand = rollout(paused=True, status={"phase": "Paused"})
    assert rollout_verdict(by_hand, [TWO], ()).message == "paused"


def test_its_replica_set_is_known_by_the_hash_that_was_told() -> None:
    assert new_replica_set(rollout("2"), [ONE, TWO]) is TWO
    assert new_replica_set(rollout("2", status={"currentPodHash": "none"}), [ONE, TWO]) is None


def test_before_the_controller_has_told_the_replica_set_that_came_since_is_the_new_one() -> None:
    told_last = {"currentPodHash": "hash-2"}
    unseen = {"generation": 3, "seen": "2", "status": told_last}
    assert new_replica_set(rollout("3", **unseen), [ONE, TWO, THREE]) is THREE
    assert new_replica_set(rollout("3", **unseen), [ONE, TWO]) is None
    renumbered = held("1", 3)
    assert new_replica_set(rollout("1", **unseen), [renumbered, TWO]) is renumbered


def test_a_change_of_something_else_than_the_template_leaves_its_replica_set() -> None:
    scaled = rollout("2", generation=3, seen="2", replicas=5)
    assert new_replica_set(scaled, [ONE, TWO]) is TWO
    assert planned(scaled, ONE, TWO, to="previous").to_images == ("shop:1",)


def test_a_setting_that_was_removed_is_a_change_even_before_the_controller_has_seen_it() -> None:
    with_name = held("2", 2, hostname="shop")
    unseen = rollout("2", generation=3, seen="2")
    assert new_replica_set(unseen, [ONE, with_name]) is None
    assert planned(unseen, ONE, with_name, to="previous").to_revision == "2"


def test_the_pin_is_found_again_by_its_hash() -> None:
    pin = make_pin(history(rollout("1"), ONE))
    assert (pin.revision, pin.template_hash, pin.replica_set) == ("1", "hash-1", "shop-hash-1")
    target = planned(rollout("2", status={"stableRS": "hash-1"}), ONE, TWO, pin=pin)
    assert (target.source, target.to_revision, target.warnings) == ("pinned", "1", ())
    assert planned(rollout("1"), ONE, TWO, pin=pin).skipped


def test_what_is_sent_touches_the_template_alone_under_both_preconditions() -> None:
    target = planned(rollout("2"), ONE, TWO, to="1")
    assert [(one["op"], one["path"]) for one in target.patch] == [
        ("test", "/metadata/uid"),
        ("test", "/metadata/generation"),
        ("replace", "/spec/template"),
    ]
    assert target.patch[2]["value"]["metadata"]["labels"] == {"app": "shop"}


def test_the_preview_shows_the_change_and_not_the_defaults_of_the_api_server() -> None:
    changed = [one for one in planned(rollout("2"), ONE, TWO, to="1").template_diff[2:] if one[0] in "+-"]
    assert changed == ["-  - image: shop:2", "+  - image: shop:1"]


def test_a_recorded_template_is_sent_as_the_controller_would_keep_it() -> None:
    pin = make_pin(history(rollout("1"), ONE))
    target = planned(rollout("2"), TWO, pin=pin)
    assert target.source == "pinned template"
    assert target.template["spec"]["containers"] == [{"name": "first", "image": "shop:1", "resources": {}}]
    assert as_kept({"spec": {"containers": "nonsense"}}) == {"spec": {"containers": "nonsense"}}
    assert as_kept({}) == {}


def test_an_unseen_generation_is_never_taken_for_being_there_already() -> None:
    pin = make_pin(history(rollout("3"), THREE))
    unseen = rollout("4", generation=3, seen="2", status={"currentPodHash": "hash-2"})
    assert not planned(unseen, TWO, THREE, pin=pin).skipped


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({}, "2 canary steps and wait at a pause"),
        ({"strategy": {"canary": {"steps": [{"setWeight": 10}]}}}, "will take 1 canary step."),
        ({"rollbackWindow": {"revisions": 3}}, "unless its rollbackWindow"),
        ({"strategy": {"blueGreen": {"autoPromotionEnabled": False}}}, "Traffic moves over only when"),
        ({"strategy": {"blueGreen": {}}}, ""),
        ({"strategy": {"canary": {}}}, ""),
        ({"status": {"stableRS": ""}}, ""),
        ({"status": {"stableRS": "hash-1"}}, ""),
    ],
)
def test_a_way_back_that_takes_canary_steps_is_told_beforehand(parts: dict[str, Any], words: str) -> None:
    told = way_back(rollout(**parts), "hash-1")
    assert bool(told) is bool(words)
    assert words in "".join(told)


def test_a_template_that_lives_elsewhere_is_refused_with_the_way_out() -> None:
    elsewhere = rollout(workloadRef={"kind": "Deployment", "name": "shop\x1b[2J"})
    target = planned(elsewhere, ONE, TWO, to="1")
    assert "kubectl argo rollouts undo shop" in target.problem
    assert "\x1b" not in target.problem
    assert not target.patch


def test_what_the_controller_injects_is_left_out_and_what_people_wrote_stays() -> None:
    note = {
        "rollout.argoproj.io/ephemeral-metadata": '{"labels": {"role": "canary"}, "annotations": {"a": "b"}}'
    }
    metadata = {"labels": {"app": "shop", "role": "canary"}, "annotations": {"a": "b"}}
    apart = [{"podAffinityTerm": {"labelSelector": {"matchExpressions": [{"key": HASH_LABEL}]}}}]
    own = {"podAffinityTerm": {"topologyKey": "zone"}}
    preferred = "preferredDuringSchedulingIgnoredDuringExecution"
    spec = {"affinity": {"podAntiAffinity": {preferred: apart}}}
    assert without_injected({"metadata": metadata, "spec": spec}, note) == {
        "metadata": {"labels": {"app": "shop"}},
        "spec": {},
    }
    mixed = {"affinity": {"nodeAffinity": {}, "podAntiAffinity": {preferred: [*apart, own]}}}
    kept = without_injected({"spec": mixed}, {})["spec"]["affinity"]
    assert kept == {"nodeAffinity": {}, "podAntiAffinity": {preferred: [own]}}


@pytest.mark.parametrize("note", ["", "[]", "null", "{", '{"labels": 3}', "[" * 100_000])
@pytest.mark.parametrize("spec", [None, 3, {"affinity": 3}, {"affinity": {"podAntiAffinity": {"x": "y"}}}])
def test_broken_notes_and_templates_do_no_harm(note: str, spec: object) -> None:
    template = {"metadata": {"labels": {"app": "shop"}}, "spec": spec}
    found = without_injected(template, {"rollout.argoproj.io/ephemeral-metadata": note})
    assert found["metadata"] == {"labels": {"app": "shop"}}


def test_defaults_of_the_api_server_are_no_difference_and_everything_else_is() -> None:
    probe = {"httpGet": {"port": 80}}
    filled = {
        "httpGet": {"port": 80, "scheme": "HTTP", "path": "/"},
        "periodSeconds": 10,
        "timeoutSeconds": 1,
    }
    assert completed_equal({"livenessProbe": probe}, {"livenessProbe": filled, "securityContext": {}})
    assert completed_equal({"limits": {"cpu": 1}}, {"limits": {"cpu": 1}, "requests": {"cpu": 1}})
    assert not completed_equal({"limits": {"cpu": 1}}, {"limits": {"cpu": 1}, "requests": {"cpu": 2}})
    assert not completed_equal({"livenessProbe": probe}, {"livenessProbe": {**filled, "periodSeconds": 5}})
    assert not completed_equal({"containers": [{}, {}]}, {"containers": [{}]})
    assert not completed_equal({"env": [{"name": "A"}]}, {})
    assert not completed_equal({}, {"hostNetwork": True})


def test_progress_goes_by_the_controllers_own_word() -> None:
    def stage(**status: Any) -> str:
        return progress(rollout(generation=3, seen="3", status=status), (), (), 3)

    assert progress(rollout(generation=3, seen="2"), (), (), 3) == "patched"
    assert stage(phase="Progressing", updatedReplicas=1) == "observed"
    assert stage(phase="Progressing", replicas=3) == "observed"
    assert stage(phase="Progressing", availableReplicas=1) == "replaced"
    assert stage(replicas=4) == "available"
