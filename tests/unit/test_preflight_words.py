"""What the words of an objective tell about its trigger, and what is made of names and numbers."""

from __future__ import annotations

import pytest

from releaseconsole.metrics.aim import LONGEST, Aim, Line, Outlook, Scene, found
from releaseconsole.metrics.lookup import Target
from releaseconsole.metrics.preflight_query import near_names
from releaseconsole.metrics.preflight_ranges import arithmetic
from releaseconsole.metrics.preflight_server import of_release
from releaseconsole.metrics.preflight_words import remarks
from releaseconsole.metrics.reading import Question

NOW = 1_800_000_000.0
SHARE = "100 * sum(rate(a{code='5'}[5m])) / sum(rate(a[5m]))"


def told(
    query: str, *, traffic: str = "t", unit: str = "%", hold: float = 60.0, since: float | None = None
) -> list[str]:
    aim = Aim(
        id="one",
        name="One",
        question=Question(query=query, traffic=traffic),
        target=Line("< 1", lambda value: value < 1),
        line=Line("> 1", lambda value: value > 1),
        unit=unit,
        hold=hold,
    )
    return [one.sentence for one in remarks(aim, Scene(namespace="shop", pods="a-.*", now=NOW, since=since))]


def test_an_ordinary_objective_has_no_remark() -> None:
    assert told(SHARE) == []
    assert told("max(memory_used / memory_limit)", traffic="") == []


def test_a_ratio_of_rates_without_a_traffic_query_is_remarked_on() -> None:
    assert "has no traffic query" in told(SHARE, traffic="")[0]


def test_a_hold_that_is_shorter_than_a_poll_is_remarked_on() -> None:
    assert "the second reading already decides" in told(SHARE, hold=2.0)[0]


def test_a_window_longer_than_the_age_of_the_release_names_the_time_from_which_it_is_clean() -> None:
    assert told(SHARE, since=NOW - 301) == []
    assert told(SHARE, since=NOW - 60)[0].endswith("until 08:04:00 UTC the version before is mixed in.")


@pytest.mark.parametrize(
    ("query", "remarks"), [("x_seconds", 1), ("1e3 * x_seconds", 0), ("x_seconds / 0.001", 0)]
)
def test_seconds_that_are_taken_for_milliseconds_are_remarked_on(query: str, remarks: int) -> None:
    assert len(told(query, unit="ms")) == remarks


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1000 * (0.25)", 250.0),
        ("-(2) + 3 / (1.5)", 0.0),
        ("(1) / 0", None),
        ("9**9**9", None),
        ("sum(1)", None),
        ("((((" * 100, None),
        ("1e999", None),
        ("", None),
    ],
)
def test_only_plain_arithmetic_is_worked_out_here(text: str, value: float | None) -> None:
    assert arithmetic(text) == value


def test_near_names_are_found_among_very_many() -> None:
    many = tuple(f"metric_{number}_total" for number in range(50_000))
    assert near_names("http_request_total", (*many, "http_requests_total"))[0] == "http_requests_total"
    assert near_names("zzz", many) == []


def test_targets_of_the_release_are_known_by_whatever_their_labels_are_called() -> None:
    def target(**labels: str) -> Target:
        return Target(labels, "job", True, "", None)

    ours = [
        target(namespace="shop", pod="web-5d-x"),
        target(kubernetes_namespace="shop", kubernetes_pod_name="web-5d-y"),
        target(__meta_kubernetes_namespace="shop", __meta_kubernetes_pod_name="web-5d-z"),
    ]
    others = [target(namespace="other", pod="web-5d-x"), target(namespace="shop", pod="website-1"), target()]
    assert of_release([*ours, *others], "shop", "(web)-.*") == ours
    assert of_release(ours, "shop", "(((") == []


def test_words_from_outside_are_bounded_and_harmless() -> None:
    one = found("x", Outlook.UNKNOWN, "\x1b[31m" + "y\n" * 5_000)
    assert len(one.sentence) <= LONGEST
    assert "\x1b" not in one.sentence
