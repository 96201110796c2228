"""Which panels are seen at which size of the terminal. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

PANES = ("checklist", "rollout", "pods", "alerts", "events", "metrics", "logs", "output")
SMALLEST = (60, 15)
SPLIT_FROM = 100
WIDE_FROM = 140
STACK_FROM = 30
ALL_FROM = 45
"""Rows from which pods and events each have a place of their own."""
ROOMY_FROM = 50
"""Rows from which firing alerts have one too; below, they take the place of the events."""
_MIDDLE = ("pods", "alerts", "events")

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
    firing: bool = False
    """Whether an alert of the release fires, which brings its panel out where there is room."""

    def with_active(self, pane: str) -> Fronts:
        """Bring a panel to the front."""
        return Fronts(
            active=pane,
            side=self.side if pane == "checklist" else pane,
            middle=pane if pane in _MIDDLE else self.middle,
            lower=pane if pane in ("logs", "output") else self.lower,
            firing=self.firing,
        )

    def showing(self, pane: str) -> Fronts:
        """Show a panel where it has its place, without making it the active one."""
        moved = self.with_active(pane)
        return replace(moved, active=self.active)


def arrange(width: int, height: int, fronts: Fronts, *, zoomed: bool) -> Arrangement:
    """The panels for that many columns and rows."""
    if width < SMALLEST[0] or height < SMALLEST[1]:
        return Arrangement("tiny", ())
    if zoomed or width < SPLIT_FROM:
        return Arrangement("single", (fronts.active,))
    if width < WIDE_FROM or height < STACK_FROM:
        return Arrangement("split", ("checklist", fronts.side))
    return Arrangement("wide", ("checklist", "rollout", *_middle(height, fronts), "metrics", fronts.lower))


def _middle(height: int, fronts: Fronts) -> tuple[str, ...]:
    if height < ALL_FROM:
        return (fronts.middle,)
    wanted = fronts.firing or fronts.middle == "alerts"
    if height >= ROOMY_FROM:
        return _MIDDLE if wanted else ("pods", "events")
    return ("pods", "alerts" if wanted and fronts.middle != "events" else "events")


def after(pane: str, step: int, arrangement: Arrangement) -> str:
    """The next panel in the round: of those seen when all have a place, else of all."""
    ring = arrangement.visible if arrangement.mode == "wide" else PANES
    if pane not in ring:
        return ring[0] if ring else pane
    return ring[(ring.index(pane) + step) % len(ring)]
