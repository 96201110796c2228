"""What is measured, what it has to reach, and the line beyond which a release goes back."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, ValidationInfo, field_validator

from releaseconsole.plan.part import Part
from releaseconsole.plan.values import Bound, BoundField, Duration, Identifier, Line


class Rollback(Part):
    """When an objective calls for a rollback."""

    when: BoundField
    hold: Duration = Field(default=60.0, alias="for")
    calm: Duration | None = None
    """How long the value must be on the safe side before the alarm ends (default: half of ``for``): a value that
    flaps around the line keeps it up."""
    long_window: Duration | None = None
    """The condition must hold over this ``$window`` as well: a short peak alone is no reason to go back."""
    auto: bool = False
    """Roll back without being asked, after a countdown that anybody can stop."""
    countdown: Duration = 30.0
    """Seconds between the breach and an automatic rollback, in which anybody can stop it."""
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Objective(Part):
    """A metric with a target, and perhaps a line beyond which the release goes back."""

    id: Identifier
    title: str = ""
    query: Annotated[str, Field(min_length=1)]
    traffic: str | None = None
    """Query of the traffic: tells an empty answer of a quiet service from one of a broken query."""
    window: Duration = 60.0
    """What ``$window`` stands for in the queries."""
    unit: str = ""
    """Of what the query gives. Bounds may be written in another that converts to it."""
    target: BoundField
    rollback: Rollback | None = None
    across: Literal["max", "min", "sum", "avg", "each"] | None = None
    """What to make of several series; ``each`` judges them one by one and shows the worst."""
    prometheus: Identifier | None = None
    """One of the environment's ``other_prometheus``; its ``prometheus`` when not given."""
    environments: tuple[str, ...] = ()
    """Where it is watched; everywhere when empty."""

    @field_validator("target")
    @classmethod
    def _target_within(cls, target: Bound, info: ValidationInfo) -> Bound:
        return target.within(info.data.get("unit", ""))

    @field_validator("rollback")
    @classmethod
    def _rollback_within(cls, rollback: Rollback | None, info: ValidationInfo) -> Rollback | None:
        if rollback is None:
            return None
        return rollback.model_copy(update={"when": rollback.when.within(info.data.get("unit", ""))})

    @property
    def name(self) -> str:
        return self.title or self.id


class Criterion(Part):
    """A reason to roll back, from the document: measured by an objective, or for a person to see."""

    id: Identifier
    text: Line
    objective: str | None = None
