"""The course of an incident: from the first bad sample to the proof that the rollback worked. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from releaseconsole.record.model import RollbackState, Stage
from releaseconsole.report.timeline import local_iso
from releaseconsole.text import duration, plural


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened in the incident."""

    at: float
    """Seconds since the epoch."""
    what: str

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return asdict(self)


def incident(rollback: RollbackState) -> tuple[Moment, ...]:
    """What is known of one rollback and of what led to it, in the order of time."""
    found = [one for one in _moments(rollback) if one.at > 0]
    return tuple(sorted(found, key=lambda one: one.at))


def incident_lines(rollback: RollbackState) -> list[str]:
    """The same for people: the time of day with its offset, and how long after the beginning."""
    moments = incident(rollback)
    begun = moments[0].at if moments else 0.0
    return [f"{local_iso(one.at)}  +{duration(one.at - begun)}  {one.what}" for one in moments]


def _moments(rollback: RollbackState) -> Iterator[Moment]:
    reason = f": {rollback.reason}" if rollback.reason else ""
    yield Moment(rollback.since, "first bad sample")
    yield Moment(rollback.alarm, "alarm")
    yield Moment(rollback.started, f"the key, by {rollback.by or 'somebody'}{reason}")
    for hook in rollback.hooks:
        yield Moment(hook.at, f"hook “{hook.title}” ({hook.when}) {hook.status}")
    yield from _stages(rollback)
    if rollback.outcome:
        yield Moment(rollback.ended, f"the rollback is {rollback.outcome}")


def _stages(rollback: RollbackState) -> Iterator[Moment]:
    """When the last workload had reached each stage that counts, and what failed."""
    words = {Stage.PATCHED: "patched", Stage.AVAILABLE: "available", Stage.RECOVERED: "proven back"}
    for stage, word in words.items():
        times = sorted(at for one in rollback.workloads.values() if (at := one.times.get(stage.value)))
        if times:
            yield Moment(times[-1], f"{plural(len(times), 'workload')} {word}")
    for key, one in rollback.workloads.items():
        if one.stage is Stage.FAILED:
            yield Moment(one.times.get(Stage.FAILED.value, 0.0), f"{key} failed: {one.message}")
