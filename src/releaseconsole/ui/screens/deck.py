"""The right-hand panels: gives each its part of what is known, and only when that part has changed."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget

from releaseconsole.plan.model import Plan
from releaseconsole.record.model import ActionStatus, ReleaseState
from releaseconsole.session.views import EnvironmentView, Liveness
from releaseconsole.ui.glyphs import Glyphs
from releaseconsole.ui.keymap import PANE_KEYS
from releaseconsole.ui.panes.actions import OutputPane
from releaseconsole.ui.panes.alerts import AlertsPane
from releaseconsole.ui.panes.events import EventsPane
from releaseconsole.ui.panes.logs import LogsPane
from releaseconsole.ui.panes.metrics import MetricsPane
from releaseconsole.ui.panes.pods import PodsPane
from releaseconsole.ui.panes.rollout import RolloutPane
from releaseconsole.ui.port import ConsoleSession
from releaseconsole.ui.screens.layout import PANES
from releaseconsole.ui.widgets.phase_tabs import PaneMark

LivePane = RolloutPane | PodsPane | AlertsPane | EventsPane | MetricsPane | LogsPane
BORDER = 2
YOUNG = 120.0
"""Seconds for which a pod's age is watched."""


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
        self._panes: dict[str, LivePane] = {
            "rollout": RolloutPane(id="rollout", classes="pane"),
            "pods": PodsPane(id="pods", classes="pane"),
            "alerts": AlertsPane(id="alerts", classes="pane"),
            "events": EventsPane(id="events", classes="pane"),
            "metrics": MetricsPane(
                session.plan.objectives, charts=session.charts, id="metrics", classes="pane"
            ),
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
            return (*common, view.objectives, view.metrics.liveness, view.watch)
        if name == "alerts":
            return (*common, view.alerts, view.alert_counts, view.alerts_freshness.liveness)
        if name == "rollout":
            return (*common, view.workloads, view.armed, view.lock)
        return (*common, view.pods if name == "pods" else view.events)

    def fit(self, view: EnvironmentView | None, height: int, *, stacked: bool) -> None:
        """In the stack, rollout, alerts and metrics are as high as they need; pods and logs share the rest."""
        rollout, alerts, metrics = (self._panes[name] for name in ("rollout", "alerts", "metrics"))
        if not stacked or view is None:
            rollout.styles.height = alerts.styles.height = metrics.styles.height = "1fr"
            return
        _set_height(alerts, max(1, len(view.alerts)) + BORDER, height // 6)
        needed = rollout.table.virtual_size.height if isinstance(rollout, RolloutPane) else 0
        _set_height(rollout, max(3, needed) + BORDER, height * 2 // 5)
        objectives, window = len(view.objectives), int(view.watch is not None)
        roomy = 2 * objectives + window + BORDER <= height // 3
        _set_height(metrics, max(1, objectives * (2 if roomy else 1)) + window + BORDER, height // 3)

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


def is_lively(view: EnvironmentView | None, now: float) -> bool:
    """Whether ages in it are watched by the second: an outage, or a young pod; ``now`` since the epoch."""
    if view is None or {view.cluster.liveness, view.metrics.liveness} != {Liveness.LIVE}:
        return True
    return any(now - pod.created < YOUNG for pod in view.pods)


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
        "alerts": view.alert_counts.firing,
        "metrics": sum(one.state == "BREACH" for one in view.objectives),
    }
    found |= {name: (f"{glyphs.failed} {count}", "failing") for name, count in counts.items() if count}
    if view.logs.errors_per_minute:
        found["logs"] = (f"{view.logs.errors_per_minute}/min", "waiting")
    if warnings := sum(event.warning for event in view.events):
        found["events"] = (str(warnings), "waiting")
    return found


def pane_marks(
    view: EnvironmentView | None,
    state: ReleaseState | None,
    plan: Plan,
    glyphs: Glyphs,
    visible: Container[str],
) -> tuple[PaneMark, ...]:
    """The tabs of all panels, with what those behind others would say."""
    said = alerts(view, state, plan, glyphs)
    return tuple(
        PaneMark(
            name, name.capitalize(), PANE_KEYS[name], *said.get(name, ("", "plain")), active=name in visible
        )
        for name in PANES
    )
