"""Where a rollback of a workload returns to, by what the journal says of it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from releaseconsole.record.model import Pin, ReleaseState, WorkloadRollback

if TYPE_CHECKING:
    from releaseconsole.cluster.rollback import PinnedRevision


def pinned_revision(pin: Pin) -> PinnedRevision:
    """The record's pin in the words of the cluster room."""
    from releaseconsole.cluster.rollback import PinnedRevision

    return PinnedRevision(
        uid=pin.uid,
        revision=pin.revision,
        replica_set=pin.replica_set,
        template_hash=pin.template_hash,
        images=pin.images,
        template=dict(pin.template),
    )


def recorded_revision(one: WorkloadRollback) -> PinnedRevision:
    """The place that a rollback in the journal goes to."""
    from releaseconsole.cluster.rollback import PinnedRevision

    return PinnedRevision(
        uid=one.uid,
        revision=one.to_revision,
        template_hash="",
        images=one.to_images,
        template=dict(one.template),
    )


def went_last(state: ReleaseState, key: str) -> WorkloadRollback | None:
    """The last rollback that took a workload somewhere. One that was never pinned returns there: otherwise
    pressing the key twice would go forward again to the bad version, as ``kubectl rollout undo`` does."""
    found = (rollback.workloads.get(key) for rollback in reversed(state.rollbacks))
    return next((one for one in found if one is not None and one.template), None)
