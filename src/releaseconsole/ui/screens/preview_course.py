"""What firing a preview would do, and what is said when that changes while somebody reads it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from releaseconsole.session.views import PreviewLine, RollbackPreview
from releaseconsole.ui.words import cut_middle

MOST = 3
Doing = tuple[tuple[str, str, str, bool, bool], ...]
"""One for each workload: its key, the revision and the images it goes back to, already there, cannot go back."""


def doing(preview: RollbackPreview) -> Doing:
    """Equal for two previews that would do the same, however old their pins and whatever burns."""
    return tuple(map(_deed, preview.lines))


def _deed(one: PreviewLine) -> tuple[str, str, str, bool, bool]:
    return one.key, one.to_revision, one.to_image, one.skipped, bool(one.problem)


def changes(before: RollbackPreview, after: RollbackPreview) -> str:
    """What would be done otherwise by now, in a sentence; "" when nothing would."""
    found = list(_changes(before, after))
    more = f"; and {len(found) - MOST} more" if len(found) > MOST else ""
    return "; ".join(found[:MOST]) + more


def _changes(before: RollbackPreview, after: RollbackPreview) -> Iterator[str]:
    earlier = {one.key: one for one in before.lines}
    for one in after.lines:
        old, name = earlier.pop(one.key, None), cut_middle(one.name, 40)
        if old is None:
            yield f"{name} would be rolled back too"
        elif _deed(old) != _deed(one):
            yield f"{name} {_change(old, one)}"
    yield from (f"{cut_middle(old.name, 40)} is left out" for old in earlier.values())


def _change(old: PreviewLine, new: PreviewLine) -> str:
    if bool(old.problem) != bool(new.problem):
        return "cannot go back any more" if new.problem else "could be rolled back by now"
    if old.skipped != new.skipped:
        return "is already there" if new.skipped else "would be rolled back too"
    if old.to_revision != new.to_revision:
        return f"would go to revision {new.to_revision or '?'} and no longer to {old.to_revision or '?'}"
    return f"would go to {cut_middle(new.to_image, 60)}"
