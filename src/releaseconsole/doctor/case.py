"""What is examined, and from where."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from releaseconsole.clock import Clock
from releaseconsole.doctor.finding import Finding
from releaseconsole.errors import RecordError
from releaseconsole.plan.model import Environment, Plan, Target
from releaseconsole.plan.variables import environment_values
from releaseconsole.record.model import ReleaseState

if TYPE_CHECKING:
    from releaseconsole.cluster.connect import Client
    from releaseconsole.metrics.client import PrometheusClient

CREDENTIALS_PATIENCE = 20.0
"""Seconds for a context's credentials: an exec plugin may have to ask a server of its own."""
REACH_PATIENCE = 5.0
"""Seconds for the first answer of an API server."""
ANSWERS_PATIENCE = 15.0
"""Seconds for everything else that is asked of an API server which has answered once."""
REQUESTS = 8
"""Requests under way at a time on one connection."""


@dataclass(frozen=True, slots=True)
class Case:
    """One plan on one machine."""

    plan: Plan
    kubeconfig: Path | None
    folder: Path
    """Where actions run and manifests are found."""
    environ: Mapping[str, str]
    clock: Clock
    environments: tuple[str, ...]
    """Those to examine, in the plan's order."""
    prometheus: Callable[[Environment], Mapping[str, PrometheusClient]]
    """Makes the clients of an environment's Prometheus servers, by name ("" for its own)."""
    known: ReleaseState = field(default_factory=ReleaseState)
    """What the release's journal says; empty where there is none."""
    unreadable: RecordError | None = None
    """Why the journal that is there could not be read."""
    accepted: frozenset[str] = frozenset()
    """Contexts that may lead to another cluster than before, once."""

    def values(self, environment: str, target: Target | None = None) -> dict[str, str]:
        """What ``$variables`` stand for there (in the first target unless said otherwise)."""
        where = target or self.plan.environments[environment].targets[0]
        return environment_values(self.plan, environment, where)


@dataclass(frozen=True, slots=True)
class Ward:
    """One environment of a case."""

    case: Case
    name: str

    @property
    def environment(self) -> Environment:
        return self.case.plan.environments[self.name]


@dataclass(frozen=True, slots=True)
class Visit:
    """One target of an environment, with a connection that has answered."""

    ward: Ward
    target: Target
    client: Client
    turns: asyncio.Semaphore
    """Held for each request."""

    @property
    def namespace(self) -> str:
        return self.target.namespace


CaseExamination = Callable[[Case], Coroutine[Any, Any, list[Finding]]]
EnvironmentExamination = Callable[[Ward], Coroutine[Any, Any, list[Finding]]]
TargetExamination = Callable[[Visit], Coroutine[Any, Any, list[Finding]]]
