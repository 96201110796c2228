"""What an ``apply`` action would change, on every target of its environment, before anybody agrees to it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from releaseconsole.actions.apply import manifests_of
from releaseconsole.actions.place import environment_of
from releaseconsole.errors import ClusterError, UsageError
from releaseconsole.outside.context import OutsideContext
from releaseconsole.plan.model import PlacedAction, Plan, Target

if TYPE_CHECKING:
    from releaseconsole.cluster.apply_preview import Change
    from releaseconsole.cluster.manifests import Manifest

MOST_OBJECTS = 1_000
"""Of one target. The action itself tries all of them."""
Progress = Callable[[int, int], None]
"""Told how many manifests were tried, of how many, over all targets."""


@dataclass(frozen=True, slots=True)
class TargetPreview:
    """What would change in one namespace of one cluster."""

    target: str
    """``context/namespace``."""
    changes: tuple[Change, ...] = ()
    problem: str = ""
    """Why nothing can be said of this target."""
    left_out: int = 0
    """Manifests that were not tried, since there are too many to look at."""


@dataclass(frozen=True, slots=True)
class ApplyPreview:
    """What running the action would do now."""

    action: str
    label: str
    environment: str
    title: str
    colour: str
    targets: tuple[TargetPreview, ...]

    def count(self, change: str) -> int:
        """Objects of which that would become: ``created``, ``configured``, ``unchanged``, ``refused``, ``untried``."""
        return sum(one.change == change for target in self.targets for one in target.changes)

    @property
    def can_apply(self) -> bool:
        """Nothing stands against it."""
        return not self.count("refused") and not any(target.problem for target in self.targets)

    @property
    def changes_nothing(self) -> bool:
        return not any(self.count(one) for one in ("created", "configured", "refused", "untried"))

    @property
    def mark(self) -> str:
        """Another one as soon as something else would be done, or something else be overwritten."""
        marks = [f"{target.target} {target.problem} {one.mark}" for target, one in self._all()]
        return hashlib.sha256("\n".join(marks).encode()).hexdigest()

    def _all(self) -> Iterator[tuple[TargetPreview, Change]]:
        return ((target, one) for target in self.targets for one in target.changes)

    def differs(self, other: ApplyPreview) -> tuple[str, ...]:
        """Names of the objects with which something else would be done than ``other`` says."""
        known = {(target.target, *one.key): one.mark for target, one in other._all()}
        mine = {(target.target, *one.key): one.mark for target, one in self._all()}
        keys = [key for key in {**mine, **known} if mine.get(key) != known.get(key)]
        return tuple(dict.fromkeys(f"{kind} {name}" for _, kind, _, name in keys))


async def preview_apply(
    placed: PlacedAction, plan: Plan, context: OutsideContext, progress: Progress | None = None
) -> ApplyPreview:
    """Try the manifests of an ``apply`` action on all targets in parallel; nothing is written.

    Raises UsageError for an action of another kind, ActionError when the manifests cannot be used.
    """
    if placed.action.kind != "apply":
        raise UsageError(f"“{placed.action.label}” applies nothing.", "Only `apply` actions have a preview.")
    name = environment_of(placed)
    environment = plan.environments[name]
    manifests = await manifests_of(placed, context)
    tell = _Sum(progress, len(environment.targets))
    work = [_try(target, manifests, context, tell.of(str(target))) for target in environment.targets]
    return ApplyPreview(
        action=placed.id,
        label=placed.action.label,
        environment=name,
        title=environment.title or name,
        colour=environment.colour,
        targets=tuple(await asyncio.gather(*work)),
    )


async def _try(
    target: Target, manifests: list[Manifest], context: OutsideContext, progress: Progress
) -> TargetPreview:
    from releaseconsole.cluster.apply_preview import preview_manifests

    seen, left_out = manifests[:MOST_OBJECTS], max(0, len(manifests) - MOST_OBJECTS)
    try:
        client = await context.client(target)
        changes = await preview_manifests(client, seen, target.namespace, progress=progress)
    except ClusterError as error:
        return TargetPreview(str(target), problem=str(error), left_out=left_out)
    return TargetPreview(str(target), tuple(_near(one, context.folder) for one in changes), left_out=left_out)


def _near(change: Change, folder: Path) -> Change:
    """With the file as the plan names it."""
    return replace(change, source=change.source.removeprefix(f"{folder}/"))


class _Sum:
    """Adds up how far each target is."""

    def __init__(self, progress: Progress | None, targets: int) -> None:
        self._progress = progress
        self._targets = targets
        self._tried: dict[str, int] = {}

    def of(self, target: str) -> Progress:
        def tell(tried: int, of: int) -> None:
            self._tried[target] = tried
            if self._progress is not None:
                self._progress(sum(self._tried.values()), of * self._targets)

        return tell
