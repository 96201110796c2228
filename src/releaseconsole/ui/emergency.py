"""The rollback on the screen: what the key opens, who is told what, and where one gets to afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from textual.await_complete import AwaitComplete
from textual.screen import Screen

from releaseconsole.clock import Clock
from releaseconsole.record.model import RollbackState, Stage
from releaseconsole.session.views import AutomaticView, RollbackPreview
from releaseconsole.ui.collecting import Collecting
from releaseconsole.ui.glyphs import Glyphs
from releaseconsole.ui.intents import Intents
from releaseconsole.ui.keymap import STOP_ID, STOP_KEY
from releaseconsole.ui.port import ConsoleSession
from releaseconsole.ui.screens.armed import ArmedScreen
from releaseconsole.ui.screens.main import MainScreen
from releaseconsole.ui.screens.preview import PreviewScreen
from releaseconsole.ui.screens.rollback import RollbackScreen
from releaseconsole.ui.screens.rollback_lines import interrupted_rollback
from releaseconsole.ui.widgets.countdown import show_countdowns
from releaseconsole.ui.words import counted, took

MOMENT = 0.5
"""Seconds that the patches have to themselves at the most."""
TURN = 0.01
"""Seconds between two looks whether they are answered."""


class Host(Protocol):
    """What it needs of the application."""

    @property
    def screen(self) -> Screen[Any]: ...
    @property
    def screen_stack(self) -> list[Screen[Any]]: ...
    def push_screen(self, screen: Screen[Any], callback: None = None) -> AwaitComplete | Awaitable[None]: ...
    def tell(self, text: str, severity: str = "information") -> None: ...
    def begin(self, work: Awaitable[object], name: str) -> None: ...
    def guard(self, what: str) -> AbstractContextManager[None]: ...


class EmergencyDesk:
    """One for an application; it holds no state of the release."""

    def __init__(
        self,
        host: Host,
        session: ConsoleSession,
        main: MainScreen,
        intents: Intents,
        glyphs: Glyphs,
        clock: Clock,
    ) -> None:
        self._host = host
        self._session = session
        self._main = main
        self._intents = intents
        self._glyphs = glyphs
        self._clock = clock
        self._rolling: set[str] = set()
        self._collecting = Collecting()
        self.stop_key = STOP_KEY

    # What the key opens.

    def press(self, opened: bool) -> None:
        """On every screen and over every dialog: the preview, or the progress of what is not at its end."""
        environment = self._main.environment_id
        if not opened or not environment:
            reason = "The plan has no environment." if opened else "The release is still being opened."
            self._host.tell(f"Nothing can be rolled back yet. {reason}", "warning")
            return
        screen = self._host.screen
        if isinstance(screen, RollbackScreen) and screen.environment == environment:
            if self._main.rollback_under_way():
                return
            screen.dismiss()
        elif isinstance(screen, PreviewScreen) and screen.environment == environment:
            return
        elif self._main.rollback_under_way() or interrupted_rollback(self._session, environment):
            self.watch(environment)
            return
        self._host.begin(self._collecting.rest(), "preview")
        self._host.push_screen(PreviewScreen(self._session, environment, self._glyphs, self._clock))

    def fire(self, preview: RollbackPreview) -> None:
        """Somebody has confirmed the preview."""
        before = len(self._session.state.rollbacks)
        with self._host.guard("the rollback"):
            self._session.start_rollback(preview)
            self._host.begin(self._watch_soon(preview.environment, before), "progress")
            return
        self._close_preview(preview.environment)

    async def _watch_soon(self, environment: str, before: int) -> None:
        """The progress in the preview's place, once the patches are answered or have had their moment: to draw a
        screen keeps this process busy for longer than a PATCH takes."""
        try:
            with self._collecting.held_off():
                async with asyncio.timeout(MOMENT):
                    while not self._is_patched(before):  # noqa: ASYNC110  (what the screen sees of a session tells nobody)
                        await asyncio.sleep(TURN)
        except TimeoutError:
            pass
        self._close_preview(environment)
        self.watch(environment, before)

    def _is_patched(self, before: int) -> bool:
        """Whether nothing of the newest rollback still waits for an answer to its patch."""
        later = self._session.state.rollbacks[before:]
        return bool(later) and all(one.stage is not Stage.PLANNED for one in later[-1].workloads.values())

    def _close_preview(self, environment: str) -> None:
        screen = self._host.screen
        if isinstance(screen, PreviewScreen) and screen.environment == environment:
            screen.dismiss()

    def watch_last(self) -> None:
        """Show the progress of the last rollback: of the environment that is shown, if it had one."""
        environments = [one.environment for one in self._session.state.rollbacks]
        if environments:
            shown = self._main.environment_id
            self.watch(shown if shown in environments else environments[-1])

    def watch(self, environment: str, after: int = 0) -> None:
        """Show a rollback's progress."""
        screen = RollbackScreen(self._session, environment, self._glyphs, after=after)
        self._host.push_screen(screen, None)
        screen.call_later(screen.show, self._clock.now())

    def armed(self) -> None:
        """Show what the rollback of each workload rests on."""
        if self._main.ready and self._main.environment_id:
            now = self._clock.now()
            self._host.push_screen(
                ArmedScreen(self._session, self._main.environment_id, self._glyphs, now), None
            )

    def onward(self, wish: RollbackScreen.Onward) -> None:
        """Somebody wants to go on from the progress."""
        environment = wish.environment
        if wish.way == "retry":
            with self._host.guard("the second try"):
                self._session.retry_rollback(environment)
        elif wish.way == "resume":
            self.resume(environment)
        elif wish.way == "unlock":
            self._host.begin(self._intents.unlock(environment), "unlock")
        elif wish.stuck is not None:
            self._host.begin(self._intents.delete_stuck_pod(environment, wish.stuck), "delete pod")

    def resume(self, environment: str) -> None:
        """Go on with what was interrupted."""
        self._host.begin(
            self._session.resume_rollback(environment), f"continue the rollback of {environment}"
        )

    # What comes by itself.

    def look(self, now: float) -> None:
        """Bring everything up to date; ``now`` in seconds since the epoch."""
        for screen in self._host.screen_stack:
            with self._host.guard("the rollback's screens"):
                if isinstance(screen, RollbackScreen | ArmedScreen):
                    screen.show(now)
                elif isinstance(screen, PreviewScreen):
                    screen.show()
        self._count_down()
        self._follow()

    def opened(self) -> None:
        """The session is open: a rollback that was cut short comes first."""
        for environment in self._session.plan.environments:
            found = interrupted_rollback(self._session, environment)
            if found is not None and not self._session.read_only:
                self._main.show_environment(environment)
                self.watch(environment)
                return

    def _count_down(self) -> None:
        counting = self._counting()
        for screen in self._host.screen_stack:
            show_countdowns(screen, counting, self.stop_key)

    def _counting(self) -> list[tuple[str, AutomaticView]]:
        """The countdowns of this console, each with the title of its environment."""
        found = []
        for name, standing in self._session.state.automatic.items():
            environment = self._session.plan.environments.get(name)
            # Asking for an environment begins to observe it, so that only those are asked for which count.
            if environment is not None and standing.status == "counting":
                view = self._session.environment(name).automatic
                found += [(environment.title or name, view)] if view is not None else []
        return found

    @property
    def counts_down(self) -> bool:
        return bool(self._counting())

    def stop_automatic(self) -> None:
        """Stop every countdown."""
        for _, view in self._counting():
            with self._host.guard("the countdown"):
                self._session.stop_automatic(view.environment)

    def _follow(self) -> None:
        """When a rollback that was seen under way has ended: say so, and go to what has to be checked now."""
        for rollback in self._session.state.rollbacks:
            if rollback.under_way and rollback.id not in self._rolling:
                self._rolling.add(rollback.id)
                self._begun(rollback)
            elif not rollback.under_way and rollback.id in self._rolling:
                self._rolling.discard(rollback.id)
                self._ended(rollback)

    def _begun(self, rollback: RollbackState) -> None:
        """One that nobody asked for is shown, unless somebody is in the middle of something."""
        standing = self._session.state.automatic.get(rollback.environment)
        automatic = standing is not None and standing.status == "fired" and rollback.started >= standing.at
        if (
            automatic
            and self._host.screen is self._main
            and self._main.environment_id == rollback.environment
        ):
            self.watch(rollback.environment)

    def _ended(self, rollback: RollbackState) -> None:
        if rollback.outcome != "complete":
            if not self._is_seen(rollback.environment):
                self._host.tell(
                    f"The rollback ended as {rollback.outcome}. Press ctrl+r, or b to see it.", "error"
                )
            return
        seconds = took(rollback.ended - rollback.started)
        self._host.tell(f"Rolled back {counted(len(rollback.workloads), 'workload')} in {seconds}.")
        phase = next((one for one in self._session.plan.phases if one.kind == "rollback"), None)
        if phase is not None:
            self._main.show_phase(phase.id, rollback.environment)

    def _is_seen(self, environment: str) -> bool:
        """A message would lie over the very lines that say the same, and over their keys."""
        screen = self._host.screen
        return isinstance(screen, RollbackScreen) and screen.environment == environment


def stop_key(keymap: Mapping[str, str]) -> str:
    """The key that stops a countdown, after any keymap of the user's."""
    return keymap.get(STOP_ID, STOP_KEY).partition(",")[0]
