"""Whether the kubeconfig leads to the clusters that a command is about to ask: known without asking any."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from releaseconsole.errors import KubeconfigError, UsageError

if TYPE_CHECKING:
    from releaseconsole.plan.model import Plan, Target

FIRST_ERROR = 1.0
"""Seconds that a command waits for the error of a cluster of which it knows that there is none."""


def missing_contexts(
    plan: Plan, environments: Iterable[str | None], kubeconfig: Path | None
) -> dict[str, KubeconfigError]:
    """The environments to whose targets the kubeconfig does not lead, each with the reason."""
    found = {}
    for name in dict.fromkeys(environments):
        problems = _problems(plan.environments[name].targets, kubeconfig) if name else []
        if name and problems:
            found[name] = problems[0]
    return found


def require_context(plan: Plan, environment: str, kubeconfig: Path | None) -> None:
    """Raises KubeconfigError when the kubeconfig leads to none of the environment's targets."""
    targets = plan.environments[environment].targets
    problems = _problems(targets, kubeconfig)
    if len(problems) == len(targets):
        raise problems[0]


def accepted(plan: Plan, contexts: Iterable[str]) -> frozenset[str]:
    """What was given to --accept-cluster. Raises UsageError for a context that the plan does not name."""
    known = {target.context for environment in plan.environments.values() for target in environment.targets}
    for context in contexts:
        if context not in known:
            raise UsageError(
                f"--accept-cluster {context}: the plan has no target in this context.",
                f"It has these contexts: {', '.join(sorted(known)) or 'none'}.",
            )
    return frozenset(contexts)


def _problems(targets: Iterable[Target], kubeconfig: Path | None) -> list[KubeconfigError]:
    from releaseconsole.cluster.kubeconfig import load

    problems = []
    for target in targets:
        try:
            load(kubeconfig).chosen(target.context)
        except KubeconfigError as error:
            problems.append(error)
    return problems
