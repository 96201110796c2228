"""What an observer of a session sees: plain frozen values, made anew when something changed.

The screen compares them by equality and repaints what differs. Texts come from clusters and people:
they are never markup, and control characters were made visible before they got here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from releaseconsole.record.clusters import SeenCluster
from releaseconsole.text import visible


class Liveness(StrEnum):
    """How far the data of one source can be believed."""

    CONNECTING = "connecting"
    LIVE = "live"
    STALE = "stale"
    DENIED = "denied"
    REFUSED = "refused"
    """The context leads to another cluster than before; nothing is watched until a person confirms it."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """One source (a watch, a poll) and when it last said something."""

    liveness: Liveness = Liveness.CONNECTING
    seen: float = 0.0
    """Monotonic seconds of the last sign of life; 0 when there was none."""
    error: str = ""
    trying: str = ""
    """That it is tried again, how often and for how long by now; "" where nothing is tried."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A context that leads to another cluster than before, until a person confirms it."""

    context: str
    before: SeenCluster
    now: SeenCluster

    @property
    def message(self) -> str:
        """What is wrong, in a sentence."""
        return visible(
            f"Context “{self.context}” pointed to another cluster before ({self.before}); it now leads to {self.now}."
        )

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return visible(
            f"If that is meant, press A to confirm it (on the command line: --accept-cluster {self.context}); "
            "if not, mend the kubeconfig."
        )

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}"


@dataclass(frozen=True, slots=True)
class WorkloadView:
    """One row of the rollout panel."""

    key: str
    """``context/namespace/deployment/name``."""
    name: str
    target: str
    """``context/namespace``."""
    state: str
    """A value of ``cluster.rollout.RolloutState``: ``complete``, ``progressing``, ``failing`` …"""
    message: str
    revision: str
    previous_revision: str
    """The revision a rollback would return to; "" when there is none."""
    image: str
    previous_image: str
    desired: int
    updated: int
    ready: int
    """Ready pods of the new revision."""
    old: int
    """Pods of older revisions that still exist."""
    problems: tuple[str, ...] = ()
    """Pods of the new revision that cannot work: pod, reason, message."""
    pinned: bool = False
    rollback_ready: bool = False
    rollback_problem: str = ""
    autoscaler: str = ""
    """Who sets the replicas: ``replicas are set by HPA api-gateway (2–6)``; "" when no autoscaler does."""
    notes: tuple[str, ...] = ()
    """What else is good to know, a sentence each: a disruption budget that allows no eviction."""


@dataclass(frozen=True, slots=True)
class PodView:
    """One row of the pods panel."""

    uid: str
    name: str
    target: str
    workload: str
    revision: str
    """``new``, ``old`` or ""."""
    ready: str
    """``1/1``."""
    status: str
    """As kubectl's STATUS column says it: Running, CrashLoopBackOff, Terminating …"""
    healthy: bool
    restarts: int
    created: float
    node: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class EventView:
    """One row of the events panel; the newest come first."""

    uid: str
    at: float
    warning: bool
    reason: str
    object: str
    message: str
    count: int


@dataclass(frozen=True, slots=True)
class MetricView:
    """One row of the metrics panel."""

    id: str
    title: str
    unit: str
    value: float | None
    target: str
    """``< 0.1``."""
    target_value: float
    meets_target: bool | None
    """None when it cannot be told."""
    trigger: str
    """``> 1 for 1m`` or ""."""
    trigger_value: float | None
    state: str
    """``OK``, ``PENDING``, ``BREACH``, ``NO TRAFFIC``, ``NO DATA``, ``PROVIDER DOWN``; ``WAITING`` at first."""
    reason: str
    held: float
    """Seconds for which the trigger's condition has held."""
    hold: float
    """Seconds for which it has to hold."""
    history: tuple[tuple[float, float], ...]
    """(time, value), oldest first; at most 120; a gap is NaN."""
    seen: float
    """Monotonic seconds of the last good value."""


@dataclass(frozen=True, slots=True)
class LogCoverage:
    """Which log streams are open."""

    streams: int = 0
    total: int = 0
    waiting: tuple[str, ...] = ()
    errors_per_minute: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class ArmedView:
    """Whether a rollback of the environment would work now."""

    ready: int = 0
    total: int = 0
    problems: tuple[str, ...] = ()
    """One sentence per workload that could not be brought back, with the remedy."""
    pinned: int = 0

    @property
    def armed(self) -> bool:
        return self.total > 0 and self.ready == self.total


@dataclass(frozen=True, slots=True)
class EnvironmentView:
    """Everything live about one environment."""

    id: str
    title: str
    colour: str
    targets: tuple[str, ...]
    cluster: Freshness
    metrics: Freshness
    workloads: tuple[WorkloadView, ...] = ()
    pods: tuple[PodView, ...] = ()
    events: tuple[EventView, ...] = ()
    objectives: tuple[MetricView, ...] = ()
    logs: LogCoverage = LogCoverage()
    armed: ArmedView = ArmedView()
    lock: str = ""
    panel_errors: tuple[tuple[str, str], ...] = ()
    """(panel, sentence) for what this user may not see: ``("pods", "list pods is forbidden …")``."""
    refusals: tuple[Refusal, ...] = ()
    """Contexts that lead to another cluster than before, each once."""

    @property
    def unhealthy(self) -> int:
        return sum(not pod.healthy for pod in self.pods)


@dataclass(frozen=True, slots=True)
class PreviewLine:
    """One workload in the rollback preview."""

    key: str
    name: str
    target: str
    from_revision: str
    to_revision: str
    from_image: str
    to_image: str
    source: str
    """``pinned 00:41 ago``, ``previous revision (nothing was pinned)`` …"""
    note: str
    skipped: bool
    problem: str
    diff: tuple[str, ...]
    """Unified diff of the pod templates."""


@dataclass(frozen=True, slots=True)
class RollbackPreview:
    """What pressing the key a second time would do."""

    environment: str
    title: str
    colour: str
    targets: tuple[str, ...]
    lines: tuple[PreviewLine, ...]
    burning: tuple[str, ...]
    """Triggers in breach, in words."""
    not_restored: tuple[str, ...]
    letter: str
    """The key that fires; drawn afresh for each preview."""

    @property
    def can_fire(self) -> bool:
        return any(not line.problem and not line.skipped for line in self.lines)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person should be told: one sentence, and how grave it is."""

    text: str
    severity: str = "information"
    """``information``, ``warning`` or ``error``."""
