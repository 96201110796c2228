"""A session's side of an action, made of plain values, for tests."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from releaseconsole.actions.runner import Outcome, run
from releaseconsole.outside.world import EnvironmentData, TargetData
from releaseconsole.plan.model import Action, Phase, PlacedAction, Step, Target
from releaseconsole.record.model import Pin, RollbackState

STAGING = Target(context="staging", namespace="shop")
OLD, NEW = "shop/web:1", "shop/web:2"


class FakeClock:
    """Time passes only by sleeping."""

    def __init__(self) -> None:
        self.at = 1_000_000.0

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds
        await asyncio.sleep(0)


@dataclass
class Context:
    """A session's side of an action."""

    folder: Path = Path()
    environ: Mapping[str, str] = field(default_factory=lambda: {"PATH": os.environ["PATH"]})
    variables: Mapping[str, str] = field(default_factory=lambda: {"version": "1.1.0", "namespace": "shop"})
    kubeconfig: Path | None = None
    http: httpx.AsyncClient = None  # type: ignore[assignment]
    clock: FakeClock = field(default_factory=FakeClock)
    targets: Callable[[float], tuple[TargetData, ...]] = lambda _: (TargetData(STAGING),)
    links: Mapping[str, str] = field(default_factory=dict)
    generation: int | Exception = 3
    pins: Sequence[Pin] = ()
    rolled_back: RollbackState | Exception | None = None
    workloads: tuple[str, ...] = ("deployment/web",)

    def environment(self, environment: str) -> EnvironmentData:
        data = self.targets(self.clock.at)
        return EnvironmentData(environment, environment.title(), self.workloads, data, self.links)

    async def client(self, target: Target) -> Any:
        generation = self.generation

        class Client:
            async def get(self, path: str) -> bytes:
                if isinstance(generation, Exception):
                    raise generation
                return json.dumps({"metadata": {"name": "web", "generation": generation}}).encode()

        return Client()

    def values(self, environment: str | None) -> Mapping[str, str]:
        return self.variables

    async def pin(self, environment: str) -> Sequence[Pin]:
        return self.pins

    async def roll_back(self, environment: str) -> RollbackState:
        if isinstance(self.rolled_back, Exception):
            raise self.rolled_back
        assert self.rolled_back is not None
        return self.rolled_back


def placed(environment: str | None = "staging", **action: Any) -> PlacedAction:
    made_action = Action(**action)
    step = Step(id="step", title="Step", actions=(made_action,))
    phase = Phase(id="phase", title="Phase", environment=environment, steps=(step,))
    return PlacedAction("phase.step.1", phase, step, made_action)


async def ran(
    context: Context, environment: str | None = "staging", **action: Any
) -> tuple[Outcome, list[str]]:
    lines: list[str] = []
    outcome = await run(placed(environment, **action), context, lines.append)
    return outcome, lines


async def eventually(holds: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110  (processes tell nobody when they are there)
            await asyncio.sleep(0.01)
