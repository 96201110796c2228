"""What each state looks like: a glyph, a word and a tone.

A tone is the name of a theme variable (``good`` is ``$good``), and each has one meaning everywhere:
``good`` works, ``failing`` does not, ``waiting`` is on its way or needs a look, ``stale`` is no longer known.
``quiet`` and ``plain`` mean nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from releaseconsole.metrics.alerting import rank
from releaseconsole.session.views import AlertView, EventView, Liveness, MetricView, PodView
from releaseconsole.text import visible
from releaseconsole.ui.words import span


@dataclass(frozen=True, slots=True)
class Mark:
    """A state as it is drawn: never by colour alone."""

    glyph: str
    word: str
    tone: str

    def __str__(self) -> str:
        return f"{self.glyph} {self.word}"


_ROLLOUT = {
    "complete": Mark("✔", "complete", "good"),
    "progressing": Mark("▸", "progressing", "waiting"),
    "waiting": Mark("▸", "waiting", "waiting"),
    "failing": Mark("✘", "FAILING", "failing"),
    "failed": Mark("✘", "FAILED", "failing"),
    "paused": Mark("‖", "paused", "waiting"),
    "scaled to zero": Mark("○", "scaled to zero", "quiet"),
    "missing": Mark("?", "missing", "failing"),
    "unknown": Mark("?", "unknown", "stale"),
}

_TRIGGER = {
    "OK": Mark("✔", "OK", "good"),
    "PENDING": Mark("◐", "PENDING", "waiting"),
    "BREACH": Mark("✘", "BREACH", "failing"),
    "NO TRAFFIC": Mark("○", "NO TRAFFIC", "quiet"),
    "NO DATA": Mark("?", "NO DATA", "stale"),
    "PROVIDER DOWN": Mark("?", "PROVIDER DOWN", "stale"),
    "WAITING": Mark("·", "waiting", "quiet"),
}

_ALERTS = {
    "pending": Mark("◐", "pending", "waiting"),
    "broken": Mark("?", "broken", "stale"),
}

_LEVELS = {
    "error": Mark("✘", "error", "failing"),
    "warn": Mark("▲", "warning", "waiting"),
    "gap": Mark("─", "gap", "stale"),
}

_LIVENESS = {
    Liveness.CONNECTING: Mark("○", "connecting…", "quiet"),
    Liveness.LIVE: Mark("●", "live", "quiet"),
    Liveness.STALE: Mark("◌", "stale", "stale"),
    Liveness.DENIED: Mark("⊘", "denied", "waiting"),
    Liveness.REFUSED: Mark("⊘", "another cluster", "failing"),
}

_LONGEST = 60
_UNDER_WAY = frozenset({"Pending", "ContainerCreating", "PodInitializing", "Terminating", "Running"})


def _unheard(state: str) -> Mark:
    """A state from a newer room than this one: shown as it is, as not known."""
    return Mark("?", visible(state[:_LONGEST]), "stale")


def rollout_mark(state: str) -> Mark:
    """Of a ``cluster.rollout.RolloutState``."""
    key = state.lower().replace("_", " ").replace("-", " ")
    return _ROLLOUT.get(key) or _unheard(state)


def metric_mark(metric: MetricView) -> Mark:
    """Of an objective: its trigger's state, but a missed target, or a trigger that cannot fire, is no OK."""
    mark = _TRIGGER.get(metric.state) or _unheard(metric.state)
    if metric.cannot_fire:
        return Mark("▲", "CANNOT FIRE", "waiting")
    if metric.state == "OK" and metric.meets_target is False:
        return Mark("▲", "OFF TARGET", "waiting")
    if metric.state == "PENDING":
        return Mark(mark.glyph, f"PENDING {span(metric.held)}/{span(math.ceil(metric.hold))}", mark.tone)
    return mark


def pod_mark(pod: PodView) -> Mark:
    """Of a pod; the word is kubectl's STATUS."""
    status = visible(pod.status[:_LONGEST])
    if status in ("Succeeded", "Completed"):
        return Mark("✔", status, "quiet")
    if pod.healthy:
        return Mark("✔", status, "good")
    if status in _UNDER_WAY or status.startswith("Init:"):
        return Mark("▸", "not ready" if status == "Running" else status, "waiting")
    return Mark("✘", status, "failing")


def event_mark(event: EventView) -> Mark:
    """Of an event: Kubernetes knows Warning and Normal."""
    return Mark("▲", "Warning", "waiting") if event.warning else Mark("·", "Normal", "quiet")


def alert_mark(alert: AlertView) -> Mark:
    """Of an alert: its severity once it fires; of a rule that cannot be evaluated, that."""
    if alert.state != "firing":
        return _ALERTS.get(alert.state) or _unheard(alert.state)
    word = visible(alert.severity[:_LONGEST]) or "firing"
    if rank(alert.severity) <= rank("error"):
        return Mark("✘", word, "failing")
    return Mark("·" if alert.severity.casefold() == "info" else "▲", word, "waiting")


def level_mark(level: str) -> Mark:
    """Of a log line's level."""
    return _LEVELS.get(level, Mark(" ", level, "plain"))


def liveness_mark(liveness: Liveness) -> Mark:
    """Of a source of data."""
    return _LIVENESS[liveness]
