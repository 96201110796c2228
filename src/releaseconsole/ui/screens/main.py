"""The console's one screen: where panels stand, which are seen, and what they are given to show."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from releaseconsole.plan.model import Phase
from releaseconsole.record.model import ReleaseState, RollbackState
from releaseconsole.session.views import EnvironmentView
from releaseconsole.ui.glyphs import Glyphs
from releaseconsole.ui.keymap import bindings_of, writing_ids
from releaseconsole.ui.messages import (
    CursorMoved,
    FindClosed,
    FindTyped,
    PaneChosen,
    PhaseChosen,
    Wanted,
    Wish,
)
from releaseconsole.ui.panes.actions import OutputPane
from releaseconsole.ui.panes.checklist import ChecklistPane
from releaseconsole.ui.panes.checklist_rows import rows_of
from releaseconsole.ui.port import ConsoleSession
from releaseconsole.ui.screens.deck import Deck, Moment, is_lively, pane_marks
from releaseconsole.ui.screens.layout import PANES, SMALLEST, Arrangement, Fronts, after, arrange
from releaseconsole.ui.screens.rollback_lines import progress_words
from releaseconsole.ui.screens.wishes import possible
from releaseconsole.ui.widgets.find_bar import FindBar
from releaseconsole.ui.widgets.key_bar import KeyBar
from releaseconsole.ui.widgets.phase_tabs import PaneTabs, PhaseMark, PhaseTabs
from releaseconsole.ui.widgets.status_line import Status, StatusLine

Guard = Callable[[str], AbstractContextManager[None]]
CHROME = 3
"""Rows that the lines above and below the panels take."""


CALM_EVERY = 5
"""Seconds between two looks at ages that nobody watches."""


class MainScreen(Screen[None], inherit_bindings=False):
    """Takes values from the session and gives each visible panel its part, when that part has changed."""

    AUTO_FOCUS = "#checklist"
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings_of("frame"),
        Binding(
            "ctrl+c,super+c", "copy_text", "copy", show=False, id="frame.copy", tooltip="Copy what is marked"
        ),
    ]

    def __init__(self, session: ConsoleSession, glyphs: Glyphs, guard: Guard) -> None:
        super().__init__(id="main")
        self.session = session
        self._glyphs = glyphs
        self._guard = guard
        self._phase = session.plan.phases[0]
        self._environment: str | None = None
        self._fronts = Fronts()
        self._zoomed = False
        self._arrangement = Arrangement("wide", PANES)
        self._view: EnvironmentView | None = None
        self._state: ReleaseState | None = None
        self._verifying: frozenset[str] = frozenset()
        self._moment = Moment()
        self.ready = False
        self._ended = False

    def compose(self) -> ComposeResult:
        yield StatusLine(glyphs=self._glyphs)
        yield PhaseTabs(id="phase-tabs", separator=self._glyphs.separator)
        yield PaneTabs(id="pane-tabs", separator="")
        with Horizontal(id="body"):
            yield ChecklistPane(glyphs=self._glyphs)
            yield Deck(self.session, self._glyphs)
        yield FindBar()
        yield KeyBar(writing_ids() if self.session.read_only else frozenset())
        yield Static(id="too-small", markup=False)

    def on_mount(self) -> None:
        self.query_one(StatusLine).show(Status(self.session.title), 0.0, 0.0)
        self._rearrange()

    # Where things stand.

    @property
    def phase(self) -> Phase:
        """The phase that is shown."""
        return self._phase

    @property
    def environment_id(self) -> str:
        """The environment that is shown and that the rollback key is about; "" when there is none."""
        return self._environment or self.session.default_environment(self._phase.id)

    @property
    def checklist(self) -> ChecklistPane:
        return self.query_one(ChecklistPane)

    @property
    def deck(self) -> Deck:
        return self.query_one(Deck)

    @property
    def arrangement(self) -> Arrangement:
        return self._arrangement

    @property
    def active_pane(self) -> str:
        return self._fronts.active

    def pane(self, name: str) -> Widget:
        """A panel by its name."""
        return self.query_one(f"#{name}", Widget)

    def on_resize(self, event: events.Resize) -> None:
        self._rearrange()

    def _rearrange(self) -> None:
        width, height = self.app.size
        self._arrangement = arrange(width, height, self._fronts, zoomed=self._zoomed)
        seen = self._arrangement.visible
        for mode in ("tiny", "single", "split", "wide"):
            self.set_class(mode == self._arrangement.mode, f"-{mode}")
        for name in PANES:
            self.pane(name).display = name in seen
        self.deck.display = any(name != "checklist" for name in seen)
        self._tell_too_small(width, height)
        self._show_pane_tabs()
        self._show_panes(everything=True)
        self._keep_focus()

    def _tell_too_small(self, width: int, height: int) -> None:
        text = (
            f"{width}×{height} is too small; {SMALLEST[0]}×{SMALLEST[1]} is needed. ctrl+r still rolls back."
        )
        self.query_one("#too-small", Static).update(Content(text))

    def _keep_focus(self) -> None:
        """The focus never stays on a panel that cannot be seen."""
        seen = self._arrangement.visible
        if not seen or self.query_one(FindBar).has_class("-open"):
            return
        if self._fronts.active not in seen:
            self._fronts = self._fronts.with_active(seen[0])
        self._focus(self._fronts.active)

    def _focus(self, name: str) -> None:
        pane = self.pane(name)
        if not pane.has_focus_within:
            pane.focus()

    def go_to_pane(self, name: str) -> None:
        """Bring a panel to the front and give it the keys."""
        self._fronts = self._fronts.with_active(name)
        self._rearrange()

    def reveal_pane(self, name: str) -> None:
        """Show a panel where it has its place; the keys stay in the checklist."""
        if self._arrangement.mode in ("wide", "split") and self._fronts.active == "checklist":
            self._fronts = self._fronts.showing(name)
            self._rearrange()

    @on(events.DescendantFocus)
    def _follow_focus(self, event: events.DescendantFocus) -> None:
        for node in event.widget.ancestors_with_self:
            if node.id in PANES and node.id != self._fronts.active:
                self._fronts = self._fronts.with_active(str(node.id))
                self._show_pane_tabs()

    # What is shown.

    def open(self) -> None:
        """The session is open: from now on there is something to show."""
        self.ready = True
        self._phase = self._where_it_stands()
        self._look()

    def session_ended(self) -> None:
        """The session broke: what is seen from now on is old."""
        self._ended = True

    def show_phase(self, phase_id: str, environment: str | None = None) -> None:
        """Show another phase and its environment, or the one that is named."""
        self._phase = self.session.plan.phase(phase_id)
        self._environment = environment
        self.deck.choose_action("")
        self._show_all()

    def show_environment(self, env_id: str) -> None:
        """Show another environment beside the same checklist."""
        self._environment = env_id
        self._show_all()

    def _show_all(self) -> None:
        if self.ready:
            self._look()
            self.update_view(self._moment, everything=True)
            self.refresh_bindings()

    def _look(self) -> None:
        if self.environment_id:
            with self._guard("the environment"):
                self.session.focus(self.environment_id)

    def _where_it_stands(self) -> Phase:
        """The first phase that has work left, so that a restarted console opens where the release is."""
        for phase in self.session.plan.phases:
            progress = self.session.progress(phase.id)
            if progress.total and not progress.complete_except_deferred:
                return phase
        return self.session.plan.phases[-1]

    def verifying(self, item_id: str, under_way: bool) -> None:
        """Mark an item whose check runs."""
        self._verifying = self._verifying | {item_id} if under_way else self._verifying - {item_id}
        self._show_checklist()

    @property
    def whole(self) -> bool:
        """Whether its parts are there: neither not composed yet, nor taken apart already."""
        return self.query_one_optional(StatusLine) is not None

    def update_view(self, moment: Moment, *, everything: bool = False) -> None:
        """Give every part what it shows; ``everything`` also where nothing but the time has changed."""
        self._moment = moment
        if not self.ready:
            return
        changed = self.session.state is not self._state
        self._state = self.session.state
        if self.environment_id:
            with self._guard("the environment"):
                before, self._view = self._view, self.session.environment(self.environment_id)
                if self._view.refusals != (before.refusals if before else ()):
                    self.refresh_bindings()
                self._make_room(bool(self._view.alert_counts.firing))
        with self._guard("the status line"):
            self.query_one(StatusLine).show(self._status(), moment.monotonic, moment.epoch)
        ages = everything and (self._is_lively() or int(moment.monotonic) % CALM_EVERY == 0)
        if changed:
            with self._guard("the phase tabs"):
                self._show_phases()
        if changed or ages:
            self._show_checklist()
        self._show_panes(everything=ages)
        with self._guard("the panel tabs"):
            self._show_pane_tabs()

    def _make_room(self, firing: bool) -> None:
        if firing != self._fronts.firing:
            self._fronts = replace(self._fronts, firing=firing)
            self._rearrange()

    def _is_lively(self) -> bool:
        """Whether something is there that people watch by the second: a young pod, an action, an outage."""
        return bool(self.session.running()) or is_lively(self._view, self._moment.epoch)

    def update_logs(self, moment: Moment, *, due: bool) -> None:
        """New lines alone: at once for somebody who reads them, else when they are ``due``.

        Apart from the other panels: a repaint costs as much as lies between the first and the last line that
        has changed, and the logs are at the far end from the status line.
        """
        if self.ready and self._view is not None and "logs" in self._arrangement.visible:
            if not due and not self.deck.wants_logs(self._view):
                return
            with self._guard("the logs panel"):
                self.deck.show("logs", self._view, moment, everything=due)

    def _status(self) -> Status:
        session = self.session
        return Status(
            session.title,
            self._view,
            session.read_only,
            session.state.started,
            progress_words(session, self.environment_id),
            opening="",
            practice=session.practice,
            ended=self._ended,
        )

    def rollback_under_way(self) -> RollbackState | None:
        """The environment's rollback, while it goes on."""
        found = [one for one in self.session.state.rollbacks if one.environment == self.environment_id]
        return found[-1] if found and found[-1].under_way else None

    def _show_phases(self) -> None:
        session = self.session
        rolled_back = bool(session.state.rollbacks)
        marks = tuple(
            PhaseMark.of(
                phase.id,
                phase.title,
                session.progress(phase.id),
                counts=phase.kind != "rollback" or rolled_back,
                active=phase is self._phase,
            )
            for phase in session.plan.phases
        )
        self.query_one(PhaseTabs).show(marks, self._glyphs.running, self._glyphs.failed)

    def _show_checklist(self) -> None:
        with self._guard("the checklist"):
            phase, now = self._phase, self._moment.epoch
            parts = (phase.title, self.session.progress(phase.id).label, phase.when)
            rows = rows_of(self.session, phase, now, self._verifying)
            self.checklist.show(phase.id, " ── ".join(filter(None, parts)), rows, now)

    def _show_panes(self, *, everything: bool) -> None:
        if not self.ready:
            return
        deck, view = self.deck, self._view
        for name in self._arrangement.visible:
            with self._guard(f"the {name} panel"):
                if name == "output":
                    deck.show_output(self._phase.id, self._moment.epoch, everything=everything)
                elif name == "logs" and view is not None:
                    if deck.wants_logs(view):
                        deck.show(name, view, self._moment, everything=False)
                elif name != "checklist" and view is not None:
                    deck.show(name, view, self._moment, everything=everything)
        deck.fit(view, self.app.size.height - CHROME, stacked=self._arrangement.mode == "wide")

    def follow_action(self, action_id: str) -> None:
        """Show this action's output where there is a place for it."""
        self.deck.choose_action(action_id)
        self.reveal_pane("output")

    def _show_pane_tabs(self) -> None:
        if self._arrangement.tabs:
            seen = self._arrangement.visible
            marks = pane_marks(self._view, self._state, self.session.plan, self._glyphs, seen)
            self.query_one(PaneTabs).show(marks)

    # Keys.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "phase":
            return isinstance(parameters[0], int) and parameters[0] <= len(self.session.plan.phases)
        if action != "want":
            return True
        state = self.session.state if self.ready else ReleaseState()
        return possible(str(parameters[0]), self._phase, self.environment_id, state, self._view)

    def action_want(self, wish: Wish) -> None:
        self.post_message(Wanted(wish))

    def action_phase(self, number: int) -> None:
        self.show_phase(self.session.plan.phases[number - 1].id)

    def action_pane(self, name: str) -> None:
        self.go_to_pane(name)

    def action_next_pane(self) -> None:
        self.go_to_pane(after(self._fronts.active, 1, self._arrangement))

    def action_previous_pane(self) -> None:
        self.go_to_pane(after(self._fronts.active, -1, self._arrangement))

    def action_zoom(self) -> None:
        self._zoomed = not self._zoomed
        self._rearrange()

    def action_leave(self) -> None:
        self._close_find()
        if self._zoomed:
            self.action_zoom()

    def action_find(self) -> None:
        """Each panel finds in its own way; the frame lends its bar to those without one."""
        pane = self.pane(self._fronts.active)
        own = getattr(pane, "action_find", None)
        if callable(own):
            own()
        else:
            self.query_one(FindBar).open()

    @on(FindTyped)
    def _find(self, message: FindTyped) -> None:
        pane = self.pane(self._fronts.active)
        if isinstance(pane, ChecklistPane | OutputPane):
            self.query_one(FindBar).tell(pane.find(message.text, message.again))

    @on(FindClosed)
    def _close_find(self) -> None:
        bar = self.query_one(FindBar)
        if bar.has_class("-open"):
            bar.close()
            self._focus(self._fronts.active)

    @on(PhaseChosen)
    def _phase_chosen(self, message: PhaseChosen) -> None:
        self.show_phase(message.phase_id)

    @on(PaneChosen)
    def _pane_chosen(self, message: PaneChosen) -> None:
        self.go_to_pane(message.pane)

    @on(CursorMoved)
    def _cursor_moved(self, message: CursorMoved) -> None:
        if message.action_id:
            self.deck.choose_action(message.action_id)
            self._show_panes(everything=False)
