"""The observation windows of a release: begun, followed to their end, judged, also when no console was there.

What the journal keeps is small: that a window began and by what it is measured, how it stood when that changed,
and what came of it. The values between are asked of Prometheus. Any environment is followed, seen or not; a
read-only console follows for itself and writes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from releaseconsole.clock import Clock
from releaseconsole.errors import GateClosed, ReadOnly
from releaseconsole.plan.model import Objective, Plan
from releaseconsole.record.model import ReleaseState
from releaseconsole.record.watches import ALLOWED_SHARE, Standing, WatchState, hours, tally_words
from releaseconsole.session.hub import Hub
from releaseconsole.session.ledger import Ledger
from releaseconsole.session.observer import Observer
from releaseconsole.session.patience import within
from releaseconsole.session.watch_course import Ask, Follower

LOOK = 1.0
NOTE_EVERY = 600.0
"""Seconds between two notes in the journal on how a window stands."""
_AT_ONCE = 2
"""Range queries under way at the same time."""


class Watching:
    """One for a session. Nothing is kept here that could not be had again from the journal and Prometheus."""

    def __init__(
        self,
        plan: Plan,
        ledger: Ledger,
        hub: Hub,
        clock: Clock,
        observers: Mapping[str, Observer],
        observe: Callable[[str], Observer],
    ) -> None:
        """``observers`` are all there are, ``observe`` starts one."""
        self._plan = plan
        self._ledger = ledger
        self._hub = hub
        self._clock = clock
        self._observers = observers
        self._observe = observe
        self._followers: dict[str, Follower] = {}
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._shown: ReleaseState | None = None

    # What a person wants.

    def begin(
        self, environment: str, seconds: float, objectives: tuple[str, ...] = (), allow: float | None = None
    ) -> WatchState:
        """Begin a window now. Raises GateClosed while one is open here, or with nothing to watch; ReadOnly."""
        self._refuse_read_only()
        running = self._running(environment)
        if running is not None:
            spent = hours(running.elapsed(self._clock.now()))
            raise GateClosed(
                f"{self._title(environment)} has been watched for {spent} already.",
                "Stop that window first: w in the metrics panel, then s.",
            )
        chosen = [
            one for one in self._plan.objectives_of(environment) if not objectives or one.id in objectives
        ]
        if not chosen:
            raise GateClosed(f"The plan has no objective to watch in {environment}.", "Give it one.")
        number = 1 + sum(one.environment == environment for one in self._ledger.state.watches.values())
        while f"{environment}-watch-{number}" in self._ledger.state.watches:
            number += 1
        watch_id = f"{environment}-watch-{number}"
        self._ledger.write(
            "watch.started",
            {
                "id": watch_id,
                "environment": environment,
                "start": int(self._clock.now()),
                "seconds": seconds,
                "allow": ALLOWED_SHARE * seconds if allow is None else allow,
                "objectives": [_described(one) for one in chosen],
            },
        )
        self._show()
        return self._ledger.state.watches[watch_id]

    def stop(self, environment: str, reason: str = "") -> None:
        """End the window that is open here, with what is known by now. Raises GateClosed without one; ReadOnly."""
        self._refuse_read_only()
        running = self._running(environment)
        if running is None:
            raise GateClosed(f"{self._title(environment)} is not being watched.", "There is nothing to stop.")
        standing = self._standing(running)
        self._ledger.write(
            "watch.ended",
            {
                "id": running.id,
                "outcome": "stopped",
                "reason": reason or "stopped by hand",
                "verdicts": _written(standing),
            },
        )
        self._followers.pop(running.id, None)
        self._show()

    # What is seen.

    def standing(self, environment: str) -> Standing | None:
        """The newest window of an environment with what is known of it; None when there was none."""
        watch = self._ledger.state.watch(environment)
        return self._standing(watch) if watch is not None else None

    async def caught_up(self, timeout: float) -> bool:
        """Wait until every open window was asked for once; False when that took longer than ``timeout`` seconds."""
        return await within(timeout, self._caught_up())

    async def _caught_up(self) -> None:
        version = self._hub.version
        while not all(
            one.id in self._followers and self._followers[one.id].rounds for one in self._unjudged()
        ):
            version = await self._hub.changed(version)

    # Following.

    async def run(self) -> None:
        """Follow every window that is not judged, until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._show()
                for watch in self._unjudged():
                    follower = self._follower(watch)
                    if not follower.busy and self._clock.monotonic() >= follower.due:
                        follower.busy = True
                        group.create_task(self._round(follower), name=f"watch {watch.id}")
                await self._clock.sleep(LOOK)

    def _unjudged(self) -> list[WatchState]:
        """Also those that nobody can follow any more are left out: their environment left the plan."""
        windows = self._ledger.state.watches.values()
        return [one for one in windows if not one.judged and one.environment in self._observers]

    def _follower(self, watch: WatchState) -> Follower:
        known = self._followers.get(watch.id)
        if known is None:
            observer = self._observe(watch.environment)
            known = self._followers[watch.id] = Follower(
                watch, lambda objective: _where(observer, objective), self._places
            )
        if known.watch is not watch:
            # Stopped by a rollback, or noted: the next round is for what it is now.
            if known.watch.outcome != watch.outcome:
                known.due = self._clock.monotonic()
            known.watch = watch
        return known

    async def _round(self, follower: Follower) -> None:
        try:
            await follower.ask(self._clock.now())
        finally:
            follower.busy = False
            follower.due = self._clock.monotonic() + follower.pace
        self._settle(follower)
        self._show(anew=True)
        self._hub.touch()

    def _settle(self, follower: Follower) -> None:
        """Write down how it stands when that has changed, and what came of it when it is over."""
        watch, now = self._ledger.state.watches.get(follower.watch.id), self._clock.now()
        if self._ledger.read_only or watch is None or watch.judged:
            return
        standing = follower.standing()
        if now >= follower.until + follower.settling and follower.complete:
            outcome = watch.outcome or "complete"
            data = {"id": watch.id, "outcome": outcome, "verdicts": _written(standing)}
            self._ledger.write_anyway("watch.ended", data, by="watch")
            self._tell(standing)
        elif _words(standing) != _words(watch) and now - watch.noted >= min(NOTE_EVERY, watch.seconds / 20):
            self._ledger.write_anyway(
                "watch.noted", {"id": watch.id, "verdicts": _written(standing)}, by="watch"
            )

    def _tell(self, standing: Standing) -> None:
        watch = standing.watch
        if watch.outcome == "stopped":
            return
        good = len(standing.good) == len(standing.verdicts)
        words = f"{self._title(watch.environment)} was watched for {hours(watch.seconds)}: {tally_words(standing)}."
        self._hub.tell(words, "information" if good else "warning")

    def _show(self, *, anew: bool = False) -> None:
        """Give each environment its newest window."""
        state = self._ledger.state
        if not anew and state is self._shown:
            return
        self._shown = state
        for name, observer in self._observers.items():
            standing = self.standing(name)
            if standing != observer.watch:
                observer.watch = standing
                observer.touch()

    def _standing(self, watch: WatchState) -> Standing:
        follower = self._followers.get(watch.id)
        if watch.judged or follower is None or not follower.rounds:
            return Standing(watch, watch.verdicts)
        found = follower.standing()
        return Standing(watch, found.verdicts, found.problem)

    def _running(self, environment: str) -> WatchState | None:
        watch = self._ledger.state.watch(environment)
        return watch if watch is not None and watch.under_way else None

    def _refuse_read_only(self) -> None:
        if self._ledger.read_only:
            raise ReadOnly("This console is read-only.", "Start it without --read-only to change something.")

    def _title(self, environment: str) -> str:
        found = self._plan.environments.get(environment)
        return (found.title if found else "") or environment


def _where(observer: Observer, objective: str) -> Ask | None:
    client, question = observer.feed.client_of(objective), observer.feed.question(objective)
    return (client, question) if client is not None and question is not None else None


def _described(objective: Objective) -> dict[str, Any]:
    rollback = objective.rollback
    return {
        "id": objective.id,
        "name": objective.name,
        "unit": objective.unit,
        "target": str(objective.target),
        "line": str(rollback.when) if rollback else "",
        "hold": rollback.hold if rollback else 0.0,
    }


def _written(standing: Standing) -> list[dict[str, Any]]:
    return [asdict(one) for one in standing.verdicts]


def _words(of: Standing | WatchState) -> dict[str, str]:
    return {one.objective: str(one.word) for one in of.verdicts}
