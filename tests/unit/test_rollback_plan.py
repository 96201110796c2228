"""The plan of a rollback: where it goes, what it sends, and when it refuses."""

from __future__ import annotations

import json
from typing import Any

import jsonpatch
import msgspec
import pytest
from cluster_objects import UID, deployment, made, replica_set, template

from releaseconsole.cluster.objects import ControllerRevision, Deployment, ReplicaSet, StatefulSet
from releaseconsole.cluster.rollback import PinnedRevision, RollbackTarget, make_pin, make_target
from releaseconsole.cluster.templates import bare, same_template, selector_text
from releaseconsole.cluster.workload import deployment_history, place_of, revision_history
from releaseconsole.errors import UsageError

PLACE = place_of("shop", "deployment/web")
ONE, TWO, THREE = (replica_set(number, f"shop/web:{number}") for number in (1, 2, 3))
KEPT = "kubectl.kubernetes.io/last-applied-configuration"
REVISION = "deployment.kubernetes.io/revision"


def planned(
    found: Deployment,
    sets: list[ReplicaSet],
    *,
    pin: PinnedRevision | None = None,
    to: str = "pinned",
    resume: bool = False,
) -> RollbackTarget:
    return make_target("uat", deployment_history(PLACE, found, sets), pin, to, resume=resume)


def pin_of(found: Deployment, sets: list[ReplicaSet]) -> PinnedRevision:
    return make_pin(deployment_history(PLACE, found, sets))


def patched(found: Deployment, target: RollbackTarget) -> dict[str, Any]:
    """The object as the patch leaves it, by somebody else's implementation of RFC 6902."""
    body = json.loads(msgspec.json.encode(found))
    result: dict[str, Any] = jsonpatch.JsonPatch(list(target.patch)).apply(body)
    return result


def test_it_goes_to_the_pin_and_not_to_the_second_highest_revision() -> None:
    pin = pin_of(deployment("shop/web:1"), [ONE])
    target = planned(deployment("shop/web:3"), [ONE, TWO, THREE], pin=pin)
    assert (target.source, target.from_revision, target.to_revision) == ("pinned", "3", "1")
    assert (target.from_images, target.to_images) == (("shop/web:3",), ("shop/web:1",))
    assert target.key == "uat/shop/deployment/web"


def test_without_a_pin_it_goes_to_the_previous_revision_and_says_so() -> None:
    target = planned(deployment("shop/web:3"), [ONE, TWO, THREE])
    assert (target.source, target.to_revision) == ("previous", "2")


def test_a_bad_template_that_no_replica_set_has_yet_does_not_send_it_one_too_far() -> None:
    target = planned(deployment("shop/web:bad"), [ONE, TWO])
    assert target.from_revision == ""
    assert target.to_images == ("shop/web:2",)


def test_after_a_rollback_renumbered_the_revisions_the_pin_is_already_there() -> None:
    pin = pin_of(deployment("shop/web:1"), [ONE])
    renumbered = replica_set(4, "shop/web:1", name="web-1")
    target = planned(deployment("shop/web:1"), [renumbered, TWO], pin=pin)
    assert target.skipped
    assert target.patch == ()
    assert target.problem == ""


def test_a_chosen_revision_is_taken_and_an_unknown_one_names_those_that_exist() -> None:
    assert planned(deployment("shop/web:3"), [ONE, TWO, THREE], to="1").to_images == ("shop/web:1",)
    problem = planned(deployment("shop/web:3"), [ONE, TWO, THREE], to="9").problem
    assert "3, 2, 1" in problem


def test_with_one_revision_there_is_nowhere_to_go() -> None:
    assert "no earlier revision" in planned(deployment("shop/web:1"), [ONE]).problem


def test_a_pin_whose_replica_set_is_gone_uses_the_recorded_template_and_says_so() -> None:
    pin = pin_of(deployment("shop/web:1"), [ONE])
    target = planned(deployment("shop/web:3"), [TWO, THREE], pin=pin)
    assert target.source == "pinned template"
    assert target.to_images == ("shop/web:1",)
    assert any("no longer keeps" in warning for warning in target.warnings)
    assert target.annotations is None


def test_a_pin_without_template_and_replica_set_is_a_problem() -> None:
    pin = PinnedRevision(uid=UID, revision="1", template_hash="web-1", images=("shop/web:1",))
    assert planned(deployment("shop/web:3"), [ONE, THREE], pin=pin).to_images == ("shop/web:1",)
    assert "gone" in planned(deployment("shop/web:3"), [TWO, THREE], pin=pin).problem


def test_a_pin_of_a_deleted_namesake_still_works_but_warns() -> None:
    pin = PinnedRevision("older", "1", "", ("shop/web:1",), template("shop/web:1"))
    target = planned(deployment("shop/web:3"), [TWO, THREE], pin=pin)
    assert target.problem == ""
    assert "made anew" in target.warnings[0]


def test_a_paused_deployment_is_refused_unless_it_is_resumed_in_the_same_patch() -> None:
    paused = deployment("shop/web:2", spec={"paused": True})
    refused = planned(paused, [ONE, TWO])
    assert "Resume" in refused.problem
    assert refused.patch == ()
    resumed = planned(paused, [ONE, TWO], resume=True)
    assert patched(paused, resumed)["spec"]["paused"] is False


def test_a_half_finished_rollout_can_be_rolled_back() -> None:
    rolling = deployment("shop/web:2", status={"updatedReplicas": 1, "replicas": 5})
    busy = replica_set(1, "shop/web:1", status={"replicas": 3})
    assert planned(rolling, [busy, TWO]).problem == ""


def test_what_is_being_deleted_cannot() -> None:
    leaving = deployment("shop/web:2", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"})
    assert "deleted" in planned(leaving, [ONE, TWO]).problem


class TestThePatch:
    def test_it_tests_uid_and_generation_before_anything_else(self) -> None:
        first, second, *_ = planned(deployment("shop/web:2"), [ONE, TWO]).patch
        assert first == {"op": "test", "path": "/metadata/uid", "value": UID}
        assert second == {"op": "test", "path": "/metadata/generation", "value": 3}

    def test_it_brings_the_template_back_without_the_controllers_hash(self) -> None:
        found = deployment("shop/web:2")
        result = patched(found, planned(found, [ONE, TWO]))
        assert result["spec"]["template"] == template("shop/web:1")

    def test_annotations_become_the_old_ones_but_the_deployments_own_stay(self) -> None:
        found = deployment(
            "shop/web:2",
            metadata={"annotations": {KEPT: "mine", REVISION: "2", "only/new": "x", "change~cause": "v2"}},
        )
        old = replica_set(1, "shop/web:1", annotations={KEPT: "stale", "change~cause": "v1", "only/old": "y"})
        result = patched(found, planned(found, [old, TWO]))
        expected = {KEPT: "mine", REVISION: "2", "change~cause": "v1", "only/old": "y"}
        assert result["metadata"]["annotations"] == expected

    def test_a_revision_number_that_the_controller_may_have_renewed_is_never_written(self) -> None:
        found = deployment("shop/web:2", metadata={"annotations": {REVISION: "2"}})
        assert not any("revision" in one["path"] for one in planned(found, [ONE, TWO]).patch)

    def test_annotations_can_be_added_where_there_were_none(self) -> None:
        found = deployment("shop/web:2")
        old = replica_set(1, "shop/web:1", annotations={"team": "payments"})
        patch = planned(found, [old, TWO]).patch
        assert patch[-1] == {"op": "add", "path": "/metadata/annotations", "value": {"team": "payments"}}


@pytest.mark.parametrize(
    ("metadata", "owner"),
    [
        ({"annotations": {"argocd.argoproj.io/tracking-id": "x"}}, "Argo CD"),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "x"}}, "Flux"),
        ({"labels": {"app.kubernetes.io/managed-by": "Helm"}}, "Helm"),
        ({"annotations": {"meta.helm.sh/release-name": "x"}}, "Helm"),
    ],
)
def test_an_owner_that_would_undo_the_rollback_is_named(metadata: dict[str, Any], owner: str) -> None:
    target = planned(deployment("shop/web:2", metadata=metadata), [ONE, TWO])
    assert any(warning.startswith(owner) for warning in target.warnings)


def test_the_diff_shows_what_changes_and_no_control_sequence() -> None:
    hostile = deployment("shop/web:\x1b[31m2")
    diff = planned(hostile, [ONE, TWO]).template_diff
    assert any(line.startswith("+") and "shop/web:2" in line for line in diff)
    assert not any("\x1b" in line for line in diff)


def test_a_pin_of_an_unfinished_rollout_says_so() -> None:
    assert pin_of(deployment("shop/web:1"), [ONE]).warning == ""
    rolling = deployment("shop/web:1", status={"updatedReplicas": 1})
    assert "not complete" in pin_of(rolling, [ONE]).warning
    assert "not run yet" in pin_of(deployment("shop/web:new"), [ONE]).warning


def test_a_pin_holds_what_is_needed_to_come_back() -> None:
    pin = pin_of(deployment("shop/web:1"), [ONE, TWO])
    assert (pin.uid, pin.revision, pin.replica_set, pin.template_hash) == (UID, "1", "web-1", "web-1")
    assert pin.template == template("shop/web:1")


def test_revisions_that_are_no_number_are_left_out_and_absent_ones_count_as_zero() -> None:
    odd, zero = replica_set("x", "shop/web:x"), replica_set(None, "shop/web:0", name="zero")
    history = deployment_history(PLACE, deployment("shop/web:2"), [odd, zero, ONE, TWO])
    assert [one.number for one in history.revisions] == [2, 1, 0]


class TestStatefulSets:
    def history(self, running: str) -> Any:
        place = place_of("shop", "statefulset/db")
        body = {
            "metadata": {"name": "db", "uid": "s", "generation": 5},
            "spec": {"template": template(running)},
        }
        held = [self.revision(1, "shop/web:1"), self.revision(2, "shop/web:2"), self.strange()]
        return revision_history(place, made(StatefulSet, body), held)

    def revision(self, number: int, image: str) -> ControllerRevision:
        data = {"spec": {"template": {**template(image), "$patch": "replace"}}}
        owner = [{"uid": "s", "controller": True}]
        metadata = {"name": f"db-{number}", "uid": f"r{number}", "ownerReferences": owner}
        return made(ControllerRevision, {"metadata": metadata, "revision": number, "data": data})

    def strange(self) -> ControllerRevision:
        owner = [{"uid": "s", "controller": True}]
        return made(
            ControllerRevision, {"metadata": {"ownerReferences": owner}, "revision": 9, "data": {"x": 1}}
        )

    def test_they_go_to_the_previous_controller_revision(self) -> None:
        target = make_target("uat", self.history("shop/web:2"), None, "previous")
        assert (target.from_revision, target.to_revision) == ("2", "1")
        assert target.patch[2]["value"] == template("shop/web:1")
        assert "$patch" not in target.patch[2]["value"]

    def test_their_annotations_stay(self) -> None:
        target = make_target("uat", self.history("shop/web:2"), None, "previous")
        assert len(target.patch) == 3


def test_templates_are_compared_without_hash_and_nulls() -> None:
    hashed = template("a", **{"pod-template-hash": "1"})
    with_null = {
        "metadata": {"labels": {"app": "web"}, "creationTimestamp": None},
        "spec": template("a")["spec"],
    }
    assert same_template(hashed, with_null)
    assert not same_template(template("a"), template("b"))
    assert bare({"spec": {}}) == {"spec": {}}


def test_a_selector_is_written_as_the_api_reads_it() -> None:
    terms = [
        {"key": "tier", "operator": "In", "values": ["a", "b"]},
        {"key": "gone", "operator": "DoesNotExist"},
        {"key": "there", "operator": "Exists"},
    ]
    found = deployment(spec={"selector": {"matchLabels": {"app": "web"}, "matchExpressions": terms}})
    assert selector_text(found.spec.selector) == "app=web,tier in (a,b),!gone,there"


@pytest.mark.parametrize("workload", ["web", "job/web", "deployment/", "deployment/a/b", ""])
def test_what_cannot_be_rolled_back_is_refused_with_the_kinds_that_can(workload: str) -> None:
    with pytest.raises(UsageError) as caught:
        place_of("shop", workload)
    assert "deployment/NAME" in caught.value.remedy
