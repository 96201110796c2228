"""Which environments are being released: they are observed, rehearsed and measured whether somebody looks or not.

An environment is on duty from its first pin or deploy in the release until the observation window that was
begun after the newest of these is over, or until every sign-off of the plan is given. While a rollback of it
runs, was interrupted, or ended a short while ago, it is on duty in any case. Logs follow the screen alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from releaseconsole.clock import Clock
from releaseconsole.plan.model import Plan
from releaseconsole.record.model import ReleaseState
from releaseconsole.session.ledger import Ledger
from releaseconsole.session.observer import Observer

GUARDED = 1800.0
"""Seconds for which a rollback is watched after its end: owners reconcile within minutes."""
LOOK = 1.0
DEPLOYS = ("apply", "pin")
"""Kinds of actions that begin the release of an environment."""


def on_duty(plan: Plan, state: ReleaseState, environment: str, now: float) -> bool:
    """Whether ``environment`` is being released at ``now`` (seconds since the epoch). Pure."""
    if _rolled_back_lately(state, environment, now):
        return True
    began = _began(plan, state, environment)
    return began > 0 and not _observed(state, environment, began) and not _signed_off(plan, state)


def _began(plan: Plan, state: ReleaseState, environment: str) -> float:
    """When something was last pinned or deployed here; 0 when never."""
    pins = [pin.at for pin in state.pins.values() if pin.environment == environment]
    runs = [
        state.action(action_id).started
        for action_id, placed in plan.actions.items()
        if placed.environment == environment and placed.action.kind in DEPLOYS
    ]
    return max([*pins, *runs], default=0.0)


def _observed(state: ReleaseState, environment: str, began: float) -> bool:
    watch = state.watch(environment)
    return watch is not None and watch.judged and watch.started >= began


def _signed_off(plan: Plan, state: ReleaseState) -> bool:
    """Every item that asks for a role's name has one."""
    roles = [item_id for item_id, placed in plan.items.items() if placed.item.role]
    return bool(roles) and all(state.item(item_id).status.settled for item_id in roles)


def _rolled_back_lately(state: ReleaseState, environment: str, now: float) -> bool:
    last = next((one for one in reversed(state.rollbacks) if one.environment == environment), None)
    if last is None:
        return False
    return last.under_way or last.outcome == "interrupted" or now - last.ended < GUARDED


class Duty:
    """Puts environments on duty and takes them off."""

    def __init__(
        self,
        plan: Plan,
        ledger: Ledger,
        clock: Clock,
        observers: Mapping[str, Observer],
        observe: Callable[[str], Observer],
    ) -> None:
        """``observers`` are all there are, ``observe`` starts one."""
        self._plan = plan
        self._ledger = ledger
        self._clock = clock
        self._observers = observers
        self._observe = observe

    async def run(self) -> None:
        """Look at once and then every second, until cancelled."""
        while True:
            self.look()
            await self._clock.sleep(LOOK)

    def look(self) -> None:
        """Decide once for every environment."""
        now = self._clock.now()
        for name, observer in self._observers.items():
            wanted = on_duty(self._plan, self._ledger.state, name, now)
            if wanted != observer.duty.on:
                observer.duty.set(wanted)
            if wanted:
                self._observe(name)
