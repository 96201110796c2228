"""Draws the README's pictures: the real console on a real practice cluster, walked from deploy to rollback.

Run it with `make screenshots`. The walk is always the same and begins on a fixed day; while it only waits (for a
trigger's minute, for the recovery) time runs faster.
"""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from textual.pilot import Pilot

from releaseconsole.commands.demo import Practice, practice_environ
from releaseconsole.commands.practice import endpoint_overrides
from releaseconsole.paths import sample_configs_dir
from releaseconsole.plan.load import load_plan
from releaseconsole.plan.variables import with_overrides
from releaseconsole.record.model import ActionStatus, Stage
from releaseconsole.sandbox import Options, PracticeThread, make_workspace
from releaseconsole.session import Session, open_session
from releaseconsole.session.views import EnvironmentView, RollbackPreview
from releaseconsole.ui.app import ConsoleApp

FOLDER = Path(__file__).parent
BEGINNING = 1_773_738_600.0
"""Seconds since the epoch at which the pictures begin: 17 March 2026, 09:10 in UTC."""
THREE_DAYS = 3 * 86_400.0
FAST = 12.0
WIDE, MIDDLE, NARROW = (200, 50), (140, 40), (80, 24)
PATIENCE = 120.0
_FONT = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)


class WalkClock:
    """A clock that begins on a fixed day and can be told to run faster."""

    def __init__(self) -> None:
        self._factor = 1.0
        self._since = time.monotonic()
        self._passed = 0.0

    def run(self, factor: float) -> None:
        """From now on this many times as fast."""
        self._passed, self._since, self._factor = self._seconds(), time.monotonic(), factor

    def skip(self, seconds: float) -> None:
        """Let so much time have gone by."""
        self._passed += seconds

    def _seconds(self) -> float:
        return self._passed + (time.monotonic() - self._since) * self._factor

    def now(self) -> float:
        return BEGINNING + self._seconds()

    def monotonic(self) -> float:
        return 1000.0 + self._seconds()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._factor)


@contextmanager
def practice(clock: WalkClock) -> Iterator[tuple[PracticeThread, Session]]:
    """A practice cluster in its own thread, and a session on it."""
    options = Options(speed=1.0)
    thread = PracticeThread(options, clock)
    with tempfile.TemporaryDirectory() as name, thread as cluster:
        folder = Path(name)
        kubeconfig, workspace = folder / "kubeconfig", folder / "workspace"
        cluster.write_kubeconfig(kubeconfig)
        make_workspace(workspace, options, cluster.endpoints)
        plan = with_overrides(load_plan(sample_configs_dir() / "healthpay.toml"), endpoint_overrides(cluster))
        environ = practice_environ(Practice(kubeconfig, {}, workspace))
        session = open_session(
            plan,
            kubeconfig=kubeconfig,
            state=folder / "journal",
            folder=workspace,
            environ=environ,
            user="amira",
            clock=clock,
        )
        yield thread, session


class Walk:
    """One person at the console."""

    def __init__(self, app: ConsoleApp, session: Session, pilot: Pilot[int]) -> None:
        self.app = app
        self.session = session
        self.pilot = pilot

    @property
    def view(self) -> EnvironmentView:
        return self.session.environment("production")

    async def until(self, holds: Callable[[], object], what: str) -> None:
        """Wait until that holds. Raises TimeoutError, naming ``what``."""
        end = time.monotonic() + PATIENCE
        while not holds():
            if time.monotonic() > end:
                raise TimeoutError(f"never happened: {what}")
            await self.pilot.pause(0.05)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def run_action(self, action_id: str) -> None:
        """Run an action and wait for its success."""
        await self.session.run_action(action_id)
        state = self.session.state.action(action_id)
        if state.status is not ActionStatus.SUCCEEDED:
            raise RuntimeError(f"{action_id}: {state.summary}")

    async def draw(self, name: str, title: str, *, size: tuple[int, int]) -> None:
        """Save what is on the screen at that size."""
        await self.pilot.resize_terminal(*size)
        self.app.clear_notifications()
        await self.pilot.pause(1.2)
        svg = self.app.export_screenshot(title=title, simplify=True)
        path = FOLDER / f"{name}.svg"
        path.write_text(_FONT.sub("", svg), encoding="utf-8")
        print(f"{path.name}: {path.stat().st_size / 1024:.0f} KB", flush=True)


@asynccontextmanager
async def console(session: Session, clock: WalkClock) -> AsyncIterator[Walk]:
    """The console on a terminal that only exists here."""
    app = ConsoleApp(session, clock=clock)
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        walk = Walk(app, session, pilot)
        await walk.until(lambda: app._opened, "the release is open")
        yield walk
        await pilot.press("ctrl+q")
        await walk.until(app._session_closed.is_set, "the session has closed")


def settle_what_came_before(session: Session) -> None:
    """What took three days: everything before production is done, but two items that were put off."""
    for phase in session.plan.phases[:3]:
        items = list(phase.items())
        later = {items[-1].id, items[-9].id} if phase is session.plan.phases[0] else set()
        for item in items:
            if item.id in later:
                session.defer(item.id, "after the release")
            else:
                session.tick(item.id)


async def deploy(walk: Walk, clock: WalkClock) -> None:
    """Go, pin, apply, and wait until the new version runs and every number has been seen."""
    session = walk.session
    await walk.press("4")
    await walk.until(lambda: walk.view.armed.armed, "the rollback is armed")
    session.decide("production", True, "UAT is signed, the window is 09:00 to 11:00")
    await walk.run_action("prod-prepare-pin")
    for item in ("issues", "window", "support", "backup"):
        session.tick(f"prod-pre-{item}")
    session.note("prod-pre-backup", "snap-0412")
    await apply(walk)
    await walk.run_action("prod-wait")
    clock.run(FAST)
    began = clock.monotonic()
    await walk.until(lambda: clock.monotonic() > began + 150, "two quiet minutes")
    for item in ("auth", "rate-limit"):
        await session.verify(f"prod-verify-{item}")
    clock.run(1.0)


async def apply(walk: Walk) -> None:
    """Look at what would change, and agree to it."""
    await walk.pilot.resize_terminal(*MIDDLE)
    walk.app._main.checklist.select("a:prod-apply")
    await walk.press("enter")
    await walk.until(lambda: getattr(walk.app.screen, "_was_read", False), "a preview that can be agreed to")
    await walk.draw("apply-preview", "enter", size=MIDDLE)
    await walk.press("enter")
    await walk.until(lambda: walk.session.state.action("prod-apply").ended, "everything is applied")
    await walk.pilot.resize_terminal(*WIDE)


async def breach(walk: Walk, thread: PracticeThread, clock: WalkClock) -> None:
    """The new version begins to fail, until the trigger calls for a rollback."""
    thread.call(lambda cluster: cluster.set_scenario("error-spike@production"))
    clock.run(FAST)
    await walk.until(lambda: any(one.state == "BREACH" for one in walk.view.objectives), "a breach")
    clock.run(1.0)


async def roll_back(walk: Walk, clock: WalkClock) -> None:
    """Press the letter, and follow the rollback to its end."""
    before: RollbackPreview | None = getattr(walk.app.screen, "_preview", None)
    assert before is not None
    await walk.press(before.letter.lower())
    session = walk.session
    await walk.until(
        lambda: (
            session.state.rollbacks
            and all(one.stage is Stage.AVAILABLE for one in session.state.rollbacks[-1].workloads.values())
        ),
        "every workload is available",
    )
    clock.run(FAST)
    await walk.until(lambda: session.state.rollbacks[-1].outcome, "the rollback is complete")
    clock.run(1.0)


async def main() -> None:
    """Make all pictures, in the order of the walk."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    clock = WalkClock()
    with practice(clock) as (thread, session):
        settle_what_came_before(session)
        clock.skip(THREE_DAYS)
        async with console(session, clock) as walk:
            await deploy(walk, clock)
            await walk.draw("console-healthy", "releaseconsole run healthpay.toml", size=WIDE)
            await breach(walk, thread, clock)
            await walk.draw("console-breach", "releaseconsole run healthpay.toml", size=WIDE)
            await walk.draw("narrow", "80 × 24", size=NARROW)
            await walk.pilot.resize_terminal(*MIDDLE)
            await walk.press("ctrl+r")
            await walk.draw("rollback-preview", "ctrl+r", size=MIDDLE)
            await roll_back(walk, clock)
            await walk.draw("rollback-complete", "ctrl+r, and the letter", size=MIDDLE)


if __name__ == "__main__":
    asyncio.run(main())
