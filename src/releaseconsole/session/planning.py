"""Planning the rollback of an environment's workloads, each on its own: what fails with one is told at that one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from releaseconsole.errors import ReleaseConsoleError
from releaseconsole.outside.returns import pinned_revision, recorded_revision, went_last
from releaseconsole.record.model import ReleaseState, RollbackState, Stage, WorkloadRollback

if TYPE_CHECKING:
    from releaseconsole.cluster.connect import Client
    from releaseconsole.cluster.rollback import RollbackTarget
    from releaseconsole.cluster.rollback_run import Executed
    from releaseconsole.session.observer import Observer
    from releaseconsole.session.target import TargetObserver


@dataclass(frozen=True, slots=True)
class Planned:
    """The rollback of one workload, as far as it could be planned."""

    workload: str
    """``deployment/api-gateway``."""
    observer: TargetObserver
    target: RollbackTarget | None
    problem: str = ""
    pinned_at: float = 0.0
    unfinished: bool = False
    tried: bool = False
    """The API server has answered a dry run of it; what it said against it is in ``problem``."""
    tried_at: float = 0.0
    """When it was tried last (seconds since the epoch); 0 when never."""
    rights: str = ""
    """What is known of the right to patch it where nothing could be tried, or a try was refused for the lack of it;
    "" otherwise."""

    @property
    def key(self) -> str:
        return f"{self.observer.name}/{self.workload}"

    @property
    def name(self) -> str:
        return self.workload.partition("/")[2]

    @property
    def target_name(self) -> str:
        return self.observer.name

    def journalled(self) -> dict[str, Any]:
        """What the journal records before the patch goes out."""
        target = self.target
        return {
            "key": self.key,
            "from_revision": target.from_revision if target else "",
            "to_revision": target.to_revision if target else "",
            "from_images": list(target.from_images) if target else [],
            "to_images": list(target.to_images) if target else [],
            "uid": target.uid if target else "",
            "template": dict(target.template) if target else {},
        }

    async def execute(self, client: Client) -> Executed:
        """Send the patch. Raises ClusterError."""
        from releaseconsole.cluster.rollback_run import execute

        assert self.target is not None
        return await execute(client, self.target)


async def plan_again(observer: Observer, state: ReleaseState, last: RollbackState) -> tuple[Planned, ...]:
    """Plan what is left of a rollback that was interrupted, to the places that it had set out for."""
    left = {
        key: one for key, one in last.workloads.items() if one.stage not in (Stage.RECOVERED, Stage.SKIPPED)
    }
    work = [
        _plan_recorded(target, workload, left[key])
        if left[key].template
        else plan_one(target, workload, state, last.to)
        for target in observer.target_observers
        for workload in observer.environment.workloads
        if (key := f"{target.name}/{workload}") in left
    ]
    return tuple(await asyncio.gather(*work))


async def _plan_recorded(target: TargetObserver, workload: str, one: WorkloadRollback) -> Planned:
    from releaseconsole.cluster.rollback import plan_rollback

    try:
        client = await target.connected()
        planned = await plan_rollback(
            client, target.namespace, workload, pin=recorded_revision(one), resume=True
        )
    except ReleaseConsoleError as error:
        return Planned(workload, target, None, str(error))
    return Planned(workload, target, planned, planned.problem, unfinished=target.unfinished(workload))


async def plan_environment(
    observer: Observer, state: ReleaseState, to: str = "pinned"
) -> tuple[Planned, ...]:
    """Plan the rollback of every workload of every target in parallel; what fails is in ``problem``."""
    work = [
        plan_one(target, workload, state, to)
        for target in observer.target_observers
        for workload in observer.environment.workloads
    ]
    return tuple(await asyncio.gather(*work))


async def plan_one(target: TargetObserver, workload: str, state: ReleaseState, to: str = "pinned") -> Planned:
    """Plan one workload against the API server. A paused one is resumed in the same patch."""
    from releaseconsole.cluster.rollback import plan_rollback

    key = f"{target.name}/{workload}"
    pin = state.pins.get(key)
    pinned_at = pin.at if pin else 0.0
    went = None if pin or to != "pinned" else went_last(state, key)
    try:
        client = await target.connected()
        revision = pinned_revision(pin) if pin else recorded_revision(went) if went else None
        planned = await plan_rollback(client, target.namespace, workload, pin=revision, to=to, resume=True)
        if went is not None:
            planned = replace(planned, source="where the last rollback went")
    except ReleaseConsoleError as error:
        return Planned(workload, target, None, str(error), pinned_at)
    return Planned(
        workload, target, planned, planned.problem, pinned_at, unfinished=target.unfinished(workload)
    )
