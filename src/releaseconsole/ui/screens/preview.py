"""The rollback preview: lies over everything, stops nothing, and fires with a letter that is drawn afresh.

Where the plan wants it, the environment's name has to be typed instead, or enter alone fires. Pressing the
rollback key again never does, since a key that is held down repeats.

The letter stays as long as firing would do the same. When it would do something else by now, that is said, a new
letter is drawn, and for a moment nothing fires: a key that was under way must not fire what nobody has read.
"""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message

from releaseconsole.clock import Clock
from releaseconsole.errors import ReleaseConsoleError
from releaseconsole.session.views import RollbackPreview
from releaseconsole.ui.glyphs import Glyphs
from releaseconsole.ui.keymap import bindings_of
from releaseconsole.ui.port import ConsoleSession
from releaseconsole.ui.screens.overlay import Overlay
from releaseconsole.ui.screens.preview_course import Doing, changes, doing
from releaseconsole.ui.screens.preview_lines import Confirmation, changed_lines, foot_line, preview_lines
from releaseconsole.ui.screens.rollback_lines import journal_lines
from releaseconsole.ui.widgets.lines import Line, line
from releaseconsole.ui.words import plain, wrap

LONGEST_NAME = 200
READ = 0.7
"""Seconds that it takes to read a preview: so long nothing fires after what would be done has changed."""
_LOG = logging.getLogger("releaseconsole.ui")


class PreviewScreen(Overlay[None]):
    """Shows the rehearsal at once, then what the cluster says now, and follows both while it is open."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of("preview")

    class Fired(Message):
        """Somebody has confirmed it."""

        def __init__(self, preview: RollbackPreview) -> None:
            super().__init__()
            self.preview = preview

    def __init__(self, session: ConsoleSession, environment: str, glyphs: Glyphs, clock: Clock) -> None:
        super().__init__()
        self._session = session
        self.environment = environment
        self._glyphs = glyphs
        self._clock = clock
        self._preview: RollbackPreview | None = None
        self._rehearsed: Doing | None = None
        self._changed = ""
        self._read_by = math.inf
        self._fires_from = -math.inf
        self._trouble = ""
        self._diff = False
        self._fired = False
        found = session.plan.environments.get(environment)
        self._confirm = Confirmation(found.rollback.confirm if found else "letter", environment)

    def on_mount(self) -> None:
        self._read_by = self._clock.monotonic() + READ
        # What the base class does on mounting follows by itself, with all this in hand.
        self.show()
        self.run_worker(self._ask(), group="preview", name="preview", exclusive=True, exit_on_error=False)

    # What it shows.

    def _begin_asking(self) -> None:
        self.run_worker(self._ask(), group="preview", name="preview", exclusive=True, exit_on_error=False)

    async def _ask(self) -> None:
        """Ask the cluster; what was rehearsed stays on the screen when it does not answer."""
        try:
            self._take(await self._session.preview_rollback(self.environment))
        except ReleaseConsoleError as error:
            self._trouble = str(error)
        except Exception as error:  # noqa: BLE001  (the edge of a worker: it tells)
            _LOG.exception("in the rollback preview")
            self._trouble = f"It could not be planned ({type(error).__name__})."
        self.renew()

    def show(self) -> None:
        """Follow the rehearsal: what burns, and what would be done once that has changed since."""
        if self._fired:
            return
        try:
            rehearsed = self._session.prepared_preview(self.environment)
        except ReleaseConsoleError as error:
            self._trouble = str(error)
            return
        if rehearsed is None:
            return
        if self._preview is None or doing(rehearsed) != self._rehearsed:
            self._take(rehearsed)
        else:
            self._preview = replace(self._preview, burning=rehearsed.burning)
        self._rehearsed = doing(rehearsed)
        self.renew()

    def _take(self, fresh: RollbackPreview) -> None:
        """What could be fired stays when a cluster does not answer now: firing it then goes by the rehearsal."""
        shown = self._preview
        self._trouble = next((one.problem for one in fresh.lines if one.problem), "")
        if self._trouble and shown is not None and shown.can_fire and not fresh.can_fire:
            return
        self._trouble = ""
        if shown is None:
            self._preview = fresh
        elif doing(shown) == doing(fresh):
            self._preview = replace(fresh, letter=shown.letter)
        else:
            self._preview = self._drawn(fresh, shown.letter)
            self._confirm = replace(self._confirm, typed="", wrong=False)
            now = self._clock.monotonic()
            self._fires_from = now + READ
            # The cluster's first answer mostly comes before anybody has read what was rehearsed.
            self._changed = changes(shown, fresh) if now >= self._read_by else ""

    def _drawn(self, fresh: RollbackPreview, before: str) -> RollbackPreview:
        """With another letter than before: the session draws one for each preview."""
        for _ in range(20):
            if fresh.letter != before:
                break
            again = self._session.prepared_preview(self.environment)
            fresh = replace(fresh, letter=again.letter if again else fresh.letter)
        return fresh

    def heading(self) -> tuple[str, str]:
        view = self._preview
        if view is None:
            return f"ROLL BACK {self.environment.upper()}", "red"
        places = " and ".join(view.targets)
        return f"ROLL BACK {(view.title or view.environment).upper()} ══ {places}", view.colour

    def body(self, width: int) -> list[Line]:
        if self._preview is None:
            return [()]
        lines = journal_lines(self._session.ledger.unwritten, width)
        lines += changed_lines(self._changed, self._confirm, width)
        lines += preview_lines(self._preview, width, self._glyphs, diff=self._diff)
        said = f"This is the last rehearsal; the cluster says: {plain(self._trouble)}"
        return [*lines, *(line((text, "waiting")) for text in wrap(said, width, most=3) if self._trouble)]

    def foot(self, width: int) -> Line:
        return foot_line(
            self._preview,
            width,
            trouble=self._trouble,
            read_only=self._session.read_only,
            confirm=self._confirm,
        )

    # Keys.

    def on_key(self, event: events.Key) -> None:
        preview = self._preview
        if self._fired:
            # What was typed too quickly belongs to nobody; the screens below have keys of their own.
            event.stop()
        elif preview is None or self._session.read_only or not preview.can_fire:
            return
        elif self._confirm.how == "name":
            self._type(preview, event)
        elif self._confirms(preview, event):
            event.stop()
            self._fire(preview)

    def _confirms(self, preview: RollbackPreview, event: events.Key) -> bool:
        if self._confirm.how == "none":
            return event.key == "enter"
        return (event.character or "").upper() == preview.letter.upper()

    def _type(self, preview: RollbackPreview, event: events.Key) -> None:
        """The name is typed by hand; whatever else a letter means here, it is text now."""
        confirm = self._confirm
        if event.key == "enter":
            event.stop()
            if confirm.typed == confirm.name:
                self._fire(preview)
                return
            self._confirm = replace(confirm, typed="", wrong=True)
        elif event.key in ("backspace", "ctrl+h"):
            self._confirm = replace(confirm, typed=confirm.typed[:-1])
        elif event.key == "ctrl+u":
            self._confirm = replace(confirm, typed="")
        elif event.is_printable and event.character:
            typed = (confirm.typed + event.character)[:LONGEST_NAME]
            self._confirm = replace(confirm, typed=typed, wrong=False)
        else:
            return
        event.stop()
        self.renew()

    def _fire(self, preview: RollbackPreview) -> None:
        if self._clock.monotonic() < self._fires_from:
            return
        # It stays, and takes every key, until whoever acts on it has put the progress in its place.
        self._fired = True
        self.app.post_message(self.Fired(preview))

    def action_toggle_diff(self) -> None:
        self._diff = not self._diff
        self.renew()

    def action_dismiss_preview(self) -> None:
        self.dismiss()
