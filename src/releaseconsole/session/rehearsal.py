"""Rehearsing the rollback before it is needed: planned against the API server and dry-run there.

At most one dry run per workload a minute, and at once after a change: that is what it may cost the API server.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from releaseconsole.errors import ReleaseConsoleError
from releaseconsole.record.model import Pin, ReleaseState, RollbackState, Stage, WorkloadRollback
from releaseconsole.session.patience import within
from releaseconsole.session.views import ArmedView, Liveness

if TYPE_CHECKING:
    from releaseconsole.cluster.rollback import PinnedRevision, RollbackTarget
    from releaseconsole.cluster.rollback_run import Executed
    from releaseconsole.session.observer import Observer
    from releaseconsole.session.target import TargetObserver

REHEARSE_EVERY = 60.0
RETRY_EVERY = 10.0
"""Seconds until a rehearsal that has failed is tried again: its reason may have gone."""
LOOK_EVERY = 2.0


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
    """The API server has accepted a dry run of it."""

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

    async def execute(self) -> Executed:
        """Send the patch. Raises ClusterError."""
        from releaseconsole.cluster.rollback_run import execute

        assert self.target is not None
        return await execute(await self.observer.connected(), self.target)


def pinned_revision(pin: Pin) -> PinnedRevision:
    """The record's pin in the words of the cluster room."""
    from releaseconsole.cluster.rollback import PinnedRevision

    return PinnedRevision(
        uid=pin.uid,
        revision=pin.revision,
        replica_set=pin.replica_set,
        template_hash=pin.template_hash,
        images=pin.images,
        template=dict(pin.template),
    )


def _went_last(state: ReleaseState, key: str) -> PinnedRevision | None:
    """Where the last rollback took a workload that was never pinned. Without this, pressing the key twice would
    go forward again to the bad version, as ``kubectl rollout undo`` does."""
    for rollback in reversed(state.rollbacks):
        one = rollback.workloads.get(key)
        if one is not None and one.template:
            return _recorded(one)
    return None


def _recorded(one: WorkloadRollback) -> PinnedRevision:
    """The place that a rollback in the journal goes to."""
    from releaseconsole.cluster.rollback import PinnedRevision

    return PinnedRevision(
        uid=one.uid,
        revision=one.to_revision,
        template_hash="",
        images=one.to_images,
        template=dict(one.template),
    )


async def plan_again(observer: Observer, state: ReleaseState, last: RollbackState) -> tuple[Planned, ...]:
    """Plan what is left of a rollback that was interrupted, to the places that it had set out for."""
    left = {
        key: one for key, one in last.workloads.items() if one.stage not in (Stage.RECOVERED, Stage.SKIPPED)
    }
    work = [
        _plan_one(target, workload, left[key])
        if left[key].template
        else _plan(target, workload, state, last.to, try_it=False)
        for target in observer.target_observers
        for workload in observer.environment.workloads
        if (key := f"{target.name}/{workload}") in left
    ]
    return tuple(await asyncio.gather(*work))


async def _plan_one(target: TargetObserver, workload: str, one: WorkloadRollback) -> Planned:
    from releaseconsole.cluster.rollback import plan_rollback

    try:
        client = await target.connected()
        planned = await plan_rollback(client, target.namespace, workload, pin=_recorded(one))
    except ReleaseConsoleError as error:
        return Planned(workload, target, None, str(error))
    return Planned(workload, target, planned, planned.problem, unfinished=target.unfinished(workload))


async def plan_environment(
    observer: Observer, state: ReleaseState, to: str = "pinned", *, try_it: bool = False
) -> tuple[Planned, ...]:
    """Plan the rollback of every workload of every target in parallel; what fails is in ``problem``."""
    work = [
        _plan(target, workload, state, to, try_it=try_it)
        for target in observer.target_observers
        for workload in observer.environment.workloads
    ]
    return tuple(await asyncio.gather(*work))


async def _plan(
    target: TargetObserver, workload: str, state: ReleaseState, to: str, *, try_it: bool
) -> Planned:
    from releaseconsole.cluster.rollback import plan_rollback
    from releaseconsole.cluster.rollback_run import dry_run

    key = f"{target.name}/{workload}"
    pin = state.pins.get(key)
    pinned_at = pin.at if pin else 0.0
    went = None if pin or to != "pinned" else _went_last(state, key)
    try:
        client = await target.connected()
        revision = pinned_revision(pin) if pin else went
        planned = await plan_rollback(client, target.namespace, workload, pin=revision, to=to)
        if went is not None:
            planned = replace(planned, source="where the last rollback went")
        problem = planned.problem
        if try_it and not problem and not planned.skipped:
            problem = await dry_run(client, planned)
    except ReleaseConsoleError as error:
        return Planned(workload, target, None, str(error), pinned_at)
    return Planned(
        workload, target, planned, problem, pinned_at, unfinished=target.unfinished(workload), tried=try_it
    )


class Rehearsal:
    """Keeps the plan of an environment's rollback fresh."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._wake = asyncio.Event()
        self.planned: tuple[Planned, ...] = ()
        self._planned_for: object = None
        self._fingerprint: object = None
        self._rehearsed_at = 0.0
        self._rehearsed = asyncio.Event()

    async def rehearsed(self, timeout: float) -> bool:
        """Wait for the first rehearsal; False when it took longer than ``timeout`` seconds."""
        return await within(timeout, self._rehearsed.wait())

    def wake(self) -> None:
        """Something that matters has changed: rehearse now."""
        self._fingerprint = None
        self._wake.set()

    async def run(self) -> None:
        """Rehearse after each change of a workload or a pin, else once a minute."""
        observer = self._observer
        while True:
            await observer.focus.gained()
            await observer.synced(timeout=5)
            # Before planning: who wakes us meanwhile wants it planned once more.
            self._wake.clear()
            if self._due():
                fingerprint = self._fingerprint = observer.fingerprint()
                self._rehearsed_at = observer.clock.monotonic()
                self.planned = await plan_environment(observer, observer.ledger.state, try_it=True)
                self._planned_for = fingerprint
                self._rehearsed.set()
                observer.touch()
            await observer.wait(self._wake, LOOK_EVERY)

    def _due(self) -> bool:
        since = self._observer.clock.monotonic() - self._rehearsed_at
        wait = RETRY_EVERY if any(one.problem for one in self.planned) else REHEARSE_EVERY
        return self._observer.fingerprint() != self._fingerprint or since >= wait

    def current(self) -> tuple[Planned, ...]:
        """What was rehearsed, if it is still right: for the workloads and pins as they are now, by live data."""
        observer = self._observer
        live = all(one.freshness().liveness is Liveness.LIVE for one in observer.target_observers)
        right = live and self._planned_for == observer.fingerprint()
        return self.planned if right and not any(one.problem for one in self.planned) else ()

    def armed(self) -> ArmedView:
        """Whether the key would work, in numbers and sentences."""
        problems = tuple(f"{one.name}: {one.problem}" for one in self.planned if one.problem)
        return ArmedView(
            ready=sum(not one.problem for one in self.planned),
            total=self._observer.workload_count,
            problems=problems,
            pinned=sum(bool(one.pinned_at) for one in self.planned),
        )
