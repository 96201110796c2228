"""An objective of the plan as it is asked in one environment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from releaseconsole.metrics.aim import Aim, Line
from releaseconsole.metrics.reading import Question
from releaseconsole.plan.model import Environment, Objective, Plan
from releaseconsole.plan.values import Bound
from releaseconsole.plan.variables import environment_values, substitute


def values_of(plan: Plan, name: str) -> dict[str, str]:
    """What variables stand for in the objectives of an environment, ``$window`` aside."""
    environment = plan.environments[name]
    return {**environment_values(plan, name, environment.targets[0]), **_of_pods(environment)}


def _of_pods(environment: Environment) -> dict[str, str]:
    """The workloads and their pods as regular expressions."""
    names = [workload.partition("/")[2] for workload in environment.workloads]
    return {"workload": "|".join(name.replace(".", "[.]") for name in names), "pods": pattern(names)}


def pattern(names: Iterable[str]) -> str:
    """A regular expression of the pods of ``names``. The only special character in a name is the dot, and a
    backslash would have to be written twice in a query."""
    return f"({'|'.join(name.replace('.', '[.]') for name in names)})-.*"


def question_of(objective: Objective, values: Mapping[str, str]) -> Question:
    """The objective's queries with the environment's values in them. Raises PlanError for a name without one."""
    here = {**values, "window": promql_span(objective.window)}
    long = objective.rollback.long_window if objective.rollback else None
    return Question(
        query=substitute(objective.query, here),
        traffic=substitute(objective.traffic or "", here),
        long=substitute(objective.query, {**values, "window": promql_span(long)}) if long else "",
        across=objective.across,
    )


def aim_of(objective: Objective, values: Mapping[str, str]) -> Aim:
    """The objective as a preflight examines it. Raises PlanError for a name without a value."""
    rollback = objective.rollback
    return Aim(
        id=objective.id,
        name=objective.name,
        question=question_of(objective, values),
        target=_line(objective.target, objective.unit),
        line=_line(rollback.when, objective.unit) if rollback else None,
        unit=objective.unit,
        hold=rollback.hold if rollback else 0.0,
    )


def _line(bound: Bound, unit: str) -> Line:
    return Line(f"{bound} {unit}".rstrip(), bound.holds)


def promql_span(seconds: float) -> str:
    """A time span as PromQL writes it: ``5m``, ``90s``, ``1500ms``."""
    for unit, size in (("h", 3600.0), ("m", 60.0), ("s", 1.0)):
        if seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{max(1, round(seconds * 1000))}ms"
