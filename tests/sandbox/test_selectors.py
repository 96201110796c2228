from __future__ import annotations

import contextlib

from hypothesis import example, given
from hypothesis import strategies as st

from releaseconsole.sandbox.store.refusals import StoreError
from releaseconsole.sandbox.store.selectors import matcher, of_label_selector, parse_fields, parse_labels

_KEYS = st.sampled_from(["app", "tier", "example.com/part", "n"])
_VALUES = st.sampled_from(["", "web", "db", "7", "a.b_c-d"])
_LABELS = st.dictionaries(_KEYS, _VALUES, max_size=4)


def matches(selector: str, labels: dict[str, str]) -> bool:
    test = matcher("pods", selector, "")
    return test is None or test({"metadata": {"labels": labels}})


@given(key=_KEYS, value=_VALUES, labels=_LABELS)
def test_equal_and_unequal_are_opposites(key: str, value: str, labels: dict[str, str]) -> None:
    assert matches(f"{key}={value}", labels) is (labels.get(key) == value)
    assert matches(f"{key} == {value}", labels) is not matches(f"{key}!={value}", labels)


@given(key=_KEYS, values=st.lists(_VALUES.filter(bool), min_size=1, max_size=3), labels=_LABELS)
def test_a_set_is_the_same_as_its_parts(key: str, values: list[str], labels: dict[str, str]) -> None:
    inside = any(matches(f"{key}={value}", labels) for value in values)
    assert matches(f"{key} in ({', '.join(values)})", labels) is inside
    assert matches(f"{key} notin ({','.join(values)})", labels) is not inside


@given(labels=_LABELS, first=_KEYS, second=_KEYS)
def test_parts_have_to_hold_together(labels: dict[str, str], first: str, second: str) -> None:
    assert matches(f"{first},!{second}", labels) is (first in labels and second not in labels)


@given(labels=_LABELS, wanted=_LABELS)
def test_a_workloads_selector_is_met_by_more_labels(labels: dict[str, str], wanted: dict[str, str]) -> None:
    test = of_label_selector({"matchLabels": wanted})
    assert test({"metadata": {"labels": {**labels, **wanted}}})
    assert test({"metadata": {"labels": labels}}) is (wanted.items() <= labels.items())


@given(st.text(st.sampled_from("ab=!<>(), in\x00é/.-"), max_size=30))
@example("a in (" + "b," * 5000 + "b)")
@example("(" * 5000)
def test_any_text_is_a_selector_or_is_refused(text: str) -> None:
    with contextlib.suppress(StoreError):
        for test in parse_labels(text):
            assert test({"metadata": {}}) in (True, False)
    with contextlib.suppress(StoreError):
        for test in parse_fields("pods", text):
            assert test({"metadata": {"name": "a"}}) in (True, False)


def test_expressions_of_a_workload() -> None:
    selector = {
        "matchExpressions": [
            {"key": "app", "operator": "In", "values": ["web", "db"]},
            {"key": "tier", "operator": "NotIn", "values": ["back"]},
            {"key": "on", "operator": "Exists"},
            {"key": "off", "operator": "DoesNotExist"},
        ]
    }
    test = of_label_selector(selector)
    assert test({"metadata": {"labels": {"app": "db", "on": ""}}})
    assert not test({"metadata": {"labels": {"app": "db", "on": "", "off": ""}}})
    assert not test({"metadata": {"labels": {"app": "db", "on": "", "tier": "back"}}})
