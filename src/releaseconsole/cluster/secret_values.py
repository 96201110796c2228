"""Values of Secrets, kept off every screen and out of every message. Pure.

Only that a value is there, and that it changes, is ever shown. The values are looked for in annotations too
(``last-applied-configuration`` holds all of them) and in the API server's refusals, which may quote them.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any

HIDDEN = "(hidden)"
CHANGED = "(hidden, changed)"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_VALUES = ("data", "stringData")
_LONG = 6
"""From so many characters on, a value is also found inside of a word."""
_START = 16
"""Of a longer value, the beginning is enough to know it."""

Body = Mapping[str, Any]


def is_secret(body: Body | None) -> bool:
    """Whether the object is one whose values nobody may see."""
    return body is not None and body.get("kind") == "Secret"


def masked(before: Body | None, after: Body) -> tuple[Body | None, Body]:
    """Both states of an object, fit to be shown: a Secret's values are hidden, and said to change if they do."""
    if not (is_secret(before) or is_secret(after)):
        return before, after
    needles = [*_needles(before or {}), *_needles(after)]
    return (None if before is None else _masked(before, before, needles)), _masked(after, before, needles)


def scrubbed(text: str, body: Body) -> str:
    """``text`` without any value of ``body``, if that is a Secret."""
    return _without(text, list(_needles(body))) if is_secret(body) else text


def _masked(body: Body, before: Body | None, needles: list[str]) -> Body:
    old = before or body
    shown = {key: value for key, value in body.items() if key not in _VALUES}
    shown |= {key: _hidden(body[key], old.get(key, body[key])) for key in _VALUES if key in body}
    metadata = body.get("metadata")
    if isinstance(metadata, dict):
        known = old.get("metadata")
        shown["metadata"] = _masked_metadata(metadata, known if isinstance(known, dict) else {}, needles)
    return shown


def _hidden(value: Any, old: Any) -> Any:
    """Each key stays; its value says no more than whether it is another one than in ``old``."""
    if not isinstance(value, dict):
        return HIDDEN if value == old else CHANGED
    known = old if isinstance(old, dict) else {}
    return {key: HIDDEN if known.get(key, one) == one else CHANGED for key, one in value.items()}


def _masked_metadata(metadata: Body, old: Body, needles: list[str]) -> dict[str, Any]:
    shown = dict(metadata)
    for part in ("annotations", "labels"):
        values, known = metadata.get(part), old.get(part)
        if isinstance(values, dict):
            earlier = known if isinstance(known, dict) else {}
            shown[part] = {
                key: _note(key, one, earlier.get(key, one), needles) for key, one in values.items()
            }
    return shown


def _note(key: str, value: Any, old: Any, needles: list[str]) -> Any:
    if key == LAST_APPLIED:
        return HIDDEN if value == old else CHANGED
    return _without(value, needles) if isinstance(value, str) else value


def _without(text: str, needles: list[str]) -> str:
    for needle in sorted(set(needles), key=len, reverse=True):
        if needle[:_START] in text:
            text = _pattern(needle).sub(lambda _: HIDDEN, text)
    return text


def _pattern(needle: str) -> re.Pattern[str]:
    if len(needle) > _START:
        # Whoever quotes it may have cut its end off.
        return re.compile(re.escape(needle) + "|" + re.escape(needle[:_START]) + r"[^\s\"]*")
    exact = re.escape(needle)
    return re.compile(exact if len(needle) >= _LONG else rf"(?<!\w){exact}(?!\w)")


def _needles(body: Body) -> Iterator[str]:
    """Every way in which one of the values may be written."""
    for part in _VALUES:
        values = body.get(part)
        for value in values.values() if isinstance(values, dict) else (values,):
            spellings = () if value is None else _spellings(str(value), encoded=part == "data")
            yield from filter(None, spellings)


def _spellings(value: str, *, encoded: bool) -> Iterator[str]:
    yield value
    # An error quotes what it was sent on one line, with control characters made visible.
    yield from (line.strip() for line in value.splitlines())
    if not encoded:
        yield base64.b64encode(value.encode("utf-8", "replace")).decode()
        return
    try:
        plain = base64.b64decode(value, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return
    yield plain
    yield from (line.strip() for line in plain.splitlines())
