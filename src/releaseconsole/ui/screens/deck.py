"""The right-hand panels: gives each its part of what is known, and only when that part has changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget

from releaseconsole.plan.model import Plan
from releaseconsole.record.model import ActionStatus, ReleaseState
from releaseconsole.session.views import EnvironmentView
from releaseconsole.ui.glyphs import Glyphs
from releaseconsole.ui.panes.actions import OutputPane
from releaseconsole.ui.panes.events import EventsPane
from releaseconsole.ui.panes.logs import LogsPane
from releaseconsole.ui.panes.metrics import MetricsPane
from releaseconsole.ui.panes.pods import PodsPane
from releaseconsole.ui.panes.rollout import RolloutPane
from releaseconsole.ui.port import ConsoleSession

LivePane = RolloutPane | PodsPane | EventsPane | MetricsPane | LogsPane
BORDER = 2


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant on both clocks, in seconds."""

    monotonic: float = 0.0
    epoch: float = 0.0


class Deck(Vertical):
    """Holds the panels; hidden ones are not fed."""

    def __init__(self, session: ConsoleSession, glyphs: Glyphs) -> None:
        super().__init__(id="deck")
        self._session = session
        self._parts: dict[str, object] = {}
        self._chosen = ""
        queries = {objective.id: objective.query for objective in session.plan.objectives}
        self._panes: dict[str, LivePane] = {
            "rollout": RolloutPane(id="rollout", classes="pane"),
            "pods": PodsPane(id="pods", classes="pane"),
            "events": EventsPane(id="events", classes="pane"),
            "metrics": MetricsPane(queries, id="metrics", classes="pane"),
            "logs": LogsPane(id="logs", classes="pane"),
        }
        self._output = OutputPane(glyphs=glyphs)

    def compose(self) -> ComposeResult:
        yield from self._panes.values()
        yield self._output

    def show(self, name: str, view: EnvironmentView, moment: Moment, *, everything: bool) -> None:
        """Feed one panel; ``everything`` also when only the time has changed."""
        pane = self._panes[name]
        part = self._part(name, view)
        if everything or part != self._parts.get(name):
            self._parts[name] = part
            if isinstance(pane, LogsPane):
                pane.show(view, self._session.logs(view.id), moment.monotonic, moment.epoch)
            else:
                pane.show(view, moment.monotonic, moment.epoch)

    def wants_logs(self, view: EnvironmentView) -> bool:
        """Whether somebody reads the logs just now, or they show nothing of this environment yet."""
        shown = self._parts.get("logs")
        return self._panes["logs"].has_focus_within or not isinstance(shown, tuple) or shown[0] != view.id

    def _part(self, name: str, view: EnvironmentView) -> object:
        """What of a view a panel draws: while this stays equal, nothing has to be drawn."""
        common = (view.id, view.panel_errors, view.cluster.liveness)
        if name == "logs":
            buffer = self._session.logs(view.id)
            return (*common, view.logs, buffer.first, buffer.end)
        if name == "metrics":
            return (*common, view.objectives, view.metrics.liveness)
        if name == "rollout":
            return (*common, view.workloads, view.armed, view.lock)
        return (*common, view.pods if name == "pods" else view.events)

    def fit(self, view: EnvironmentView | None, height: int, *, stacked: bool) -> None:
        """In the stack, rollout and metrics are as high as they need; pods and logs share the rest."""
        rollout, metrics = self._panes["rollout"], self._panes["metrics"]
        if not stacked or view is None:
            rollout.styles.height = metrics.styles.height = "1fr"
            return
        needed = rollout.table.virtual_size.height if isinstance(rollout, RolloutPane) else 0
        _set_height(rollout, max(3, needed) + BORDER, height * 2 // 5)
        objectives = len(view.objectives)
        roomy = 2 * objectives + BORDER <= height // 3
        _set_height(metrics, max(1, objectives * (2 if roomy else 1)) + BORDER, height // 3)

    # The output of an action.

    def choose_action(self, action_id: str) -> None:
        """The action whose output is wanted; "" for the newest of the phase."""
        self._chosen = action_id

    def show_output(self, phase_id: str, now: float, *, everything: bool) -> None:
        """Feed the output panel."""
        action_id = self._action(phase_id)
        placed = self._session.plan.actions.get(action_id)
        state = self._session.state.action(action_id)
        output = self._session.output(action_id) if placed else ()
        part = (action_id, state, output)
        if everything or part != self._parts.get("output"):
            self._parts["output"] = part
            label = placed.action.label if placed else ""
            self._output.show(action_id if placed else "", label, state, output, now)

    def _action(self, phase_id: str) -> str:
        state, plan = self._session.state, self._session.plan
        if self._chosen and state.action(self._chosen).status is not ActionStatus.IDLE:
            return self._chosen
        ran = [
            (one.started, name)
            for name, one in state.actions.items()
            if name in plan.actions and plan.actions[name].phase.id == phase_id
        ]
        return max(ran)[1] if ran else ""


def _set_height(pane: Widget, wanted: int, most: int) -> None:
    height = max(3, min(wanted, most))
    if pane.styles.height is None or pane.styles.height.value != height or not pane.styles.height.is_cells:
        pane.styles.height = height


def alerts(
    view: EnvironmentView | None, state: ReleaseState | None, plan: Plan, glyphs: Glyphs
) -> Mapping[str, tuple[str, str]]:
    """What hidden panels would say if they could be seen: panel → (words, tone)."""
    found: dict[str, tuple[str, str]] = {}
    if state and any(
        one.status is ActionStatus.RUNNING for name, one in state.actions.items() if name in plan.actions
    ):
        found["output"] = (glyphs.running, "waiting")
    if view is None:
        return found
    counts = {
        "rollout": sum(one.state.lower() in ("failing", "failed") for one in view.workloads),
        "pods": view.unhealthy,
        "metrics": sum(one.state == "BREACH" for one in view.objectives),
    }
    found |= {name: (f"{glyphs.failed} {count}", "failing") for name, count in counts.items() if count}
    if view.logs.errors_per_minute:
        found["logs"] = (f"{view.logs.errors_per_minute}/min", "waiting")
    if warnings := sum(event.warning for event in view.events):
        found["events"] = (str(warnings), "waiting")
    return found
