"""The rows of one target's workloads and pods, kept for as long as what they show stays the same."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from releaseconsole.session.assemble import Family, PodRows, workload_view
from releaseconsole.session.views import PodView, WorkloadView

if TYPE_CHECKING:
    from releaseconsole.session.planning import Planned


@dataclass(frozen=True, slots=True)
class _Row:
    """A row, and what it was made of."""

    family: Family
    planned: Planned | None
    pinned: bool
    view: WorkloadView

    def shows(self, family: Family, planned: Planned | None, pinned: bool) -> bool:
        return self.family is family and self.planned is planned and self.pinned is pinned


class TargetRows:
    """Rows of the rollout and the pods panel; what did not change keeps its row."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._rows: dict[str, _Row] = {}
        self._pod_rows = PodRows()
        self.workloads: tuple[WorkloadView, ...] = ()
        self.pods: tuple[PodView, ...] = ()

    def take(self, families: Iterable[Family], planned: Mapping[str, Planned], pins: Collection[str]) -> None:
        """Bring the rows up to date; ``planned`` rollbacks and ``pins`` are by the workload's key."""
        families = tuple(families)
        self._rows = {family.workload: self._row(family, planned, pins) for family in families}
        self.workloads = tuple(row.view for row in self._rows.values())
        self.pods = self._pod_rows.of(self._target, families)

    def _row(self, family: Family, planned: Mapping[str, Planned], pins: Collection[str]) -> _Row:
        key = f"{self._target}/{family.workload}"
        one, pinned = planned.get(key), key in pins
        row = self._rows.get(family.workload)
        if row is not None and row.shows(family, one, pinned):
            return row
        view = workload_view(
            self._target,
            family,
            pinned=pinned,
            previous=one.target if one else None,
            problem=one.problem if one else "",
        )
        return _Row(family, one, pinned, view)
