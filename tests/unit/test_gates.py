"""Gates: what is in the way of a phase or a signature, in sentences."""

from __future__ import annotations

from typing import Any

import pytest

from releaseconsole.plan.model import Plan
from releaseconsole.record.entry import Entry
from releaseconsole.record.fold import fold
from releaseconsole.record.gates import (
    Progress,
    phase_progress,
    sign_obstacles,
    start_obstacles,
    step_progress,
    unmet_needs,
)
from releaseconsole.record.model import ReleaseState


def step(step_id: str, *items: str, **more: Any) -> dict[str, Any]:
    return {
        "id": step_id,
        "title": step_id,
        "items": [{"id": item, "text": f"Text of {item}"} for item in items],
        **more,
    }


PLAN = Plan.model_validate(
    {
        "release": {"name": "healthpay", "title": "HealthPay", "version": "1.0.0"},
        "environments": {
            "production": {
                "title": "Production cluster",
                "targets": [{"context": "production"}],
                "workloads": ["deployment/api-gateway"],
            }
        },
        "phases": [
            {"id": "uat", "title": "UAT", "steps": [step("s1", "a", "b"), step("s2", "c")]},
            {
                "id": "production",
                "title": "Production",
                "kind": "deploy",
                "environment": "production",
                "needs": ["uat"],
                "gate": "go/no-go",
                "steps": [step("s1", "p1", actions=[{"apply": "k8s/"}])],
            },
            {
                "id": "rollback",
                "title": "Rollback",
                "kind": "rollback",
                "environment": "production",
                "steps": [step("s1", "r1", actions=[{"shell": "true"}])],
            },
            {
                "id": "after",
                "title": "Afterwards",
                "environment": "production",
                "steps": [step("s1", "z1", actions=[{"get": "pods"}])],
            },
            {
                "id": "hotfix",
                "title": "Hotfix",
                "steps": [step("s1", actions=[{"shell": "true", "environment": "production"}])],
            },
            {
                "id": "sign-off",
                "title": "Sign-off",
                "kind": "sign-off",
                "needs": ["uat", "production", "rollback"],
                "steps": [
                    {
                        "id": "s",
                        "title": "s",
                        "items": [{"id": "lead", "text": "Lead", "role": "Release lead"}],
                    }
                ],
            },
        ],
    }
)


def state(*happened: tuple[str, dict[str, Any]]) -> ReleaseState:
    return fold(
        Entry(n, 1000.0 + n, "amira", kind, data, "", "") for n, (kind, data) in enumerate(happened, 1)
    )


def done(*items: str) -> list[tuple[str, dict[str, Any]]]:
    return [("item.done", {"item": item}) for item in items]


def deferred(*items: str) -> list[tuple[str, dict[str, Any]]]:
    return [("item.deferred", {"item": item, "reason": "later"}) for item in items]


GO = ("decision", {"phase": "production", "go": True, "reason": ""})
ROLLED_BACK = ("rollback.started", {"id": "r", "environment": "production", "workloads": []})
LOCKED = ("lock.set", {"environment": "production", "reason": "rolled back from 1.1."})


@pytest.mark.parametrize(
    ("progress", "label"),
    [
        (Progress(total=23, settled=9, open=14), "9/23"),
        (Progress(total=79, settled=79), "✔ 79"),
        (Progress(total=81, settled=79, deferred=2), "✔ 79+2d"),
        (Progress(total=3, settled=1, deferred=1, failed=1), "1/3"),
        (Progress(), "–"),
        (Progress(total=4, open=4, applies=False), "–"),
    ],
)
def test_progress_has_a_short_label(progress: Progress, label: str) -> None:
    assert progress.label == label


def test_progress_counts_every_item_once_by_its_status() -> None:
    happened = [
        *done("a"),
        ("item.checked", {"item": "b", "status": "failed", "reason": ""}),
        ("item.checked", {"item": "c", "status": "unknown", "reason": ""}),
    ]
    progress = phase_progress(PLAN, state(*happened), "uat")
    assert progress == Progress(total=3, settled=1, failed=1, unknown=1)
    assert not progress.complete
    assert step_progress(PLAN, state(*happened), "uat", "s2") == Progress(total=1, unknown=1)


@pytest.mark.parametrize("kind", ["item.overridden", "item.not_applicable", "item.signed", "item.done"])
def test_what_a_person_settled_needs_nobody_any_more(kind: str) -> None:
    assert phase_progress(PLAN, state((kind, {"item": "p1"})), "production").complete


def test_a_phase_that_needs_nothing_may_start() -> None:
    assert start_obstacles(PLAN, state(), "uat") == ()


def test_a_phase_waits_for_what_it_needs_and_for_the_decision() -> None:
    failing = ("item.checked", {"item": "b", "status": "failed", "reason": ""})
    assert start_obstacles(PLAN, state(*done("a"), failing), "production") == (
        "UAT is not complete: of 3 items 1 failed and 1 open.",
        "Nobody has decided go or no-go for Production.",
    )
    assert start_obstacles(PLAN, state(*done("a", "b", "c"), GO), "production") == ()


def test_a_go_despite_open_needs_lets_the_phase_start_until_it_is_taken_back() -> None:
    despite = unmet_needs(PLAN, state(), "production")
    assert despite == ("UAT is not complete: of 3 items 3 open.",)
    data = {"phase": "production", "reason": "agreed", "despite": list(despite)}
    assert start_obstacles(PLAN, state(("decision", {**data, "go": True})), "production") == ()
    taken_back = state(("decision", {**data, "go": True}), ("decision", {**data, "go": False}))
    assert start_obstacles(PLAN, taken_back, "production") == (
        "UAT is not complete: of 3 items 3 open.",
        "amira decided no-go for Production: agreed.",
    )


def test_no_go_stands_in_the_way_with_its_reason() -> None:
    no_go = ("decision", {"phase": "production", "go": False, "reason": "payment partner is down."})
    (sentence,) = start_obstacles(PLAN, state(*done("a", "b", "c"), no_go), "production")
    assert sentence == "amira decided no-go for Production: payment partner is down."


def test_deferred_items_let_the_next_phase_start_but_nobody_sign() -> None:
    happened = [*done("a", "b", "p1"), *deferred("c"), GO]
    assert start_obstacles(PLAN, state(*happened), "production") == ()
    assert sign_obstacles(PLAN, state(*happened), "lead") == ("1 item is deferred: “Text of c” (UAT).",)
    assert sign_obstacles(PLAN, state(*happened, *done("c")), "lead") == ()


def test_a_deferred_item_of_a_phase_that_nobody_needs_blocks_the_sign_off_too() -> None:
    happened = [*done("a", "b", "c", "p1"), *deferred("z1")]
    assert start_obstacles(PLAN, state(*happened), "sign-off") == (
        "1 item is deferred: “Text of z1” (Afterwards).",
    )


def test_many_deferred_items_are_counted_and_only_some_named() -> None:
    (sentence,) = start_obstacles(PLAN, state(*deferred("a", "b", "c", "p1", "z1")), "sign-off")
    assert sentence == (
        "5 items are deferred: “Text of a” (UAT), “Text of b” (UAT), “Text of c” (UAT) and 2 more."
    )


def test_the_rollback_phase_counts_only_once_something_was_rolled_back() -> None:
    everything = done("a", "b", "c", "p1")
    assert sign_obstacles(PLAN, state(*everything), "lead") == ()
    assert sign_obstacles(PLAN, state(*everything, *deferred("r1")), "lead") == ()
    assert sign_obstacles(PLAN, state(*everything, ROLLED_BACK), "lead") == (
        "Rollback is not complete: of 1 items 1 open.",
    )
    assert sign_obstacles(PLAN, state(*everything, ROLLED_BACK, *done("r1")), "lead") == ()


def test_a_locked_environment_stops_what_would_deploy_to_it_and_nothing_else() -> None:
    ready = state(*done("a", "b", "c"), GO, LOCKED)
    sentence = "Production cluster is locked by amira: rolled back from 1.1."
    obstacles = {phase.id: start_obstacles(PLAN, ready, phase.id) for phase in PLAN.phases}
    assert obstacles["production"] == (sentence,)
    assert obstacles["hotfix"] == (sentence,)
    assert obstacles["rollback"] == obstacles["after"] == obstacles["uat"] == ()
    cleared = ("lock.cleared", {"environment": "production", "reason": "fixed"})
    assert start_obstacles(PLAN, state(*done("a", "b", "c"), GO, LOCKED, cleared), "production") == ()


def test_unknown_ids_are_key_errors() -> None:
    with pytest.raises(KeyError):
        start_obstacles(PLAN, state(), "moon")
    with pytest.raises(KeyError):
        step_progress(PLAN, state(), "uat", "moon")
    with pytest.raises(KeyError):
        sign_obstacles(PLAN, state(), "moon")
