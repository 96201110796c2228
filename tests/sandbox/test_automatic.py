"""The automatic rollback: what begins it, what ends it, and that it never happens twice or without a deploy.

Prometheus answers what a test sets, the cluster is the practice cluster, and the test lets the time go by.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
from dial import BAD, GOOD, Dial
from hand_clock import HandClock
from session_kit import PATIENCE, WALK, Place, allow_deploy, practice

from releaseconsole.commands.headless import describe
from releaseconsole.errors import GateClosed, ReadOnly, RecordError
from releaseconsole.plan.load import parse_plan
from releaseconsole.plan.variables import with_overrides
from releaseconsole.record.figures import figures_of
from releaseconsole.record.model import RollbackState, Stage
from releaseconsole.report.incident import incident
from releaseconsole.session import Session
from releaseconsole.session.automatic import WINDOW
from releaseconsole.session.views import AutomaticView

T = TypeVar("T")
PRODUCTION = "production"
HOLD, COUNTDOWN = 10, 30
NEW = "1.0.0"


@dataclass(frozen=True, slots=True)
class Scene:
    """A release with an objective that rolls back by itself, and the hands on its time and its metrics."""

    place: Place
    clock: HandClock
    dial: Dial

    @asynccontextmanager
    async def opened(self, *, hold: float = HOLD, user: str = "amira", **how: Any) -> AsyncIterator[Session]:
        rule = f'for = "{hold}s", auto = true, countdown = "{COUNTDOWN}s" }}'
        text = WALK.replace('for = "1s" }', rule, 1)
        plan = with_overrides(parse_plan(text, "walk.toml"), {PRODUCTION: {"prometheus_url": self.dial.url}})
        async with self.place.opened(plan=plan, clock=self.clock, user=user, **how) as session:
            yield session

    @asynccontextmanager
    async def released(self) -> AsyncIterator[Session]:
        """The release was deployed, and its metrics are good."""
        async with self.opened() as session:
            await self.deployed(session)
            await self.comes(session, lambda: state(session) == "OK")
            yield session

    async def deployed(self, session: Session) -> None:
        """This release is applied to production, which nobody looks at."""
        session.focus("staging")
        allow_deploy(session)
        self.place.write_manifests(NEW)
        await self.done(session.run_action("apply"))
        assert self.place.images() == {NEW}

    async def done(self, work: Awaitable[T]) -> T:
        """The outcome of something that takes time."""
        task = asyncio.ensure_future(work)
        async with asyncio.timeout(PATIENCE):
            while not task.done():
                await self.clock.move(0.05, 0.05)
        return task.result()

    async def passes(self, session: Session, seconds: float) -> None:
        """Time goes by, a second at a time; whatever Prometheus is asked for meanwhile, it has answered."""
        for _ in range(math.ceil(seconds)):
            await self.clock.move(1)
            await self.answered(session)

    async def answered(self, session: Session) -> None:
        feed = session.observer(PRODUCTION).feed
        async with asyncio.timeout(PATIENCE):
            while any(one.asking for one in feed._watched.values()):  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def comes(self, session: Session, holds: Callable[[], object]) -> None:
        """Time goes by until ``holds``."""
        async with asyncio.timeout(PATIENCE):
            while not holds():
                await self.passes(session, 1)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    clock = HandClock()
    async with practice(tmp_path) as place, Dial(clock) as dial:
        yield Scene(place, clock, dial)


@pytest.fixture
async def session(scene: Scene) -> AsyncIterator[Session]:
    async with scene.released() as opened:
        yield opened


def state(session: Session) -> str:
    return session.environment(PRODUCTION).objectives[0].state


def counting(session: Session) -> AutomaticView | None:
    return session.environment(PRODUCTION).automatic


def told(session: Session, *kinds: str) -> list[str]:
    """The journal's entries of the automatic rollback, or of other kinds, as they came."""
    wanted = kinds or ("automatic.",)
    return [entry.kind for entry in session.ledger.entries if entry.kind.startswith(wanted)]


def last(session: Session) -> RollbackState:
    return session.state.rollbacks[-1]


class TestItFires:
    async def test_after_its_countdown_once_and_everything_is_as_after_the_key(
        self, scene: Scene, session: Session
    ) -> None:
        scene.dial.value = BAD
        await scene.comes(session, lambda: counting(session))
        begun, view = scene.clock.at, counting(session)
        assert view is not None
        assert view.environment == PRODUCTION
        assert COUNTDOWN - 2 <= view.seconds_left <= COUNTDOWN
        assert "error-rate" in view.reason
        assert any("unless somebody stops" in one.text for one in session.take_notices())
        await scene.comes(session, lambda: session.state.rollbacks)
        assert COUNTDOWN - 1 <= scene.clock.at - begun <= COUNTDOWN + 3
        assert counting(session) is None
        assert last(session).reason.startswith("automatic: ")
        assert PRODUCTION in session.state.locks
        scene.dial.value = GOOD
        await scene.comes(session, lambda: last(session).outcome == "complete")
        assert {one.stage for one in last(session).workloads.values()} <= {Stage.AVAILABLE, Stage.RECOVERED}
        assert scene.place.images() == {"0.9.4"}
        figures = figures_of(last(session))
        assert figures.first_bad_sample_to_alarm is not None
        assert figures.alarm_to_key is not None
        assert HOLD <= figures.first_bad_sample_to_alarm <= HOLD + 10
        assert COUNTDOWN - 2 <= figures.alarm_to_key <= COUNTDOWN + 5
        first, alarm, *_ = incident(last(session))
        assert (first.what, alarm.what) == ("first bad sample", "alarm")
        document = describe(session, [session.environment(PRODUCTION)])
        assert document["automatic"][PRODUCTION]["status"] == "fired"
        assert document["rollbacks"][-1]["figures"] == figures.as_dict()
        kinds = told(session, "automatic.", "rollback.started", "lock.set")
        assert kinds == ["automatic.started", "automatic.fired", "rollback.started", "lock.set"]

    async def test_never_again_in_this_release_also_after_a_restart(self, scene: Scene) -> None:
        async with scene.released() as session:
            scene.dial.value = BAD
            await scene.comes(session, lambda: session.state.rollbacks)
            scene.dial.value = GOOD
            await scene.comes(session, lambda: last(session).outcome == "complete")
            session.unlock(PRODUCTION, "mended")
            await scene.deployed(session)
            scene.dial.value = BAD
            await scene.comes(session, lambda: state(session) == "BREACH")
            await scene.passes(session, 2 * COUNTDOWN)
            assert told(session) == ["automatic.started", "automatic.fired"]
        async with scene.opened() as again:
            await scene.comes(again, lambda: state(again) == "BREACH")
            await scene.passes(again, 2 * COUNTDOWN)
            assert told(again) == ["automatic.started", "automatic.fired"]
            assert len(again.state.rollbacks) == 1
            assert scene.place.images() == {NEW}


class TestItDoesNotBegin:
    async def stays_quiet(self, scene: Scene, session: Session, seconds: float = 3 * COUNTDOWN) -> None:
        await scene.passes(session, seconds)
        assert counting(session) is None
        assert told(session) == []
        assert scene.place.images() == {NEW}

    async def test_on_a_condition_that_has_not_held_long_enough(self, scene: Scene) -> None:
        async with scene.opened(hold=600) as session:
            await scene.deployed(session)
            scene.dial.value = BAD
            await scene.comes(session, lambda: state(session) == "PENDING")
            await self.stays_quiet(session=session, scene=scene)
            assert state(session) == "PENDING"

    @pytest.mark.parametrize("how", ["no data", "no traffic", "provider down"])
    async def test_when_nobody_can_tell(self, scene: Scene, session: Session, how: str) -> None:
        fail(scene.dial, how)
        await scene.comes(session, lambda: state(session) == how.upper())
        await self.stays_quiet(scene, session)

    async def test_when_this_release_has_deployed_nothing_here(self, scene: Scene) -> None:
        async with scene.opened() as session:
            session.focus(PRODUCTION)
            scene.place.set_tag(NEW)
            scene.dial.value = BAD
            await scene.comes(session, lambda: state(session) == "BREACH")
            await self.stays_quiet(scene, session)

    async def test_when_the_deploy_is_long_ago(self, scene: Scene) -> None:
        async with scene.released():
            pass
        scene.clock.at += WINDOW + 60
        scene.dial.value = BAD
        async with scene.opened() as later:
            await scene.comes(later, lambda: state(later) == "BREACH")
            await self.stays_quiet(scene, later)

    async def test_in_a_read_only_console(self, scene: Scene, session: Session) -> None:
        scene.dial.value = BAD
        async with scene.opened(read_only=True) as looking:
            looking.focus(PRODUCTION)
            await scene.comes(looking, lambda: state(looking) == "BREACH")
            assert counting(looking) is None
            with pytest.raises(ReadOnly):
                looking.stop_automatic(PRODUCTION)


def fail(dial: Dial, how: str) -> None:
    """What the metrics say is bad, and cannot be believed."""
    dial.value = BAD
    if how == "no data":
        dial.value = None
    elif how == "no traffic":
        dial.value, dial.traffic = math.nan, 0.0
    else:
        dial.down = True


class TestItIsCalledOff:
    @pytest.fixture
    async def begun(self, scene: Scene, session: Session) -> Session:
        scene.dial.value = BAD
        await scene.comes(session, lambda: counting(session))
        return session

    async def ended(self, scene: Scene, session: Session) -> str:
        """Why, once it has ended by itself; nothing was rolled back."""
        await scene.comes(session, lambda: session.state.automatic[PRODUCTION].status == "ended")
        assert counting(session) is None
        assert not session.state.rollbacks
        assert PRODUCTION not in session.state.locks
        assert any("was called off" in one.text for one in session.take_notices())
        return session.state.automatic[PRODUCTION].reason

    async def test_by_the_end_of_the_breach(self, scene: Scene, begun: Session) -> None:
        scene.dial.value = GOOD
        assert "breach has ended" in await self.ended(scene, begun)
        await scene.passes(begun, 2 * COUNTDOWN)
        assert told(begun) == ["automatic.started", "automatic.ended"]

    @pytest.mark.parametrize("how", ["no data", "no traffic", "provider down"])
    async def test_when_nobody_can_tell_any_more_and_begins_anew_when_the_breach_is_back(
        self, scene: Scene, begun: Session, how: str
    ) -> None:
        fail(scene.dial, how)
        await self.ended(scene, begun)
        scene.dial.value, scene.dial.traffic, scene.dial.down = BAD, 100.0, False
        await scene.comes(begun, lambda: counting(begun))
        view = counting(begun)
        assert view is not None
        assert view.seconds_left >= COUNTDOWN - 2

    async def test_by_anybody_who_stops_it_for_this_deploy_and_no_longer(
        self, scene: Scene, begun: Session
    ) -> None:
        begun.stop_automatic(PRODUCTION)
        assert counting(begun) is None
        with pytest.raises(GateClosed, match="being counted down"):
            begun.stop_automatic(PRODUCTION)
        stopped = begun.state.automatic[PRODUCTION]
        assert (stopped.status, stopped.by) == ("stopped", "amira")
        await scene.passes(begun, 2 * COUNTDOWN)
        assert state(begun) == "BREACH"
        assert told(begun) == ["automatic.started", "automatic.stopped"]
        await scene.deployed(begun)
        await scene.comes(begun, lambda: counting(begun))

    async def test_by_a_person_who_presses_the_key_first(self, scene: Scene, begun: Session) -> None:
        scene.place.set_tag("1.0.7", "api-gateway")
        rollback = asyncio.ensure_future(begun.roll_back(PRODUCTION, "seen enough"))
        await scene.comes(begun, lambda: counting(begun) is None)
        assert begun.state.automatic[PRODUCTION].status == "ended"
        assert "rolled back" in begun.state.automatic[PRODUCTION].reason
        scene.dial.value = GOOD
        done = await scene.done(rollback)
        assert (done.reason, done.outcome) == ("seen enough", "complete")
        await scene.passes(begun, 2 * COUNTDOWN)
        assert [one.reason for one in begun.state.rollbacks] == ["seen enough"]
        assert told(begun) == ["automatic.started", "automatic.ended"]

    async def test_by_a_journal_that_cannot_be_written_when_it_is_to_fire(
        self, scene: Scene, begun: Session, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(line: bytes, at: int) -> None:
            raise RecordError("The disk is full.", "Make space.")

        monkeypatch.setattr(begun.ledger._journal._store, "append", full)
        await scene.passes(begun, 2 * COUNTDOWN)
        assert not begun.state.rollbacks
        assert counting(begun) is None
        assert scene.place.images() == {NEW}
        assert any("The automatic rollback is off" in one.text for one in begun.take_notices())


class TestAfterARestart:
    @pytest.fixture
    async def died(self, scene: Scene) -> None:
        """A console that counted is no more."""
        async with scene.released() as session:
            scene.dial.value = BAD
            await scene.comes(session, lambda: counting(session))
            await scene.passes(session, COUNTDOWN / 2)

    @pytest.mark.usefixtures("died")
    async def test_it_counts_anew_while_the_breach_holds(self, scene: Scene) -> None:
        async with scene.opened(user="nour") as again:
            assert again.state.automatic[PRODUCTION].status == "interrupted"
            await scene.comes(again, lambda: counting(again))
            view = counting(again)
            assert view is not None
            assert view.seconds_left >= COUNTDOWN - 2
            await scene.comes(again, lambda: again.state.rollbacks)
            assert told(again) == ["automatic.started", "automatic.started", "automatic.fired"]

    @pytest.mark.usefixtures("died")
    async def test_it_does_not_when_the_breach_is_over(self, scene: Scene) -> None:
        scene.dial.value = GOOD
        async with scene.opened() as again:
            await scene.comes(again, lambda: state(again) == "OK")
            await scene.passes(again, 2 * COUNTDOWN)
            assert told(again) == ["automatic.started"]
