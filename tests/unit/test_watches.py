"""Observation windows in the plan, in the journal and in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from releaseconsole.checks.watch import watched_to_the_end
from releaseconsole.errors import PlanError
from releaseconsole.plan.load import parse_plan
from releaseconsole.record.entry import make_entry
from releaseconsole.record.fold import fold
from releaseconsole.record.model import ReleaseState
from releaseconsole.record.watches import (
    Standing,
    WatchedObjective,
    WatchState,
    WatchVerdict,
    WatchWord,
    hours,
    progress,
)

HOUR = 3600.0
PLAN = """
[release]
name = "shop"
title = "Shop"
version = "1"
[environments.staging]
targets = [{ context = "staging", namespace = "shop" }]
workloads = ["deployment/web"]
[environments.production]
targets = [{ context = "production", namespace = "shop" }]
workloads = ["deployment/web"]
prometheus = { url = "http://localhost:9090" }
[[objectives]]
id = "errors"
query = "errors"
target = "< 1"
[[objectives]]
id = "elsewhere"
query = "elsewhere"
target = "< 1"
environments = ["staging"]
[[phases]]
id = "deploy"
title = "Deploy"
environment = "ENVIRONMENT"
[[phases.steps]]
id = "watch"
title = "Watch"
actions = [ACTION]
items = [{ id = "watched", text = "It was watched", check = { watch = "complete", environment = "CHECKED" } }]
"""


def plan_with(action: str, environment: str = "production", checked: str = "production") -> str:
    return PLAN.replace("ACTION", action).replace("ENVIRONMENT", environment).replace("CHECKED", checked)


def problems(text: str) -> list[str]:
    with pytest.raises(PlanError) as caught:
        parse_plan(text, "plan.toml")
    return [str(one) for one in caught.value.problems]


def test_a_window_is_an_action_with_a_length() -> None:
    plan = parse_plan(
        plan_with('{ id = "w", watch = "24h", allow = "5m", objectives = ["errors"] }'), "plan.toml"
    )
    action = plan.actions["w"].action
    assert (action.kind, action.watch, action.allow, action.objectives) == ("watch", 86_400, 300, ("errors",))
    assert action.label == "watch for 1 d"


@pytest.mark.parametrize(
    ("action", "environment", "checked", "said"),
    [
        ('{ watch = "24h" }', "staging", "staging", "which has no Prometheus"),
        ('{ watch = "24h" }', "production", "staging", "which none begins"),
        ('{ watch = "24h", objectives = ["erors"] }', "production", "production", 'did you mean "errors"'),
        ('{ watch = "24h", objectives = ["elsewhere"] }', "production", "production", "no objective of"),
        ('{ watch = "soon" }', "production", "production", "time span"),
        ('{ pin = "workloads", allow = "5m" }', "production", "production", '"allow" with "pin"'),
    ],
)
def test_a_window_that_could_see_nothing_is_told(
    action: str, environment: str, checked: str, said: str
) -> None:
    found = problems(plan_with(action, environment, checked))
    assert any(said in one for one in found), found


STARTED: Mapping[str, Any] = {
    "id": "production-watch-1",
    "environment": "production",
    "start": 1000,
    "seconds": 24 * HOUR,
    "allow": 300.0,
    "objectives": [
        {"id": "errors", "name": "Error rate", "unit": "%", "target": "< 0.1", "line": "> 1", "hold": 60}
    ],
}
VERDICT = {"objective": "errors", "word": "failed", "out": 400.0, "on": 3200.0, "maximum": 2.5}


def folded(*happened: tuple[str, Mapping[str, Any]], since: float = 1000.0) -> ReleaseState:
    entries: list[Any] = []
    for number, (kind, data) in enumerate(happened, start=1):
        prev = entries[-1].hash if entries else ""
        entries.append(make_entry(number, since + number - 1, "amira", kind, data, prev))
    return fold(entries)


def test_a_window_is_in_the_state_with_all_that_it_is_measured_by() -> None:
    watch = folded(("watch.started", STARTED)).watch("production")
    assert watch is not None
    assert (watch.by, watch.started, watch.ends, watch.under_way) == ("amira", 1000, 1000 + 24 * HOUR, True)
    assert watch.objectives == (WatchedObjective("errors", "Error rate", "%", "< 0.1", "> 1", 60),)


def test_notes_and_the_end_bring_verdicts_and_the_end_is_final() -> None:
    noted = ("watch.noted", {"id": STARTED["id"], "verdicts": [VERDICT]})
    ended = ("watch.ended", {"id": STARTED["id"], "outcome": "complete", "verdicts": [VERDICT]})
    later = ("watch.noted", {"id": STARTED["id"], "verdicts": []})
    watch = folded(("watch.started", STARTED), noted).watch("production")
    assert watch is not None
    assert (watch.under_way, watch.verdicts[0].word, watch.verdicts[0].maximum) == (
        True,
        WatchWord.FAILED,
        2.5,
    )
    state = folded(("watch.started", STARTED), noted, ended, later, ended)
    watch = state.watch("production")
    assert watch is not None
    assert (watch.outcome, watch.judged, len(watch.verdicts), state.ignored) == ("complete", True, 1, 1)


def test_a_rollback_of_the_environment_ends_it_and_one_of_another_does_not() -> None:
    def rolled(environment: str) -> tuple[str, Mapping[str, Any]]:
        return ("rollback.started", {"id": "r", "environment": environment, "workloads": []})

    assert folded(("watch.started", STARTED), rolled("staging")).watches[STARTED["id"]].under_way
    watch = folded(("watch.started", STARTED), rolled("production")).watches[STARTED["id"]]
    assert (watch.outcome, watch.reason, watch.ends) == ("stopped", "stopped by the rollback", 1001)
    assert not watch.judged


def test_a_rollback_after_the_end_leaves_it_complete() -> None:
    short = {**STARTED, "seconds": 0.5}
    rolled = ("rollback.started", {"id": "r", "environment": "production", "workloads": []})
    assert folded(("watch.started", short), rolled).watches[STARTED["id"]].under_way


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": 3}, {"environment": None}, {"seconds": "long"}, {"seconds": -1}, {"seconds": 1e300},
        {"seconds": True}, {"seconds": 10**400},
    ],
)  # fmt: skip
def test_what_is_no_window_changes_nothing(wrong: Mapping[str, Any]) -> None:
    state = folded(("watch.started", {**STARTED, **wrong}))
    assert (dict(state.watches), state.ignored) == ({}, 1)


def test_odd_numbers_and_words_are_read_as_nothing() -> None:
    odd = {
        "objective": "errors",
        "word": "splendid",
        "out": "NaN",
        "minimum": "+Inf",
        "unknown": -5,
        "last": True,
    }
    data = {"id": STARTED["id"], "verdicts": [odd, 7, {"objective": None}]}
    watch = folded(
        ("watch.started", {**STARTED, "objectives": [5, {"id": ""}]}), ("watch.noted", data)
    ).watch("production")
    assert watch is not None
    assert watch.objectives == ()
    assert watch.verdicts == (WatchVerdict(objective="errors"),)


def test_only_the_newest_windows_are_kept() -> None:
    many = [("watch.started", {**STARTED, "id": f"w{number}"}) for number in range(80)]
    state = folded(*many)
    assert len(state.watches) == 64
    newest = state.watch("production")
    assert newest is not None
    assert newest.id == "w79"
    assert [one.id for one in state.watches.values() if one.under_way] == ["w79"]


def standing(*verdicts: WatchVerdict, **more: Any) -> Standing:
    watch = folded(("watch.started", STARTED)).watches[STARTED["id"]]
    return Standing(replace(watch, **more), verdicts)


GOOD = WatchVerdict(objective="errors", word=WatchWord.ON_TARGET)
FAILED = WatchVerdict(objective="errors", word=WatchWord.FAILED, out=400)
BURNT = WatchVerdict(objective="errors", word=WatchWord.FAILED, out=100, beyond=100)
DARK = WatchVerdict(objective="errors", word=WatchWord.UNKNOWN, unknown=7200, reason="no answer")
LONG = WatchVerdict(objective="errors", word=WatchWord.TOLERATED, out=100)


@pytest.mark.parametrize(
    ("verdict", "more", "status", "reason"),
    [
        (GOOD, {}, "unknown", "3 h 12 m of 24 h, on target"),
        (LONG, {}, "unknown", "3 h 12 m of 24 h, 1 of 1 objective good; Error rate out of target for 1 m 40 s"),
        (FAILED, {}, "failed",
         "3 h 12 m of 24 h, 0 of 1 objective good; Error rate failed: out of target for 6 m 40 s"),
        (BURNT, {}, "failed",
         "3 h 12 m of 24 h, 0 of 1 objective good; Error rate failed: beyond its rollback line for 1 m 40 s"),
        (GOOD, {"outcome": "complete", "judged": True}, "passed", "24 h, on target"),
        (LONG, {"outcome": "complete", "judged": True}, "passed",
         "24 h, 1 of 1 objective good; Error rate out of target for 1 m 40 s"),
        (DARK, {"outcome": "complete", "judged": True}, "unknown",
         "24 h, 0 of 1 objective good; Error rate unknown for 2 h (no answer)"),
        (GOOD, {"outcome": "stopped", "ended": 1000 + HOUR, "reason": "stopped by hand", "judged": True},
         "failed", "stopped after 1 h of 24 h: stopped by hand"),
        (None, {}, "unknown", "3 h 12 m of 24 h, nothing measured yet"),
        (None, {"outcome": "complete", "judged": True}, "unknown", "24 h, nothing measured yet"),
    ],
)  # fmt: skip
async def test_the_check_says_how_it_stands(
    verdict: WatchVerdict | None, more: Mapping[str, Any], status: str, reason: str
) -> None:
    found = standing(*([verdict] if verdict else []), **more)

    class Context:
        class clock:  # noqa: N801
            now = staticmethod(lambda: 1000 + 3.2 * HOUR)

        watched = staticmethod(lambda environment: found)

    plan = parse_plan(plan_with('{ watch = "24h" }'), "plan.toml")
    placed = plan.items["watched"]
    assert placed.item.check is not None
    result = await watched_to_the_end(placed.item.check, placed, Context())  # type: ignore[arg-type]
    assert (result.status, result.reason) == (status, reason)


def test_after_the_end_it_waits_for_the_last_values() -> None:
    assert progress(standing(GOOD), 1000 + 24 * HOUR) == "24 h are over; waiting for the last values"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(86_400, "24 h"), (86_400 + 1800, "24 h 30 m"), (3 * 86_400, "3 d"), (11_520, "3 h 12 m"), (41, "41 s")],
)
def test_spans_of_windows_are_in_hours(seconds: float, words: str) -> None:
    assert hours(seconds) == words


def test_a_stopped_window_ends_no_later_than_planned() -> None:
    watch = WatchState(
        id="w",
        environment="e",
        by="b",
        started=0,
        seconds=10,
        allow=1,
        objectives=(),
        ended=50,
        outcome="stopped",
    )
    assert (watch.ends, watch.elapsed(100), watch.elapsed(-5)) == (10, 10, 0)
