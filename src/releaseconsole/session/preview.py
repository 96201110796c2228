"""From a planned rollback to what the dialog shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from releaseconsole.session.armed import RESUMED
from releaseconsole.session.planning import Planned
from releaseconsole.session.views import PreviewLine, RollbackPreview
from releaseconsole.text import duration

if TYPE_CHECKING:
    from releaseconsole.session.observer import Observer

_MOST_SCALERS = 3
NEVER_RESTORED = ("ConfigMaps and Secrets", "replica counts", "database migrations")


def make_preview(observer: Observer, planned: Sequence[Planned], letter: str, now: float) -> RollbackPreview:
    """The preview of firing ``planned`` now; ``now`` in seconds since the epoch."""
    return RollbackPreview(
        environment=observer.name,
        title=observer.title,
        colour=observer.environment.colour,
        targets=tuple(str(target) for target in observer.environment.targets),
        lines=tuple(_line(one, now) for one in planned),
        burning=observer.burning(),
        not_restored=_not_restored(planned),
        letter=letter,
    )


def _not_restored(planned: Sequence[Planned]) -> tuple[str, ...]:
    """The same for all, and who sets the replica counts where it is not a person."""
    scaled = [f"{one.name}: {scaler}" for one in planned if (scaler := one.observer.scaler(one.workload))]
    if not scaled:
        return NEVER_RESTORED
    named = list(dict.fromkeys(scaled))
    more = f"; and {len(named) - _MOST_SCALERS} more" if len(named) > _MOST_SCALERS else ""
    counts = f"replica counts ({'; '.join(named[:_MOST_SCALERS])}{more})"
    return tuple(counts if one == "replica counts" else one for one in NEVER_RESTORED)


def _line(planned: Planned, now: float) -> PreviewLine:
    target = planned.target
    notes = [*target.warnings] if target else []
    if target and target.resume:
        notes.insert(0, RESUMED)
    if planned.unfinished:
        notes.insert(0, "rollout unfinished, fine")
    else:
        # During a rollout every budget is used up; at rest it is too tight, and somebody will wonder.
        notes += planned.observer.held_evictions(planned.workload)
    return PreviewLine(
        key=planned.key,
        name=planned.name,
        target=planned.target_name,
        from_revision=target.from_revision if target else "",
        to_revision=target.to_revision if target else "",
        from_image=", ".join(target.from_images) if target else "",
        to_image=", ".join(target.to_images) if target else "",
        source=_source(planned, now),
        note=" · ".join(notes),
        skipped=bool(target and target.skipped),
        problem=planned.problem,
        diff=target.template_diff if target else (),
    )


def _source(planned: Planned, now: float) -> str:
    if planned.target is None:
        return ""
    source = planned.target.source
    if source.startswith("pinned") and planned.pinned_at:
        return f"{source} {duration(max(0.0, now - planned.pinned_at))} ago"
    if source == "previous":
        return "previous revision (nothing was pinned)"
    return source
