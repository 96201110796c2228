"""The phases of the release with their progress, and the panels when they have to share one place."""

from __future__ import annotations

from dataclasses import dataclass

from releaseconsole.ui.messages import PaneChosen, PhaseChosen
from releaseconsole.ui.port import Progress
from releaseconsole.ui.widgets.lines import Line, Piece, line
from releaseconsole.ui.widgets.strip import Tab, TabStrip, short_title
from releaseconsole.ui.words import plain


@dataclass(frozen=True, slots=True)
class PhaseMark:
    """One phase as its tab shows it."""

    id: str
    title: str
    label: str
    """``9/23``, ``✔ 79+2d`` or "" when it does not count yet."""
    failed: int
    started: bool
    complete: bool
    active: bool

    @classmethod
    def of(cls, phase_id: str, title: str, progress: Progress, *, counts: bool, active: bool) -> PhaseMark:
        done = progress.total > 0 and progress.complete_except_deferred
        started = progress.settled > 0 or progress.failed > 0
        label = progress.label if counts else ""
        return cls(phase_id, plain(title), label, progress.failed, started, done, active)


class PhaseTabs(TabStrip):
    """``4 Production ▸ 9/23``; the keys 1–9 choose."""

    def show(self, phases: tuple[PhaseMark, ...], running: str, failed: str) -> None:
        """Take the phases; the glyphs are for those under way and those with failures."""
        self.set_tabs([_tab(number, phase, running, failed) for number, phase in enumerate(phases, start=1)])

    def chosen(self, key: str) -> None:
        self.post_message(PhaseChosen(key))


def _tab(number: int, phase: PhaseMark, running: str, failed: str) -> Tab:
    key = (f"{number} ", "key")
    mark = _mark(phase, running)
    trouble = (f" {failed} {phase.failed}", "failing") if phase.failed else ""
    short = (short_title(phase.title, 10), "plain")
    tiny = (short_title(phase.title, 5), "plain")
    dot = _dot(phase, running, failed)
    forms = (
        line(key, phase.title, *mark, trouble),
        line(key, short, *mark, trouble),
        line(key, short, *dot),
        line(key, tiny, *dot),
        line(key, *dot) if dot else line((str(number), "key")),
    )
    return Tab(phase.id, forms, phase.active)


def _mark(phase: PhaseMark, running: str) -> Line:
    if not phase.label:
        return ()
    if phase.complete:
        return line((f" {phase.label}", "good"))
    return (
        line((f" {running} ", "waiting"), phase.label)
        if phase.started
        else line((f" {phase.label}", "quiet"))
    )


def _dot(phase: PhaseMark, running: str, failed: str) -> Line:
    if phase.failed:
        return (Piece(f" {failed}", "failing"),)
    if phase.complete:
        return (Piece(f" {phase.label[:1]}", "good"),)
    return (Piece(f" {running}", "waiting"),) if phase.started and phase.label else ()


@dataclass(frozen=True, slots=True)
class PaneMark:
    """One panel as its tab shows it."""

    id: str
    title: str
    key: str
    """The letter that chooses it; shown before a title that does not begin with it."""
    alert: str = ""
    """``✘ 1`` when something in it needs a look."""
    tone: str = "failing"
    active: bool = False


class PaneTabs(TabStrip):
    """The panels that share one place; the letter that stands out chooses."""

    def show(self, panes: tuple[PaneMark, ...]) -> None:
        """Take the panels."""
        self.set_tabs([_pane_tab(pane) for pane in panes])

    def chosen(self, key: str) -> None:
        self.post_message(PaneChosen(key))


def _pane_tab(pane: PaneMark) -> Tab:
    alert = (f" {pane.alert}", pane.tone) if pane.alert else ""
    initial, rest = (pane.key, "key"), pane.title.removeprefix(pane.key)
    if rest == pane.title:
        rest = f" {rest}"
    return Tab(
        pane.id,
        (
            line(initial, rest, alert),
            # Calm panels shorten first.
            line(initial, rest if alert else rest[:3], alert),
            line(initial, rest[:4] if alert else rest[:3], alert),
            line(initial, rest[:2]),
            line(initial),
        ),
        pane.active,
    )
