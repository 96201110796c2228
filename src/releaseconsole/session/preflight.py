"""Before a deploy: can the triggers of its environment fire? Asked beside everything else; nothing waits for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from releaseconsole.clock import Clock
from releaseconsole.metrics.aim import Aim, Found, Scene
from releaseconsole.metrics.preflight import cannot_fire, preflight
from releaseconsole.metrics.preflight_words import mixed_until, reach_of
from releaseconsole.outside.objectives import aim_of, values_of
from releaseconsole.plan.model import Plan
from releaseconsole.record.model import ReleaseState
from releaseconsole.session.feed import POLL_EVERY
from releaseconsole.session.hub import Hub
from releaseconsole.session.ledger import Ledger
from releaseconsole.session.prometheus import MAIN
from releaseconsole.session.views import MetricView
from releaseconsole.undisturbed import close_all

if TYPE_CHECKING:
    from releaseconsole.metrics.client import PrometheusClient

ANEW_AFTER = 900.0
"""Seconds after which an answer is too old for another deploy, and a deploy too old to ask because of it."""
MOST_TOLD = 3
"""Triggers that are told one by one."""
_CALM = ("OK", "WAITING")

MakeClients = Callable[[], Mapping[str, "PrometheusClient"]]
"""Clients of its own, so that no poll waits for these questions; they are closed afterwards."""


class Preflight:
    """Of one environment. Wakes when the journal grows, asks at most once in a while, and remembers."""

    def __init__(
        self,
        plan: Plan,
        name: str,
        *,
        ledger: Ledger,
        hub: Hub,
        clock: Clock,
        touch: Callable[[], None],
        make: MakeClients,
    ) -> None:
        """``touch`` is called when rows look different."""
        self._plan = plan
        self._name = name
        self._ledger = ledger
        self._hub = hub
        self._clock = clock
        self._touch = touch
        self._make = make
        self._values = values_of(plan, name)
        self._seen: ReleaseState | None = None
        self._applied = 0.0
        self._asked: float | None = None
        self._cannot: Mapping[str, Found] = {}

    async def run(self) -> None:
        """Ask before each deploy, until cancelled."""
        while True:
            version = self._hub.version
            state = self._ledger.state
            if state is not self._seen:
                self._seen = state
                await self._look(state)
            await self._hub.changed(version)

    def marked(self, rows: Iterable[MetricView]) -> tuple[MetricView, ...]:
        """The rows, with what stands against each trigger in place of a calm that means nothing.

        A value refutes that there is none; what holds whatever values come stays.
        """
        return tuple(self._marked(row) for row in rows) if self._cannot else tuple(rows)

    def _marked(self, row: MetricView) -> MetricView:
        told = self._cannot.get(row.id)
        if told is None or row.state not in _CALM or (row.state == "OK" and not told.lasting):
            return row
        return replace(row, cannot_fire=told.sentence)

    async def _look(self, state: ReleaseState) -> None:
        now = self._clock.now()
        applied = applied_at(self._plan, self._name, state)
        newest = max(applied, decided_at(self._plan, self._name, state))
        if newest <= 0 or now - newest > ANEW_AFTER:
            return
        if applied > self._applied:
            self._applied = applied
            self._tell_mixed(applied)
        if self._asked is None or newest - self._asked > ANEW_AFTER:
            self._asked = now
            await self._ask(now)

    async def _ask(self, now: float) -> None:
        clients = self._make()
        scene = Scene(
            namespace=self._values["namespace"], pods=self._values["pods"], now=now, poll=POLL_EVERY
        )
        told: list[Found] = []
        try:
            for name, aims in self._aims().items():
                if name in clients:
                    told += cannot_fire(await preflight(clients[name], aims, scene), aims)
        finally:
            await close_all(clients.values())
        self._cannot = {one.subject: one for one in reversed(told)}
        for sentence in self._sentences(told):
            self._hub.tell(sentence, "warning")
        self._touch()

    def _aims(self) -> dict[str, list[Aim]]:
        """The triggers by the name of the Prometheus that they are asked of."""
        found: dict[str, list[Aim]] = {}
        for objective in self._plan.objectives_of(self._name):
            if objective.rollback is not None:
                found.setdefault(objective.prometheus or MAIN, []).append(aim_of(objective, self._values))
        return found

    @property
    def _title(self) -> str:
        return self._plan.environments[self._name].title or self._name

    def _sentences(self, told: list[Found]) -> Iterator[str]:
        for one in told[:MOST_TOLD]:
            yield f"{self._title}: a trigger cannot fire. {one.sentence} {one.remedy}".rstrip()
        if len(told) > MOST_TOLD:
            yield f"{self._title}: {len(told) - MOST_TOLD} more findings; `releaseconsole doctor` names all."

    def _tell_mixed(self, since: float) -> None:
        """Which trigger looks back the longest, where that is longer than it has to hold."""
        aims = [aim for aims in self._aims().values() for aim in aims if reach_of(aim) > aim.hold]
        if aims:
            sentence = mixed_until(max(aims, key=reach_of), since)
            self._hub.tell(f"{self._title}: {sentence}", "information")


def decided_at(plan: Plan, name: str, state: ReleaseState) -> float:
    """When it was last decided to go ahead with a deploy into the environment; 0 for never."""
    going = (
        state.decisions.get(phase.id)
        for phase in plan.phases
        if phase.kind == "deploy" and phase.environment == name
    )
    return max((one.at for one in going if one is not None and one.go), default=0.0)


def applied_at(plan: Plan, name: str, state: ReleaseState) -> float:
    """When manifests were last applied to the environment; 0 for never."""
    applies = (
        state.action(placed.id).started
        for placed in plan.actions.values()
        if placed.action.kind == "apply" and placed.environment == name
    )
    return max(applies, default=0.0)
