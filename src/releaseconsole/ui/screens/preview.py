"""The rollback preview: lies over everything, stops nothing, and fires with a letter that is drawn afresh."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message

from releaseconsole.errors import ReleaseConsoleError
from releaseconsole.session.views import RollbackPreview
from releaseconsole.ui.glyphs import Glyphs
from releaseconsole.ui.keymap import bindings_of
from releaseconsole.ui.port import ConsoleSession
from releaseconsole.ui.screens.overlay import Overlay
from releaseconsole.ui.screens.preview_lines import foot_line, preview_lines
from releaseconsole.ui.widgets.lines import Line, line
from releaseconsole.ui.words import plain


class PreviewScreen(Overlay[None]):
    """Shows the rehearsal at once, then what the cluster says now; the letter stays the same meanwhile."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of("preview")

    class Fired(Message):
        """Somebody has pressed the letter."""

        def __init__(self, preview: RollbackPreview) -> None:
            super().__init__()
            self.preview = preview

    def __init__(self, session: ConsoleSession, environment: str, glyphs: Glyphs) -> None:
        super().__init__()
        self._session = session
        self.environment = environment
        self._glyphs = glyphs
        self._preview: RollbackPreview | None = None
        self._trouble = ""
        self._diff = False
        self._fired = False

    def on_mount(self) -> None:
        try:
            self._take(self._session.prepared_preview(self.environment))
        except ReleaseConsoleError as error:
            self._trouble = str(error)
        super().on_mount()
        self.run_worker(self._ask(), group="preview", name="preview", exclusive=True, exit_on_error=False)

    async def _ask(self) -> None:
        """Ask the cluster; what was rehearsed stays on the screen when it does not answer."""
        try:
            self._take(await self._session.preview_rollback(self.environment))
            self._trouble = ""
        except ReleaseConsoleError as error:
            self._trouble = str(error)
        self.renew()

    def _take(self, preview: RollbackPreview | None) -> None:
        if preview is not None:
            letter = self._preview.letter if self._preview else preview.letter
            self._preview = replace(preview, letter=letter)

    def heading(self) -> tuple[str, str]:
        view = self._preview
        if view is None:
            return f"ROLL BACK {self.environment.upper()}", "red"
        places = " and ".join(view.targets)
        return f"ROLL BACK {(view.title or view.environment).upper()} ══ {places}", view.colour

    def body(self, width: int) -> list[Line]:
        if self._preview is None:
            return [()]
        lines = preview_lines(self._preview, width, self._glyphs, diff=self._diff)
        if self._trouble:
            lines.append(
                line(("This is the last rehearsal; the cluster says: " + plain(self._trouble), "waiting"))
            )
        return lines

    def foot(self, width: int) -> Line:
        return foot_line(self._preview, width, trouble=self._trouble, read_only=self._session.read_only)

    def on_key(self, event: events.Key) -> None:
        preview = self._preview
        if preview is None or not event.character or self._session.read_only:
            return
        if event.character.upper() == preview.letter.upper() and preview.can_fire and not self._fired:
            event.stop()
            self._fired = True
            self.dismiss()
            self.app.post_message(self.Fired(preview))

    def action_toggle_diff(self) -> None:
        self._diff = not self._diff
        self.renew()

    def action_dismiss_preview(self) -> None:
        self.dismiss()
