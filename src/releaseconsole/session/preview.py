"""From a planned rollback to what the dialog shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from releaseconsole.session.rehearsal import Planned
from releaseconsole.session.views import PreviewLine, RollbackPreview
from releaseconsole.text import duration

if TYPE_CHECKING:
    from releaseconsole.session.observer import Observer

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
        not_restored=NEVER_RESTORED,
        letter=letter,
    )


def _line(planned: Planned, now: float) -> PreviewLine:
    target = planned.target
    notes = [*target.warnings] if target else []
    if planned.unfinished:
        notes.insert(0, "rollout unfinished, fine")
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
