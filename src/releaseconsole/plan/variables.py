"""``$name`` and ``${name}`` in actions, checks and queries, and environments that are pointed elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from releaseconsole.errors import PlanError
from releaseconsole.plan.model import Environment, Plan, Target
from releaseconsole.plan.problem import Problem, did_you_mean, one_of, quote, show

BUILT_IN = ("namespace", "context", "environment", "version", "name")
"""Defined in every action and check that acts in an environment; the last two also in those that do not."""
OF_RELEASE = ("version", "name")
OF_OBJECTIVE = ("window", "workload", "pods")
"""Defined in objective queries besides; whoever runs the query gives their values."""

NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_VARIABLE = re.compile(rf"\$(?:(\$)|({NAME})|\{{({NAME})\}})")
_OVERRIDES = ("variables", "prometheus_url", "targets", "links")


def variables_in(text: str) -> tuple[str, ...]:
    """The names that ``text`` uses, each once, in order."""
    names = (match[2] or match[3] for match in _VARIABLE.finditer(text))
    return tuple(dict.fromkeys(name for name in names if name))


def substitute(text: str, values: Mapping[str, str]) -> str:
    """``text`` with every variable replaced and ``$$`` as one dollar sign; values are taken as they are.

    Raises PlanError for a name without a value. A dollar sign before anything but a name stays.
    """

    def value(match: re.Match[str]) -> str:
        name = match[2] or match[3]
        if not name:
            return "$"
        if name not in values:
            raise PlanError(
                f"{quote('$' + name)} has no value here.",
                f"Define {name} under variables of the environment, or write $${name} for the text itself.",
            )
        return values[name]

    return _VARIABLE.sub(value, text)


def substitute_shell(text: str, values: Mapping[str, str]) -> str:
    """``text`` with the known names replaced, and ``$i``, ``$$`` and ``${name:-}`` left to the shell."""
    return _VARIABLE.sub(lambda match: values.get(match[2] or match[3] or "", match[0]), text)


def environment_values(plan: Plan, environment_id: str | None, target: Target | None) -> dict[str, str]:
    """What the variables stand for in one target of an environment; without it, only the release's own."""
    values = {"version": plan.release.version, "name": plan.release.name}
    if environment_id is not None:
        values = {**plan.environments[environment_id].variables, **values, "environment": environment_id}
    if target is not None:
        values |= {"namespace": target.namespace, "context": target.context}
    return values


def with_overrides(plan: Plan, overrides: Mapping[str, Any]) -> Plan:
    """The plan with some environments pointed elsewhere, as the practice cluster does.

    ``overrides`` holds, by environment, any of ``variables`` and ``links`` (merged into the plan's own),
    ``prometheus_url`` and ``targets`` (in place of the plan's own). Credentials of the plan's Prometheus
    are not taken along to another address. Raises PlanError with every problem.
    """
    problems: list[Problem] = []
    environments = dict(plan.environments)
    if not isinstance(overrides, Mapping):
        raise _refused([_problem((), show(overrides), "a table of environments")])
    for name, override in overrides.items():
        if name not in plan.environments:
            hint = did_you_mean(str(name), plan.environments)
            problems.append(
                _problem((), f"the environment {quote(str(name))}", one_of(plan.environments), hint)
            )
        elif unfit := list(_unfit(name, override)):
            problems += unfit
        else:
            try:
                environments[name] = _pointed(plan.environments[name], override)
            except ValidationError as error:
                problems += _rejected(name, error)
    if problems:
        raise _refused(problems)
    return plan.model_copy(update={"environments": environments})


def _unfit(name: str, override: object) -> Iterator[Problem]:
    if not isinstance(override, Mapping):
        yield _problem((name,), show(override), "a table")
        return
    for key in override:
        if key not in _OVERRIDES:
            yield _problem((name,), f"the unknown key {quote(str(key))}", one_of(_OVERRIDES))
    for key in ("variables", "links"):
        if not isinstance(override.get(key, {}), Mapping):
            yield _problem((name, key), show(override[key]), "a table")


def _pointed(environment: Environment, override: Mapping[str, Any]) -> Environment:
    data = environment.model_dump()
    for key in ("variables", "links"):
        data[key] = {**data[key], **override.get(key, {})}
    if "targets" in override:
        data["targets"] = override["targets"]
    if "prometheus_url" in override:
        timeout = environment.prometheus.timeout if environment.prometheus else 4.0
        data["prometheus"] = {"url": override["prometheus_url"], "timeout": timeout}
    return Environment.model_validate(data)


def _rejected(name: str, error: ValidationError) -> Iterator[Problem]:
    for details in error.errors(include_url=False, include_context=False):
        yield _problem((name, *map(str, details["loc"])), show(details["input"]), details["msg"].lower())


def _problem(path: tuple[str, ...], found: str, expected: str, hint: str = "") -> Problem:
    place = ".".join(path)
    return Problem("overrides", path=place, place=place, found=found, expected=expected, hint=hint)


def _refused(problems: list[Problem]) -> PlanError:
    return PlanError(
        "The addresses given for the environments do not fit the plan.",
        "Give the file that `releaseconsole sandbox` wrote, or mend it.",
        tuple(problems),
    )
