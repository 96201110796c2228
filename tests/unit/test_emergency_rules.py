"""When an environment is on duty, guarded, or rolled back by itself; who owns a workload; how long it all took."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from cluster_objects import made

from releaseconsole.cluster.objects import ObjectMeta
from releaseconsole.cluster.owners import last_writer, owner_of
from releaseconsole.plan.load import parse_plan
from releaseconsole.record.entry import Entry
from releaseconsole.record.figures import Figures, figures_of
from releaseconsole.record.fold import fold
from releaseconsole.record.model import ReleaseState, RollbackState
from releaseconsole.session.automatic import WINDOW, forbidden
from releaseconsole.session.duty import GUARDED, on_duty
from releaseconsole.session.reverts import guarded

KEY = "prod/shop/deployment/web"
TEMPLATE = {"spec": {"containers": [{"name": "web", "image": "shop/web:1"}]}}
PLAN = parse_plan(
    """
[release]
name = "shop"
title = "Shop"
version = "1"
[environments.prod]
targets = [{ context = "prod", namespace = "shop" }]
workloads = ["deployment/web"]
[[phases]]
id = "deploy"
title = "Deploy"
kind = "deploy"
environment = "prod"
[[phases.steps]]
id = "out"
title = "Out"
actions = [{ id = "apply", apply = "k8s/" }]
[[phases]]
id = "sign"
title = "Sign"
kind = "sign-off"
[[phases.steps]]
id = "sign"
title = "Sign"
items = [{ id = "lead", text = "The lead agrees", role = "Lead" }]
""",
    "shop.toml",
)
PIN = {"environment": "prod", "context": "prod", "namespace": "shop", "workload": "deployment/web"}


def told(*entries: tuple[float, str, dict[str, Any]]) -> ReleaseState:
    """What a journal of (time, kind, data) says."""
    return fold(
        Entry(seq=number, at=at, by="amira", kind=kind, data=data, prev="", hash="")
        for number, (at, kind, data) in enumerate(entries, 1)
    )


def applied(at: float) -> list[tuple[float, str, dict[str, Any]]]:
    return [
        (at, "action.started", {"action": "apply"}),
        (at + 5, "action.ended", {"action": "apply", "status": "succeeded"}),
    ]


def rolled_back(at: float, *, ended: float = 0.0, rollback: str = "prod-1") -> list[Any]:
    workloads = [{"key": KEY, "template": TEMPLATE, "uid": "u"}]
    entries: list[Any] = [
        (at, "rollback.started", {"id": rollback, "environment": "prod", "workloads": workloads})
    ]
    for seconds, stage in ((1, "patched"), (2, "observed"), (9, "recovered")):
        entries.append((at + seconds, "rollback.stage", {"id": rollback, "key": KEY, "stage": stage}))
    if ended:
        entries.append((ended, "rollback.ended", {"id": rollback, "outcome": "complete"}))
    return entries


class TestDuty:
    def test_it_begins_with_the_first_pin_or_deploy(self) -> None:
        assert not on_duty(PLAN, ReleaseState(), "prod", 100)
        assert on_duty(PLAN, told((50, "pin.set", PIN)), "prod", 100)
        assert on_duty(PLAN, told(*applied(50)), "prod", 100)

    def test_the_end_of_its_observation_ends_it_and_a_new_deploy_begins_anew(self) -> None:
        window = {"id": "w", "environment": "prod", "start": 60, "seconds": 10, "objectives": []}
        over = [
            (60, "watch.started", window),
            (80, "watch.ended", {"id": "w", "outcome": "complete", "verdicts": []}),
        ]
        assert on_duty(PLAN, told(*applied(50), over[0]), "prod", 100)
        assert not on_duty(PLAN, told(*applied(50), *over), "prod", 100)
        assert on_duty(PLAN, told(*applied(50), *over, *applied(90)), "prod", 100)

    def test_the_last_signature_ends_it(self) -> None:
        assert not on_duty(PLAN, told(*applied(50), (60, "item.signed", {"item": "lead"})), "prod", 100)

    def test_a_rollback_keeps_it_for_a_while_in_any_case(self) -> None:
        signed = (60, "item.signed", {"item": "lead"})
        state = told(*applied(10), signed, *rolled_back(70, ended=90))
        assert on_duty(PLAN, state, "prod", 90 + GUARDED - 1)
        assert not on_duty(PLAN, state, "prod", 90 + GUARDED + 1)


class TestGuard:
    def keys(self, state: ReleaseState, now: float) -> list[str]:
        return [one.key for _, one in guarded(PLAN, state, "prod", now)]

    def test_what_was_rolled_back_is_watched_until_half_an_hour_after(self) -> None:
        state = told(*rolled_back(50, ended=60))
        assert self.keys(state, 60 + GUARDED) == [KEY]
        assert self.keys(state, 61 + GUARDED) == []

    def test_before_its_patch_was_observed_nothing_can_be_said(self) -> None:
        assert self.keys(told(*rolled_back(50)[:2]), 100) == []
        assert self.keys(told(*rolled_back(50)[:3]), 100) == [KEY]

    def test_a_new_deploy_of_this_release_is_no_revert(self) -> None:
        assert self.keys(told(*rolled_back(50, ended=60), *applied(70)), 100) == []
        assert self.keys(told(*applied(40), *rolled_back(50, ended=60)), 100) == [KEY]

    def test_only_the_newest_rollback_counts(self) -> None:
        state = told(*rolled_back(50, ended=60), *rolled_back(70, ended=80, rollback="prod-2"))
        assert [rollback.id for rollback, _ in guarded(PLAN, state, "prod", 100)] == ["prod-2"]


class TestAutomatic:
    def why(self, *entries: Any, now: float = 100) -> str:
        return forbidden(PLAN, told(*entries), "prod", now)

    def test_only_while_a_deploy_of_this_release_is_fresh(self) -> None:
        assert "deployed nothing" in self.why()
        assert self.why(*applied(50)) == ""
        assert self.why(*applied(50)[:1]) == ""
        assert self.why(*applied(50), now=55 + WINDOW) == ""
        assert "1 h ago" in self.why(*applied(50), now=56 + WINDOW)

    def test_the_observation_window_says_how_long_it_is_fresh(self) -> None:
        window = {"id": "w", "environment": "prod", "start": 60, "seconds": 30, "objectives": [{"id": "x"}]}
        entries = [*applied(50), (60, "watch.started", window)]
        assert self.why(*entries, now=85) == ""
        assert "30 s ago" in self.why(*entries, now=86)

    def test_not_after_a_rollback_until_the_next_deploy(self) -> None:
        back = rolled_back(60, ended=70)
        assert "rolled back since" in self.why(*applied(50), *back)
        assert self.why(*applied(50), *back, *applied(80)) == ""

    def test_at_most_once(self) -> None:
        fired = (60, "automatic.fired", {"environment": "prod"})
        assert "once" in self.why(*applied(50), fired, *applied(80))

    def test_who_stops_it_stops_it_for_this_deploy(self) -> None:
        stopped = (60, "automatic.stopped", {"environment": "prod"})
        assert "stopped" in self.why(*applied(50), stopped)
        assert self.why(*applied(50), stopped, *applied(80)) == ""

    def test_a_countdown_that_a_restart_cut_off_may_begin_anew(self) -> None:
        state = told(
            *applied(50), (60, "automatic.started", {"environment": "prod"}), (70, "session.started", {})
        )
        assert state.automatic["prod"].status == "interrupted"
        assert forbidden(PLAN, state, "prod", 100) == ""


OWNERS = [
    (
        {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web"},
        "argocd app set shop --sync-policy none",
    ),
    (
        {"argocd.argoproj.io/tracking-id": "team_shop:apps/Deployment:shop/web"},
        "argocd app set team/shop --sync-policy none",
    ),
    (
        {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"},
        "flux suspend kustomization apps -n flux-system",
    ),
    (
        {
            "helm.toolkit.fluxcd.io/name": "web",
            "helm.toolkit.fluxcd.io/namespace": "shop",
            "meta.helm.sh/release-name": "web",
        },
        "flux suspend helmrelease web -n shop",
    ),
    ({"meta.helm.sh/release-name": "web"}, "the Helm release “web” owns it"),
]


@pytest.mark.parametrize(("marks", "words"), OWNERS)
def test_an_owner_is_named_with_the_way_to_suspend_it(marks: Mapping[str, str], words: str) -> None:
    assert words in str(owner_of(made(ObjectMeta, {"annotations": dict(marks)})))
    assert words in str(owner_of(made(ObjectMeta, {"labels": dict(marks)})))


def test_a_name_that_no_command_should_hold_is_left_out() -> None:
    owner = owner_of(made(ObjectMeta, {"annotations": {"argocd.argoproj.io/tracking-id": "x; rm -rf /:a"}}))
    assert owner is not None
    assert "rm -rf" not in str(owner)
    assert owner_of(made(ObjectMeta, {})) is None


def test_the_last_writer_of_the_template_is_the_one_with_the_newest_time() -> None:
    template = {"f:spec": {"f:template": {}}}
    wrote = [
        {"manager": "releaseconsole", "time": "2026-01-01T10:00:00Z", "fieldsV1": template},
        {"manager": "kubectl-edit", "time": "2026-01-01T10:05:00Z", "fieldsV1": template},
        {"manager": "kube-controller-manager", "time": "2026-01-01T10:06:00Z", "fieldsV1": {"f:status": {}}},
    ]
    assert last_writer(json.dumps({"metadata": {"managedFields": wrote}}).encode()) == "kubectl-edit"
    assert last_writer(b'{"metadata": {"managedFields": null}}') == ""
    assert last_writer(b"<html>") == ""


def test_the_figures_of_a_rollback_are_the_steps_from_the_alarm_to_the_proof() -> None:
    breach = {"environment": "prod", "objective": "errors", "state": "BREACH", "since": 20.0}
    state = told((30, "trigger.changed", breach), *rolled_back(50, ended=60))
    (rollback,) = state.rollbacks
    assert figures_of(rollback) == Figures(10, 20, 1, 8)
    assert (
        str(figures_of(rollback))
        == "first bad sample → alarm 10 s, alarm → key 20 s, key → patched 1 s, patched → recovered 8 s"
    )


def test_what_did_not_happen_has_no_figure() -> None:
    empty = RollbackState("prod-1", "prod", "amira", "", 50.0, {})
    assert figures_of(empty) == Figures()
    assert figures_of(replace(empty, alarm=60.0)) == Figures()
    assert str(Figures()) == ""
