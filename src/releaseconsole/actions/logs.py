"""``logs = "deployment/api-gateway"``: a workload's log as it comes, for half a minute or until stopped."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from releaseconsole.actions.context import ActionContext
from releaseconsole.actions.outcome import Emit, Outcome, failed, succeeded
from releaseconsole.actions.place import environment_of
from releaseconsole.outside import workloads
from releaseconsole.outside.world import TargetData
from releaseconsole.plan.model import PlacedAction, Target
from releaseconsole.text import duration, plural, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from releaseconsole.cluster.logs import LogFollower
    from releaseconsole.cluster.objects import Pod

FOLLOWED = 30.0
"""Seconds; whoever wants to look longer has the log pane."""
TAIL = 50
"""Earlier lines of each container to begin with."""


async def follow_logs(
    placed: PlacedAction, context: ActionContext, emit: Emit, *, seconds: float = FOLLOWED
) -> Outcome:
    """All pods of the workload, in every target of the environment."""
    environment = environment_of(placed)
    workload = placed.action.logs or ""
    targets = context.environment(environment).targets
    absent = [said for one in targets if (said := _absent(one, workload))]
    if absent:
        return failed(visible(absent[0]))
    tellers = [await _teller(context, environment, one.target, workload, emit) for one in targets]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one.follower.run(), name=f"logs of {workload}") for one in tellers]
        await context.clock.sleep(min(seconds, placed.action.timeout))
        for task in tasks:
            task.cancel()
    lines = plural(sum(one.told for one in tellers), "line")
    errors = [one.follower.error for one in tellers if one.follower.error]
    if errors:
        return failed(f"{lines}; {errors[0]}")
    return succeeded(f"{lines} in {duration(seconds)}")


def _absent(target: TargetData, workload: str) -> str:
    """Why there is nothing to follow; "" when there is, or when nobody can tell."""
    if target.stale or workloads.find(target, workload) is not None:
        return ""
    kind = workloads.KINDS.get(workload.partition("/")[0], "")
    if kind in target.missing:
        # A kind that the cluster lacks (Argo Rollouts without its CRD), or that may not be listed.
        return f"the {kind} of {target.target} cannot be read: {target.missing[kind]}"
    return f"{workload} does not exist in {target.target}{workloads.meant_instead(target, workload)}"


class _Teller:
    """Tells each line of one target once."""

    def __init__(self, follower: LogFollower, emit: Emit) -> None:
        self.follower = follower
        self.told = 0
        self._emit = emit
        self._next = 0

    def tell(self) -> None:
        """Tell what has come since the last time, and how much was lost before it could be told."""
        buffer = self.follower.buffer
        if buffer.first > self._next:
            self._emit(f"({plural(buffer.first - self._next, 'line')} skipped)")
        start = max(self._next, buffer.first)
        self._next = buffer.end
        for line in buffer.slice(start, self._next):
            self._emit(f"{visible(line.source)}  {line.text}")
            self.told += 1


async def _teller(
    context: ActionContext, environment: str, target: Target, workload: str, emit: Emit
) -> _Teller:
    from releaseconsole.cluster.logs import LogBuffer, LogFollower

    def pods() -> Sequence[Pod]:
        now = next((one for one in context.environment(environment).targets if one.target == target), None)
        return _pods(now, workload) if now is not None else ()

    client = await context.client(target)
    follower = LogFollower(
        client, target.namespace, pods, LogBuffer(), notify=lambda: teller.tell(), tail=TAIL
    )
    teller = _Teller(follower, emit)
    return teller


def _pods(target: TargetData, workload: str) -> Sequence[Pod]:
    owner = workloads.find(target, workload)
    return workloads.pods_of(target, owner) if owner is not None else ()
