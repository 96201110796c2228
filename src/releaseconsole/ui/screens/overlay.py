"""What previews and the rollback's progress share: heading, a body that scrolls, a last line always seen."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, ScreenResultType

from releaseconsole.ui.widgets.lines import Line, LineBlock, line
from releaseconsole.ui.words import cut_end, plain

SMALL = 12
"""Below so many rows the frame is left out, so that what matters still has a place."""
_FRAME = 4


class Overlay(ModalScreen[ScreenResultType]):
    """Lies over everything; the panels below go on.

    What is new reaches it from outside at any time: also before its parts are there, and after they are gone.
    """

    VERDICT_ROWS: ClassVar[int] = 0

    def heading(self) -> tuple[str, str]:
        """The title, and the colour of the environment."""
        raise NotImplementedError

    def body(self, width: int) -> list[Line]:
        """What scrolls."""
        raise NotImplementedError

    def foot(self, width: int) -> Line:
        """What can be pressed."""
        raise NotImplementedError

    def verdict(self, width: int) -> list[Line]:
        """What must be seen however far the body is scrolled: at most ``VERDICT_ROWS`` lines."""
        return []

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog overlay"):
            with VerticalScroll(classes="overlay-body", can_focus=False):
                yield LineBlock(self._body)
            yield LineBlock(self._foot, classes="overlay-foot")

    @property
    def _small(self) -> bool:
        return self.app.size.height < SMALL

    def _body(self, width: int) -> list[Line]:
        lines = self.body(width)
        if not self._small:
            return lines
        title, colour = self.heading()
        return [line((cut_end(plain(title), width), f"env-{colour}")), *lines]

    def _foot(self, width: int) -> list[Line]:
        verdict = self.verdict(width)[: self._verdict_rows]
        return [*verdict, self.foot(width)]

    @property
    def _verdict_rows(self) -> int:
        return min(1, self.VERDICT_ROWS) if self._small else self.VERDICT_ROWS

    @property
    def scrolled(self) -> VerticalScroll | None:
        """What holds the body, while it is there."""
        return next(iter(self.query(".overlay-body").results(VerticalScroll)), None)

    def on_mount(self) -> None:
        self._fit()
        self.renew()

    def on_resize(self, event: events.Resize) -> None:
        self._fit()
        self.renew()

    def _fit(self) -> None:
        self.set_class(self._small, "-small")
        room = self.app.size.height - (1 if self._small else _FRAME) - self._verdict_rows
        if (body := self.scrolled) is not None:
            body.styles.max_height = max(1, room)

    def renew(self) -> None:
        """What is shown has changed."""
        box = next(iter(self.query(".overlay").results(Vertical)), None)
        if not self.is_mounted or box is None:
            return
        title, colour = self.heading()
        box.border_title = Content(plain(title))
        box.add_class(f"-env-{colour}")
        for block in self.query(LineBlock):
            block.renew()

    def action_scroll(self, direction: int) -> None:
        """Up or down by some lines."""
        if (body := self.scrolled) is not None:
            body.scroll_relative(y=3 * direction, animate=False)

    def action_page(self, direction: int) -> None:
        """Up or down by a page."""
        if (body := self.scrolled) is not None:
            body.scroll_relative(y=direction * max(1, body.size.height - 1), animate=False)
