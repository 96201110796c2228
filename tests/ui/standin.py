"""A release in memory that stands in for a session, so that the frame can be tested by itself.

It keeps the rules of `record.gates`, but has no journal and no cluster: views are set by the tests.
"""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Self

from standin_charts import StandInCharts
from standin_journal import StandInLedger
from standin_plan import sample_plan
from standin_views import EPOCH, SERVICES, Buffer, Checked, burning_view, healthy_view, some_logs

from releaseconsole.cluster.apply_preview import Change
from releaseconsole.errors import GateClosed, ReadOnly, ReleaseConsoleError
from releaseconsole.plan.model import Plan
from releaseconsole.record import gates
from releaseconsole.record.model import (
    ActionState,
    ActionStatus,
    AutomaticState,
    Decision,
    ItemState,
    ItemStatus,
    Lock,
    Pin,
    ReleaseState,
    RollbackState,
    Stage,
    WorkloadRollback,
)
from releaseconsole.session.apply_preview import ApplyPreview, Progress, TargetPreview
from releaseconsole.session.views import (
    AutomaticView,
    EnvironmentView,
    Notice,
    PreviewLine,
    Refusal,
    RollbackPreview,
    StuckPod,
)

__all__ = ["EPOCH", "FixedClock", "StandIn", "Unlucky", "burning_view", "healthy_view", "sample_plan"]


class FixedClock:
    """Time that moves only when a test moves it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return EPOCH + self.seconds

    def monotonic(self) -> float:
        return 1000.0 + self.seconds

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


class StandIn:
    """Everything that `ui.port.ConsoleSession` asks for, in memory. ``calls`` lists what was wanted of it."""

    def __init__(self, plan: Plan | None = None, *, read_only: bool = False) -> None:
        self.plan = plan or sample_plan()
        self.read_only = read_only
        self.user = "amira"
        self.title = f"{self.plan.release.title} {self.plan.release.version}"
        self.practice = ""
        self.version = 1
        self.state = ReleaseState(started=EPOCH - 2_530)
        self.clock = FixedClock()
        self.charts = StandInCharts()
        self.ledger = StandInLedger()
        self.stuck: tuple[StuckPod, ...] = ()
        self.views = {"production": healthy_view(), "staging": healthy_view("staging", "green", "staging")}
        self.buffer = some_logs()
        self.outputs: dict[str, tuple[str, ...]] = {}
        self.calls: list[tuple[Any, ...]] = []
        self.notices: list[Notice] = []
        self.opening: asyncio.Event | None = None
        self.failure: Exception | None = None
        self.preview_gate: asyncio.Event | None = None
        self.verdicts: dict[str, ItemState] = {}
        self.broken = asyncio.Event()
        self.closed = False
        self.letters = itertools.cycle("HGFEKRNB")
        self.planned: tuple[PreviewLine, ...] = ()
        self.previews = 0
        self.changes: tuple[Change, ...] = would_change()
        self._focused = ""

    async def __aenter__(self) -> Self:
        if self.opening is not None:
            await self.opening.wait()
        if self.failure is not None:
            raise self.failure
        return self

    async def __aexit__(self, *_: object) -> None:
        self.closed = True

    # What is seen.

    def environment(self, env_id: str) -> EnvironmentView:
        return self.views[env_id]

    def logs(self, env_id: str) -> Buffer:
        return self.buffer

    def output(self, action_id: str) -> tuple[str, ...]:
        return self.outputs.get(action_id, ())

    def live(self, item_id: str) -> Checked | None:
        return None

    def running(self) -> tuple[str, ...]:
        return tuple(i for i, one in self.state.actions.items() if one.status is ActionStatus.RUNNING)

    def take_notices(self) -> tuple[Notice, ...]:
        taken, self.notices = tuple(self.notices), []
        return taken

    def focus(self, env_id: str) -> None:
        self._focused = env_id
        self.calls.append(("focus", env_id))

    def default_environment(self, phase_id: str) -> str:
        return (
            self.plan.phase(phase_id).environment
            or self._focused
            or next(reversed(self.plan.environments), "")
        )

    def progress(self, phase_id: str) -> gates.Progress:
        return gates.phase_progress(self.plan, self.state, phase_id)

    def step_progress(self, phase_id: str, step_id: str) -> gates.Progress:
        return gates.step_progress(self.plan, self.state, phase_id, step_id)

    def start_obstacles(self, phase_id: str, *, decision: bool = True) -> tuple[str, ...]:
        return gates.start_obstacles(self.plan, self.state, phase_id, decision=decision)

    def unmet_needs(self, phase_id: str) -> tuple[str, ...]:
        return gates.unmet_needs(self.plan, self.state, phase_id)

    # What tests change.

    def touch(self) -> None:
        self.version += 1

    def set_view(self, env_id: str, view: EnvironmentView) -> None:
        self.views[env_id] = view
        self.touch()

    def set_item(self, item_id: str, status: ItemStatus, **more: Any) -> None:
        state = ItemState(status=status, by=more.pop("by", self.user), at=more.pop("at", EPOCH - 60), **more)
        self._fold(items={**self.state.items, item_id: state})

    def set_action(self, action_id: str, status: ActionStatus, **more: Any) -> None:
        state = ActionState(status=status, by=self.user, started=EPOCH - 41, run=1, **more)
        self._fold(actions={**self.state.actions, action_id: state})

    def print(self, action_id: str, *lines: str) -> None:
        self.outputs[action_id] = (*self.output(action_id), *lines)
        self.touch()

    def _fold(self, **changes: Any) -> None:
        frozen = {k: MappingProxyType(v) if isinstance(v, dict) else v for k, v in changes.items()}
        self.state = replace(self.state, entries=self.state.entries + 1, **frozen)
        self.touch()

    def _want(self, *call: Any) -> None:
        if self.read_only:
            raise ReadOnly("This console is read-only.", "Start it without --read-only to change something.")
        self.calls.append(call)

    # Intents.

    def tick(self, item_id: str, value: str = "", note: str = "") -> None:
        self._want("tick", item_id, value)
        self.set_item(item_id, ItemStatus.DONE, value=value, note=note, at=self.clock.now())

    def untick(self, item_id: str) -> None:
        self._want("untick", item_id)
        self.set_item(item_id, ItemStatus.OPEN, at=0.0)

    def note(self, item_id: str, text: str) -> None:
        self._want("note", item_id, text)
        self._fold(items={**self.state.items, item_id: replace(self.state.item(item_id), note=text)})

    def override(self, item_id: str, reason: str) -> None:
        self._want("override", item_id, reason)
        self.set_item(item_id, ItemStatus.OVERRIDDEN, reason=reason)

    def defer(self, item_id: str, reason: str) -> None:
        self._want("defer", item_id, reason)
        self.set_item(item_id, ItemStatus.DEFERRED, reason=reason)

    def not_applicable(self, item_id: str, reason: str) -> None:
        self._want("not_applicable", item_id, reason)
        self.set_item(item_id, ItemStatus.NOT_APPLICABLE, reason=reason)

    def sign(self, item_id: str, name: str) -> None:
        self._want("sign", item_id, name)
        self.set_item(item_id, ItemStatus.DONE, by=name)

    def decide(self, phase_id: str, go: bool, reason: str = "") -> None:
        self._want("decide", phase_id, go, reason)
        decision = Decision(phase_id, go, self.user, self.clock.now(), reason)
        self._fold(decisions={**self.state.decisions, phase_id: decision})

    def unlock(self, env_id: str, reason: str) -> None:
        self._want("unlock", env_id, reason)
        self._fold(locks={})

    def accept_cluster(self, refusal: Refusal, /) -> None:
        self._want("accept", refusal.context, refusal.now.identity)
        for env_id, view in self.views.items():
            left = tuple(one for one in view.refusals if one != refusal)
            self.set_view(env_id, replace(view, refusals=left))

    def lock(self, env_id: str) -> None:
        self._fold(locks={env_id: Lock(env_id, "rolled back", "amira", EPOCH)})
        self.set_view(env_id, replace(self.views[env_id], lock="rolled back"))

    async def verify(self, item_id: str) -> ItemState:
        self._want("verify", item_id)
        state = self.verdicts.get(item_id, ItemState(ItemStatus.PASSED, "auto", EPOCH, "6 of 6 ready"))
        self._fold(items={**self.state.items, item_id: state})
        return state

    def start_action(self, action_id: str) -> None:
        self._want("run", action_id)
        obstacles = self.start_obstacles(self.plan.actions[action_id].phase.id)
        if obstacles:
            raise GateClosed(" ".join(obstacles), "Settle it first.")
        self.set_action(action_id, ActionStatus.RUNNING)

    async def preview_action(self, action_id: str, progress: Progress | None = None) -> ApplyPreview:
        self.calls.append(("preview", action_id))
        if progress is not None:
            progress(2, 7)
        if self.preview_gate is not None:
            await self.preview_gate.wait()
        if self.failure is not None:
            raise self.failure
        placed = self.plan.actions[action_id]
        environment = self.plan.environments[str(placed.environment)]
        targets = tuple(TargetPreview(str(one), self.changes) for one in environment.targets)
        return ApplyPreview(
            action_id, placed.action.label, str(placed.environment), "", environment.colour, targets
        )

    async def cancel_action(self, action_id: str) -> None:
        self._want("cancel", action_id)
        self.set_action(action_id, ActionStatus.CANCELLED, ended=EPOCH)

    async def pin(self, env_id: str) -> tuple[Pin, ...]:
        self._want("pin", env_id)
        return tuple(
            Pin(env_id, "prod-eu", "healthpay", f"deployment/{name}", "u", "7", "rs", "h", ("i",))
            for name in SERVICES
        )

    # The rollback.

    def _preview(self, env_id: str) -> RollbackPreview:
        view = self.views[env_id]
        return RollbackPreview(
            environment=env_id,
            title=view.title or env_id,
            colour=view.colour,
            targets=("prod-eu / healthpay",),
            lines=self.planned
            or tuple(
                PreviewLine(
                    key=f"prod-eu/healthpay/deployment/{name}",
                    name=name,
                    target="prod-eu/healthpay",
                    from_revision="8",
                    to_revision="7",
                    from_image=f"healthpay/{name}:1.1.0",
                    to_image=f"healthpay/{name}:1.0.0",
                    source="pinned 00:41 ago",
                    note="",
                    skipped=False,
                    problem="",
                    diff=("-  image: 1.1.0", "+  image: 1.0.0"),
                )
                for name in SERVICES
            ),
            burning=("error rate 1.8 % > 1 % for 1:04",),
            not_restored=("ConfigMap api-config (changed 00:40 ago)", "database schema"),
            letter=next(self.letters),
        )

    def prepared_preview(self, env_id: str) -> RollbackPreview | None:
        return self._preview(env_id)

    async def preview_rollback(self, env_id: str, to: str = "pinned") -> RollbackPreview:
        if self.preview_gate is not None:
            await self.preview_gate.wait()
        if self.failure is not None:
            raise self.failure
        self.previews += 1
        return self._preview(env_id)

    def start_rollback(self, preview: RollbackPreview, reason: str = "") -> None:
        self._want("rollback", preview.environment, tuple(line.to_revision for line in preview.lines))
        workloads = {
            line.key: WorkloadRollback(line.key, times={"planned": self.clock.now()})
            for line in preview.lines
        }
        number = len(self.state.rollbacks) + 1
        rollback = RollbackState(f"r{number}", preview.environment, "amira", "", self.clock.now(), workloads)
        self._fold(rollbacks=(*self.state.rollbacks, rollback))

    def retry_rollback(self, environment: str) -> None:
        self._want("retry", environment)

    def interrupted_rollback(self, environment: str) -> RollbackState | None:
        mine = [one for one in self.state.rollbacks if one.environment == environment]
        return mine[-1] if mine and mine[-1].outcome == "interrupted" else None

    async def resume_rollback(self, environment: str) -> RollbackState:
        self._want("resume", environment)
        rollback = replace(self.state.rollbacks[-1], outcome="", ended=0.0)
        self._fold(rollbacks=(*self.state.rollbacks[:-1], rollback))
        return rollback

    def stop_automatic(self, environment: str) -> None:
        self._want("stop", environment)
        self._fold(automatic={environment: AutomaticState("stopped", "error-rate", self.user, EPOCH)})
        self.set_view(environment, replace(self.views[environment], automatic=None))

    def count_down(self, environment: str, seconds: int, reason: str = "error rate 1.8 % > 1 %") -> None:
        """A countdown to an automatic rollback stands at so many seconds."""
        self._fold(automatic={environment: AutomaticState("counting", "error-rate", "trigger", EPOCH)})
        counting = AutomaticView(environment, seconds, reason)
        self.set_view(environment, replace(self.views[environment], automatic=counting))

    def stuck_pods(self, environment: str) -> tuple[StuckPod, ...]:
        return self.stuck

    async def delete_stuck_pod(self, environment: str, key: str, pod: str) -> None:
        self._want("delete pod", environment, key, pod)
        self.stuck = tuple(one for one in self.stuck if one.pod != pod)
        self.touch()

    def walk(self, stage: Stage, seconds: float, *, message: str = "", key: str = "") -> None:
        """Every workload (or the one of ``key``) reaches a stage of the running rollback."""
        rollback = self.state.rollbacks[-1]
        workloads = {
            name: replace(
                one,
                stage=stage,
                message=message,
                times={**one.times, stage.value: rollback.started + seconds},
            )
            if key in name
            else one
            for name, one in rollback.workloads.items()
        }
        self._fold(rollbacks=(*self.state.rollbacks[:-1], replace(rollback, workloads=workloads)))

    def end_rollback(self, outcome: str, seconds: float) -> None:
        rollback = self.state.rollbacks[-1]
        ended = replace(rollback, outcome=outcome, ended=rollback.started + seconds)
        self._fold(rollbacks=(*self.state.rollbacks[:-1], ended))


def would_change() -> tuple[Change, ...]:
    """What an apply would do: one object changes, another is new, two stay as they are."""
    return (
        Change(
            "Deployment", "command-service", "healthpay", "configured", "k8s/command.yaml, document 1",
            diff=(
                "@@ spec.template.spec.containers[command-service] @@",
                "         env: []",
                "-        image: healthpay/command-service:1.0.0",
                "+        image: healthpay/command-service:1.1.0",
            ),
            mark="a",
        ),
        Change("ConfigMap", "limits", "healthpay", "created", "k8s/limits.yaml, document 1",
               diff=("+data:", "+  most: '7'"), mark="b"),
        Change("Service", "command-service", "healthpay", "unchanged", "k8s/command.yaml, document 2", mark="c"),
        Change("Service", "api-gateway", "healthpay", "unchanged", "k8s/api.yaml, document 2", mark="d"),
    )  # fmt: skip


class Unlucky(ReleaseConsoleError):
    """For tests of what is said when something goes wrong."""
