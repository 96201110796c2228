"""The banner of an automatic rollback: over every screen and dialog, and never in the way of somebody typing."""

from __future__ import annotations

from collections.abc import Sequence

from textual.screen import Screen

from releaseconsole.session.views import AutomaticView
from releaseconsole.ui.widgets.lines import Line, LineWidget, Piece, line, line_width
from releaseconsole.ui.words import cut_end, cut_middle, plain


class Countdown(LineWidget):
    """Two rows per environment; takes no focus and no key. Which key stops it is said, the application has it."""

    can_focus = False

    def __init__(self, key: str) -> None:
        super().__init__(classes="countdown")
        self._key = key
        self._counting: tuple[tuple[str, AutomaticView], ...] = ()

    def show(self, counting: Sequence[tuple[str, AutomaticView]]) -> None:
        """Take the countdowns, each with the title of its environment."""
        if tuple(counting) != self._counting:
            self._counting = tuple(counting)
            self.styles.height = 2 * len(self._counting)
            self.refresh()

    def lines(self, width: int) -> list[Line]:
        return [row for title, view in self._counting for row in _rows(title, view, self._key, width)]


def _rows(title: str, view: AutomaticView, key: str, width: int) -> tuple[Line, Line]:
    name, seconds = plain(title).upper(), f"{view.seconds_left} s"
    stop = line((f" {key} ", "badge-waiting"), (" stops it ", "danger"))
    forms = (
        f" AUTOMATIC ROLLBACK OF {cut_middle(name, 40)} IN {seconds}   ",
        f" AUTOMATIC ROLLBACK IN {seconds}   ",
        f" ROLLBACK IN {seconds} ",
    )
    said = next((one for one in forms if len(one) + line_width(stop) <= width), forms[-1])
    first = (Piece(said, "danger"), *stop)
    filled = (*first, Piece(" " * max(0, width - line_width(first)), "danger"))
    why = f" Why: {plain(view.reason)}"
    return filled, (Piece(cut_end(why, width).ljust(width), "danger"),)


def show_countdowns(screen: Screen[object], counting: Sequence[tuple[str, AutomaticView]], key: str) -> None:
    """Put the banner on that screen, bring it up to date, or take it away."""
    banner = next(iter(screen.query(Countdown)), None)
    if not counting:
        if banner is not None:
            banner.remove()
        return
    if banner is None:
        banner = Countdown(key)
        screen.mount(banner)
    banner.show(counting)
