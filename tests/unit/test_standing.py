"""What ``status`` says of rollbacks, automatic ones and alerts, in lines and as a document."""

from __future__ import annotations

from dataclasses import replace

import pytest

from releaseconsole.commands.rollback_report import document, lines, outcome_of
from releaseconsole.commands.standing import (
    alert_lines,
    automatic_lines,
    describe_alerts,
    describe_automatic,
    describe_rollbacks,
    rollback_lines,
)
from releaseconsole.record.model import AutomaticState, ReleaseState, RollbackState, Stage, WorkloadRollback
from releaseconsole.session.views import AlertCounts, AlertView, EnvironmentView, Freshness, Liveness

KEY = "prod/shop/deployment/web"
ROLLBACK = RollbackState(
    "prod-1",
    "prod",
    "amira",
    "errors",
    100.0,
    {KEY: WorkloadRollback(KEY, Stage.PATCHED, {"patched": 101.0})},
)


@pytest.mark.parametrize(("held", "word"), [(True, "under way"), (False, "interrupted")])
def test_a_rollback_that_nobody_can_be_running_was_interrupted(held: bool, word: str) -> None:
    assert outcome_of(ROLLBACK, held=held) == word
    assert outcome_of(replace(ROLLBACK, outcome="complete"), held=held) == "complete"
    (told,) = describe_rollbacks(ReleaseState(rollbacks=(ROLLBACK,)), held=held)
    assert told["outcome"] == word


def test_an_interrupted_one_says_how_far_it_is_and_how_to_go_on() -> None:
    told = list(lines(document(ROLLBACK, "interrupted"), "key → patched 1 s"))
    assert told == [
        "prod  rollback prod-1: interrupted (errors)",
        "  key → patched 1 s",
        f"  {KEY}: patched",
        "  Run `rollback -e prod` again to go on with it.",
    ]


def test_what_failed_and_what_was_undone_is_named() -> None:
    one = WorkloadRollback(KEY, Stage.FAILED, {}, message="no right", reverted="changed by argocd")
    told = list(lines(document(replace(ROLLBACK, outcome="failed", workloads={KEY: one})), ""))
    assert told[1:] == [f"  {KEY} failed: no right", f"  {KEY} was undone: changed by argocd"]


def test_only_the_newest_rollback_of_each_environment_has_lines() -> None:
    newer = replace(ROLLBACK, id="prod-2", outcome="complete", ended=110.0)
    state = ReleaseState(rollbacks=(ROLLBACK, newer))
    told = list(rollback_lines(describe_rollbacks(state, held=False), state))
    assert told[0] == "prod  rollback prod-2: complete (errors)"
    assert not any("prod-1" in line for line in told)


def test_a_countdown_is_told_with_who_stopped_it() -> None:
    stopped = AutomaticState("stopped", "errors", "nour", 100.0, "stopped by hand")
    state = ReleaseState(automatic={"prod": stopped})
    told = describe_automatic(state, held=True)
    assert told["prod"]["status"] == "stopped"
    assert list(automatic_lines(told)) == ["prod  automatic rollback: stopped by nour: stopped by hand"]
    counting = ReleaseState(automatic={"prod": replace(stopped, status="counting")})
    assert describe_automatic(counting, held=False)["prod"]["status"] == "interrupted"
    assert describe_automatic(counting, held=True)["prod"]["status"] == "counting"


def test_alerts_are_told_and_without_an_answer_nothing_is_called_quiet() -> None:
    alert = AlertView(
        "k", "HighErrors", "firing", "critical", 90.0, "too many", (("pod", "a"),), (), 7.0, "g", "prom:9090"
    )
    view = EnvironmentView(
        "prod", "Prod", "red", (), Freshness(), Freshness(),
        alerts=(alert,), alert_counts=AlertCounts(rules=3, firing=1), alerts_freshness=Freshness(Liveness.LIVE),
    )  # fmt: skip
    told = describe_alerts(view)
    assert (told["known"], told["firing"], told["rules"]) == ("live", 1, 3)
    assert told["alerts"][0]["labels"] == {"pod": "a"}
    assert list(alert_lines(told)) == ["  alert HighErrors         firing critical  too many"]
    silent = replace(view, alerts=(), alerts_freshness=Freshness(Liveness.STALE, 0.0, "no answer"))
    told = describe_alerts(silent)
    assert (told["known"], told["error"]) == ("stale", "no answer")
    assert list(alert_lines(told)) == ["  alerts are not known: no answer"]
