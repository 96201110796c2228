"""The controllers over the real store: what a rollout does at every moment, and what undo does to it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import NAMESPACE, Obj, Practice, revision

from releaseconsole.sandbox.controllers import rolling


def _is_ready(pod: Obj) -> bool:
    conditions = pod["status"].get("conditions", ())
    return any(found["type"] == "Ready" and found["status"] == "True" for found in conditions)


def _standing(practice: Practice) -> list[Obj]:
    return [pod for pod in practice.pods() if "deletionTimestamp" not in pod["metadata"]]


def _waiting_reasons(practice: Practice) -> set[str]:
    states = [status["state"] for pod in practice.pods() for status in pod["status"]["containerStatuses"]]
    return {state["waiting"]["reason"] for state in states if "waiting" in state}


@pytest.fixture
def practice() -> Practice:
    return Practice()


def test_the_planted_release_is_settled_and_has_a_history(practice: Practice) -> None:
    assert practice.complete()
    assert revision(practice.deployment()) == 4
    assert sorted(revision(rs) for rs in practice.replica_sets()) == [1, 2, 3, 4]
    assert len(practice.pods()) == 6
    assert not practice.store.list("events")


def test_a_new_image_rolls_out_to_every_pod(practice: Practice) -> None:
    practice.set_image("1.0.0")
    assert practice.run(30, practice.complete)
    assert revision(practice.deployment()) == 5
    assert practice.run(5, lambda: len(practice.pods()) == 6)
    images = {pod["spec"]["containers"][0]["image"] for pod in practice.pods()}
    assert images == {"healthpay/api-gateway:1.0.0"}
    assert practice.progressing()["reason"] == "NewReplicaSetAvailable"
    expected = {
        "ScalingReplicaSet",
        "SuccessfulCreate",
        "Scheduled",
        "Pulling",
        "Pulled",
        "Created",
        "Started",
    }
    assert expected | {"Killing", "SuccessfulDelete"} <= practice.reasons("api-gateway")


def test_the_same_seed_gives_the_same_names_and_another_seed_others() -> None:
    names = []
    for seed in (7, 7, 8):
        practice = Practice(seed=seed)
        practice.set_image("1.0.0")
        practice.run(30, practice.complete)
        names.append([(pod["metadata"]["name"], pod["metadata"]["uid"]) for pod in practice.pods()])
    assert names[0] == names[1] != names[2]


sizes = st.integers(0, 9)
bounds = st.one_of(st.integers(0, 5), st.integers(0, 100).map(lambda part: f"{part}%"))


@settings(max_examples=25, deadline=None)
@given(replicas=sizes, surge=bounds, unavailable=bounds, tag=st.sampled_from(["1.0.0", "1.0.0-stuck"]))
def test_surge_and_unavailable_are_never_exceeded(
    replicas: int, surge: int | str, unavailable: int | str, tag: str
) -> None:
    practice = Practice(context="staging")

    def reshape(obj: Obj) -> None:
        obj["spec"]["replicas"] = replicas
        strategy = {"maxSurge": surge, "maxUnavailable": unavailable}
        obj["spec"]["strategy"] = {"type": "RollingUpdate", "rollingUpdate": strategy}

    practice.change("api-gateway", reshape)
    assert practice.run(30, practice.complete)
    most = replicas + rolling.max_surge(practice.deployment())
    least = replicas - rolling.max_unavailable(practice.deployment())

    def observe() -> None:
        standing = _standing(practice)
        assert len(standing) <= most
        assert sum(_is_ready(pod) for pod in standing) >= least

    practice.observe = observe
    practice.set_image(tag)
    finished = practice.run(50, practice.complete)
    assert finished or tag.endswith("stuck")


def test_undo_takes_the_old_replica_set_and_gives_it_the_next_number(practice: Practice) -> None:
    before = {revision(rs): rs["metadata"]["name"] for rs in practice.replica_sets()}
    practice.set_image("1.0.0")
    practice.run(30, practice.complete)
    practice.undo()
    assert practice.run(30, practice.complete)
    after = {rs["metadata"]["name"]: rs for rs in practice.replica_sets()}
    back = after[before[4]]
    assert (revision(back), revision(practice.deployment())) == (6, 6)
    assert back["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"] == "4"
    assert sorted(revision(rs) for rs in practice.replica_sets()) == [1, 2, 3, 5, 6]


def test_undo_pressed_twice_flips_forward_again(practice: Practice) -> None:
    practice.set_image("1.0.0")
    practice.run(30, practice.complete)
    for _ in range(2):
        practice.undo()
        practice.run(30, practice.complete)
    container = practice.deployment()["spec"]["template"]["spec"]["containers"][0]
    assert container["image"].endswith(":1.0.0")


def test_a_template_with_nulls_is_the_same_template(practice: Practice) -> None:
    def add_null(obj: Obj) -> None:
        obj["spec"]["template"]["metadata"]["creationTimestamp"] = None

    practice.change("api-gateway", add_null)
    practice.run(5)
    assert len(practice.replica_sets()) == 4
    assert practice.complete()


def test_undo_in_the_middle_of_a_rollout_ends_on_the_old_version(practice: Practice) -> None:
    practice.set_image("1.0.0")
    assert practice.run(30, lambda: practice.deployment()["status"].get("updatedReplicas", 0) >= 4)
    assert not practice.complete()
    practice.undo()
    assert practice.run(30, practice.complete)
    assert practice.run(5, lambda: len(practice.pods()) == 6)
    assert {pod["spec"]["containers"][0]["image"] for pod in practice.pods()} == {
        "healthpay/api-gateway:0.9.4"
    }


def test_a_stuck_release_passes_its_deadline_and_says_so_until_there_is_progress() -> None:
    practice = Practice("stuck")
    practice.set_image("1.0.0")
    assert practice.run(70, lambda: practice.progressing()["reason"] == "ProgressDeadlineExceeded")
    assert practice.progressing()["status"] == "False"
    assert "Unhealthy" in practice.reasons("api-gateway")
    assert practice.deployment()["status"]["availableReplicas"] == 5
    history = practice.store.watch("deployments", practice.store.resource_version)
    practice.back_to(3)
    assert practice.run(20, practice.complete)
    generation = practice.deployment()["metadata"]["generation"]
    seen = [change.object["status"] for change in history.take(1000)]
    current = [status for status in seen if status["observedGeneration"] == generation]
    assert "ProgressDeadlineExceeded" in {found["reason"] for found in current[0]["conditions"]}
    assert practice.progressing()["reason"] == "NewReplicaSetAvailable"


def test_a_stuck_release_becomes_ready_when_the_scenario_ends() -> None:
    practice = Practice("stuck")
    practice.set_image("1.0.0")
    assert not practice.run(20, practice.complete)
    practice.scenario = "healthy"
    practice.world.scenario_changed()
    assert practice.run(40, practice.complete)


def test_a_crash_loop_shows_with_growing_restarts() -> None:
    practice = Practice("crash-loop")
    practice.set_image("1.0.0")
    assert practice.run(10, lambda: "CrashLoopBackOff" in _waiting_reasons(practice))
    practice.run(15)
    counts = [pod["status"]["containerStatuses"][0]["restartCount"] for pod in practice.pods()]
    assert max(counts) >= 3
    ended = [pod["status"]["containerStatuses"][0]["lastState"] for pod in practice.pods()]
    assert {state["terminated"]["exitCode"] for state in ended if state} == {1}
    assert "BackOff" in practice.reasons("api-gateway")


def test_an_image_that_does_not_exist_backs_off() -> None:
    practice = Practice("image-pull")
    practice.set_image("1.0.0")
    assert practice.run(5, lambda: "ErrImagePull" in _waiting_reasons(practice))
    assert practice.run(5, lambda: "ImagePullBackOff" in _waiting_reasons(practice))
    messages = [event["message"] for event in practice.store.list("events") if event["reason"] == "Failed"]
    assert any("manifest unknown" in message for message in messages)


def test_a_tag_brings_its_scenario_with_it(practice: Practice) -> None:
    practice.set_image("1.0.1-crash-loop")
    assert practice.run(10, lambda: "CrashLoopBackOff" in _waiting_reasons(practice))


def test_seeded_versions_are_well_in_every_scenario() -> None:
    practice = Practice("crash-loop")
    practice.set_image("0.9.3")
    assert practice.run(30, practice.complete)


def test_a_paused_deployment_waits_and_goes_on_when_resumed(practice: Practice) -> None:
    practice.change("api-gateway", lambda obj: obj["spec"].update(paused=True))
    practice.set_image("1.0.0")
    practice.run(10)
    assert len(practice.replica_sets()) == 4
    assert practice.progressing()["reason"] == "DeploymentPaused"
    practice.change("api-gateway", lambda obj: obj["spec"].pop("paused"))
    assert practice.run(30, practice.complete)
    assert revision(practice.deployment()) == 5


def test_scaling_makes_no_new_revision(practice: Practice) -> None:
    practice.change("api-gateway", lambda obj: obj["spec"].update(replicas=9))
    assert practice.run(20, practice.complete)
    assert revision(practice.deployment()) == 4
    practice.change("api-gateway", lambda obj: obj["spec"].update(replicas=0))
    assert practice.run(20, lambda: not practice.pods())
    assert (
        practice.deployment()["status"]["observedGeneration"]
        == practice.deployment()["metadata"]["generation"]
    )


def test_recreate_has_no_two_versions_at_once(practice: Practice) -> None:
    practice.change("api-gateway", lambda obj: obj["spec"].update(strategy={"type": "Recreate"}))
    practice.set_image("1.0.0")

    def observe() -> None:
        assert len({pod["spec"]["containers"][0]["image"] for pod in practice.pods()}) <= 1

    practice.observe = observe
    assert practice.run(30, practice.complete)


def test_old_replica_sets_beyond_the_limit_go(practice: Practice) -> None:
    practice.change("api-gateway", lambda obj: obj["spec"].update(revisionHistoryLimit=2))
    practice.set_image("1.0.0")
    assert practice.run(30, lambda: practice.complete() and len(practice.replica_sets()) == 3)
    assert sorted(revision(rs) for rs in practice.replica_sets()) == [3, 4, 5]


def test_minimum_ready_seconds_hold_a_rollout_back(practice: Practice) -> None:
    practice.change("api-gateway", lambda obj: obj["spec"].update(minReadySeconds=20))
    practice.set_image("1.0.0")
    assert not practice.run(20, practice.complete)
    assert practice.run(100, practice.complete)


def test_a_deleted_pod_is_replaced_and_leaves_after_its_grace(practice: Practice) -> None:
    victim = practice.pods()[0]["metadata"]["name"]
    practice.store.delete("pods", NAMESPACE, victim, grace=None)
    practice.world.step()
    assert len(practice.pods()) == 7
    assert practice.run(10, lambda: practice.complete() and len(practice.pods()) == 6)
    assert victim not in {pod["metadata"]["name"] for pod in practice.pods()}


def test_a_deleted_deployment_takes_its_pods_with_it(practice: Practice) -> None:
    practice.store.delete("deployments", NAMESPACE, "api-gateway")
    assert practice.run(10, lambda: not practice.pods())
    assert not practice.replica_sets()


def test_endpoints_follow_the_ready_pods(practice: Practice) -> None:
    practice.set_image("1.0.0")
    practice.run(30, practice.complete)
    practice.run(5)
    addresses = {pod["status"]["podIP"] for pod in practice.pods()}
    (subset,) = practice.store.get("endpoints", NAMESPACE, "api-gateway")["subsets"]
    assert {address["ip"] for address in subset["addresses"]} == addresses
    (piece,) = practice.store.list(
        "endpointslices", NAMESPACE, lambda obj: obj["metadata"]["name"].startswith("api-gateway")
    )
    assert {endpoint["addresses"][0] for endpoint in piece["endpoints"]} == addresses
    assert piece["ports"][0]["port"] == 8080


@pytest.mark.parametrize(
    "spec",
    [
        {"replicas": 3},
        {"replicas": "many", "selector": {"matchLabels": {"app": "odd"}}, "template": {}},
        {"replicas": 1, "selector": None, "template": {"spec": {"containers": None}}},
        {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "odd"}},
            "template": {"spec": {"containers": []}},
        },
    ],
)
def test_an_object_that_makes_no_sense_stops_nothing_else(practice: Practice, spec: Obj) -> None:
    odd = {"metadata": {"name": "odd", "namespace": NAMESPACE}, "spec": spec}
    practice.store.create("deployments", odd)
    practice.set_image("1.0.0")
    assert practice.run(40, practice.complete)


def test_a_huge_deployment_is_bounded(practice: Practice) -> None:
    practice.change("api-gateway", lambda obj: obj["spec"].update(replicas=100_000))
    practice.run(2)
    assert len(practice.store.list("pods")) <= 400
    assert "FailedCreate" in practice.reasons("api-gateway")


def test_repeated_events_are_counted_and_bounded() -> None:
    practice = Practice("stuck")
    practice.set_image("1.0.0")
    practice.run(3700)
    unhealthy = [event for event in practice.store.list("events") if event["reason"] == "Unhealthy"]
    assert len(unhealthy) == 3
    assert min(event["count"] for event in unhealthy) > 100
