"""``wait = "rollout"``: follow every workload until all run the new revision, or one of them cannot."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from releaseconsole.actions.context import ActionContext
from releaseconsole.actions.outcome import Emit, Outcome, failed, succeeded
from releaseconsole.actions.place import environment_of
from releaseconsole.cluster import decode
from releaseconsole.cluster.rollout import RolloutState, Verdict, deployment_counts
from releaseconsole.errors import ClusterError, NotFound
from releaseconsole.outside import workloads
from releaseconsole.outside.world import EnvironmentData, TargetData
from releaseconsole.plan.model import PlacedAction
from releaseconsole.text import cut, duration, plural, visible

if TYPE_CHECKING:
    from releaseconsole.cluster.objects import Deployment

GRACE = 30.0
"""Seconds that a workload may be failing, missing or paused before waiting for it is given up."""
_LOOK = 0.25

Key = tuple[str, str]
"""Target and workload."""

_FINAL = (RolloutState.FAILED, RolloutState.UNKNOWN, RolloutState.SCALED_TO_ZERO)
"""States that time does not mend."""
_MAY_PASS = (RolloutState.FAILING, RolloutState.MISSING, RolloutState.PAUSED)
"""States that may pass."""


@dataclass(slots=True)
class _Watch:
    """What is known of the wait so far."""

    floors: Mapping[Key, int]
    """Generation that the data must have reached: the caches may lag behind an apply of a moment ago."""
    told: dict[Key, str] = field(default_factory=dict)
    bad_since: dict[Key, float] = field(default_factory=dict)


async def wait_rollout(
    placed: PlacedAction, context: ActionContext, emit: Emit, *, grace: float = GRACE
) -> Outcome:
    """Tell each change. Fails at once for a failed rollout, and for a failing one after ``grace`` seconds."""
    environment = environment_of(placed)
    begun = context.clock.monotonic()
    watch = _Watch(await _floors(context, context.environment(environment), emit))
    while True:
        now = context.clock.monotonic()
        data = context.environment(environment)
        verdicts = _look(data, watch, emit)
        lost = _lost(verdicts, watch, now, grace)
        if lost:
            return failed("; ".join(lost))
        if verdicts and all(one.state is RolloutState.COMPLETE for one in verdicts.values()):
            return succeeded(f"{plural(len(verdicts), 'workload')} complete in {duration(now - begun)}")
        if now - begun >= placed.action.timeout:
            return failed(f"not complete after {duration(placed.action.timeout)}: {_open(verdicts)}")
        await context.clock.sleep(_LOOK)


def _look(data: EnvironmentData, watch: _Watch, emit: Emit) -> dict[Key, Verdict]:
    """Judge every workload and tell what is new. Stale data is told and judged as waiting."""
    several = len(data.targets) > 1
    verdicts: dict[Key, Verdict] = {}
    for target, workload in workloads.each(data):
        key = (str(target.target), workload)
        verdict = _verdict(target, workload, watch.floors.get(key, 0))
        verdicts[key] = verdict
        where = f"{target.target} " if several else ""
        line = visible(f"{where}{workloads.name_of(workload)}: {_words(target, workload, verdict)}")
        if watch.told.get(key) != line:
            watch.told[key] = line
            emit(line)
    return verdicts


def _verdict(target: TargetData, workload: str, floor: int) -> Verdict:
    if target.stale:
        return Verdict(RolloutState.WAITING, f"no live data, still waiting: {target.stale}")
    owner = workloads.find(target, workload)
    if owner is not None and owner.metadata.generation < floor:
        return Verdict(RolloutState.WAITING, "waiting for news of the change")
    return workloads.verdict_of(target, workload)


def _words(target: TargetData, workload: str, verdict: Verdict) -> str:
    if verdict.state is RolloutState.PROGRESSING and workload.startswith("deployment/"):
        return _progress(workloads.find(target, workload), target) or verdict.message  # type: ignore[arg-type]
    if verdict.state in (RolloutState.PROGRESSING, RolloutState.WAITING):
        return verdict.message
    return workloads.sentence(verdict)


def _progress(deployment: Deployment | None, target: TargetData) -> str:
    if deployment is None:
        return ""
    counts = deployment_counts(deployment, target.replica_sets)
    old = f", {counts.old} old still there" if counts.old else ""
    return f"{counts.ready} of {counts.desired} new pods ready{old}"


def _lost(verdicts: Mapping[Key, Verdict], watch: _Watch, now: float, grace: float) -> list[str]:
    """Why waiting makes no sense any more, one sentence per workload."""
    reasons = []
    for key, verdict in verdicts.items():
        if verdict.state in _MAY_PASS:
            lost = now - watch.bad_since.setdefault(key, now) >= grace
        else:
            watch.bad_since.pop(key, None)
            lost = verdict.state in _FINAL
        if lost:
            reasons.append(_reason(key, verdict))
    return reasons


def _reason(key: Key, verdict: Verdict) -> str:
    return cut(visible(f"{workloads.name_of(key[1])} {workloads.sentence(verdict)}"), 300)


def _open(verdicts: Mapping[Key, Verdict]) -> str:
    return "; ".join(
        _reason(key, one) for key, one in verdicts.items() if one.state is not RolloutState.COMPLETE
    )


async def _floors(context: ActionContext, data: EnvironmentData, emit: Emit) -> dict[Key, int]:
    """The generation of each workload as the API server has it now."""
    async with asyncio.TaskGroup() as group:
        tasks = {
            (str(target.target), workload): group.create_task(_generation(context, target, workload, emit))
            for target, workload in workloads.each(data)
        }
    return {key: task.result() for key, task in tasks.items()}


_RESOURCES: Mapping[str, decode.Resource[Any]] = {
    "deployment": decode.DEPLOYMENTS,
    "statefulset": decode.STATEFUL_SETS,
    "daemonset": decode.DAEMON_SETS,
    "rollout": decode.ROLLOUTS,
}


async def _generation(context: ActionContext, target: TargetData, workload: str, emit: Emit) -> int:
    resource = _RESOURCES.get(workload.partition("/")[0])
    if resource is None:
        return 0
    try:
        client = await context.client(target.target)
        body = await client.get(resource.path(target.target.namespace, workloads.name_of(workload)))
        generation: int = decode.decode(resource.type, body).metadata.generation
    except NotFound:
        return 0
    except ClusterError as error:
        emit(visible(f"{workloads.name_of(workload)}: {error.message}"))
        return 0
    return generation
