"""The bar of a rollout: how many pods are new and ready, new and not yet, and old."""

from __future__ import annotations

from releaseconsole.session.views import WorkloadView
from releaseconsole.ui.widgets.lines import Line, Piece


def shares(counts: tuple[int, ...], width: int) -> tuple[int, ...]:
    """Cells for each count, together ``width``; what is not zero gets a cell while there are enough."""
    total = sum(counts)
    if total <= 0 or width <= 0:
        return tuple(0 for _ in counts)
    exact = [count * width / total for count in counts]
    cells = [max(1, int(share)) if count else 0 for share, count in zip(exact, counts, strict=True)]
    while sum(cells) > width:
        cells[max(range(len(cells)), key=lambda at: (cells[at] > 1, cells[at] - exact[at]))] -= 1
    while sum(cells) < width:
        cells[max(range(len(cells)), key=lambda at: (exact[at] - cells[at]) if counts[at] else -width)] += 1
    return tuple(cells)


def rollout_bar(workload: WorkloadView, width: int, failing: bool) -> Line:
    """``width`` cells: new and ready, new and not ready, not yet there, old."""
    ready = max(0, min(workload.ready, workload.updated))
    updating = max(0, workload.updated - ready)
    old = max(0, workload.old)
    absent = max(0, workload.desired - workload.updated - old)
    ready_cells, updating_cells, old_cells, absent_cells = shares((ready, updating, old, absent), width)
    if ready_cells + updating_cells + old_cells + absent_cells == 0:
        absent_cells = width
    pieces = (
        Piece("█" * ready_cells, "good"),
        Piece("▒" * updating_cells, "failing" if failing else "waiting"),
        Piece("░" * old_cells, "plain"),
        Piece("·" * absent_cells, "quiet"),
    )
    return tuple(piece for piece in pieces if piece.text)
