"""Label and field selectors, as they stand in the query of a list or watch."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.objects import dig
from releaseconsole.sandbox.store.refusals import bad_request

Matcher = Callable[[Obj], bool]

_NAME = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_KEY = re.compile(rf"(?:[a-z0-9](?:[-a-z0-9.]{{0,251}}[a-z0-9])?/)?{_NAME}\Z")
_VALUE = re.compile(rf"(?:{_NAME})?\Z")
_SET = re.compile(r"(?P<key>[^\s=!()<>,]+)\s+(?P<op>in|notin)\s*\((?P<values>[^()]*)\)\Z")
_EQUAL = re.compile(r"(?P<key>[^\s=!()<>,]+)\s*(?P<op>==|!=|=)\s*(?P<value>[^\s=!()<>,]*)\Z")
_LESS = re.compile(r"(?P<key>[^\s=!()<>,]+)\s*(?P<op>[<>])\s*(?P<value>-?\d{1,18})\Z")
_EXISTS = re.compile(r"(?P<no>!?)\s*(?P<key>[^\s=!()<>,]+)\Z")

_COMMON = ("metadata.name", "metadata.namespace")
_FIELDS: dict[str, tuple[str, ...]] = {
    "pods": (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.podIPs",
        "status.nominatedNodeName",
    ),
    "events": (
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
    "namespaces": ("status.phase",),
    "nodes": ("spec.unschedulable",),
    "secrets": ("type",),
    "replicationcontrollers": ("status.replicas",),
    "replicasets": ("status.replicas",),
    "jobs": ("status.successful",),
}


def matcher(kind: str, labels: str, fields: str) -> Matcher | None:
    """One test for both selectors, or None when neither says anything. Raises StoreError (400)."""
    tests = [*parse_labels(labels), *parse_fields(kind, fields)]
    if not tests:
        return None
    if len(tests) == 1:
        return tests[0]
    return lambda obj: all(test(obj) for test in tests)


def parse_labels(text: str) -> list[Matcher]:
    """``a=b,c!=d,e in (f,g),h,!i``: one test for each part. Raises StoreError (400)."""
    return [_label_test(part, text) for part in _split(text, text)]


def _split(text: str, whole: str) -> list[str]:
    """The parts between commas that are not inside brackets."""
    parts: list[str] = []
    depth, start = 0, 0
    for index, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth not in (0, 1):
            raise _unparsable(whole)
        if letter == "," and depth == 0:
            parts.append(text[start:index])
            start = index + 1
    if depth:
        raise _unparsable(whole)
    parts.append(text[start:])
    if len(parts) == 1 and not parts[0].strip():
        return []
    return [part.strip() for part in parts]


def _label_test(part: str, whole: str) -> Matcher:
    if found := _SET.match(part):
        values = frozenset(value.strip() for value in found["values"].split(","))
        _check(found["key"], values, whole)
        return _one_of(found["key"], values, wanted=found["op"] == "in")
    if found := _EQUAL.match(part):
        _check(found["key"], (found["value"],), whole)
        return _one_of(found["key"], frozenset((found["value"],)), wanted=found["op"] != "!=")
    if found := _LESS.match(part):
        _check(found["key"], (), whole)
        return _compared(found["key"], found["op"], int(found["value"]))
    if found := _EXISTS.match(part):
        _check(found["key"], (), whole)
        key, wanted = found["key"], not found["no"]
        return lambda obj: (key in _labels(obj)) is wanted
    raise _unparsable(whole)


def _check(key: str, values: Any, whole: str) -> None:
    if not _KEY.match(key) or not all(_VALUE.match(value) for value in values):
        raise _unparsable(whole)


def _unparsable(text: str) -> Exception:
    return bad_request(f"unable to parse requirement: the label selector {text[:200]!r} is not valid")


def _labels(obj: Obj) -> dict[str, str]:
    return obj["metadata"].get("labels") or {}


def _one_of(key: str, values: frozenset[str], *, wanted: bool) -> Matcher:
    """A missing label is unequal to everything, as in the API."""
    return lambda obj: (_labels(obj).get(key) in values) is wanted


def _compared(key: str, sign: str, bound: int) -> Matcher:
    def test(obj: Obj) -> bool:
        try:
            value = int(_labels(obj)[key])
        except (KeyError, ValueError):
            return False
        return value > bound if sign == ">" else value < bound

    return test


def parse_fields(kind: str, text: str) -> list[Matcher]:
    """``metadata.name=x,status.phase!=Running``: one test for each part. Raises StoreError (400)."""
    return [_field_test(kind, part, text) for part in _unescaped_commas(text) if part]


def _unescaped_commas(text: str) -> list[str]:
    return re.split(r"(?<!\\),", text)


def _field_test(kind: str, part: str, whole: str) -> Matcher:
    found = re.match(r"([^=!]+)(==|!=|=)(.*)\Z", part, re.DOTALL)
    if found is None:
        raise bad_request(f"invalid selector: '{whole[:200]}'; can't understand '{part[:200]}'")
    field, sign, value = found[1].strip(), found[2], re.sub(r"\\(.)", r"\1", found[3])
    if field not in _COMMON and field not in _FIELDS.get(kind, ()):
        raise _no_such_field(kind, field)
    path, wanted = tuple(field.split(".")), sign != "!="
    if field == "source":
        path = ("source", "component")
    return lambda obj: (_text(dig(obj, *path)) == value) is wanted


def _no_such_field(kind: str, field: str) -> Exception:
    """Kinds with fields of their own to select by have another sentence."""
    if kind in _FIELDS:
        return bad_request(f"field label not supported: {field[:200]}")
    known = 'only "metadata.name", "metadata.namespace"'
    return bad_request(f'"{field[:200]}" is not a known field selector: {known}')


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def of_label_selector(selector: Any) -> Matcher:
    """A test for the ``LabelSelector`` of a workload; one that says nothing matches everything."""
    match_labels = (selector or {}).get("matchLabels") or {}
    expressions = (selector or {}).get("matchExpressions") or []
    tests = [_one_of(key, frozenset((value,)), wanted=True) for key, value in match_labels.items()]
    tests += [_expression(item) for item in expressions]
    return lambda obj: all(test(obj) for test in tests)


def _expression(item: Obj) -> Matcher:
    key, operator = item.get("key", ""), item.get("operator")
    if operator in ("In", "NotIn"):
        return _one_of(key, frozenset(item.get("values") or ()), wanted=operator == "In")
    wanted = operator == "Exists"
    return lambda obj: (key in _labels(obj)) is wanted
