"""What the rollback of each workload rests on, before it is needed: one line that says it, then the reasons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.binding import BindingType

from releaseconsole.session.views import ArmedDetail, ArmedView
from releaseconsole.ui.glyphs import Glyphs
from releaseconsole.ui.keymap import bindings_of, writing_actions
from releaseconsole.ui.messages import Wanted
from releaseconsole.ui.port import ConsoleSession
from releaseconsole.ui.screens.overlay import Overlay
from releaseconsole.ui.widgets.lines import Line, Piece, line, line_width
from releaseconsole.ui.words import age, cell_len, cut_end, fit, plain, wrap

_WRITING = writing_actions("armed")


class ArmedScreen(Overlay[None]):
    """Shows how it stands; pinning is the one thing that can be mended from here."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of("armed")

    def __init__(self, session: ConsoleSession, environment: str, glyphs: Glyphs, now: float) -> None:
        super().__init__()
        self._session = session
        self.environment = environment
        self._glyphs = glyphs
        self._now = now

    def heading(self) -> tuple[str, str]:
        view = self._session.environment(self.environment)
        return f"ROLLBACK OF {(view.title or view.id).upper()}: IS IT ARMED?", view.colour

    def show(self, now: float) -> None:
        """Repaint; ``now`` in seconds since the epoch."""
        self._now = now
        self.renew()

    def body(self, width: int) -> list[Line]:
        armed = self._session.environment(self.environment).armed
        return list(armed_lines(armed, width, self._now, self._glyphs))

    def foot(self, width: int) -> Line:
        pin = () if self._session.read_only else line(("p", "key"), " pin what runs now", "      ")
        forms = (
            line(("ctrl+r", "danger"), " shows the rollback", "      ", *pin, ("esc", "key"), " close"),
            line(("ctrl+r", "danger"), " shows the rollback", "      ", ("esc", "key"), " close"),
            line(("esc", "key"), " close"),
        )
        return next((form for form in forms if line_width(form) <= width), forms[-1])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action not in _WRITING or not self._session.read_only

    def action_pin(self) -> None:
        self.app.post_message(Wanted("pin"))

    def action_close(self) -> None:
        self.dismiss()


def armed_lines(armed: ArmedView, width: int, now: float, glyphs: Glyphs) -> Iterator[Line]:
    """The whole list; ``now`` in seconds since the epoch."""
    yield _verdict(armed, width, glyphs)
    for problem in armed.problems if not armed.details else ():
        yield from _wrapped(problem, width, "failing")
    several = len({one.target for one in armed.details}) > 1
    names = {one.key: plain(f"{one.name} ({one.target})" if several else one.name) for one in armed.details}
    longest = min(max(map(cell_len, names.values()), default=0), max(12, width // 3))
    # What is missing comes first; the rest keeps the order of the plan.
    for one in sorted(armed.details, key=lambda found: found.ready):
        yield ()
        yield from _headline(one, fit(names[one.key], longest), width, now, glyphs)
        yield from _reasons(one, width, glyphs)


def _verdict(armed: ArmedView, width: int, glyphs: Glyphs) -> Line:
    if not armed.total or (not armed.details and not armed.problems and not armed.armed):
        return line((cut_end("The rollback has not been rehearsed yet.", width), "quiet"))
    count = f"{armed.ready} of {armed.total} workloads"
    if armed.armed:
        return line((f"{glyphs.done} ", "good"), f"{count} could be brought back now.")
    return line((f"{glyphs.failed} Only {count} could be brought back now.", "failing"))


def _headline(one: ArmedDetail, name: str, width: int, now: float, glyphs: Glyphs) -> Iterator[Line]:
    """The name and the facts in one line, or the facts below where it is too narrow."""
    mark = (glyphs.done, "good") if one.ready else (glyphs.failed, "failing")
    head = line(mark, " ", (name, "strong"))
    said = plain(" · ".join(_facts(one, now, glyphs)) or "cannot be brought back now")
    if line_width(head) + 2 + cell_len(said) <= width:
        yield (*head, Piece("  "), Piece(said))
        return
    yield head
    yield from _wrapped(said, width, "plain")


def _facts(one: ArmedDetail, now: float, glyphs: Glyphs) -> Iterator[str]:
    """In a few words: where it goes, how old the pin is, and whether the API server would take it."""
    if one.to_revision:
        yield f"{glyphs.arrow} revision {one.to_revision}"
    if one.pinned_at:
        yield f"pinned {age(now - one.pinned_at)} ago"
    elif one.source:
        yield "not pinned"
    if one.source and one.source not in ("pinned", "previous"):
        yield one.source
    if one.already_there:
        yield "already there"
    elif one.tried_at:
        yield f"dry run accepted {age(now - one.tried_at)} ago"
    if one.paused:
        yield "paused"


def _reasons(one: ArmedDetail, width: int, glyphs: Glyphs) -> Iterator[Line]:
    if one.problem:
        yield from _wrapped(one.problem, width, "failing")
    if one.rights:
        yield from _wrapped(one.rights, width, "quiet" if one.ready else "waiting")
    for note in one.notes[:12]:
        yield from _wrapped(note, width, "quiet")
    if one.remedy:
        yield from _wrapped(f"{glyphs.arrow} {one.remedy}", width, "key")


def _wrapped(text: str, width: int, tone: str) -> Iterator[Line]:
    for part in wrap(text, width - 4, most=4):
        yield line("    ", (part, tone))
