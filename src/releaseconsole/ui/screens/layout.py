"""Which panels are seen at which size of the terminal. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PANES = ("checklist", "rollout", "pods", "events", "metrics", "logs", "output")
SMALLEST = (60, 15)
SPLIT_FROM = 100
WIDE_FROM = 140
STACK_FROM = 30
ALL_FROM = 45
"""Rows from which pods and events each have a place of their own."""

Mode = Literal["tiny", "single", "split", "wide"]


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What is seen. ``single`` and ``split`` show tabs for what is not."""

    mode: Mode
    visible: tuple[str, ...]

    @property
    def tabs(self) -> bool:
        return self.mode in ("single", "split")


@dataclass(frozen=True, slots=True)
class Fronts:
    """Which panel is in front where several share a place."""

    active: str = "checklist"
    side: str = "rollout"
    """The right-hand panel in ``split``."""
    middle: str = "pods"
    lower: str = "logs"

    def with_active(self, pane: str) -> Fronts:
        """Bring a panel to the front."""
        return Fronts(
            active=pane,
            side=self.side if pane == "checklist" else pane,
            middle=pane if pane in ("pods", "events") else self.middle,
            lower=pane if pane in ("logs", "output") else self.lower,
        )

    def showing(self, pane: str) -> Fronts:
        """Show a panel where it has its place, without making it the active one."""
        moved = self.with_active(pane)
        return Fronts(self.active, moved.side, moved.middle, moved.lower)


def arrange(width: int, height: int, fronts: Fronts, *, zoomed: bool) -> Arrangement:
    """The panels for that many columns and rows."""
    if width < SMALLEST[0] or height < SMALLEST[1]:
        return Arrangement("tiny", ())
    if zoomed or width < SPLIT_FROM:
        return Arrangement("single", (fronts.active,))
    if width < WIDE_FROM or height < STACK_FROM:
        return Arrangement("split", ("checklist", fronts.side))
    middle = ("pods", "events") if height >= ALL_FROM else (fronts.middle,)
    return Arrangement("wide", ("checklist", "rollout", *middle, "metrics", fronts.lower))


def after(pane: str, step: int, arrangement: Arrangement) -> str:
    """The next panel in the round: of those seen when all have a place, else of all."""
    ring = arrangement.visible if arrangement.mode == "wide" else PANES
    if pane not in ring:
        return ring[0] if ring else pane
    return ring[(ring.index(pane) + step) % len(ring)]
