"""The journal in sentences: readable, bounded, and safe to print."""

from __future__ import annotations

import math
import re
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from releaseconsole.plan.model import Plan
from releaseconsole.record.entry import Entry
from releaseconsole.record.fold import KINDS
from releaseconsole.report.timeline import MOST_LINE, journal_lines, local_iso

# A busy machine is no failure: what is asked here is whether it holds, not how fast.
UNHURRIED = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


PLAN = Plan.model_validate(
    {
        "release": {"name": "healthpay", "title": "HealthPay", "version": "1.0.0"},
        "environments": {
            "production": {
                "title": "Production",
                "targets": [{"context": "production"}],
                "workloads": ["deployment/api-gateway"],
            }
        },
        "objectives": [{"id": "errors", "title": "Error rate", "query": "up", "target": "< 0.1"}],
        "phases": [
            {
                "id": "go-live",
                "title": "Go live",
                "environment": "production",
                "steps": [
                    {
                        "id": "deploy",
                        "title": "Deploy",
                        "actions": [{"apply": "k8s/"}],
                        "items": [{"id": "pods", "text": "All pods running"}],
                    }
                ],
            }
        ],
    }
)
ACTION = "go-live.deploy.1"


@pytest.fixture(autouse=True)
def kathmandu(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A time zone that nobody runs tests in."""
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def sentence(kind: str, data: Any, *, at: float = 1_700_000_000.0, by: str = "amira") -> str:
    (line,) = journal_lines([Entry(1, at, by, kind, data, "", "")], PLAN)
    return line.split("  ", 1)[1]


@pytest.mark.parametrize(
    ("kind", "data", "expected"),
    [
        (
            "release.opened",
            {"name": "healthpay", "version": "1.0.0", "title": "HealthPay"},
            "amira opened the release “HealthPay”, version 1.0.0",
        ),
        (
            "session.started",
            {"pid": 7, "host": "build-3", "version": "0.1.0"},
            "amira opened the console (process 7 on build-3, version 0.1.0)",
        ),
        ("session.ended", {}, "amira closed the console"),
        ("item.done", {"item": "pods"}, "amira ticked “All pods running” (Go live)"),
        (
            "item.done",
            {"item": "pods", "value": "3", "note": "at last"},
            "amira ticked “All pods running” (Go live) with the value 3: at last",
        ),
        ("item.reopened", {"item": "pods"}, "amira reopened “All pods running” (Go live)"),
        (
            "item.checked",
            {"item": "pods", "status": "failed", "reason": "2/3"},
            "amira checked “All pods running” (Go live): it failed: 2/3",
        ),
        (
            "item.checked",
            {"item": "pods", "status": "unknown", "reason": "no answer"},
            "amira checked “All pods running” (Go live): it could not tell: no answer",
        ),
        (
            "item.overridden",
            {"item": "pods", "reason": "known"},
            "amira overrode “All pods running” (Go live): known",
        ),
        (
            "item.deferred",
            {"item": "gone", "reason": "later"},
            "amira deferred “gone”: later",
        ),
        (
            "item.not_applicable",
            {"item": "pods", "reason": "none"},
            "amira marked “All pods running” (Go live) as not applicable: none",
        ),
        ("item.noted", {"item": "pods", "note": "n"}, "amira noted on “All pods running” (Go live): n"),
        (
            "item.signed",
            {"item": "pods", "name": "Noor", "evidence": "abc"},
            "amira signed “All pods running” (Go live) for Noor, on this evidence: abc",
        ),
        ("action.started", {"action": ACTION}, "amira started “apply k8s/”"),
        (
            "action.ended",
            {"action": ACTION, "status": "failed", "summary": "exit code 1"},
            "amira ran “apply k8s/”, which failed: exit code 1",
        ),
        (
            "pin.set",
            {
                "context": "prod",
                "namespace": "hp",
                "workload": "deployment/gw",
                "revision": "3",
                "images": ["gw:1"],
            },
            "amira pinned deployment/gw in prod/hp at revision 3 (gw:1)",
        ),
        (
            "cluster.seen",
            {"context": "prod", "identity": "u-1"},
            "amira met the cluster u-1 behind the context prod",
        ),
        (
            "rollback.started",
            {"id": "r1", "environment": "production", "reason": "5xx", "workloads": [{}, {}]},
            "amira began to roll back Production, 2 workloads: 5xx",
        ),
        (
            "rollback.stage",
            {"id": "r1", "key": "prod/hp/deployment/gw", "stage": "replaced", "message": "2 of 3"},
            "amira rolls back prod/hp/deployment/gw: replaced: 2 of 3",
        ),
        ("rollback.ended", {"id": "r1", "outcome": "complete"}, "amira ended the rollback r1: complete"),
        ("rollback.resumed", {"id": "r1"}, "amira took up the interrupted rollback r1 again"),
        (
            "lock.set",
            {"environment": "production", "reason": "rolled back"},
            "amira locked Production: rolled back",
        ),
        (
            "lock.cleared",
            {"environment": "production", "reason": "fixed"},
            "amira unlocked Production: fixed",
        ),
        ("decision", {"phase": "go-live", "go": True, "reason": ""}, "amira decided go for Go live"),
        (
            "decision",
            {"phase": "go-live", "go": False, "reason": "storm"},
            "amira decided no-go for Go live: storm",
        ),
        (
            "decision",
            {"phase": "go-live", "go": True, "reason": "agreed", "despite": ["UAT is not complete."]},
            "amira decided go for Go live: agreed, although: UAT is not complete",
        ),
        (
            "trigger.changed",
            {
                "environment": "production",
                "objective": "errors",
                "state": "BREACH",
                "value": 2.5,
                "reason": "> 1",
            },
            "amira saw “Error rate” in Production become BREACH at 2.5: > 1",
        ),
        (
            "moon.rose",
            {},
            "amira wrote an entry of a kind that this version does not know: moon.rose",
        ),
    ],
)
def test_every_kind_is_a_sentence(kind: str, data: dict[str, Any], expected: str) -> None:
    assert sentence(kind, data) == expected


def test_every_kind_that_folds_has_a_sentence() -> None:
    assert not [kind for kind in KINDS if "does not know" in sentence(kind, {})]


def test_the_time_is_local_iso() -> None:
    assert local_iso(1_700_000_000.0) == "2023-11-15T03:58:20+05:45"
    (line,) = journal_lines([Entry(1, 1_700_000_000.0, "amira", "session.ended", {}, "", "")], PLAN)
    assert line == "2023-11-15T03:58:20+05:45  amira closed the console"


@pytest.mark.parametrize("at", [math.nan, math.inf, -math.inf, 1e300, -1e20])
def test_an_impossible_time_is_told(at: float) -> None:
    assert local_iso(at).startswith("(an impossible time: ")


def test_control_characters_are_visible_and_lines_stay_lines() -> None:
    words = sentence("item.noted", {"item": "pods", "note": "\x1b[2J\r\nsecond [/b]"}, by="a\x07b")
    assert words == "a␇b noted on “All pods running” (Go live): ␛[2J␍⏎second [/b]"


@UNHURRIED
@given(
    st.sampled_from(sorted(KINDS)) | st.text(max_size=600),
    st.dictionaries(
        st.sampled_from(
            ["item", "reason", "note", "action", "images", "workloads", "go", "status", "value", "id"]
        ),
        st.text()
        | st.none()
        | st.floats()
        | st.lists(st.none() | st.text())
        | st.text(min_size=900, max_size=1000),
    ),
    st.text(),
)
def test_whatever_an_entry_holds_its_line_is_bounded_and_printable(kind: str, data: Any, by: str) -> None:
    (line,) = journal_lines([Entry(1, 0.0, by, kind, data, "", "")], PLAN)
    assert len(line) <= MOST_LINE
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e]", line)
