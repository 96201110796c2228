"""The one object that the screen, the command line and the tests drive.

Intents go in and are written to the journal before they act; views come out. A session has no screen in it and
never touches one. Open it with ``async with``: everything that it started is gone when it is left.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Coroutine, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from releaseconsole import __version__
from releaseconsole.actions.runner import run as run_action
from releaseconsole.checks.finding import Finding
from releaseconsole.errors import GateClosed, ReadOnly, ReleaseConsoleError, UsageError
from releaseconsole.plan.model import Phase, PlacedAction, PlacedItem, Plan
from releaseconsole.record import gates
from releaseconsole.record.model import ActionState, ItemState, Pin, ReleaseState, RollbackState
from releaseconsole.session.aftermath import after_rollback
from releaseconsole.session.apply_preview import ApplyPreview, Progress, preview_apply
from releaseconsole.session.charts import Charts
from releaseconsole.session.closing import close_group
from releaseconsole.session.contexts import Acting
from releaseconsole.session.emergency import Emergency
from releaseconsole.session.guard import innermost, kept_going
from releaseconsole.session.hub import Hub
from releaseconsole.session.identity import Clusters
from releaseconsole.session.ledger import Ledger
from releaseconsole.session.measured import require_target
from releaseconsole.session.observer import Observer
from releaseconsole.session.pinning import pin_environment
from releaseconsole.session.rollbacks import Rollbacks
from releaseconsole.session.runs import Runs
from releaseconsole.session.setup import Setup
from releaseconsole.session.stuck import delete_stuck_pod, stuck_pods
from releaseconsole.session.verifier import Live, Verifier
from releaseconsole.session.views import EnvironmentView, Notice, Refusal, RollbackPreview, StuckPod
from releaseconsole.session.watching import Watching

if TYPE_CHECKING:
    from releaseconsole.cluster.logs import LogBuffer

_LOG = logging.getLogger("releaseconsole.session")
FIRST_CHECKS = 1.0
"""Seconds after the start."""


class Session:
    """One release under way."""

    def __init__(self, plan: Plan, ledger: Ledger, hub: Hub, setup: Setup) -> None:
        self.plan = plan
        self.setup = setup
        self._hub = hub
        self._ledger = ledger
        self._tasks = asyncio.TaskGroup()
        self._clusters = Clusters(ledger, setup)
        self._observers = {
            name: Observer(
                plan, name, environment, ledger=ledger, hub=hub, setup=setup, clusters=self._clusters
            )
            for name, environment in plan.environments.items()
        }
        self.charts = Charts(plan, self.observer, lambda: ledger.state, setup.clock)
        self._runs = Runs(ledger, hub)
        self._rollbacks = Rollbacks(
            plan,
            ledger,
            hub,
            setup,
            lambda hook, emit: run_action(hook, self._outside, emit),
            lambda name: self._runs.stop_deploys(name, "stopped by the rollback"),
        )
        self.watching = Watching(plan, ledger, hub, setup.clock, self._observers, self.observer)
        self._outside = Acting(plan, setup, self.observer, self._pin_keeping, self.roll_back, self.watching)
        self._verifier = Verifier(plan, ledger, hub, setup.clock, self._outside)
        self._emergency = Emergency(plan, ledger, hub, setup, self._observers, self.observer, self.roll_back)
        self._focused = ""

    async def __aenter__(self) -> Session:
        await self._tasks.__aenter__()
        if not self.read_only:
            self._ledger.write_anyway("session.started", {"pid": os.getpid(), "version": __version__})
        workers = {"checks": self._verify, "watching": self.watching.run, **self._emergency.workers()}
        if self.read_only:
            workers["journal"] = self._follow_the_journal
        for name, work in workers.items():
            self._spawn(kept_going(work, name, self._hub, self.setup.clock), name)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await close_group(self._tasks, kind, error, trace)
        finally:
            await self._outside.close()
            if not self.read_only:
                self._ledger.write_anyway("session.ended", {})
            self._ledger.close()

    # What an observer sees.

    @property
    def state(self) -> ReleaseState:
        return self._ledger.state

    @property
    def read_only(self) -> bool:
        return self.setup.read_only

    @property
    def user(self) -> str:
        return self.setup.user

    @property
    def practice(self) -> str:
        return self.setup.practice

    @property
    def title(self) -> str:
        return f"{self.plan.release.title} {self.plan.release.version}"

    @property
    def version(self) -> int:
        return self._hub.version

    @property
    def ledger(self) -> Ledger:
        return self._ledger

    async def changed(self, since: int) -> int:
        """Wait until anything visible has changed since version ``since``; returns the version now."""
        return await self._hub.changed(since)

    def environment(self, environment: str) -> EnvironmentView:
        """Everything live about one environment. Raises UsageError for one that the plan does not have."""
        return self.observer(environment).view()

    def logs(self, environment: str) -> LogBuffer:
        return self.observer(environment).logs

    def output(self, action_id: str) -> tuple[str, ...]:
        return self._runs.output(action_id)

    def live(self, item_id: str) -> Live | None:
        """What the item's check last found, with the time, whether or not the outcome changed."""
        return self._verifier.live(item_id)

    def running(self) -> tuple[str, ...]:
        """Ids of the actions under way in this session."""
        return self._runs.running()

    def take_notices(self) -> tuple[Notice, ...]:
        return self._hub.take_notices()

    def progress(self, phase_id: str) -> gates.Progress:
        return gates.phase_progress(self.plan, self.state, phase_id)

    def step_progress(self, phase_id: str, step_id: str) -> gates.Progress:
        return gates.step_progress(self.plan, self.state, phase_id, step_id)

    def start_obstacles(self, phase_id: str, *, decision: bool = True) -> tuple[str, ...]:
        return gates.start_obstacles(self.plan, self.state, phase_id, decision=decision)

    def unmet_needs(self, phase_id: str) -> tuple[str, ...]:
        return gates.unmet_needs(self.plan, self.state, phase_id)

    def default_environment(self, phase_id: str) -> str:
        """The phase's own environment, else the one looked at last, else the plan's last; "" without any."""
        own = self.plan.phase(phase_id).environment
        return own or self._focused or next(reversed(self.plan.environments), "")

    def observer(self, environment: str) -> Observer:
        """The live side of one environment, started on first use."""
        observer = self._observers.get(environment)
        if observer is None:
            known = ", ".join(self._observers) or "none"
            raise UsageError(f"The plan has no environment “{environment}”.", f"It has {known}.")
        if not observer.started:
            observer.started = True
            self._spawn(observer.run(), f"observe {environment}")
        return observer

    def focus(self, environment: str) -> None:
        """Bring one environment to the fore: its logs and metrics are followed, others rest."""
        if environment == self._focused or not environment:
            return
        self._focused = self._verifier.focused = environment
        for name, observer in self._observers.items():
            observer.focus.set(name == environment)
        self.observer(environment)

    # Intents on items.

    def tick(self, item_id: str, value: str = "", note: str = "") -> None:
        """Done by hand. Raises GateClosed for a number that misses the item's target."""
        item = self._item(item_id).item
        if item.role:
            raise GateClosed(f"“{item.text}” is a sign-off.", "Sign it with a name instead of ticking it.")
        require_target(item.target, value, item.unit)
        self._ledger.write("item.done", {"item": item_id, "value": value, "note": note})

    def untick(self, item_id: str) -> None:
        self._item(item_id)
        self._ledger.write("item.reopened", {"item": item_id})
        self._verifier.forget(item_id)

    def note(self, item_id: str, text: str) -> None:
        self._item(item_id)
        self._ledger.write("item.noted", {"item": item_id, "note": text})

    def override(self, item_id: str, reason: str) -> None:
        self._with_reason("item.overridden", item_id, reason)

    def defer(self, item_id: str, reason: str) -> None:
        self._with_reason("item.deferred", item_id, reason)

    def not_applicable(self, item_id: str, reason: str) -> None:
        self._with_reason("item.not_applicable", item_id, reason)

    def sign(self, item_id: str, name: str) -> None:
        """A named person's approval, bound to the journal as it is now. Raises GateClosed."""
        self._item(item_id)
        obstacles = gates.sign_obstacles(self.plan, self.state, item_id)
        if obstacles:
            raise GateClosed(" ".join(obstacles), "Settle these first.")
        if not name.strip():
            raise GateClosed("A sign-off needs a name.", "Type the name of whoever approves.")
        self._ledger.write(
            "item.signed", {"item": item_id, "name": name.strip(), "evidence": self.state.last_hash}
        )

    def decide(self, phase_id: str, go: bool, reason: str = "") -> None:
        """The go or no-go of a phase; a go against obstacles needs a reason. Raises GateClosed."""
        despite = gates.unmet_needs(self.plan, self.state, phase_id) if go else ()
        if despite and not reason.strip():
            raise GateClosed(" ".join(despite), "To go despite this, give your reason.")
        self._ledger.write(
            "decision", {"phase": phase_id, "go": go, "reason": reason.strip(), "despite": list(despite)}
        )

    def unlock(self, environment: str, reason: str) -> None:
        """Allow deploys again. Raises GateClosed without a reason."""
        if not reason.strip():
            raise GateClosed("Unlocking needs a reason.", "Say why deploying is safe again.")
        self._ledger.write("lock.cleared", {"environment": environment, "reason": reason.strip()})

    async def verify(self, item_id: str) -> ItemState:
        """Run the item's check now."""
        placed = self._item(item_id)
        if placed.item.check is None:
            raise GateClosed(
                f"“{placed.item.text}” has no check.", "Tick it with space when you know it holds."
            )
        if placed.environment:
            await self.observer(placed.environment).synced(timeout=5)
        await self._verifier.verify(placed)
        return self.state.item(item_id)

    async def look(self, item_id: str) -> Finding:
        """Run the item's check now and only say what it found. Raises GateClosed for an item without one."""
        return await self._verifier.look(self._item(item_id))

    async def ready(self, environments: Iterable[str], timeout: float, *, metrics: bool = True) -> None:
        """Observe some environments and wait for their first data, but no longer than ``timeout`` seconds."""
        observers = [self.observer(name) for name in environments]
        for observer in observers:
            observer.focus.set(True)
        waits = [observer.synced(timeout) for observer in observers]
        if metrics:
            waits += [observer.feed.answered(timeout) for observer in observers]
            waits += [observer.rehearsal.rehearsed(timeout) for observer in observers]
        await asyncio.gather(*waits)

    # Intents that act on the world.

    async def run_action(self, action_id: str) -> ActionState:
        """Run one action to its end. Raises GateClosed when its phase may not act yet, ReadOnly, ActionError."""
        placed = self._action(action_id)
        self._may_act(placed)
        if placed.action.kind == "shell" and placed.environment:
            await self.observer(placed.environment).proven()
        if placed.action.kind == "apply" and placed.environment:
            await self.pin(placed.environment, keep=True)
            # A rollback may have begun and locked the environment while the pins were read.
            self._may_act(placed)
        return await self._runs.run(placed, lambda emit: run_action(placed, self._outside, emit))

    async def preview_action(self, action_id: str, progress: Progress | None = None) -> ApplyPreview:
        """What an ``apply`` action would change now; writes nothing. Raises UsageError, ActionError."""
        return await preview_apply(self._action(action_id), self.plan, self._outside, progress)

    def start_action(self, action_id: str) -> None:
        """Run one action in the session's own task; what goes wrong becomes a notice."""
        placed = self._action(action_id)
        self._may_act(placed)
        self._spawn(self._told(self.run_action(action_id)), f"action {action_id}")

    async def cancel_action(self, action_id: str) -> None:
        self._refuse_read_only()
        await self._runs.cancel(action_id, f"stopped by {self.user}")

    async def pin(self, environment: str, *, keep: bool = False) -> tuple[Pin, ...]:
        """Record what runs now as the place to return to; with ``keep``, earlier pins stay as they are."""
        self._refuse_read_only()
        observer = self.observer(environment)
        pins = await pin_environment(observer, self._ledger, keep=keep)
        observer.rehearsal.wake()
        return pins

    def accept_cluster(self, refusal: Refusal) -> None:
        """A person confirms that a context leads to the cluster they were shown, from now on. Raises ReadOnly."""
        self._clusters.confirm(refusal)

    def prepared_preview(self, environment: str) -> RollbackPreview | None:
        """The preview as last rehearsed, at once; None when there is no rehearsal yet."""
        return self._rollbacks.prepared(self.observer(environment))

    async def preview_rollback(self, environment: str, to: str = "pinned") -> RollbackPreview:
        """Plan the rollback afresh against the API server."""
        return await self._rollbacks.preview(self.observer(environment), to)

    async def roll_back(
        self, environment: str, reason: str = "", to: str = "pinned", only: tuple[str, ...] = ()
    ) -> RollbackState:
        """Bring every workload of the environment back (or those of ``only``); returns when it ended."""
        self._refuse_read_only()
        observer = self.observer(environment)
        observer.refuse()
        done = await self._rollbacks.run(observer, reason or f"asked for by {self.user}", to, only)
        after_rollback(self.plan, self._ledger, self._verifier, self._runs, done)
        return done

    def start_rollback(self, preview: RollbackPreview, reason: str = "") -> None:
        """Fire in the session's own task; progress is in ``state.rollbacks[-1]``."""
        self._refuse_read_only()
        self._spawn(
            self._told(self.roll_back(preview.environment, reason)), f"rollback {preview.environment}"
        )

    def retry_rollback(self, environment: str) -> None:
        """Try again with the workloads that failed in the environment's last rollback."""
        self._refuse_read_only()
        failed = self._rollbacks.failed(environment)
        if not failed:
            raise GateClosed("Nothing failed in the last rollback.", "Press ctrl+r for a new one.")
        self._spawn(
            self._told(self.roll_back(environment, "second try of what failed", only=failed)),
            "rollback again",
        )

    def interrupted_rollback(self, environment: str) -> RollbackState | None:
        """The environment's last rollback, when a console died over it."""
        return self._rollbacks.interrupted(environment)

    async def resume_rollback(self, environment: str) -> RollbackState:
        """Go on with the rollback that was interrupted; what is back already is not touched again."""
        self._refuse_read_only()
        done = await self._rollbacks.resume(self.observer(environment))
        after_rollback(self.plan, self._ledger, self._verifier, self._runs, done)
        return done

    def stop_automatic(self, environment: str) -> None:
        """Stop the countdown to an automatic rollback, until the next deploy. Raises GateClosed, ReadOnly."""
        self._emergency.automatic.stop(environment)

    def stuck_pods(self, environment: str) -> tuple[StuckPod, ...]:
        """Broken pods that ordered StatefulSets of the environment wait for in vain."""
        return stuck_pods(self.observer(environment))

    async def delete_stuck_pod(self, environment: str, key: str, pod: str) -> None:
        """Delete one of them. Raises ReadOnly, GateClosed when nothing waits for it, ClusterError."""
        self._refuse_read_only()
        await delete_stuck_pod(self.observer(environment), self._ledger, key, pod)

    # Inside.

    async def _verify(self) -> None:
        """Pods first, then checks: these load libraries of their own."""
        await self.setup.clock.sleep(FIRST_CHECKS)
        await self._verifier.run()

    def _item(self, item_id: str) -> PlacedItem:
        placed = self.plan.items.get(item_id)
        if placed is None:
            raise UsageError(f"The plan has no item “{item_id}”.", "`status --json` lists them.")
        return placed

    def _action(self, action_id: str) -> PlacedAction:
        placed = self.plan.actions.get(action_id)
        if placed is None:
            raise UsageError(f"The plan has no action “{action_id}”.", "`status --json` lists them.")
        return placed

    def _refuse_read_only(self) -> None:
        if self.read_only:
            raise ReadOnly("This console is read-only.", "Start it without --read-only to change something.")

    def _with_reason(self, kind: str, item_id: str, reason: str) -> None:
        self._item(item_id)
        if not reason.strip():
            raise GateClosed("This needs a reason.", "It goes into the journal beside your name.")
        self._ledger.write(kind, {"item": item_id, "reason": reason.strip()})

    def _may_act(self, placed: PlacedAction) -> None:
        self._refuse_read_only()
        if placed.action.kind in ("rollback", "pin", "watch", "open", "logs", "get"):
            return
        obstacles = self.start_obstacles(placed.phase.id)
        if obstacles:
            raise GateClosed(" ".join(obstacles), self._way_round(placed.phase))

    def _way_round(self, phase: Phase) -> str:
        lock = self.state.locks.get(phase.environment or "")
        if lock is not None:
            return "Press U to unlock it, with a reason."
        return "Settle it, or press g to decide a go with your reason."

    def _spawn(self, work: Coroutine[Any, Any, Any], name: str) -> None:
        self._tasks.create_task(work, name=name)

    async def _pin_keeping(self, environment: str) -> tuple[Pin, ...]:
        return await self.pin(environment, keep=True)

    async def _told(self, work: Coroutine[Any, Any, Any]) -> None:
        """Await ``work``; whatever goes wrong in it becomes a sentence for the person."""
        try:
            await work
        except ReleaseConsoleError as error:
            self._hub.tell(str(error), "error")
        except Exception as error:  # noqa: BLE001  (the edge of a worker: it tells)
            _LOG.exception("an intent failed")
            reason = innermost(error)
            self._hub.tell(f"A defect stopped this. {type(reason).__name__}: {reason}"[:300], "error")

    async def _follow_the_journal(self) -> None:
        while True:
            await self.setup.clock.sleep(2)
            self._ledger.refresh()
