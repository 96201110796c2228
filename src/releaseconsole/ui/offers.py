"""What the command palette offers: everything that a key can do, and every phase, panel, action and theme.

A command's name may hold any text; its help is always ours, since the palette reads that as markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Protocol, get_args

from textual.message import Message

from releaseconsole.ui.messages import ActionWanted, ItemVerb, ItemWanted, PreviewWanted, Wish
from releaseconsole.ui.port import ConsoleSession
from releaseconsole.ui.screens.layout import PANES
from releaseconsole.ui.screens.main import MainScreen
from releaseconsole.ui.screens.palette import Command
from releaseconsole.ui.screens.rollback_lines import interrupted_rollback


class Emergency(Protocol):
    """What the rollback offers besides its key."""

    @property
    def counts_down(self) -> bool: ...
    def stop_automatic(self) -> None: ...
    def resume(self, environment: str) -> None: ...


class Doer(Protocol):
    """What the commands need of the application."""

    @property
    def emergency(self) -> Emergency: ...
    def action_rollback(self) -> None: ...
    def want(self, wish: Wish) -> None: ...
    def use_theme(self, name: str) -> None: ...
    def post_message(self, message: Message) -> bool: ...


def all_commands(
    app: Doer, main: MainScreen, session: ConsoleSession, themes: Iterable[str]
) -> Iterator[Command]:
    """Every command that makes sense now."""
    yield Command("ROLLBACK: show what it would do", "The same as ctrl+r", app.action_rollback)
    yield Command(
        "Rollback: is it armed?", "What the rollback of each workload rests on", partial(app.want, "armed")
    )
    if session.state.rollbacks:
        watch = partial(app.want, "watch-rollback")
        yield Command("Rollback: progress", "Show the last rollback", watch)
    for number, phase in enumerate(session.plan.phases, start=1):
        name = f"Phase {number}: {phase.title}"
        yield Command(name, "Show this phase", partial(main.show_phase, phase.id))
    for pane in PANES:
        yield Command(f"Panel: {pane}", "Bring it to the front", partial(main.go_to_pane, pane))
    for env_id, environment in session.plan.environments.items():
        name = f"Environment: {environment.title or env_id}"
        yield Command(name, "Look at it, and let ctrl+r be about it", partial(main.show_environment, env_id))
    for action in session.plan.actions.values():
        if action.phase.id == main.phase.id and action.action.kind == "apply":
            look = partial(app.post_message, PreviewWanted(action.id))
            yield Command(f"What would change: {action.action.label}", "Nothing is applied", look)
    if main.environment_id and session.environment(main.environment_id).watch is not None:
        window = partial(app.want, "watch-window")
        yield Command("Observation window", "How far it is, and each verdict", window)
    if not session.read_only:
        yield from _writing_commands(app, main, session)
    for theme in themes:
        yield Command(f"Theme: {theme}", "Use these colours", partial(app.use_theme, theme))
    yield Command("Help", "Every key that works", partial(app.want, "help"))
    yield Command("Quit", "Leave; the release stays as it is", partial(app.want, "quit"))


def _writing_commands(app: Doer, main: MainScreen, session: ConsoleSession) -> Iterator[Command]:
    placed = session.plan.items.get(main.checklist.current_item)
    for verb in get_args(ItemVerb) if placed else ():
        name = f"{verb.replace('_', ' ').capitalize()}: {placed.item.text if placed else ''}"
        wanted = ItemWanted(main.checklist.current_item, verb)
        yield Command(name, "The item under the cursor", partial(app.post_message, wanted))
    for action in session.plan.actions.values():
        if action.phase.id == main.phase.id:
            run = partial(app.post_message, ActionWanted(action.id))
            yield Command(f"Run: {action.action.label}", "An action of this phase", run)
    yield from _rollback_commands(app, main, session)
    if session.practice:
        tick_all = partial(app.want, "tick-all")
        yield Command("Practice: tick every open item of this phase", "To get on with the walk", tick_all)
    yield Command("Pin what runs now", "The place a rollback returns to", partial(app.want, "pin"))
    yield Command("Go/no-go", "Decide for this phase", partial(app.want, "decide"))
    if main.environment_id and session.environment(main.environment_id).refusals:
        accept = partial(app.want, "accept-cluster")
        yield Command("Accept the cluster that the context leads to now", "Shows both, and asks", accept)
    yield Command("Unlock the environment", "Asks why", partial(app.want, "unlock"))


def _rollback_commands(app: Doer, main: MainScreen, session: ConsoleSession) -> Iterator[Command]:
    if app.emergency.counts_down:
        stop = app.emergency.stop_automatic
        yield Command("Stop the automatic rollback", "Until the next deploy", stop)
    if main.environment_id and interrupted_rollback(session, main.environment_id):
        resume = partial(app.emergency.resume, main.environment_id)
        yield Command("Continue the interrupted rollback", "From where it stopped", resume)
