"""What happens when somebody wants something: ask what is missing, then tell the session.

Each intent runs in a worker of its own, so that a dialog or a slow cluster stops nothing.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

from textual.screen import Screen

from releaseconsole.plan.model import Item, PlacedAction, PlacedItem
from releaseconsole.record.model import ActionStatus, ItemStatus
from releaseconsole.record.watches import tally_words
from releaseconsole.session.views import Refusal, StuckPod
from releaseconsole.ui.messages import ItemVerb
from releaseconsole.ui.port import ConsoleSession
from releaseconsole.ui.screens.dialogs import AskScreen, ConfirmScreen, DecideScreen, Question
from releaseconsole.ui.words import counted

T = TypeVar("T")
HARMLESS = frozenset({"wait", "watch", "get", "logs", "open", "pin"})
"""Kinds of action that change nothing in a cluster."""


class Desk(Protocol):
    """What the intents need of the application."""

    async def ask(self, screen: Screen[T]) -> T | None:
        """Show a dialog and wait for its answer."""
        ...

    async def agreed(self, action_id: str) -> bool:
        """Show what an ``apply`` action would change; whether somebody agreed to it."""
        ...

    def tell(self, text: str, severity: str = "information") -> None:
        """Show a sentence for a while."""
        ...

    def verifying(self, item_id: str, under_way: bool) -> None:
        """Mark an item whose check runs."""
        ...


class Intents:
    """The dialogues between a person and the session. Every method may raise ReleaseConsoleError."""

    def __init__(self, desk: Desk, session: ConsoleSession) -> None:
        self._desk = desk
        self._session = session

    async def item(self, item_id: str, verb: ItemVerb) -> None:
        """Something with an item."""
        placed = self._session.plan.items[item_id]
        if verb == "tick":
            await self._tick(placed)
        elif verb == "reopen":
            self._session.untick(item_id)
        elif verb == "verify":
            await self._verify(placed)
        elif verb == "note":
            await self._note(placed.item)
        else:
            await self._with_reason(placed.item, verb)

    async def _tick(self, placed: PlacedItem) -> None:
        item = placed.item
        status = self._session.state.item(item.id).status
        if status in (ItemStatus.DONE, ItemStatus.OVERRIDDEN, ItemStatus.NOT_APPLICABLE, ItemStatus.DEFERRED):
            self._session.untick(item.id)
        elif item.role:
            await self._sign(item)
        elif item.target is not None:
            wanted = f"{item.target} {item.unit}".strip()
            question = Question("Measured value", item.text, f"a number, wanted {wanted}")
            value = await self._desk.ask(AskScreen(question))
            if value is not None:
                self._session.tick(item.id, value=value)
        else:
            self._session.tick(item.id)

    async def _sign(self, item: Item) -> None:
        about = f"{item.text}\nSigned as {item.role}, on the evidence of the journal as it is now."
        name = await self._desk.ask(AskScreen(Question("Sign off", about, "name of whoever approves")))
        if name is not None:
            self._session.sign(item.id, name)

    async def _verify(self, placed: PlacedItem) -> None:
        item = placed.item
        check = item.check
        if check is not None and check.by_hand and not await self._agreed(placed):
            return
        self._desk.verifying(item.id, True)
        try:
            state = await self._session.verify(item.id)
        finally:
            self._desk.verifying(item.id, False)
        if state.status is not ItemStatus.PASSED:
            self._desk.tell(f"{item.text}: {state.status.value}. {state.reason}".strip(), "warning")

    async def _agreed(self, placed: PlacedItem) -> bool:
        """A check that writes or costs something is confirmed where it would touch an environment."""
        check = placed.item.check
        if check is None or placed.environment is None:
            return True
        about = f"{placed.item.text}\n\nThis check sends or runs: {check.http or check.shell}"
        return await self._confirm("Run this check?", about, placed.environment)

    async def _note(self, item: Item) -> None:
        present = self._session.state.item(item.id).note
        question = Question("Note", item.text, "what others should know", present, required=False)
        text = await self._desk.ask(AskScreen(question))
        if text is not None:
            self._session.note(item.id, text)

    async def _with_reason(self, item: Item, verb: ItemVerb) -> None:
        title, hint = {
            "override": ("Override", "why it may count although it was not verified"),
            "defer": ("Defer", "why later, and when"),
            "not_applicable": ("Not applicable", "why it does not apply to this release"),
        }[verb]
        reason = await self._desk.ask(AskScreen(Question(title, item.text, hint)))
        if reason is None:
            return
        {
            "override": self._session.override,
            "defer": self._session.defer,
            "not_applicable": self._session.not_applicable,
        }[verb](item.id, reason)

    # Actions and the environment.

    async def run(self, action_id: str) -> bool:
        """Run an action, after a yes where it changes a cluster; False when somebody said no."""
        placed = self._session.plan.actions[action_id]
        if self._session.state.action(action_id).status is ActionStatus.RUNNING:
            self._desk.tell("This action is running already; press c to stop it.", "warning")
            return False
        if not self._session.read_only and not await self._wanted(placed):
            return False
        self._session.start_action(action_id)
        return True

    async def _wanted(self, placed: PlacedAction) -> bool:
        """A yes where something may change: to the very changes, where they can be known before."""
        if placed.environment is None or placed.action.kind in HARMLESS:
            return True
        if placed.action.kind == "apply":
            return await self._desk.agreed(placed.id)
        return await self._confirm("Run this action?", _what(placed), placed.environment)

    async def _confirm(self, title: str, about: str, env_id: str, keys: str = "y run it    n cancel") -> bool:
        environment = self._session.plan.environments.get(env_id)
        if environment is None:
            return True
        name = (environment.title or env_id).upper()
        places = " and ".join(f"{target.context} / {target.namespace}" for target in environment.targets)
        about = f"{about}\n\nEnvironment {name}, cluster {places}"
        question = Question(f"{title} {name}", about, keys, colour=environment.colour)
        answer = await self._desk.ask(ConfirmScreen(question))
        return bool(answer)

    async def cancel(self, action_id: str) -> None:
        """Stop that action, or whichever runs, after a yes."""
        running = [
            one
            for one, state in self._session.state.actions.items()
            if state.status is ActionStatus.RUNNING and one in self._session.plan.actions
        ]
        chosen = action_id if action_id in running else next(iter(running), "")
        if not chosen:
            self._desk.tell("No action is running.")
            return
        label = self._session.plan.actions[chosen].action.label
        question = Question("Stop this action?", label, "y stop it    n let it run")
        if await self._desk.ask(ConfirmScreen(question)):
            await self._session.cancel_action(chosen)

    async def pin(self, env_id: str) -> None:
        """Pin what runs now; asks when that replaces earlier pins."""
        earlier = [pin for pin in self._session.state.pins.values() if pin.environment == env_id]
        if earlier and not self._session.read_only:
            about = f"{len(earlier)} workloads are pinned. A rollback would then return to what runs now."
            if not await self._confirm("Pin anew?", about, env_id):
                return
        pins = await self._session.pin(env_id)
        words = ", ".join(f"{pin.workload.rpartition('/')[2]} at revision {pin.revision}" for pin in pins)
        self._desk.tell(f"Pinned {words or 'nothing'}.")

    async def decide(self, phase_id: str) -> None:
        """Go or no-go."""
        phase = self._session.plan.phase(phase_id)
        obstacles = self._session.unmet_needs(phase_id)
        if phase.gate is None and not obstacles:
            self._desk.tell(f"{phase.title} needs no decision: nothing stands against its start.")
            return
        about = "\n".join(obstacles) or "Nothing stands against it."
        go = await self._desk.ask(DecideScreen(Question(f"Go/no-go: {phase.title}", about)))
        if go is None:
            return
        needed = bool(obstacles) or not go
        hint = "why" if needed else "why (may stay empty)"
        question = Question("GO" if go else "NO GO", phase.title, hint, required=needed)
        reason = await self._desk.ask(AskScreen(question))
        if reason is not None:
            self._session.decide(phase_id, go, reason)

    async def tick_all(self, phase_id: str) -> None:
        """For practice only: tick every open item of a phase that is for a person to tick."""
        session = self._session
        if not session.practice:
            return
        ticked = 0
        for item in session.plan.phase(phase_id).items():
            if session.state.item(item.id).status is ItemStatus.OPEN and not item.role:
                session.tick(item.id, note="ticked with all others, for practice")
                ticked += 1
        self._desk.tell(f"{counted(ticked, 'item')} ticked. On a real cluster each is for you to see to.")

    async def unlock(self, env_id: str) -> None:
        """Lift the lock of an environment."""
        lock = self._session.state.locks.get(env_id)
        if lock is None:
            self._desk.tell("This environment is not locked.")
            return
        about = f"Locked by {lock.by}: {lock.reason}"
        reason = await self._desk.ask(AskScreen(Question("Unlock", about, "why deploying is safe again")))
        if reason is not None:
            self._session.unlock(env_id, reason)

    async def delete_stuck_pod(self, env_id: str, stuck: StuckPod) -> None:
        """Delete the broken pod that a StatefulSet waits for, after a yes."""
        about = (
            f"Pod {stuck.pod}: {stuck.why or 'not ready'}\n"
            "An ordered StatefulSet waits for it for ever (kubernetes #67250). "
            "Its controller makes it anew from the template that was rolled back to; its volumes stay."
        )
        if await self._confirm("Delete this pod?", about, env_id, "y delete it    n leave it"):
            await self._session.delete_stuck_pod(env_id, stuck.key, stuck.pod)
            self._desk.tell(f"{stuck.pod} is deleted; its controller makes it anew.")

    async def stop_watching(self, env_id: str) -> None:
        """End the observation window of an environment, after a yes."""
        standing = self._session.environment(env_id).watch
        if standing is None or not standing.watch.under_way:
            self._desk.tell("This environment is not being watched.")
            return
        about = f"So far: {tally_words(standing)}.\nWhat is known by now stays in the journal."
        question = Question("Stop watching?", about, "y stop it    n go on watching")
        if await self._desk.ask(ConfirmScreen(question)):
            self._session.watching.stop(env_id)

    async def accept_clusters(self, env_id: str) -> None:
        """Confirm, one by one, the contexts of an environment that lead to another cluster than before."""
        view = self._session.environment(env_id)
        if not view.refusals:
            self._desk.tell("Every context of this environment leads where it led before.")
        for refusal in view.refusals:
            question = Question(
                f"Another cluster behind {refusal.context}?",
                _both(refusal),
                "y it is meant    n keep refusing it",
                colour=view.colour,
            )
            if await self._desk.ask(ConfirmScreen(question)):
                self._session.accept_cluster(refusal)


def _both(refusal: Refusal) -> str:
    """What a person has to compare before a yes."""
    seen = (("Before", refusal.before), ("Now", refusal.now))
    facts = "\n".join(
        f"{when:<7} {one.server or 'address unknown'}\n        kube-system {one.uid or 'not readable'}"
        for when, one in seen
    )
    about = "If you say yes, the release is watched, changed and rolled back there from now on."
    return f"{facts}\n\n{about} It is written into the journal under your name."


def _what(placed: PlacedAction) -> str:
    return f"{placed.phase.title} · {placed.step.title}\n{placed.action.label}"
