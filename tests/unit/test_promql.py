"""What is read from the words of a query."""

from __future__ import annotations

import time

import pytest

from releaseconsole.metrics.promql import read, seconds

SHARE = (
    '100 * sum(rate(http_requests_total{namespace="shop",code=~"5.."}[1m])) '
    '/ sum(rate(http_requests_total{namespace="shop"}[1m]))'
)
P99 = '1000 * histogram_quantile(0.99, sum by (le) (rate(http_seconds_bucket{pod=~"(a|b)-.*"}[5m])))'


@pytest.mark.parametrize(
    ("query", "selectors"),
    [
        ("up", ["up"]),
        ("sum by (pod, code) (x) / on (pod) group_left (node) y", ["x", "y"]),
        ("sum(x) without (instance) or vector(0)", ["x"]),
        ('{__name__="x", a!="b"}', ['{__name__="x", a!="b"}']),
        ("topk(3, x{a='}'}) # y{z", ["x{a='}'}"]),
        ('x{a="\\"{"} offset 5m > bool 3', ['x{a="\\"{"}']),
        ("job:errors:ratio_rate5m and ignoring(a) z @ 1609746000", ["job:errors:ratio_rate5m", "z"]),
        ("avg_over_time(avg(probe_success)[1h:1m])", ["probe_success"]),
        ("- inf * nan + 0x1F", []),
        ("", []),
    ],
)
def test_selectors_are_told_from_functions_labels_and_keywords(query: str, selectors: list[str]) -> None:
    assert [one.text for one in read(query).selectors] == selectors


def test_a_selector_knows_its_range_its_function_and_its_labels() -> None:
    errors, requests = read(SHARE).selectors
    assert (errors.name, errors.matchers, errors.span, errors.function) == (
        "http_requests_total",
        2,
        60.0,
        "rate",
    )
    assert requests.matchers == 1


def test_an_error_ratio_is_known_by_its_shape() -> None:
    assert read(SHARE).is_share
    assert not read("sum(rate(delivered[1m])) / sum(rate(sent[1m]))").is_share
    assert not read('x{a="1"} - x').is_share
    assert not read(SHARE).falls_back
    assert read(f"({SHARE}) or vector(0)").falls_back


@pytest.mark.parametrize(
    ("query", "compares"),
    [
        ("x > 5", True),
        ("x{a!='b'} / y", False),
        ("x >= bool 5", False),
        ("x == y", True),
        ("x{a='>'}", False),
    ],
)
def test_a_comparison_that_filters_is_told_from_one_that_does_not(query: str, compares: bool) -> None:
    assert read(query).compares == compares


def test_a_quantile_is_found_as_a_stretch_of_the_query() -> None:
    query = read(P99)
    (call,) = query.quantiles
    assert query.text[: call.start] == "1000 * "
    assert query.text[call.end :] == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [("5m", 300), ("1h30m", 5400), ("1500ms", 1.5), ("90", 90), ("1.5h", None), ("", None), ("5 m", None)],
)
def test_spans_are_read_as_prometheus_writes_them(text: str, expected: float | None) -> None:
    assert seconds(text) == expected


def test_the_longest_range_is_that_of_a_subquery_too() -> None:
    assert read("max_over_time(rate(x[5m])[1h:])").longest == 3600


@pytest.mark.parametrize(
    "nonsense",
    [
        '"',
        "{",
        "x{" * 5_000,
        '"\\' * 20_000,
        "[" * 9_999,
        "a/" * 5_000,
        "histogram_quantile(" * 500,
        "9" * 10_000,
    ],
)
def test_nonsense_is_read_without_error_and_at_once(nonsense: str) -> None:
    begun = time.process_time()
    read(nonsense)
    assert time.process_time() - begun < 2
