"""What has to fit together between the parts of a plan: ids, references, the order of phases, rollback lines.

Works on the raw tables, so that it says all it can also when some of them are malformed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import chain
from typing import Any

from releaseconsole.plan.model import ACTION_KINDS, CHECK_FAMILIES
from releaseconsole.plan.problem import Finding, Path, did_you_mean, one_of, quote
from releaseconsole.plan.values import Bound, parse_bound

Table = Mapping[str, Any]
_MOST_RINGS = 20

_IN_ENVIRONMENT = {
    "check": frozenset(CHECK_FAMILIES) - {"http", "shell"},
    "action": frozenset(ACTION_KINDS) - {"http", "shell"},
}
"""What cannot work without an environment."""
_WITH_METRICS = ("objective", "prometheus", "alerts")
_OPTIONS = {
    "check": {"body": ("http",), "headers": ("http",), "repeat": ("http",), "expect": ("http", "shell"),
              "window": ("logs",), "severity": ("alerts",)},
    "action": {"body": ("http",), "headers": ("http",), "repeat": ("http",), "expect": ("http", "shell"),
               "folder": ("shell",), "objectives": ("watch",), "allow": ("watch",)},
}  # fmt: skip
"""Which options belong to which kinds; with another kind they would be ignored in silence."""


@dataclass(frozen=True, slots=True)
class Use:
    """A check or an action, with the place it stands at and the environment it acts in."""

    path: Path
    what: str
    """``check`` or ``action``."""
    table: Table
    environment: str | None
    kind: str
    """Its family or kind; empty when the table does not give exactly one."""


class Raw:
    """Tolerant access to the tables of a plan: what has the wrong shape is left out."""

    def __init__(self, plan: Table) -> None:
        self._plan = plan
        found = plan.get("environments")
        named = found.items() if isinstance(found, dict) else ()
        self.environments: dict[str, Table] = {name: each for name, each in named if isinstance(each, dict)}
        self.uses: tuple[Use, ...] = tuple(self._uses())

    def listed(self, key: str) -> list[tuple[Path, Table]]:
        return list(tables(self._plan, (), key))

    def steps(self) -> Iterator[tuple[Path, Table, Table]]:
        """Each step with its phase."""
        for path, phase in self.listed("phases"):
            for place, step in tables(phase, path, "steps"):
                yield place, phase, step

    def items(self) -> Iterator[tuple[Path, Table]]:
        return chain.from_iterable(tables(step, path, "items") for path, _phase, step in self.steps())

    def actions(self) -> Iterator[tuple[Path, Table]]:
        return chain.from_iterable(tables(step, path, "actions") for path, _phase, step in self.steps())

    def _uses(self) -> Iterator[Use]:
        for path, phase, step in self.steps():
            for place, action in tables(step, path, "actions"):
                yield _use(place, "action", action, phase)
            for place, item in tables(step, path, "items"):
                check = item.get("check")
                if isinstance(check, dict):
                    yield _use((*place, "check"), "check", check, phase)


def tables(parent: Table, path: Path, key: str) -> Iterator[tuple[Path, Table]]:
    """The tables in the list ``key`` of ``parent``, each with its path."""
    found = parent.get(key)
    for number, entry in enumerate(found if isinstance(found, list) else ()):
        if isinstance(entry, dict):
            yield (*path, key, number), entry


def strings(parent: Table, path: Path, key: str) -> Iterator[tuple[Path, str]]:
    """The texts in the list ``key`` of ``parent``, each with its path."""
    found = parent.get(key)
    for number, entry in enumerate(found if isinstance(found, list) else ()):
        if isinstance(entry, str):
            yield (*path, key, number), entry.strip()


def text(parent: Table, key: str) -> str | None:
    """The text at ``key``, or None."""
    found = parent.get(key)
    return found.strip() if isinstance(found, str) else None


def _use(path: Path, what: str, table: Table, phase: Table) -> Use:
    kinds = [kind for kind in (CHECK_FAMILIES if what == "check" else ACTION_KINDS) if kind in table]
    environment = text(table, "environment") or text(phase, "environment")
    return Use(path, what, table, environment, kinds[0] if len(kinds) == 1 else "")


def findings(plan: Table) -> Iterator[Finding]:
    """Everything that does not fit together."""
    raw = Raw(plan)
    yield from _duplicates(raw)
    yield from _order(raw)
    yield from _references(raw)
    yield from _rollback_lines(raw)
    for use in raw.uses:
        yield from _placed(use, raw)


def _duplicates(raw: Raw) -> Iterator[Finding]:
    phases = raw.listed("phases")
    groups: list[tuple[str, Iterable[tuple[Path, Table]]]] = [
        ("phase", phases),
        *(("step of this phase", tables(phase, path, "steps")) for path, phase in phases),
        ("item", raw.items()),
        ("action", raw.actions()),
        ("objective", raw.listed("objectives")),
        ("criterion", raw.listed("criteria")),
    ]
    for what, group in groups:
        named = (((*path, "id"), text(table, "id")) for path, table in group)
        yield from _repeated(what, ((path, name) for path, name in named if name))
    for name, environment in raw.environments.items():
        yield from _repeated("workload", strings(environment, ("environments", name), "workloads"))


def _repeated(what: str, named: Iterable[tuple[Path, str]]) -> Iterator[Finding]:
    first: dict[str, Path] = {}
    for path, name in named:
        if name in first:
            expected = f"a name of its own (the {what} in line {{line}} has this one)"
            yield Finding(path, f"{quote(name)} again", expected, other=first[name])
        first.setdefault(name, path)


def _order(raw: Raw) -> Iterator[Finding]:
    """Phases that need themselves or each other, and needs that name no phase."""
    places = {name: path for path, phase in reversed(raw.listed("phases")) if (name := text(phase, "id"))}
    needs: dict[str, dict[str, None]] = {name: {} for name in reversed(places)}
    for path, phase in raw.listed("phases"):
        own = text(phase, "id")
        for place, name in strings(phase, path, "needs"):
            if name == own:
                yield Finding(place, f"{quote(name)}, the phase itself", "another phase")
            elif name not in places:
                yield _unknown(place, "phase", name, (n for n in places if n != own))
            elif own:
                needs[own][name] = None
    for ring in _rings(needs):
        shown = " → ".join(ring)
        yield Finding(
            (*places[ring[0]], "needs"), f"phases that need each other: {shown}", "an order to work in"
        )


def _rings(needs: dict[str, dict[str, None]]) -> Iterator[list[str]]:
    """Rings of names, each beginning and ending with the one that comes first in the plan."""
    for _ in range(_MOST_RINGS):
        try:
            TopologicalSorter(needs).prepare()
        except CycleError as error:
            # graphlib lists the ring so that each name is needed by the next.
            ring = list(reversed(error.args[1]))[:-1]
            start = ring.index(next(name for name in needs if name in ring))
            ring = ring[start:] + ring[:start]
            yield [*ring, ring[0]]
            del needs[ring[0]][ring[1]]
        else:
            return


def _unknown(path: Path, what: str, name: str, known: Iterable[str]) -> Finding:
    names = list(known)
    return Finding(path, f"the unknown {what} {quote(name)}", one_of(names), did_you_mean(name, names))


def _references(raw: Raw) -> Iterator[Finding]:
    """Environments and objectives that are named and do not exist."""
    environments = raw.environments
    objectives = [name for _path, objective in raw.listed("objectives") if (name := text(objective, "id"))]
    named_environments = chain(
        (((*path, "environment"), text(phase, "environment")) for path, phase in raw.listed("phases")),
        (((*use.path, "environment"), text(use.table, "environment")) for use in raw.uses),
        chain.from_iterable(strings(o, path, "environments") for path, o in raw.listed("objectives")),
    )
    named_objectives = chain(
        (((*path, "objective"), text(criterion, "objective")) for path, criterion in raw.listed("criteria")),
        (((*use.path, "objective"), text(use.table, "objective")) for use in raw.uses if use.what == "check"),
    )
    for path, name in named_environments:
        if name is not None and name not in environments:
            yield _unknown(path, "environment", name, environments)
    for path, name in named_objectives:
        if name is not None and name not in objectives:
            yield _unknown(path, "objective", name, objectives)
    for path, objective in raw.listed("objectives"):
        yield from _asked_of(path, objective, environments)


def _asked_of(path: Path, objective: Table, environments: Mapping[str, Table]) -> Iterator[Finding]:
    """The Prometheus that an objective names must exist wherever it is watched."""
    name = text(objective, "prometheus")
    where = [place for _path, place in strings(objective, path, "environments")] or list(environments)
    for place in where if name is not None else ():
        others = environments.get(place, {}).get("other_prometheus")
        known = list(others) if isinstance(others, dict) else []
        if place in environments and name not in known:
            found = f"the Prometheus {quote(str(name))}, unknown in {quote(place)}"
            yield Finding((*path, "prometheus"), found, one_of(known), did_you_mean(str(name), known))


def _rollback_lines(raw: Raw) -> Iterator[Finding]:
    """A line to roll back at must lie beyond the target."""
    for path, objective in raw.listed("objectives"):
        rollback, unit = objective.get("rollback"), text(objective, "unit") or ""
        target, when = (
            _bound(objective.get("target"), unit),
            _bound(rollback.get("when") if isinstance(rollback, dict) else None, unit),
        )
        if target and when and _meet(target, when):
            yield Finding(
                (*path, "rollback", "when"),
                quote(str(when)),
                f"a line beyond the target {quote(str(target))}",
            )


def _bound(raw: object, unit: str) -> Bound | None:
    try:
        parsed = parse_bound(raw)
        return parsed.within(unit) if isinstance(parsed, Bound) else None
    except ValueError:
        return None


def _meet(first: Bound, second: Bound) -> bool:
    """Whether some value satisfies both."""
    ends = (first.value, second.value)
    candidates = (min(ends) - 1, *ends, math.fsum(ends) / 2, max(ends) + 1)
    return any(first.holds(value) and second.holds(value) for value in candidates)


def _placed(use: Use, raw: Raw) -> Iterator[Finding]:
    """A check or an action must have what it needs where it stands."""
    if not use.kind:
        return
    for option, kinds in _OPTIONS[use.what].items():
        if option in use.table and use.kind not in kinds:
            yield Finding(
                (*use.path, option),
                f"{quote(option)} with {quote(use.kind)}",
                f"it only with {one_of(kinds)}",
            )
    environment = raw.environments.get(use.environment or "")
    if use.environment is None and use.kind in _IN_ENVIRONMENT[use.what]:
        found = f"{quote(use.kind)} in a phase without environment"
        expected = f"an environment, of the phase or of the {use.what}: {one_of(raw.environments)}"
        yield Finding((*use.path, use.kind), found, expected)
    if environment is None or use.environment is None:
        return
    if use.what == "check" and use.kind in _WITH_METRICS and "prometheus" not in environment:
        found = f"{quote(use.kind)} in {quote(use.environment)}, which has no Prometheus"
        yield Finding((*use.path, use.kind), found, "an environment with prometheus = { url = … }")
    if use.kind == "objective":
        yield from _watched(use, raw)
    if use.kind == "open":
        yield from _linked(use, environment)


def _watched(use: Use, raw: Raw) -> Iterator[Finding]:
    for path, objective in raw.listed("objectives"):
        where = [name for _place, name in strings(objective, path, "environments")]
        if text(objective, "id") == text(use.table, "objective") and where and use.environment not in where:
            found = f"an objective that is not watched in {quote(str(use.environment))}"
            yield Finding(
                (*use.path, "objective"), found, f"an environment it is watched in: {one_of(where)}"
            )


def _linked(use: Use, environment: Table) -> Iterator[Finding]:
    links = environment.get("links")
    known = list(links) if isinstance(links, dict) else []
    name = text(use.table, "open")
    if name is not None and name not in known:
        found = f"the link {quote(name)}, unknown in {quote(str(use.environment))}"
        yield Finding((*use.path, "open"), found, one_of(known), did_you_mean(name, known))
