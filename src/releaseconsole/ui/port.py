"""What the screen needs of a session, and nothing more. `releaseconsole.session.Session` is the real one.

Small helpers for ages, clocks and names cut in the middle are in `releaseconsole.ui.words`.
"""

from __future__ import annotations

from types import TracebackType
from typing import Protocol

from releaseconsole.plan.model import Plan
from releaseconsole.record.model import ItemState, Pin, ReleaseState, RollbackState
from releaseconsole.session.apply_preview import ApplyPreview
from releaseconsole.session.apply_preview import Progress as Tried
from releaseconsole.session.chart_data import ChartData
from releaseconsole.session.views import EnvironmentView, Notice, Refusal, RollbackPreview, StuckPod

FIRING_LETTERS = "ABCEFGHMNPRSTUVWXYZ"
"""What ``RollbackPreview.letter`` is drawn from. The dialog takes either case. Left out are the letters that
the dialog itself uses (d, j, k, q) and those that look like a digit or like each other (I, L, O)."""


class Progress(Protocol):
    """How far a phase or a step is."""

    @property
    def total(self) -> int: ...
    @property
    def settled(self) -> int: ...
    @property
    def deferred(self) -> int: ...
    @property
    def failed(self) -> int: ...
    @property
    def unknown(self) -> int: ...
    @property
    def complete(self) -> bool:
        """Every item is settled."""
        ...

    @property
    def complete_except_deferred(self) -> bool: ...
    @property
    def label(self) -> str:
        """``9/23``, ``✔ 79``, ``✔ 79+2d``."""
        ...


class LogLine(Protocol):
    """One line of a log."""

    @property
    def at(self) -> float:
        """Seconds since the epoch."""
        ...

    @property
    def source(self) -> str:
        """The pod."""
        ...

    @property
    def container(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def level(self) -> str:
        """``error``, ``warn``, ``info``, ``gap`` or ""."""
        ...


class LogBuffer(Protocol):
    """A bounded ring of log lines with absolute numbers: ``first`` exists, ``end`` does not yet."""

    @property
    def first(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def dropped(self) -> int: ...
    def line(self, number: int, /) -> LogLine:
        """The line of that absolute number."""
        ...


class Live(Protocol):
    """What an item's check last found, whether or not the outcome changed."""

    @property
    def at(self) -> float:
        """Seconds since the epoch."""
        ...

    @property
    def status(self) -> str: ...
    @property
    def reason(self) -> str: ...


class ChartSource(Protocol):
    """Asks Prometheus for the chart of an objective; both raise UsageError for what the plan does not have."""

    async def chart(self, env_id: str, objective_id: str, seconds: float, points: int, /) -> ChartData:
        """The last ``seconds`` with about ``points`` of them; no answer is told in the chart itself."""
        ...

    def since_deploy(self, env_id: str, /) -> float | None:
        """Seconds since something new was last deployed; None when nobody knows."""
        ...


class WindowKeeper(Protocol):
    """Who ends an observation window; views tell how it stands."""

    def stop(self, env_id: str, reason: str = "", /) -> None: ...


class JournalKeeper(Protocol):
    """Who writes the journal."""

    @property
    def unwritten(self) -> int:
        """How many entries exist in memory only, since the journal refused them."""
        ...


class ConsoleSession(Protocol):
    """One release under way. Reading is cheap and never waits; ``version`` moves when something was changed.

    Every intent raises ReleaseConsoleError with a message and a remedy; ReadOnly in a read-only console.
    """

    async def __aenter__(self) -> object:
        """Open the journal and start to observe."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None: ...

    # What can be seen. ``plan``, ``read_only``, ``user`` and ``title`` also before the session is open.
    @property
    def plan(self) -> Plan: ...
    @property
    def state(self) -> ReleaseState: ...
    @property
    def read_only(self) -> bool: ...
    @property
    def user(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def practice(self) -> str:
        """The practice cluster's scenario; "" on real clusters."""
        ...

    @property
    def version(self) -> int: ...
    @property
    def charts(self) -> ChartSource: ...
    def environment(self, env_id: str, /) -> EnvironmentView: ...
    def logs(self, env_id: str, /) -> LogBuffer: ...
    def output(self, action_id: str, /) -> tuple[str, ...]: ...
    def live(self, item_id: str, /) -> Live | None: ...
    def running(self) -> tuple[str, ...]:
        """Ids of the actions under way in this session."""
        ...

    def take_notices(self) -> tuple[Notice, ...]: ...
    def focus(self, env_id: str, /) -> None: ...
    def default_environment(self, phase_id: str, /) -> str:
        """The phase's own, else the one looked at last; "" in a plan without environments."""
        ...

    def progress(self, phase_id: str, /) -> Progress: ...
    def step_progress(self, phase_id: str, step_id: str, /) -> Progress: ...
    def start_obstacles(self, phase_id: str, /, *, decision: bool = True) -> tuple[str, ...]:
        """Why the phase may not start; without ``decision``, a missing go is left out."""
        ...

    def unmet_needs(self, phase_id: str, /) -> tuple[str, ...]:
        """What a go would be decided against."""
        ...

    @property
    def watching(self) -> WindowKeeper: ...
    @property
    def ledger(self) -> JournalKeeper: ...

    # Intents that are written at once.
    def tick(self, item_id: str, value: str = "", note: str = "") -> None: ...
    def untick(self, item_id: str) -> None: ...
    def note(self, item_id: str, text: str) -> None: ...
    def override(self, item_id: str, reason: str) -> None: ...
    def defer(self, item_id: str, reason: str) -> None: ...
    def not_applicable(self, item_id: str, reason: str) -> None: ...
    def sign(self, item_id: str, name: str) -> None: ...
    def decide(self, phase_id: str, go: bool, reason: str) -> None: ...
    def unlock(self, env_id: str, reason: str) -> None: ...

    def accept_cluster(self, refusal: Refusal, /) -> None:
        """A person confirms that a context leads to the cluster they were shown."""
        ...

    # Intents that take their time.
    async def verify(self, item_id: str) -> ItemState: ...
    async def preview_action(self, action_id: str, progress: Tried | None = None) -> ApplyPreview:
        """What an ``apply`` action would change now; writes nothing. Also in a read-only console."""
        ...

    def start_action(self, action_id: str) -> None:
        """Run it, owned by the session; ``state.action`` and ``output`` tell how it goes."""
        ...

    async def cancel_action(self, action_id: str) -> object: ...
    async def pin(self, env_id: str) -> tuple[Pin, ...]: ...
    def prepared_preview(self, env_id: str) -> RollbackPreview | None: ...
    async def preview_rollback(self, env_id: str, to: str = "pinned") -> RollbackPreview: ...
    def start_rollback(self, preview: RollbackPreview, reason: str = "") -> None:
        """Fire, owned by the session; the stages are in ``state.rollbacks[-1]``."""
        ...

    def retry_rollback(self, environment: str) -> None:
        """Once more with what failed in the last rollback of the environment; owned by the session."""
        ...

    def interrupted_rollback(self, environment: str) -> RollbackState | None:
        """The environment's last rollback, when a console died over it."""
        ...

    async def resume_rollback(self, environment: str) -> RollbackState:
        """Go on with the rollback that was interrupted; returns at its end."""
        ...

    def stop_automatic(self, environment: str) -> None:
        """Stop the countdown to an automatic rollback, until the next deploy."""
        ...

    def stuck_pods(self, environment: str) -> tuple[StuckPod, ...]:
        """Broken pods that ordered StatefulSets of the environment wait for in vain."""
        ...

    async def delete_stuck_pod(self, environment: str, key: str, pod: str) -> None:
        """Delete one of them, by its UID."""
        ...
