"""A rollback's progress: each workload's walk with its seconds, until all have recovered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message

from releaseconsole.record.model import STAGES, RollbackState, Stage, WorkloadRollback
from releaseconsole.ui.glyphs import Glyphs
from releaseconsole.ui.keymap import bindings_of, writing_actions
from releaseconsole.ui.port import ConsoleSession
from releaseconsole.ui.screens.overlay import Overlay
from releaseconsole.ui.widgets.lines import Line, Piece, line
from releaseconsole.ui.words import cell_len, counted, cut_middle, fit, plain, span, took, wrap

COLUMN = 11
_WRITING = writing_actions("rollback")


class RollbackScreen(Overlay[None]):
    """Closing it changes nothing: the session goes on with the rollback."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of("rollback")

    class Retry(Message):
        """Somebody wants what failed to be tried again."""

        def __init__(self, environment: str) -> None:
            super().__init__()
            self.environment = environment

    def __init__(
        self,
        session: ConsoleSession,
        environment: str,
        title: str,
        colour: str,
        glyphs: Glyphs,
        *,
        after: int = 0,
    ) -> None:
        """``after``: how many rollbacks there were before the one to be shown."""
        super().__init__()
        self._session = session
        self.environment = environment
        self._title = title
        self._colour = colour
        self._glyphs = glyphs
        self._after = after
        self._now = 0.0

    def heading(self) -> tuple[str, str]:
        return f"ROLLING BACK {self._title.upper()}", self._colour

    @property
    def rollback(self) -> RollbackState | None:
        """The one that is shown: the environment's last."""
        later = self._session.state.rollbacks[self._after :]
        found = [one for one in later if one.environment == self.environment]
        return found[-1] if found else None

    def show(self, now: float) -> None:
        """Repaint; ``now`` in seconds since the epoch."""
        self._now = now
        self.renew()
        self.refresh_bindings()

    def body(self, width: int) -> list[Line]:
        rollback = self.rollback
        if rollback is None:
            return [line(("Sending the patches…", "waiting"))]
        return list(rollback_lines(rollback, width, self._now, self._glyphs))

    def foot(self, width: int) -> Line:
        retry = line(("r", "key"), " retry failed", "      ") if self._can_retry() else ()
        rollback = self.rollback
        goes_on = " close, it goes on" if rollback is None or rollback.under_way else " close"
        return (*retry, *line(("esc", "key"), goes_on))

    def _can_retry(self) -> bool:
        rollback = self.rollback
        return rollback is not None and rollback.outcome in ("failed", "interrupted", "cancelled")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in _WRITING:
            return self._can_retry() and not self._session.read_only
        return True

    def action_close(self) -> None:
        self.dismiss()

    def action_retry(self) -> None:
        self.app.post_message(self.Retry(self.environment))


def rollback_lines(rollback: RollbackState, width: int, now: float, glyphs: Glyphs) -> Iterator[Line]:
    """The whole table: stages as columns where there is room, else one line per workload."""
    names = {key: _short(key, rollback.workloads) for key in rollback.workloads}
    longest = min(max((cell_len(name) for name in names.values()), default=8), max(10, width // 4))
    table = width >= longest + 2 + COLUMN * len(STAGES)
    if table:
        heads = [Piece(stage.value.ljust(COLUMN), "quiet") for stage in STAGES]
        yield (Piece(" " * (longest + 2)), *heads)
    for key, workload in rollback.workloads.items():
        name = (fit(names[key], longest), "strong")
        yield line(name, "  ", *(_columns if table else _short_walk)(workload, rollback.started, now, glyphs))
        if workload.message:
            tone = "failing" if workload.stage is Stage.FAILED else "quiet"
            for text in wrap(workload.message, width - 4, most=4):
                yield line("    ", (text, tone))
    yield ()
    yield outcome_line(rollback, now, glyphs)


def _short(key: str, workloads: object) -> str:
    """``api-gateway``; the target too when the same name exists in several."""
    name = key.rsplit("/", 1)[-1]
    same = [other for other in workloads if str(other).rsplit("/", 1)[-1] == name]  # type: ignore[attr-defined]
    return plain(name if len(same) == 1 else f"{name} ({key.rsplit('/', 2)[0]})")


def _columns(workload: WorkloadRollback, started: float, now: float, glyphs: Glyphs) -> Iterator[Piece]:
    if workload.stage is Stage.SKIPPED:
        yield Piece(f"{glyphs.done} already there", "good")
        return
    reached = {stage: workload.times[stage] for stage in STAGES if stage in workload.times}
    waiting = next((stage for stage in STAGES if stage not in reached), None)
    for stage in STAGES:
        if stage in reached:
            yield Piece(f"{glyphs.done} {took(reached[stage] - started)}".ljust(COLUMN), "good")
        elif stage is waiting and workload.stage is Stage.FAILED:
            yield Piece(f"{glyphs.failed} failed".ljust(COLUMN), "failing")
        elif stage is waiting:
            yield Piece(f"{glyphs.running} {span(now - started)}".ljust(COLUMN), "waiting")
        else:
            yield Piece("·".ljust(COLUMN), "quiet")


def _short_walk(workload: WorkloadRollback, started: float, now: float, glyphs: Glyphs) -> Iterator[Piece]:
    mark = glyphs.stage(workload.stage)
    at = workload.times.get(workload.stage)
    seconds = f" {took(at - started)}" if at is not None else ""
    done = sum(stage in workload.times for stage in STAGES)
    tone = "failing" if workload.stage is Stage.FAILED else "good" if mark == glyphs.done else "waiting"
    yield Piece(f"{mark} {workload.stage.value}{seconds}", tone)
    yield Piece(f"  {done}/{len(STAGES)}", "quiet")


def back(rollback: RollbackState) -> tuple[int, int]:
    """How many workloads are back, of how many."""
    done = sum(one.stage in (Stage.RECOVERED, Stage.SKIPPED) for one in rollback.workloads.values())
    return done, len(rollback.workloads)


def outcome_line(rollback: RollbackState, now: float, glyphs: Glyphs) -> Line:
    """How it stands as a whole, in a sentence."""
    done, total = back(rollback)
    if rollback.under_way:
        return line(
            (f"{glyphs.running} {done} of {total} back after {span(now - rollback.started)}", "waiting")
        )
    seconds = took(rollback.ended - rollback.started)
    if rollback.outcome == "complete":
        text = f"{glyphs.done} Complete: {counted(total, 'workload')} back in {seconds}."
        return line((text, "good"))
    return line(
        (
            f"{glyphs.failed} {rollback.outcome.capitalize()} after {seconds}: {done} of {total} back.",
            "failing",
        )
    )


def progress_words(rollback: RollbackState) -> str:
    """For the status line: ``rolling back 2/3``."""
    done, total = back(rollback)
    return cut_middle(f"rolling back {done}/{total}", 24)
