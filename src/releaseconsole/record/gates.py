"""What must hold before a phase may start or a name be put under it: pure questions to a plan and its state.

A phase of the kind ``rollback`` applies only once something was rolled back; until then it is in
nobody's way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from releaseconsole.plan.model import Item, Phase, PlacedItem, Plan
from releaseconsole.record.model import ItemStatus, ReleaseState

_NAMED = 3
"""How many items a sentence names before it only counts the rest."""
_DEPLOYING = frozenset({"apply", "shell"})


@dataclass(frozen=True, slots=True)
class Progress:
    """How many items stand where. ``settled + deferred + failed + unknown + open == total``."""

    total: int = 0
    settled: int = 0
    deferred: int = 0
    failed: int = 0
    unknown: int = 0
    open: int = 0
    applies: bool = True
    """False for a rollback phase while nothing was rolled back."""

    @property
    def complete(self) -> bool:
        """Every item is settled, or none of them applies."""
        return not self.applies or self.settled == self.total

    @property
    def complete_except_deferred(self) -> bool:
        """Nothing is left but what somebody put off with a reason."""
        return not self.applies or self.settled + self.deferred == self.total

    @property
    def label(self) -> str:
        """``9/23``, ``✔ 79``, ``✔ 79+2d`` (two deferred), ``–`` when there is nothing to do."""
        if not self.applies or not self.total:
            return "–"
        if not self.complete_except_deferred:
            return f"{self.settled}/{self.total}"
        return f"✔ {self.settled}+{self.deferred}d" if self.deferred else f"✔ {self.total}"


def phase_progress(plan: Plan, state: ReleaseState, phase_id: str) -> Progress:
    """Progress of a whole phase. Raises KeyError for an unknown one."""
    phase = plan.phase(phase_id)
    return _count(phase.items(), state, _applies(phase, state))


def step_progress(plan: Plan, state: ReleaseState, phase_id: str, step_id: str) -> Progress:
    """Progress of one step. Raises KeyError for an unknown phase or step."""
    phase = plan.phase(phase_id)
    for step in phase.steps:
        if step.id == step_id:
            return _count(step.items, state, _applies(phase, state))
    raise KeyError(step_id)


def start_obstacles(
    plan: Plan, state: ReleaseState, phase_id: str, *, decision: bool = True
) -> tuple[str, ...]:
    """Why the phase may not start, a sentence each; empty when it may. Raises KeyError for an unknown one.

    Without ``decision``, a go that is missing is left out: for who shows it in a line of its own.
    """
    phase = plan.phase(phase_id)
    return (
        *(() if _waived(state, phase) else _unmet_needs(plan, state, phase)),
        *_deferred_items(plan, state, phase),
        *(_missing_decision(state, phase) if decision else ()),
        *_locks(plan, state, phase),
    )


def unmet_needs(plan: Plan, state: ReleaseState, phase_id: str) -> tuple[str, ...]:
    """What a go for the phase would be decided against, a sentence each. Raises KeyError."""
    return tuple(_unmet_needs(plan, state, plan.phase(phase_id)))


def sign_obstacles(plan: Plan, state: ReleaseState, item_id: str) -> tuple[str, ...]:
    """Why nobody may put a name under the item, a sentence each. Raises KeyError for an unknown item.

    Its phase has to be allowed to start; in a sign-off phase no item of the plan may be deferred.
    """
    return start_obstacles(plan, state, plan.items[item_id].phase.id)


def _applies(phase: Phase, state: ReleaseState) -> bool:
    return phase.kind != "rollback" or bool(state.rollbacks)


def _count(items: Iterable[Item], state: ReleaseState, applies: bool) -> Progress:
    statuses = [state.item(item.id).status for item in items]
    return Progress(
        total=len(statuses),
        settled=sum(status.settled for status in statuses),
        deferred=statuses.count(ItemStatus.DEFERRED),
        failed=statuses.count(ItemStatus.FAILED),
        unknown=statuses.count(ItemStatus.UNKNOWN),
        open=statuses.count(ItemStatus.OPEN),
        applies=applies,
    )


def _waived(state: ReleaseState, phase: Phase) -> bool:
    """Somebody decided to go although the needs were not complete, and gave the reason."""
    decision = state.decisions.get(phase.id)
    return decision is not None and decision.go and bool(decision.despite)


def _unmet_needs(plan: Plan, state: ReleaseState, phase: Phase) -> Iterator[str]:
    for need in phase.needs:
        progress = phase_progress(plan, state, need)
        # Deferred items of a sign-off's needs are named one by one, with all others of the plan.
        if not progress.complete_except_deferred:
            yield f"{plan.phase(need).title} is not complete: {_left(progress)}."


def _left(progress: Progress) -> str:
    counts = ((progress.failed, "failed"), (progress.unknown, "unknown"), (progress.open, "open"))
    parts = [f"{count} {word}" for count, word in counts if count]
    return f"of {progress.total} items {_listed(parts)}"


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _deferred_items(plan: Plan, state: ReleaseState, phase: Phase) -> Iterator[str]:
    """A deferred item anywhere is in the way of the final sign-off."""
    if phase.kind != "sign-off":
        return
    deferred = [placed for placed in plan.items.values() if _is_deferred(placed, state)]
    if not deferred:
        return
    names = [f"“{placed.item.text}” ({placed.phase.title})" for placed in deferred[:_NAMED]]
    if len(deferred) > _NAMED:
        names.append(f"{len(deferred) - _NAMED} more")
    yield f"{_items(len(deferred))} deferred: {_listed(names)}."


def _is_deferred(placed: PlacedItem, state: ReleaseState) -> bool:
    return _applies(placed.phase, state) and state.item(placed.item.id).status is ItemStatus.DEFERRED


def _items(count: int) -> str:
    return "1 item is" if count == 1 else f"{count} items are"


def _missing_decision(state: ReleaseState, phase: Phase) -> Iterator[str]:
    if phase.gate != "go/no-go":
        return
    decision = state.decisions.get(phase.id)
    if decision is None:
        yield f"Nobody has decided go or no-go for {phase.title}."
    elif not decision.go:
        yield f"{decision.by} decided no-go for {phase.title}{_because(decision.reason)}."


def _locks(plan: Plan, state: ReleaseState, phase: Phase) -> Iterator[str]:
    """An environment that may not be deployed to is in the way of the phases that deploy to it."""
    for environment in sorted(_deploys_to(phase)):
        lock = state.locks.get(environment)
        if lock is not None:
            known = plan.environments.get(environment)
            title = (known.title if known else "") or environment
            yield f"{title} is locked by {lock.by}{_because(lock.reason)}."


def _deploys_to(phase: Phase) -> set[str]:
    """Environments that the phase may change; a rollback and its aftermath are never locked out."""
    if phase.kind in ("rollback", "sign-off"):
        return set()
    actions = [action for step in phase.steps for action in step.actions if action.kind in _DEPLOYING]
    found = {action.environment or phase.environment for action in actions}
    if phase.kind == "deploy":
        found.add(phase.environment)
    return {environment for environment in found if environment}


def _because(reason: str) -> str:
    return f": {reason.rstrip('.')}" if reason else ""
