"""Bounds in the unit of what is measured, in one that converts to it, and in one that does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plan_texts import SMALL, changed, only, problems_of

from releaseconsole.plan.load import parse_plan
from releaseconsole.plan.model import Plan
from releaseconsole.plan.units import convert
from releaseconsole.plan.values import Bound, parse_bound

CONVERSIONS = [
    (0.5, "s", "ms", 500.0),
    (50, "ms", "s", 0.05),
    (250, "us", "ms", 0.25),
    (2, "min", "s", 120.0),
    (1, "%", "ratio", 0.01),
    (0.001, "ratio", "%", 0.1),
    (512, "MiB", "GiB", 0.5),
    (1, "GB", "MB", 1000.0),
    (250, "m", "cores", 0.25),
    (510_000, "/min", "/s", 8500.0),
    (8500, "rps", "/s", 8500.0),
    (60, "orders/min", "orders/s", 1.0),
    (7, "sheep", "sheep", 7.0),
]
MISMATCHES = [
    ("ms", "%"),
    ("MB", "s"),
    ("/s", "s"),
    ("orders/s", "mails/s"),
    ("sheep", "goats"),
    ("", "ms"),
    ("s/s/s", "B"),
]


@pytest.mark.parametrize(("value", "given", "wanted", "expected"), CONVERSIONS)
def test_a_value_is_converted(value: float, given: str, wanted: str, expected: float) -> None:
    assert convert(value, given, wanted) == pytest.approx(expected)


@pytest.mark.parametrize(("given", "wanted"), MISMATCHES)
def test_what_measures_something_else_is_not_converted(given: str, wanted: str) -> None:
    assert convert(1.0, given, wanted) is None


@given(st.floats(0, 1e12), st.sampled_from([(one[1], one[2]) for one in CONVERSIONS]))
def test_there_and_back_is_the_same(value: float, units: tuple[str, str]) -> None:
    there = convert(value, *units)
    assert there is not None
    back = convert(there, units[1], units[0])
    assert back == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("< 50 ms", Bound("<", 50.0, "ms")),
        (">= 99.9 %", Bound(">=", 99.9, "%")),
        ("> 8,500/s", Bound(">", 8500.0, "/s")),
        ("<1GiB", Bound("<", 1.0, "GiB")),
        ("< 0.1", Bound("<", 0.1)),
    ],
)
def test_a_bound_may_name_its_unit(text: str, bound: Bound) -> None:
    assert parse_bound(text) == bound


@pytest.mark.parametrize(
    "text", ["< 5 ms or so", "< 5 -", "< ms", "50 ms", "< 5 <6", "< 5" + "s" * 40, "<1.2.3"]
)
def test_what_is_no_bound_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="comparison and a number"):
        parse_bound(text)


def plan(*changes: tuple[str, str]) -> Plan:
    return parse_plan(changed(*changes), "plan.toml")


def test_bounds_are_kept_in_the_unit_of_the_query() -> None:
    objective = plan(
        ('unit = "%"', 'unit = "ratio"'), ('"< 0.1"', '"< 0.1 %"'), ('"> 1"', '"> 1%"')
    ).objectives[0]
    assert str(objective.target) == "< 0.001"
    assert objective.rollback is not None
    assert str(objective.rollback.when) == "> 0.01"


def test_a_unit_that_measures_something_else_is_refused_with_its_place() -> None:
    problem = only(changed(('"< 0.1"', '"< 50 ms"')))
    assert problem.place == "objectives[error-rate].target"
    assert "%" in problem.expected
    assert "ms" in problem.expected


def test_a_rollback_line_in_another_unit_is_still_compared_with_the_target() -> None:
    (problem,) = problems_of(changed(('"> 1"', '"> 0.0005 ratio"')))
    assert "beyond the target" in problem.expected


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('url = "https://amira:secret@p.example"', "url"),
        (
            'url = "https://p.example", token_env = "A", password_env = "B", username = "c"',
            "token_env and password_env",
        ),
        ('url = "https://p.example", username = "amira"', "username together"),
        ('url = "https://p.example", password_file = "x"', "username together"),
        ('url = "https://p.example", key_file = "k.pem"', "cert_file together"),
        ('url = "https://p.example", headers = { Authorization = "Bearer 12345" }', "no secret"),
        ('url = "https://p.example", secret_headers = { X-Api-Key = "12345" }', "secret_headers"),
    ],
)
def test_a_prometheus_has_one_way_in_and_no_secret(table: str, said: str) -> None:
    text = SMALL.replace('prometheus = { url = "http://localhost:9090" }', f"prometheus = {{ {table} }}")
    assert text != SMALL
    problems = problems_of(text)
    assert problems
    assert any(said in f"{problem.place} {problem.found} {problem.expected}" for problem in problems)
    assert not any("secret@" in str(problem) for problem in problems)


def test_an_objective_can_be_asked_of_another_prometheus_that_exists() -> None:
    named = ('unit = "%"', 'unit = "%"\nprometheus = "sms"')
    assert "unknown in" in only(changed(named)).found
    more = (
        "[environments.production]",
        '[environments.production.other_prometheus.sms]\nurl = "http://s"\n\n[environments.production]',
    )
    assert plan(named, more).objectives[0].prometheus == "sms"
