"""The observation window: how far it is, and what came of each objective so far."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message

from releaseconsole.record.watches import Standing
from releaseconsole.ui.keymap import bindings_of, writing_actions
from releaseconsole.ui.panes.watch_rows import window_lines
from releaseconsole.ui.port import ConsoleSession
from releaseconsole.ui.screens.overlay import Overlay
from releaseconsole.ui.widgets.lines import Line, line

_WRITING = writing_actions("watch")


class WatchScreen(Overlay[None]):
    """Closing it changes nothing: the window goes on, also without this console."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of("watch")

    class Stop(Message):
        """Somebody wants the window to end now."""

        def __init__(self, environment: str) -> None:
            super().__init__()
            self.environment = environment

    def __init__(self, session: ConsoleSession, environment: str, now: float) -> None:
        super().__init__()
        self._session = session
        self.environment = environment
        self._now = now

    @property
    def standing(self) -> Standing | None:
        return self._session.environment(self.environment).watch

    def heading(self) -> tuple[str, str]:
        environment = self._session.plan.environments.get(self.environment)
        title = (environment.title if environment else "") or self.environment
        return f"WATCHING {title.upper()}", environment.colour if environment else "blue"

    def show(self, now: float) -> None:
        """Repaint; ``now`` in seconds since the epoch."""
        self._now = now
        self.renew()
        self.refresh_bindings()

    def body(self, width: int) -> list[Line]:
        standing = self.standing
        if standing is None:
            return [line(("No observation window was begun here. An action with watch begins one.", "quiet"))]
        return list(window_lines(standing, width, self._now))

    def foot(self, width: int) -> Line:
        stop = line(("s", "key"), " stop watching", "      ") if self._can_stop() else ()
        return (*stop, *line(("esc", "key"), " close, it goes on" if self._is_open() else " close"))

    def _is_open(self) -> bool:
        return self.standing is not None and self.standing.watch.under_way

    def _can_stop(self) -> bool:
        return self._is_open() and not self._session.read_only

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self._can_stop() if action in _WRITING else True

    def action_close(self) -> None:
        self.dismiss()

    def action_stop(self) -> None:
        self.app.post_message(self.Stop(self.environment))
