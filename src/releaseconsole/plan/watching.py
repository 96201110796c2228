"""What an observation window needs: metrics to look at, and objectives that are watched where it looks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from releaseconsole.plan.crosscheck import Raw, Table, Use, strings, text
from releaseconsole.plan.model import Action, Plan, Step
from releaseconsole.plan.problem import Finding, did_you_mean, one_of, quote

SHORTEST = 10.0
"""Seconds of a window that is practised."""


def findings(plan: Table) -> Iterator[Finding]:
    """Every ``watch`` that could see nothing, or not what it names."""
    raw = Raw(plan)
    begun = {use.environment for use in raw.uses if use.what == "action" and use.kind == "watch"}
    for use in raw.uses:
        environment = raw.environments.get(use.environment or "")
        if use.kind == "watch" and environment is not None:
            yield from _seen(use, environment, raw)
            if use.what == "check" and use.environment not in begun:
                found = (
                    f"a check of the observation window of {quote(str(use.environment))}, which none begins"
                )
                expected = f"an action with watch in that environment: {one_of(sorted(filter(None, begun)))}"
                yield Finding((*use.path, "watch"), found, expected)


def _seen(use: Use, environment: Mapping[str, object], raw: Raw) -> Iterator[Finding]:
    where = str(use.environment)
    if "prometheus" not in environment and "other_prometheus" not in environment:
        found = f"{quote('watch')} in {quote(where)}, which has no Prometheus"
        yield Finding((*use.path, "watch"), found, "an environment with prometheus = { url = … }")
    if use.what != "action":
        return
    here = [name for objective in raw.listed("objectives") if (name := _watched_in(objective[1], where))]
    if not here:
        found = f"{quote('watch')} in {quote(where)}, where no objective is watched"
        yield Finding((*use.path, "watch"), found, "an objective to watch there")
        return
    for path, name in strings(use.table, use.path, "objectives"):
        if name not in here:
            found = f"{quote(name)}, no objective of {quote(where)}"
            yield Finding(path, found, one_of(here), did_you_mean(name, here))


def _watched_in(objective: Table, environment: str) -> str | None:
    """The objective's id, when it is watched there."""
    where = [name for _path, name in strings(objective, (), "environments")]
    return text(objective, "id") if not where or environment in where else None


def with_shorter_windows(plan: Plan, times: float) -> Plan:
    """The plan with every observation window so many times shorter, as it is practised."""

    def shorter(action: Action) -> Action:
        if action.watch is None:
            return action
        allow = None if action.allow is None else action.allow / times
        return action.model_copy(update={"watch": max(SHORTEST, action.watch / times), "allow": allow})

    def step(one: Step) -> Step:
        return one.model_copy(update={"actions": tuple(map(shorter, one.actions))})

    phases = tuple(phase.model_copy(update={"steps": tuple(map(step, phase.steps))}) for phase in plan.phases)
    return plan.model_copy(update={"phases": phases})
