"""Where an Argo Rollout stands, and how Argo Rollouts would take it back. Pure.

The controller sums its own view up in ``status.phase`` and ``status.message``; that is believed once it has
seen the present generation. Three things differ on purpose: pods of the new revision that cannot work make it
*failing* at once; a deadline that an earlier revision exceeded is not held against the present one; and a
canary step that pauses for a set time is progress, while one without an end waits for a person.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from releaseconsole.cluster.argo import Rollout
from releaseconsole.cluster.objects import Pod, ReplicaSet
from releaseconsole.cluster.rollout import (
    BEING_DELETED,
    DEADLINE,
    MISSING,
    NOT_SEEN,
    RolloutState,
    Verdict,
    held_up,
    pods_of_set,
    replicas_text,
)
from releaseconsole.cluster.templates import new_replica_set
from releaseconsole.cluster.text import clean

HEALTHY = "Healthy"
_DEGRADED, _PAUSED, _PROGRESSING = "Degraded", "Paused", "Progressing"
_INCONCLUSIVE, _SWITCH = "InconclusiveAnalysisRun", "BlueGreenPause"


def rollout_verdict(
    rollout: Rollout | None, replica_sets: Collection[ReplicaSet], pods: Collection[Pod]
) -> Verdict:
    """Where a Rollout stands; None for one that is not there."""
    if rollout is None:
        return MISSING
    if rollout.metadata.deletion_timestamp is not None:
        return BEING_DELETED
    status = rollout.status
    if rollout.metadata.generation > status.observed_generation:
        return NOT_SEEN
    new = new_replica_set(rollout, replica_sets)
    if status.phase == HEALTHY:
        return _healthy(rollout)
    problem = held_up(pods_of_set(new, pods))
    if status.phase == _DEGRADED and not _another_deadline(rollout, new):
        told = clean(status.message.rstrip("."), 300) or "degraded"
        return Verdict(RolloutState.FAILED, f"{told}; {problem}" if problem else told)
    if problem:
        return Verdict(RolloutState.FAILING, problem)
    if status.phase == _PAUSED:
        return _paused(rollout)
    if status.phase in (_PROGRESSING, _DEGRADED):
        return Verdict(RolloutState.PROGRESSING, _moving(rollout))
    return Verdict(RolloutState.UNKNOWN, f"its phase “{clean(status.phase, 60)}” is not known")


def way_back(rollout: Rollout, template_hash: str) -> tuple[str, ...]:
    """What to know before it is sent to the revision with ``template_hash``: only the stable one is reached at once."""
    stable, strategy = rollout.status.stable_rs, rollout.spec.strategy
    if not stable or template_hash == stable:
        return ()
    promote = f"`kubectl argo rollouts promote {clean(rollout.metadata.name, 253)} --full`"
    if strategy.canary is not None and strategy.canary.steps:
        steps = strategy.canary.steps
        count = "1 canary step" if len(steps) == 1 else f"{len(steps)} canary steps"
        unless = ", unless its rollbackWindow covers that" if rollout.spec.rollback_window else ""
        waits = f" and wait at a pause until somebody runs {promote}" if any(map(_endless, steps)) else ""
        return (f"That is not its stable version: Argo Rollouts will take {count}{waits}{unless}.",)
    if strategy.blue_green is not None and strategy.blue_green.auto_promotion_enabled is False:
        return (f"Traffic moves over only when somebody runs {promote}.",)
    return ()


def _healthy(rollout: Rollout) -> Verdict:
    if rollout.spec.desired == 0:
        return Verdict(RolloutState.SCALED_TO_ZERO, "scaled to zero: nothing runs")
    updated = replicas_text(rollout.status.updated_replicas)
    return Verdict(RolloutState.COMPLETE, f"{updated} updated and available")


def _paused(rollout: Rollout) -> Verdict:
    if rollout.spec.paused:
        return Verdict(RolloutState.PAUSED, "paused")
    status, strategy = rollout.status, rollout.spec.strategy
    if status.controller_pause and not status.pause_conditions:
        return Verdict(RolloutState.PROGRESSING, "goes on after its pause")
    reasons = {one.reason for one in status.pause_conditions}
    if _INCONCLUSIVE in reasons:
        return Verdict(RolloutState.PAUSED, "paused: an analysis was inconclusive")
    if _SWITCH in reasons:
        if strategy.blue_green is not None and strategy.blue_green.auto_promotion_seconds > 0:
            return Verdict(RolloutState.PROGRESSING, "the new version is ready, traffic moves over soon")
        return Verdict(RolloutState.PAUSED, "paused: the new version is ready and waits to be promoted")
    step, place = _step(rollout)
    if step is not None and not _endless(step):
        return Verdict(RolloutState.PROGRESSING, f"pauses for a while at {place}")
    return Verdict(RolloutState.PAUSED, f"paused at {place} until it is promoted" if place else "paused")


def _moving(rollout: Rollout) -> str:
    status, desired = rollout.status, rollout.spec.desired
    place = _step(rollout)[1]
    where = f" ({place})" if place and status.current_pod_hash != status.stable_rs else ""
    if status.updated_replicas < desired:
        return f"{status.updated_replicas} of {desired} replicas updated{where}"
    if status.available_replicas < status.updated_replicas:
        return f"{status.available_replicas} of {status.updated_replicas} updated replicas available{where}"
    return f"{clean(status.message, 200) or 'not complete'}{where}"


def _step(rollout: Rollout) -> tuple[Mapping[str, Any] | None, str]:
    """The canary step that it is at, and ``step 2 of 5``."""
    canary, index = rollout.spec.strategy.canary, rollout.status.current_step_index
    if canary is None or index is None or not 0 <= index < len(canary.steps):
        return None, ""
    return canary.steps[index], f"step {index + 1} of {len(canary.steps)}"


def _endless(step: Mapping[str, Any]) -> bool:
    """Whether the step pauses until somebody promotes the Rollout."""
    pause = step.get("pause")
    return isinstance(pause, dict) and pause.get("duration") in (None, "", 0, "0")


def _another_deadline(rollout: Rollout, new: ReplicaSet | None) -> bool:
    """Whether it is degraded only by a deadline that another ReplicaSet than the new one has exceeded."""
    if rollout.status.abort or DEADLINE not in rollout.status.message or new is None:
        return False
    named = rollout.status.message.split('"')[1:2]
    return bool(named) and named[0] != new.metadata.name
