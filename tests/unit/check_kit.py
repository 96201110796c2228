"""A session's side of a check, made of plain values, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from cluster_objects import deployment, pod, replica_set

from releaseconsole.checks.finding import Finding
from releaseconsole.checks.registry import verify
from releaseconsole.clock import SystemClock
from releaseconsole.cluster.objects import (
    Pod,
)
from releaseconsole.errors import NotFound
from releaseconsole.outside.world import EnvironmentData, TargetData
from releaseconsole.plan.model import Check, Item, Phase, PlacedItem, Step, Target

TARGET = Target(context="staging", namespace="shop")
NEW, OLD = "shop/web:2", "shop/web:1"


def placed(check: Check, environment: str | None = "staging") -> PlacedItem:
    item = Item(id="it", text="it holds", check=check)
    step = Step(id="step", title="Step", items=(item,))
    return PlacedItem(Phase(id="phase", title="Phase", environment=environment, steps=(step,)), step, item)


@dataclass
class Armed:
    ready: int = 0
    total: int = 0
    problems: tuple[str, ...] = ()


@dataclass
class Metric:
    value: float | None = 0.05
    meets_target: bool | None = True
    state: str = "OK"
    reason: str = ""
    title: str = "Error rate"
    unit: str = "%"
    target: str = "< 0.1"


@dataclass
class Api:
    """Stands for an API server: a body or an error by path."""

    answers: dict[str, bytes | Exception]

    async def get(self, path: str, params: Mapping[str, Any] | None = None) -> bytes:
        answer = next(
            (one for known, one in self.answers.items() if path.endswith(known)), NotFound("no such path.")
        )
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class Context:
    """A session's side of a check, made of plain values."""

    data: tuple[TargetData, ...]
    folder: Path = Path()
    environ: Mapping[str, str] = field(default_factory=lambda: {"PATH": "/usr/bin:/bin"})
    variables: Mapping[str, str] = field(default_factory=lambda: {"version": "1.1.0", "namespace": "shop"})
    rehearsed: Armed = field(default_factory=Armed)
    measured: Metric | None = None
    api: Api | Exception = field(default_factory=lambda: Api({}))
    kubeconfig: Path | None = None
    http: httpx.AsyncClient = None  # type: ignore[assignment]
    clock: SystemClock = field(default_factory=SystemClock)
    workloads: tuple[str, ...] = ("deployment/web",)

    def environment(self, environment: str) -> EnvironmentData:
        return EnvironmentData(environment, environment.title(), self.workloads, self.data)

    async def client(self, target: Target) -> Any:
        if isinstance(self.api, Exception):
            raise self.api
        return self.api

    def metrics(self, environment: str) -> None:
        return None

    def all_metrics(self, environment: str) -> tuple[Any, ...]:
        return ()

    def values(self, environment: str | None) -> Mapping[str, str]:
        return self.variables

    def armed(self, environment: str) -> Armed:
        return self.rehearsed

    def metric(self, environment: str, objective: str) -> Metric | None:
        return self.measured


async def found(context: Context, environment: str | None = "staging", **check: Any) -> Finding:
    asked = Check(**check)
    return await verify(asked, placed(asked, environment), context)  # type: ignore[arg-type]


def rolled(*pods: Pod, replicas: int = 2, **more: Any) -> TargetData:
    """A finished rollout to revision 2, with these pods."""
    status = {"replicas": replicas, "updatedReplicas": replicas, "availableReplicas": replicas}
    return TargetData(
        TARGET,
        deployments=(deployment(NEW, spec={"replicas": replicas}, status=status),),
        replica_sets=(replica_set(1, OLD), replica_set(2, NEW)),
        pods=pods,
        **more,
    )


def new_pod(name: str, **options: Any) -> Pod:
    return pod(name, "web-2-uid", **options)


GOOD = rolled(new_pod("web-2-a"), new_pod("web-2-b"))
