"""What a cluster could look like, for the tests of the frame."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from releaseconsole.session.views import (
    ArmedView,
    EnvironmentView,
    EventView,
    Freshness,
    Liveness,
    LogCoverage,
    MetricView,
    PodView,
    WorkloadView,
)

EPOCH = 1_795_000_000.0
SERVICES = ("command-service", "api-gateway", "query-service")


@dataclass(frozen=True, slots=True)
class Line:
    at: float
    source: str
    container: str
    text: str
    level: str


class Buffer:
    """A log of given lines."""

    def __init__(self, lines: Iterable[Line] = ()) -> None:
        self.lines = list(lines)
        self.first = 0
        self.dropped = 0

    @property
    def end(self) -> int:
        return len(self.lines)

    def line(self, number: int) -> Line:
        return self.lines[number]


@dataclass(frozen=True, slots=True)
class Checked:
    at: float
    status: str
    reason: str


def healthy_view(
    env_id: str = "production", colour: str = "red", context: str = "prod-eu"
) -> EnvironmentView:
    """Three services that run, watched by somebody who may see everything."""
    target = f"{context}/healthpay"
    return EnvironmentView(
        id=env_id,
        title="",
        colour=colour,
        targets=(target,),
        cluster=Freshness(Liveness.LIVE, 999.6),
        metrics=Freshness(Liveness.LIVE, 998.0),
        workloads=tuple(_workload(name, target) for name in SERVICES),
        pods=tuple(_pod(name, target, n) for name in SERVICES for n in range(2)),
        events=tuple(_event(n) for n in range(6)),
        objectives=(
            _metric("error rate", "%", 0.02, 0.1, "> 1 for 1m", 1.0),
            _metric("p99", "ms", 38, 50, "", None),
        ),
        logs=LogCoverage(streams=6, total=6),
        armed=ArmedView(ready=3, total=3, pinned=3),
    )


def burning_view() -> EnvironmentView:
    """The new version fails: one rollout stuck, the error rate over its trigger."""
    view = healthy_view()
    stuck = replace(
        view.workloads[2],
        state="failing",
        message="1 of 4 new pods ready",
        updated=1,
        ready=0,
        old=3,
        problems=("query-service-6fd4-x2k: ImagePullBackOff: manifest unknown",),
    )
    burning = replace(
        view.objectives[0],
        value=1.8,
        state="BREACH",
        meets_target=False,
        held=64.0,
        reason="1.8 % > 1 % for 1:04",
    )
    bad = replace(view.pods[-1], status="ImagePullBackOff", healthy=False, ready="0/1")
    return replace(
        view,
        workloads=(*view.workloads[:2], stuck),
        pods=(*view.pods[:-1], bad),
        objectives=(burning, view.objectives[1]),
        logs=replace(view.logs, errors_per_minute=12),
    )


def _workload(name: str, target: str) -> WorkloadView:
    return WorkloadView(
        key=f"{target}/deployment/{name}",
        name=name,
        target=target,
        state="complete",
        message="",
        revision="8",
        previous_revision="7",
        image=f"healthpay/{name}:1.1.0",
        previous_image=f"healthpay/{name}:1.0.0",
        desired=4,
        updated=4,
        ready=4,
        old=0,
        pinned=True,
        rollback_ready=True,
    )


def _pod(name: str, target: str, number: int) -> PodView:
    return PodView(
        uid=f"{name}-{number}",
        name=f"{name}-6fd4c9b7d5-x{number}k2p",
        target=target,
        workload=name,
        revision="new",
        ready="1/1",
        status="Running",
        healthy=True,
        restarts=0,
        created=EPOCH - 3600,
        node=f"node-{number}",
    )


def _event(number: int) -> EventView:
    return EventView(
        uid=f"event-{number}",
        at=EPOCH - 40 * number - 5,
        warning=False,
        reason="Scheduled",
        object=f"pod/command-service-6fd4c9b7d5-x{number}k2p",
        message="Successfully assigned to a node",
        count=1,
    )


def _metric(
    title: str, unit: str, value: float, target: float, trigger: str, line: float | None
) -> MetricView:
    history = tuple((EPOCH - 600 + 5 * n, value * (1 + 0.2 * math.sin(n / 5))) for n in range(120))
    return MetricView(
        id=title.replace(" ", "-"),
        title=title,
        unit=unit,
        value=value,
        target=f"< {target:g}",
        target_value=target,
        meets_target=True,
        trigger=trigger,
        trigger_value=line,
        state="OK",
        reason="",
        held=0.0,
        hold=60.0,
        history=history,
        seen=998.0,
    )


def some_logs(count: int = 200) -> Buffer:
    """Requests of the three services."""
    levels = ("info", "info", "info", "warn", "info", "info", "error")
    return Buffer(
        Line(
            EPOCH - count + n,
            f"{SERVICES[n % 3]}-6fd4c9b7d5-x0k2p",
            "app",
            f"request {n} POST /wallet/transfer 200 in {n % 40} ms",
            levels[n % 7],
        )
        for n in range(count)
    )
