"""What the armed rollback of one workload rests on, what stands in its way, and the key that mends it."""

from __future__ import annotations

from releaseconsole.session.planning import Planned
from releaseconsole.session.views import ArmedDetail

RESUMED = "paused: it is resumed in the same patch"
UNPINNED = "nothing is pinned: press p to pin what runs now as the place to return to"
_NOT_TRIED = "not tried against the cluster yet"
_ONLY_LOOKED = "not tried against the cluster: this console is read-only"


def detail(planned: Planned) -> ArmedDetail:
    """One workload of the armed view. Pure."""
    target = planned.target
    return ArmedDetail(
        key=planned.key,
        name=planned.name,
        target=planned.target_name,
        ready=not planned.problem,
        pinned_at=planned.pinned_at,
        source=target.source if target else "",
        to_revision=target.to_revision if target else "",
        already_there=bool(target and target.skipped),
        paused=bool(target and target.paused),
        tried_at=planned.tried_at if planned.tried and not planned.problem else 0.0,
        rights=planned.rights,
        notes=_notes(planned),
        problem=planned.problem,
        remedy=_remedy(planned),
    )


def _notes(planned: Planned) -> tuple[str, ...]:
    """What is good to know though it stops nothing: who will undo it, what holds evictions back, who scales."""
    target = planned.target
    if target is None:
        return ()
    notes = [*target.warnings, *planned.observer.held_evictions(planned.workload)]
    if not planned.unfinished and (scaler := planned.observer.scaler(planned.workload)):
        notes.append(scaler)
    if target.paused and not target.skipped:
        notes.insert(0, "paused: ctrl+r resumes and rolls back in one go")
    if not target.skipped and not planned.tried and not planned.problem:
        notes.append(_ONLY_LOOKED if planned.rights else _NOT_TRIED)
    return tuple(notes)


def _remedy(planned: Planned) -> str:
    """The key or command that mends it; a problem's own sentence holds what only its cause can tell."""
    target = planned.target
    if planned.problem and planned.rights:
        return f"kubectl auth can-i patch {planned.workload} -n {planned.observer.namespace}" + _context(
            planned
        )
    if planned.problem and planned.tried:
        return "ctrl+r shows the plan; what the API server says against it has to be mended there"
    if planned.problem:
        return "it is planned again every few seconds"
    return UNPINNED if target is not None and not planned.pinned_at else ""


def _context(planned: Planned) -> str:
    return f" --context {planned.observer.target.context}"
