"""Variables that are used where nothing defines them, and definitions and options that could never be used."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from releaseconsole.plan.crosscheck import Raw, Table, Use, strings, text
from releaseconsole.plan.problem import Finding, Path, did_you_mean, one_of, quote
from releaseconsole.plan.variables import BUILT_IN, NAME, OF_OBJECTIVE, OF_RELEASE, variables_in

Known = Mapping[str | None, tuple[str, ...] | None]
"""The names that have a value, by environment; None for an environment that does not exist."""

_SUBSTITUTED = {
    "http": ("http", "body"),
    "apply": ("apply",),
}
"""The texts of a check or an action in which a variable must have a value. A shell command is not among them:
its unknown names are the shell's own."""


def findings(plan: Table) -> Iterator[Finding]:
    """Every ``$name`` without a value, and every variable whose name cannot be written or is taken."""
    raw = Raw(plan)
    yield from _definitions(raw)
    for use in raw.uses:
        for path, words in _texts(use):
            yield from _undefined(path, words, {use.environment: _known(raw, use.environment)})
    yield from _queries(raw)


def _definitions(raw: Raw) -> Iterator[Finding]:
    for name, environment in raw.environments.items():
        for variable in _variables(environment):
            path = ("environments", name, "variables", variable)
            if variable in BUILT_IN:
                yield Finding(path, f"the variable {quote(variable)}", "another name: this one is built in")
            elif not re.fullmatch(NAME, variable):
                expected = "a name of letters, digits and underscores that does not begin with a digit"
                yield Finding(path, f"the variable {quote(variable)}", expected)


def _variables(environment: Table) -> list[str]:
    found = environment.get("variables")
    return list(found) if isinstance(found, dict) else []


def _known(raw: Raw, environment: str | None) -> tuple[str, ...] | None:
    """The names that have a value there; None when the environment does not exist (told elsewhere)."""
    if environment is None:
        return OF_RELEASE
    found = raw.environments.get(environment)
    return None if found is None else (*BUILT_IN, *_variables(found))


def _texts(use: Use) -> Iterator[tuple[Path, str]]:
    for key in _SUBSTITUTED.get(use.kind, ()):
        words = text(use.table, key)
        if words is not None:
            yield (*use.path, key), words
    headers = use.table.get("headers")
    if use.kind == "http" and isinstance(headers, dict):
        for key, value in headers.items():
            if isinstance(value, str):
                yield (*use.path, "headers", key), value


def _queries(raw: Raw) -> Iterator[Finding]:
    for path, objective in raw.listed("objectives"):
        where = [name for _place, name in strings(objective, path, "environments")] or list(raw.environments)
        known: Known = {name: (*names, *OF_OBJECTIVE) for name in where if (names := _known(raw, name))}
        for key in ("query", "traffic"):
            words = text(objective, key)
            if words is not None:
                yield from _undefined((*path, key), words, known)
        yield from _long_window(path, objective)


def _long_window(path: Path, objective: Table) -> Iterator[Finding]:
    """Without ``$window`` in the query, the long window would be the short one again, and always agree with it."""
    rollback, query = objective.get("rollback"), text(objective, "query")
    if not isinstance(rollback, dict) or "long_window" not in rollback or query is None:
        return
    if "window" not in variables_in(query):
        found = f"{quote('long_window')}, and a query without $window"
        yield Finding((*path, "rollback", "long_window"), found, "$window in the query, such as [$window]")


def _undefined(path: Path, words: str, known: Known) -> Iterator[Finding]:
    """A finding for each name in ``words`` that has no value in some of the environments."""
    for name in variables_in(words):
        lacking = {place: names for place, names in known.items() if names is not None and name not in names}
        if lacking:
            names = [f"${each}" for each in next(iter(lacking.values()))]
            places = " and ".join(
                quote(place) if place else "a phase without environment" for place in lacking
            )
            found = f"${name} that has no value in {places}"
            yield Finding(path, found, one_of(names), did_you_mean(f"${name}", names))
