"""What a release is made of. Read from TOML by :mod:`releaseconsole.plan.load`, never changed by a run.

Everything here is frozen, knows nothing of a cluster, and refuses unknown keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal, TypeVar

from pydantic import Field, ValidationInfo, field_validator, model_validator

from releaseconsole.plan.objectives import Criterion as Criterion
from releaseconsole.plan.objectives import Objective as Objective
from releaseconsole.plan.objectives import Rollback as Rollback
from releaseconsole.plan.part import Part
from releaseconsole.plan.places import Environment as Environment
from releaseconsole.plan.places import Hook as Hook
from releaseconsole.plan.places import Prometheus as Prometheus
from releaseconsole.plan.places import Target as Target
from releaseconsole.plan.values import Bound as Bound
from releaseconsole.plan.values import (
    BoundField,
    Code,
    Count,
    Duration,
    HttpRequest,
    Identifier,
    Line,
    WorkloadName,
)
from releaseconsole.text import duration

T = TypeVar("T")


class Release(Part):
    """What is being released."""

    name: Identifier
    title: Line
    version: Line
    risk: Literal["low", "medium", "high"] = "medium"
    risk_note: str = ""
    estimate: Duration | None = None
    document: str = ""
    """Title or place of the document the plan was made from."""


class Contact(Part):
    """Whom to call."""

    role: Line
    name: str = ""
    phone: str = ""
    team: str = ""


CHECK_FAMILIES = (
    "pods", "rollout", "services", "ingress", "logs", "workloads", "cluster", "rollback",
    "objective", "prometheus", "alerts", "watch", "http", "shell",
)  # fmt: skip
ACTION_KINDS = ("shell", "apply", "wait", "watch", "http", "pin", "rollback", "get", "logs", "open")


class Check(Part):
    """How an item verifies itself: exactly one family, and what that family needs."""

    pods: Literal["ready"] | None = None
    rollout: Literal["complete"] | None = None
    services: Literal["reachable"] | None = None
    """Every Service of the released workloads has a ready endpoint."""
    ingress: Literal["configured"] | None = None
    """Every Ingress that names a Service of the released workloads names a port of it and has an address."""
    logs: Literal["no-errors"] | None = None
    workloads: (
        Literal["exist", "limits", "probes", "liveness", "readiness", "autoscaled", "disruption-budget"]
        | None
    ) = None
    cluster: Literal["reachable"] | None = None
    rollback: Literal["ready"] | None = None
    objective: str | None = None
    prometheus: Literal["ready"] | None = None
    alerts: Literal["quiet", "configured"] | None = None
    """``quiet``: no alert of the release fires. ``configured``: a working alerting rule names its namespace, and
    none that does is broken."""
    watch: Literal["complete"] | None = None
    """The environment's observation window is over and every objective held."""
    http: HttpRequest | None = None
    """``"GET $api/health"``: verb and address."""
    shell: str | None = None

    expect: Code | tuple[Code, ...] | None = None
    """Status codes of ``http`` that pass (default: any 2xx), or the exit code of ``shell`` (default 0)."""
    body: str | None = None
    headers: dict[str, str] = {}
    repeat: Count = 1
    """Send the request so many times; the last answer counts (for a rate limit)."""
    window: Duration = 300.0
    """How far back ``logs`` looks."""
    severity: tuple[Line, ...] = ()
    """The severities that ``alerts`` looks at, such as ``["critical"]`` (default: all)."""
    environment: str | None = None
    """Another environment than the phase's own."""
    every: Duration | None = None
    """How often to verify again; without it, the family's own rhythm. Requests that write, and shell
    commands, are only verified when asked for."""
    timeout: Duration = 10.0

    @model_validator(mode="after")
    def _one_family(self) -> Check:
        given = [name for name in CHECK_FAMILIES if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(_one_of("check", CHECK_FAMILIES, given))
        return self

    @property
    def family(self) -> str:
        return next(name for name in CHECK_FAMILIES if getattr(self, name) is not None)

    @property
    def by_hand(self) -> bool:
        """True when verifying costs or changes something, so that it happens only on request."""
        if self.every is not None:
            return False
        return self.shell is not None or (
            self.http is not None and not self.http.startswith(("GET ", "HEAD "))
        )


class Action(Part):
    """One thing to do in a step: exactly one kind, and what that kind needs."""

    id: Identifier | None = None
    title: str = ""
    shell: str | None = None
    """Run by ``sh -c`` in the plan's folder, with the phase's context as the current one."""
    apply: str | None = None
    """A manifest file or a folder of them, server-side applied."""
    wait: Literal["rollout"] | None = None
    watch: Duration | None = None
    """Begin an observation window of that length, such as ``"24h"``, and do not wait for its end."""
    http: HttpRequest | None = None
    pin: Literal["workloads"] | None = None
    rollback: Literal["workloads"] | None = None
    get: Literal["pods", "services"] | None = None
    logs: WorkloadName | None = None
    open: str | None = None
    """The name of one of the environment's links."""

    body: str | None = None
    headers: dict[str, str] = {}
    repeat: Count = 1
    expect: Code | tuple[Code, ...] | None = None
    objectives: tuple[str, ...] = ()
    """What ``watch`` looks at; every objective of the environment when empty."""
    allow: Duration | None = None
    """How long in all an objective may miss its target while it is watched (default: 1 % of ``watch``)."""
    folder: str | None = None
    """Where ``shell`` runs, relative to the plan's folder."""
    environment: str | None = None
    timeout: Duration = 900.0

    @model_validator(mode="after")
    def _one_kind(self) -> Action:
        given = [name for name in ACTION_KINDS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(_one_of("action", ACTION_KINDS, given))
        return self

    @property
    def kind(self) -> str:
        return next(name for name in ACTION_KINDS if getattr(self, name) is not None)

    @property
    def label(self) -> str:
        """What the screen shows."""
        if self.title:
            return self.title
        if self.watch is not None:
            return f"watch for {duration(self.watch)}"
        value = str(getattr(self, self.kind))
        return value if self.kind in ("shell", "http") else f"{self.kind} {value}"


def _one_of(what: str, allowed: tuple[str, ...], given: list[str]) -> str:
    has = " and ".join(given) if given else "none"
    return f"expected exactly one of {', '.join(allowed)}; this {what} has {has}"


class Item(Part):
    """One line of the checklist."""

    id: Identifier
    text: Line
    check: Check | None = None
    unit: str = ""
    target: BoundField | None = None
    """A number that whoever ticks this by hand is asked for."""
    role: str | None = None
    """Only a person in this role can say so: a sign-off."""

    @field_validator("target")
    @classmethod
    def _target_within(cls, target: Bound | None, info: ValidationInfo) -> Bound | None:
        return target and target.within(info.data.get("unit", ""))


class Step(Part):
    """Some actions and the items that must hold after them."""

    id: Identifier
    title: Line
    actions: tuple[Action, ...] = ()
    items: tuple[Item, ...] = ()


class Phase(Part):
    """A tab of the console."""

    id: Identifier
    title: Line
    kind: Literal["checklist", "deploy", "rollback", "sign-off"] = "checklist"
    """``rollback`` counts only once something was rolled back; ``sign-off`` allows no deferred item."""
    environment: str | None = None
    needs: tuple[str, ...] = ()
    gate: Literal["go/no-go"] | None = None
    when: str = ""
    """Free words on the time: "Day 1", "Days 2–3"."""
    steps: tuple[Step, ...] = ()

    def items(self) -> Iterator[Item]:
        for step in self.steps:
            yield from step.items


@dataclass(frozen=True, slots=True)
class PlacedItem:
    """An item with where it stands."""

    phase: Phase
    step: Step
    item: Item

    @property
    def environment(self) -> str | None:
        """The environment its check looks at."""
        check = self.item.check
        return (check.environment if check else None) or self.phase.environment


@dataclass(frozen=True, slots=True)
class PlacedAction:
    """An action with where it stands; ``id`` is unique in the plan."""

    id: str
    phase: Phase
    step: Step
    action: Action

    @property
    def environment(self) -> str | None:
        return self.action.environment or self.phase.environment


class Plan(Part):
    """The whole plan."""

    release: Release
    environments: dict[Identifier, Environment] = {}
    objectives: tuple[Objective, ...] = ()
    criteria: tuple[Criterion, ...] = ()
    contacts: tuple[Contact, ...] = ()
    phases: Annotated[tuple[Phase, ...], Field(min_length=1)]

    @cached_property
    def items(self) -> dict[str, PlacedItem]:
        """Every item by its id, in the plan's order."""
        return {
            item.id: PlacedItem(phase, step, item)
            for phase in self.phases
            for step in phase.steps
            for item in step.items
        }

    @cached_property
    def actions(self) -> dict[str, PlacedAction]:
        """Every action by its id (its own, or ``phase.step.number``), in the plan's order."""
        placed = (
            PlacedAction(action.id or f"{phase.id}.{step.id}.{number}", phase, step, action)
            for phase in self.phases
            for step in phase.steps
            for number, action in enumerate(step.actions, start=1)
        )
        return {action.id: action for action in placed}

    def phase(self, phase_id: str) -> Phase:
        """The phase of that id. Raises KeyError."""
        return next_or_key_error(phase_id, (phase for phase in self.phases if phase.id == phase_id))

    def objective(self, objective_id: str) -> Objective:
        """The objective of that id. Raises KeyError."""
        return next_or_key_error(objective_id, (o for o in self.objectives if o.id == objective_id))

    def objectives_of(self, environment: str) -> tuple[Objective, ...]:
        """The objectives that are watched in ``environment``."""
        return tuple(o for o in self.objectives if not o.environments or environment in o.environments)


def next_or_key_error(key: str, found: Iterator[T]) -> T:
    """The first of ``found``, or KeyError."""
    for value in found:
        return value
    raise KeyError(key)
