"""Whether the kubeconfig leads to the clusters that a command is about to ask: known without asking any."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from releaseconsole.errors import KubeconfigError

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


def _problems(targets: Iterable[Target], kubeconfig: Path | None) -> list[KubeconfigError]:
    from releaseconsole.cluster.kubeconfig import find, read

    problems = []
    for target in targets:
        try:
            read(find(kubeconfig)).chosen(target.context)
        except KubeconfigError as error:
            problems.append(error)
    return problems
