"""What an observer of a session sees: plain frozen values, made anew when something changed.

The screen compares them by equality and repaints what differs. Texts come from clusters and people:
they are never markup, and control characters were made visible before they got here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from releaseconsole.record.clusters import SeenCluster
from releaseconsole.record.watches import Standing
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
    cannot_fire: str = ""
    """Why its trigger could not fire whatever happens, as found before the deploy; "" when nothing was found."""


@dataclass(frozen=True, slots=True)
class AlertView:
    """One row of the alerts panel: an alert of the release, or a rule for it that cannot be evaluated."""

    key: str
    name: str
    state: str
    """``firing``, ``pending``, or ``broken`` for a rule."""
    severity: str
    since: float
    """Seconds since the epoch; 0 when it is not known."""
    summary: str
    """What the rule's author says of it; of a broken rule, why it cannot be evaluated."""
    labels: tuple[tuple[str, str], ...]
    annotations: tuple[tuple[str, str], ...]
    value: float | None
    group: str
    source: str
    """Host and port of the Prometheus that says so."""

    @property
    def firing(self) -> bool:
        return self.state == "firing"


@dataclass(frozen=True, slots=True)
class AlertCounts:
    """What stands behind the rows of the alerts panel."""

    rules: int = 0
    """Alerting rules that are watched."""
    named: int = 0
    """Of these, how many name the release."""
    firing: int = 0
    """Firing alerts of the release, those included that are not shown."""
    elsewhere: int = 0
    """Firing alerts that are not the release's."""
    left_out: int = 0
    """Alerts of the release beyond those that are shown."""
    broken: int = 0
    """Rules that cannot be evaluated, the release's and others'."""


@dataclass(frozen=True, slots=True)
class LogCoverage:
    """Which log streams are open."""

    streams: int = 0
    total: int = 0
    waiting: tuple[str, ...] = ()
    errors_per_minute: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class ArmedDetail:
    """What the rollback of one workload rests on."""

    key: str
    name: str
    target: str
    """``context/namespace``."""
    ready: bool
    pinned_at: float = 0.0
    """When it was pinned (seconds since the epoch); 0 when nothing is."""
    source: str = ""
    """``pinned``, ``pinned template`` when the cluster no longer keeps the revision, ``previous`` …"""
    to_revision: str = ""
    already_there: bool = False
    """It runs what it would be rolled back to; there is nothing to try."""
    paused: bool = False
    tried_at: float = 0.0
    """When the API server last accepted a dry run (seconds since the epoch); 0 when it has not."""
    rights: str = ""
    """What the API server says of the right to patch it, where no dry run tells."""
    notes: tuple[str, ...] = ()
    """Who would undo it, what holds evictions back, who scales: a sentence each."""
    problem: str = ""
    """Why it could not be brought back now; "" when it could."""
    remedy: str = ""
    """The key or command that mends the problem, or makes it safer."""


@dataclass(frozen=True, slots=True)
class ArmedView:
    """Whether a rollback of the environment would work now."""

    ready: int = 0
    total: int = 0
    problems: tuple[str, ...] = ()
    """One sentence per workload that could not be brought back, with the remedy."""
    pinned: int = 0
    details: tuple[ArmedDetail, ...] = ()

    @property
    def armed(self) -> bool:
        return self.total > 0 and self.ready == self.total


@dataclass(frozen=True, slots=True)
class AutomaticView:
    """A countdown to an automatic rollback, which anybody can stop."""

    environment: str
    seconds_left: int
    reason: str
    """The trigger that burns, in words."""


@dataclass(frozen=True, slots=True)
class StuckPod:
    """A broken pod that an ordered StatefulSet waits for although its template has moved on."""

    key: str
    """``context/namespace/statefulset/name``."""
    pod: str
    uid: str
    why: str
    """What is wrong with it."""


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
    alerts: tuple[AlertView, ...] = ()
    """Firing ones first."""
    alert_counts: AlertCounts = AlertCounts()
    alerts_freshness: Freshness = Freshness()
    logs: LogCoverage = LogCoverage()
    armed: ArmedView = ArmedView()
    lock: str = ""
    panel_errors: tuple[tuple[str, str], ...] = ()
    """(panel, sentence) for what this user may not see: ``("pods", "list pods is forbidden …")``."""
    refusals: tuple[Refusal, ...] = ()
    """Contexts that lead to another cluster than before, each once."""
    watch: Standing | None = None
    """The newest observation window."""
    automatic: AutomaticView | None = None
    """The countdown to an automatic rollback, while there is one."""

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
