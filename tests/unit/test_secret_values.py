"""A Secret's values are on no screen and in no message."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from releaseconsole.cluster.object_diff import object_diff
from releaseconsole.cluster.secret_values import LAST_APPLIED, masked, scrubbed


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def secret(**values: str) -> dict[str, Any]:
    data = {key: encoded(value) for key, value in values.items()}
    applied = json.dumps({"kind": "Secret", "data": data})
    note = "rotated to " + " ".join(values.values())
    return {
        "kind": "Secret",
        "metadata": {"name": "db", "annotations": {LAST_APPLIED: applied, "note": note}},
        "data": data,
    }


def shown(before: dict[str, Any] | None, after: dict[str, Any]) -> str:
    return "\n".join(object_diff(*masked(before, after)))


def test_only_that_a_value_changes_is_shown() -> None:
    text = shown(secret(password="hunter-22", user="amira"), secret(password="hunter-33", user="amira"))
    assert "-  password: (hidden)\n+  password: (hidden, changed)" in text
    assert "   user: (hidden)" in text
    for word in ("hunter-22", "hunter-33", "amira"):
        assert word not in text
        assert encoded(word) not in text


def test_the_annotation_that_holds_all_of_them_is_hidden_too() -> None:
    text = shown(secret(password="hunter-22"), secret(password="hunter-33"))
    assert f"{LAST_APPLIED}: (hidden, changed)" in text
    assert "note: rotated to (hidden)" in text


def test_a_new_secret_names_its_keys_alone() -> None:
    text = shown(None, secret(password="hunter-22"))
    assert "+  password: (hidden)" in text
    assert "hunter" not in text


def test_a_value_that_is_taken_out_is_not_shown_on_its_way() -> None:
    text = shown(secret(password="hunter-22", old="long-forgotten"), secret(password="hunter-22"))
    assert "-  old: (hidden)" in text
    assert "forgotten" not in text


@pytest.mark.parametrize("data", ["no map", ["a-list-value"], 7, None])
def test_data_of_the_wrong_type_is_hidden_as_well(data: Any) -> None:
    text = shown({"kind": "Secret", "data": data}, {"kind": "Secret", "data": {"k": "dmFsdWU="}})
    assert "no map" not in text
    assert "a-list-value" not in text
    assert "dmFsdWU=" not in text


def test_other_kinds_are_shown_as_they_are() -> None:
    before, after = ({"kind": "ConfigMap", "data": {"colour": one}} for one in ("blue", "green"))
    assert masked(before, after) == (before, after)


@pytest.mark.parametrize(
    "said",
    [
        'expected string, got "hunter-22"',
        "&value.valueUnstructured{Value:12345}",
        f"illegal value {encoded('hunter-22')}",
        "cannot parse -----BEGIN KEY----- AAAABBBBCCCCDDDDEEEEFFFF at line 2",
        "too long: AAAABBBBCCCCDDDDEE…",
    ],
)
def test_what_a_refusal_quotes_is_taken_out(said: str) -> None:
    body = {
        "kind": "Secret",
        "data": {"p": encoded("hunter-22"), "n": 12345},
        "stringData": {"key": "-----BEGIN KEY-----\nAAAABBBBCCCCDDDDEEEEFFFF\n", "pw": "hunter-22"},
    }
    text = scrubbed(said, body)
    assert "(hidden)" in text
    for word in ("hunter", "12345", encoded("hunter-22"), "AAAABBBB", "EEEEFFFF"):
        assert word not in text


def test_short_values_leave_the_words_of_a_message_alone() -> None:
    body = {"kind": "Secret", "stringData": {"a": "e", "empty": ""}}
    assert scrubbed("see the field e here", body) == "see the field (hidden) here"
