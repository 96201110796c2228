"""Turns what pydantic found into findings in the plan's own words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from releaseconsole.plan.model import Plan
from releaseconsole.plan.problem import Finding, Path, did_you_mean, one_of, quote, show

_IDENTIFIER = 'an id of lower-case letters, digits and hyphens, such as "all-pods"'
_BY_KEY = {
    "expect": "a whole number from 0 to 599, or a list of them",
    "url": "an address that starts with http:// or https://, without a user or password in it",
}
_BY_TYPE = {
    "string_type": "a text in quotes",
    "string_too_short": "a text that is not empty",
    "string_pattern_mismatch": _IDENTIFIER,
    "int_type": "a whole number",
    "tuple_type": "a list",
    "too_short": "at least one",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "dict_type": "a table",
}


def findings(error: ValidationError, raw: object) -> Iterator[Finding]:
    """One finding for each value that does not fit; ``raw`` is what was validated."""
    seen: set[tuple[Path, str]] = set()
    for details in error.errors(include_url=False):
        if details["type"] == "too_short" and details["input"]:
            # Only too short because its elements do not fit, which is reported for each of them.
            continue
        found = _finding(details, raw)
        # A value that may be one of two types is reported once for each of them.
        key = (found.path, found.expected)
        if key not in seen:
            seen.add(key)
            yield found


def _finding(details: ErrorDetails, raw: object) -> Finding:
    loc, kind = details["loc"], details["type"]
    path, value = _resolve(loc, raw)
    if kind == "missing":
        name = str(loc[-1])
        return Finding((*path, name), "nothing", f"a value for {quote(name)}")
    if kind == "extra_forbidden":
        return _unknown_key(path)
    if len(path) < len(loc) and loc[-1] == "[key]":
        return Finding(path, f"the name {quote(str(path[-1]))}", _IDENTIFIER)
    return Finding(path, _shown(path, value), _expected(details, path))


def _shown(path: Path, value: object) -> str:
    """The value, unless it may hold a secret that somebody wrote into the plan all the same."""
    if "secret_headers" in path and isinstance(value, str):
        return "a value of its own"
    if path[-1:] == ("url",) and isinstance(value, str) and "@" in value:
        return "an address with a user or a password in it"
    return show(value)


def _resolve(loc: tuple[int | str, ...], raw: object) -> tuple[Path, object]:
    """The part of ``loc`` that exists in ``raw``, and what stands there; pydantic adds markers of its own."""
    for length, part in enumerate(loc):
        if isinstance(raw, dict):
            known, value = part in raw, raw.get(part)
        elif isinstance(raw, list) and isinstance(part, int):
            known, value = part < len(raw), next(iter(raw[part : part + 1]), None)
        else:
            known, value = False, None
        if not known:
            return loc[:length], raw
        raw = value
    return loc, raw


def _unknown_key(path: Path) -> Finding:
    name = str(path[-1])
    model = model_at(path[:-1])
    known = list(_fields(model)) if model else []
    return Finding(path, f"the unknown key {quote(name)}", one_of(known), did_you_mean(name, known))


def _expected(details: ErrorDetails, path: Path) -> str:
    kind, context = details["type"], details.get("ctx", {})
    key = next((part for part in reversed(path) if isinstance(part, str)), "")
    if "secret_headers" in path:
        return 'where the secret is: "env:NAME" or "file:path"'
    if key in _BY_KEY:
        return _BY_KEY[key]
    if kind == "literal_error":
        return str(context["expected"]).replace("'", '"')
    if kind == "value_error":
        return str(context["error"]).removeprefix("expected ")
    if kind == "string_too_long":
        return f"at most {context['max_length']} characters"
    if kind in ("greater_than", "greater_than_equal"):
        return f"a number {'of at least' if kind.endswith('equal') else 'greater than'} {_limit(context)}"
    if kind in ("less_than", "less_than_equal"):
        return f"a number {'of at most' if kind.endswith('equal') else 'less than'} {_limit(context)}"
    return _BY_TYPE.get(kind, details["msg"].lower())


def _limit(context: dict[str, Any]) -> str:
    return f"{next(float(context[name]) for name in ('gt', 'ge', 'lt', 'le') if name in context):g}"


def model_at(path: Path) -> type[BaseModel] | None:
    """The model that describes the table at ``path``; None inside free tables such as ``variables``."""
    model: type[BaseModel] | None = Plan
    names = iter(part for part in path if isinstance(part, str))
    for name in names:
        field = _fields(model).get(name) if model else None
        model = next(_models(field), None) if field is not None else None
        if get_origin(field) is dict:
            next(names, None)
    return model


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    """Annotation of each key, by the name it has in the file."""
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
