"""After a rollback: whether somebody brings a workload back to what it was rolled back from.

Each workload is watched until half an hour after its rollback has ended, also by a console that was started
since. A change away from the template that it was rolled back to raises an alarm with the owner's name and how
to suspend it, and is journalled once. A new deploy by this release's own actions ends the guard.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from releaseconsole.clock import Clock
from releaseconsole.cluster.owners import last_writer, owner_of
from releaseconsole.cluster.templates import images, same_template
from releaseconsole.cluster.workload import place_of
from releaseconsole.errors import ReleaseConsoleError
from releaseconsole.plan.model import Plan
from releaseconsole.record.model import ReleaseState, RollbackState, Stage, WorkloadRollback
from releaseconsole.session.duty import GUARDED
from releaseconsole.session.hub import Hub
from releaseconsole.session.ledger import Ledger
from releaseconsole.session.views import Liveness

if TYPE_CHECKING:
    from releaseconsole.session.observer import Observer
    from releaseconsole.session.target import TargetObserver

LOOK = 1.0
_SETTLED = 2.0
"""Seconds after the end of a rollback from which on a watch has surely brought what it patched."""


def guarded(
    plan: Plan, state: ReleaseState, environment: str, now: float
) -> Iterator[tuple[RollbackState, WorkloadRollback]]:
    """The workloads to watch at ``now`` (seconds since the epoch), each with its newest rollback. Pure."""
    known: set[str] = set()
    for rollback in reversed(state.rollbacks):
        if rollback.environment != environment or _deployed_since(plan, state, rollback):
            continue
        for key, one in rollback.workloads.items():
            if key not in known and one.template:
                known.add(key)
                if _arrived(rollback, one, now) and not (rollback.ended and now - rollback.ended > GUARDED):
                    yield rollback, one


def _deployed_since(plan: Plan, state: ReleaseState, rollback: RollbackState) -> bool:
    """Whether this release has deployed there again."""
    return any(
        state.action(action_id).started > rollback.started
        for action_id, placed in plan.actions.items()
        if placed.environment == rollback.environment
        and (
            placed.action.kind == "apply" or (placed.action.kind == "shell" and placed.phase.kind == "deploy")
        )
    )


def _arrived(rollback: RollbackState, one: WorkloadRollback, now: float) -> bool:
    """Whether what is seen of it now is from after its patch."""
    if one.stage is Stage.SKIPPED or Stage.OBSERVED.value in one.times:
        return True
    return Stage.PATCHED.value in one.times and bool(rollback.ended) and now - rollback.ended > _SETTLED


class Reverts:
    """Watches all environments of a session that have been rolled back."""

    def __init__(
        self, plan: Plan, ledger: Ledger, hub: Hub, clock: Clock, observers: Mapping[str, Observer]
    ) -> None:
        self._plan = plan
        self._ledger = ledger
        self._hub = hub
        self._clock = clock
        self._observers = observers
        self._compared: dict[tuple[str, str], tuple[str, int]] = {}
        """(rollback, workload) → UID and generation that were compared last."""
        self._away: set[tuple[str, str]] = set()

    async def run(self) -> None:
        """Look every second until cancelled; only what has changed is compared."""
        while True:
            for name, observer in self._observers.items():
                for rollback, one in guarded(self._plan, self._ledger.state, name, self._clock.now()):
                    await self._look(observer, rollback, one)
            await self._clock.sleep(LOOK)

    async def _look(self, observer: Observer, rollback: RollbackState, one: WorkloadRollback) -> None:
        try:
            target = observer.target_of(one.key)
        except KeyError:
            return
        owner = target.owner(_workload(one))
        if owner is None or target.freshness().liveness is not Liveness.LIVE:
            return
        which, now = (rollback.id, one.key), (owner.metadata.uid, owner.metadata.generation)
        if self._compared.get(which) == now:
            return
        first = which not in self._compared
        self._compared[which] = now
        if same_template(owner.spec.template, one.template):
            self._away.discard(which)
        elif which not in self._away:
            self._away.add(which)
            # What the journal tells already happened before this console was started.
            if not (first and one.reverted):
                await self._alarm(observer, target, rollback, one, owner)

    async def _alarm(
        self,
        observer: Observer,
        target: TargetObserver,
        rollback: RollbackState,
        one: WorkloadRollback,
        owner: Any,
    ) -> None:
        found, writer = owner_of(owner.metadata), await self._writer(target, one)
        by = f" by {writer}" if writer else ""
        whose = f" {str(found)[0].upper()}{str(found)[1:]}." if found else ""
        ask = "" if found or not writer else f" See who runs {writer}, and stop it."
        message = f"changed{by} to {', '.join(images(owner.spec.template))}.{whose}{ask}"
        self._hub.tell(f"{observer.title}: the rollback of {_workload(one)} was undone: {message}", "error")
        if not self._ledger.read_only:
            data = {"id": rollback.id, "key": one.key, "message": message}
            self._ledger.write_anyway("rollback.reverted", data, by="guard")

    async def _writer(self, target: TargetObserver, one: WorkloadRollback) -> str:
        """Who wrote the template last, as the API server knows it; "" when it cannot say."""
        try:
            client = await target.connected()
            return last_writer(await client.get(place_of(target.namespace, _workload(one)).path))
        except ReleaseConsoleError:
            return ""


def _workload(one: WorkloadRollback) -> str:
    """``deployment/api-gateway`` of the key; a context may hold slashes, the rest of a key may not."""
    return "/".join(one.key.split("/")[-2:])
