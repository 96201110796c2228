"""A rollback's progress: each workload's walk with its seconds, until all have recovered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from textual.binding import BindingType
from textual.message import Message

from releaseconsole.record.model import RollbackState, Stage
from releaseconsole.session.views import StuckPod
from releaseconsole.ui.glyphs import Glyphs
from releaseconsole.ui.keymap import bindings_of, writing_actions
from releaseconsole.ui.port import ConsoleSession
from releaseconsole.ui.screens.overlay import Overlay
from releaseconsole.ui.screens.rollback_lines import (
    figures_line,
    journal_lines,
    outcome_line,
    rollback_lines,
)
from releaseconsole.ui.widgets.lines import Line, Piece, line, line_width
from releaseconsole.ui.words import counted, cut_middle, plain

_WRITING = writing_actions("rollback")
_HEADINGS = {
    "complete": "ROLLED BACK",
    "interrupted": "ROLLBACK INTERRUPTED ══",
    "failed": "ROLLBACK FAILED ══",
    "cancelled": "ROLLBACK CANCELLED ══",
}
GAP = "     "
Way = Literal["retry", "resume", "unlock", "delete_pod"]


class RollbackScreen(Overlay[None]):
    """Closing it changes nothing: the session goes on with the rollback."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of("rollback")
    VERDICT_ROWS: ClassVar[int] = 2

    class Onward(Message):
        """Somebody wants to go on: try again, continue, unlock, or delete the pod that is in the way."""

        def __init__(self, way: Way, environment: str, stuck: StuckPod | None = None) -> None:
            super().__init__()
            self.way = way
            self.environment = environment
            self.stuck = stuck

    def __init__(
        self,
        session: ConsoleSession,
        environment: str,
        glyphs: Glyphs,
        *,
        after: int = 0,
    ) -> None:
        """``after``: how many rollbacks there were before the one to be shown."""
        super().__init__()
        self._session = session
        self.environment = environment
        self._glyphs = glyphs
        self._after = after
        self._now = 0.0
        self._stuck: tuple[StuckPod, ...] = ()

    def heading(self) -> tuple[str, str]:
        environment = self._session.plan.environments.get(self.environment)
        title = (environment.title if environment else "") or self.environment
        rollback = self.rollback
        words = _HEADINGS.get(rollback.outcome if rollback else "", "ROLLING BACK")
        return f"{words} {title.upper()}", environment.colour if environment else "red"

    @property
    def rollback(self) -> RollbackState | None:
        """The one that is shown: the environment's last."""
        later = self._session.state.rollbacks[self._after :]
        return next((one for one in reversed(later) if one.environment == self.environment), None)

    def show(self, now: float) -> None:
        """Repaint; ``now`` in seconds since the epoch."""
        self._now = now
        self._stuck = self._session.stuck_pods(self.environment) if self.rollback else ()
        self.renew()
        self.refresh_bindings()

    # What is seen.

    def body(self, width: int) -> list[Line]:
        loud = journal_lines(self._session.ledger.unwritten, width)
        rollback = self.rollback
        if rollback is None:
            return [*loud, line(("Sending the patches…", "waiting"))]
        lock = self._session.state.locks.get(self.environment)
        return [*loud, *rollback_lines(rollback, width, self._now, self._glyphs, self._stuck, lock)]

    def verdict(self, width: int) -> list[Line]:
        rollback = self.rollback
        if rollback is None:
            return []
        figures = figures_line(rollback, width)
        return [outcome_line(rollback, self._now, self._glyphs), *([figures] if figures else [])]

    def foot(self, width: int) -> Line:
        rollback = self.rollback
        goes_on = "close, it goes on" if rollback is None or rollback.under_way else "close"
        offers = [] if self._session.read_only else [(key, words) for _, key, words in self._offers()]
        return _foot([*offers, ("esc", goes_on)], width)

    def _offers(self) -> Iterator[tuple[Way, str, str]]:
        """What somebody may do now: the way, its key and what it does."""
        rollback = self.rollback
        if rollback is None:
            return
        failed = sum(one.stage is Stage.FAILED for one in rollback.workloads.values())
        if self._interrupted:
            yield "resume", "c", "continue where it stopped"
        elif failed and not rollback.under_way:
            yield "retry", "r", f"retry failed ({failed})"
        if self._stuck:
            more = f" (1 of {counted(len(self._stuck), 'pod')})" if len(self._stuck) > 1 else ""
            yield "delete_pod", "x", f"delete pod {cut_middle(plain(self._stuck[0].pod), 40)}{more}"
        if self.environment in self._session.state.locks and not rollback.under_way:
            yield "unlock", "U", "unlock deploys"

    @property
    def _interrupted(self) -> bool:
        found = self._session.interrupted_rollback(self.environment)
        return found is not None and self.rollback is not None and found.id == self.rollback.id

    # Keys.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in _WRITING:
            return not self._session.read_only and action in {way for way, _, _ in self._offers()}
        return True

    def action_close(self) -> None:
        self.dismiss()

    def action_retry(self) -> None:
        self._want("retry")

    def action_resume(self) -> None:
        self._want("resume")

    def action_unlock(self) -> None:
        self._want("unlock")

    def action_delete_pod(self) -> None:
        self._want("delete_pod", self._stuck[0])

    def _want(self, way: Way, stuck: StuckPod | None = None) -> None:
        self.app.post_message(self.Onward(way, self.environment, stuck))


def _foot(offers: list[tuple[str, str]], width: int) -> Line:
    """All with their words, else with the last words left out, else the keys alone."""
    pieces: list[Piece] = []
    for worded in range(len(offers), -1, -1):
        pieces = []
        for number, (key, words) in enumerate(offers):
            gap = [Piece(GAP if worded == len(offers) else "  ")] if pieces else []
            pieces += [*gap, Piece(key, "key"), *([Piece(f" {words}")] if number < worded else [])]
        if line_width(pieces) <= width:
            break
    return tuple(pieces)
