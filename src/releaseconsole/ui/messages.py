"""What the panes tell the frame. Plain values; nobody calls upwards."""

from __future__ import annotations

from typing import Literal

from textual.message import Message

ItemVerb = Literal["tick", "reopen", "verify", "note", "override", "defer", "not_applicable"]

Wish = Literal[
    "pin",
    "decide",
    "unlock",
    "armed",
    "accept-cluster",
    "theme",
    "help",
    "watch-rollback",
    "watch-window",
    "tick-all",
    "quit",
]


class Wanted(Message):
    """Somebody wants something with the release or the console as a whole."""

    def __init__(self, wish: Wish) -> None:
        super().__init__()
        self.wish = wish


class ItemWanted(Message):
    """Somebody wants something done with an item of the checklist."""

    def __init__(self, item_id: str, verb: ItemVerb) -> None:
        super().__init__()
        self.item_id = item_id
        self.verb = verb


class ActionWanted(Message):
    """Somebody wants an action to run, or the running one to stop."""

    def __init__(self, action_id: str, *, halt: bool = False) -> None:
        super().__init__()
        self.action_id = action_id
        self.halt = halt


class PreviewWanted(Message):
    """Somebody wants to see what an action would change."""

    def __init__(self, action_id: str) -> None:
        super().__init__()
        self.action_id = action_id


class CursorMoved(Message):
    """The checklist's cursor stands on another action or item."""

    def __init__(self, action_id: str, item_id: str) -> None:
        super().__init__()
        self.action_id = action_id
        self.item_id = item_id


class PhaseChosen(Message):
    """A phase tab was clicked."""

    def __init__(self, phase_id: str) -> None:
        super().__init__()
        self.phase_id = phase_id


class PaneChosen(Message):
    """A panel's tab was clicked."""

    def __init__(self, pane: str) -> None:
        super().__init__()
        self.pane = pane


class FindTyped(Message):
    """The text to find has changed, or the next match is wanted."""

    def __init__(self, text: str, *, again: bool = False) -> None:
        super().__init__()
        self.text = text
        self.again = again


class FindClosed(Message):
    """Finding is over."""
