"""How far each workload is on its way from the old revision to the new one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.events import Resize

from releaseconsole.session.views import EnvironmentView, WorkloadView
from releaseconsole.ui.panes.base import Pane
from releaseconsole.ui.panes.images import image_change
from releaseconsole.ui.styles import rollout_mark
from releaseconsole.ui.widgets.bars import rollout_bar
from releaseconsole.ui.widgets.cells import left, middle, right, safe
from releaseconsole.ui.widgets.lines import Line, Piece, justified
from releaseconsole.ui.widgets.table import Drawn, DrawnPainter, LineTable
from releaseconsole.ui.words import cell_len, counted, wrap

_BAR = 10
_STATE = 16
_MOST_PROBLEMS = 3
_TELLING = frozenset({"failing", "failed", "paused", "missing", "unknown"})


class RolloutPane(Pane):
    """One entry a workload; what is wrong with it stands beneath."""

    HEADING = "Rollout"
    PANEL = "rollout"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter", "detail", "detail", id="rollout.detail", tooltip="Everything known about the workload"
        ),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        self.table: LineTable[Drawn] = LineTable(DrawnPainter())
        super().__init__(self.table, id=id, classes=classes)
        self._view: EnvironmentView | None = None
        self._now = (0.0, 0.0)
        self._laid_out: tuple[Sequence[WorkloadView], int] | None = None

    def show(self, view: EnvironmentView, now_monotonic: float, now_epoch: float) -> None:
        """Show this view; the monotonic clock is for the age of the data."""
        self._view, self._now = view, (now_monotonic, now_epoch)
        wanted = (view.workloads, self.table.room)
        if self._laid_out != wanted or not view.workloads:
            self._laid_out = wanted
            nothing = "The plan names no workload here."
            rows = tuple(_rows(view.workloads, self.table.room))
            self.table.set_rows(rows, None, self.emptiness(view, view.cluster, nothing))
        self.set_title(*_counts(view.workloads))
        self.set_freshness(view.cluster, self.panel_error(view), now_monotonic)

    def on_resize(self, _event: Resize) -> None:
        if self._view is not None:
            self.show(self._view, *self._now)

    def action_detail(self) -> None:
        """Everything about the workload under the cursor."""
        self.table.action_choose()

    @on(LineTable.Chosen)
    def _open(self, event: LineTable.Chosen) -> None:
        event.stop()
        workloads = self._view.workloads if self._view else ()
        found = next((workload for workload in workloads if workload.key == event.key), None)
        if found is not None:
            self.open_detail(found.name, _detail(found))


def _counts(workloads: Sequence[WorkloadView]) -> tuple[str, ...]:
    if not workloads:
        return ()
    states = [workload.state for workload in workloads]
    complete = states.count("complete")
    failing = states.count("failing") + states.count("failed") + states.count("missing")
    return f"{complete} of {len(states)} complete", f"{failing} failing" if failing else ""


def _rows(workloads: Sequence[WorkloadView], width: int) -> Iterator[Drawn]:
    targets = tuple(dict.fromkeys(workload.target for workload in workloads))
    layout = _Layout(workloads, width)
    for target in targets:
        if len(targets) > 1:
            yield Drawn("", (left(target, width, "title"),))
        for workload in workloads:
            if workload.target == target:
                for line in layout.lines(workload):
                    yield Drawn(workload.key, line)


class _Layout:
    """Column widths that fit these workloads; two lines each where one is too narrow."""

    def __init__(self, workloads: Sequence[WorkloadView], width: int) -> None:
        self._width = width
        self._name = min(32, max((cell_len(safe(each.name, 80)) for each in workloads), default=0))
        self._revision = max((len(_revisions(each)) for each in workloads), default=0)
        self._image = min(30, max((cell_len(_images(each)) for each in workloads), default=0))
        self._count = max((len(_count(each)) for each in workloads), default=0)
        needed = self._name + self._revision + self._image + _BAR + self._count + _STATE + 9
        self._one_line = needed <= width
        self._bar = _BAR if width >= 44 else _BAR - 2
        self._second_fits = self._bar + self._count + self._revision + self._image + 7 <= width

    def lines(self, workload: WorkloadView) -> Iterator[Line]:
        if self._one_line:
            yield self._row(workload)
        else:
            yield self._first(workload)
            yield self._second(workload)
        yield from self._remarks(workload)

    def _row(self, workload: WorkloadView) -> Line:
        mark = rollout_mark(workload.state)
        told = _told_beneath(workload)
        room = self._width - self._name - self._revision - self._image - _BAR - self._count - 9
        state = str(mark) if told or not workload.message else f"{mark}  "
        rest = room - cell_len(state)
        remark = () if told or rest < 12 else (left(workload.message, rest, "quiet"),)
        return (
            middle(workload.name, self._name, "strong"),
            Piece("  "),
            left(_revisions(workload), self._revision, "plain"),
            Piece("  "),
            left(_images(workload), self._image, "plain"),
            Piece("  "),
            *rollout_bar(workload, _BAR, mark.tone == "failing"),
            Piece(" "),
            right(_count(workload), self._count, "plain"),
            Piece("  "),
            Piece(state, mark.tone),
            *remark,
        )

    def _first(self, workload: WorkloadView) -> Line:
        mark = rollout_mark(workload.state)
        state = Piece(str(mark), mark.tone)
        revisions = "" if self._second_fits else f" {_revisions(workload).replace(' ', '')}"
        room = max(4, self._width - state.width - len(revisions) - 1)
        name = middle(workload.name, min(room, cell_len(safe(workload.name, room + 1))), "strong")
        return justified((name, Piece(revisions)), (state,), self._width)

    def _second(self, workload: WorkloadView) -> Line:
        change = _images(workload)
        if self._second_fits:
            change = f"{_revisions(workload):<{self._revision}}  {change}"
        return (
            Piece("  "),
            *rollout_bar(workload, self._bar, rollout_mark(workload.state).tone == "failing"),
            Piece(" "),
            right(_count(workload), self._count, "plain"),
            Piece("  "),
            left(change, max(0, self._width - self._bar - self._count - 5), "plain"),
        )

    def _remarks(self, workload: WorkloadView) -> Iterator[Line]:
        if _told_beneath(workload):
            for text in wrap(safe(workload.message), self._width - 2, most=2):
                yield (Piece(f"  {text}", rollout_mark(workload.state).tone),)
        for problem in workload.problems[:_MOST_PROBLEMS]:
            for text in wrap(safe(problem), self._width - 2, most=2):
                yield (Piece(f"  {text}", "failing"),)
        if (more := len(workload.problems) - _MOST_PROBLEMS) > 0:
            yield (Piece(f"  and {counted(more, 'more pod', 'more pods')} like this", "quiet"),)
        if workload.rollback_problem:
            for text in wrap(f"no way back: {safe(workload.rollback_problem)}", self._width - 2, most=2):
                yield (Piece(f"  {text}", "waiting"),)


def _told_beneath(workload: WorkloadView) -> bool:
    """A message of weight gets a line, unless the problems say the same."""
    if workload.state not in _TELLING or not workload.message:
        return False
    return not any(
        workload.message in problem or problem in workload.message for problem in workload.problems
    )


def _count(workload: WorkloadView) -> str:
    return f"{workload.ready}/{workload.desired} new"


def _revisions(workload: WorkloadView) -> str:
    revision, previous = safe(workload.revision, 12), safe(workload.previous_revision, 12)
    return f"{previous} → {revision}" if previous and previous != revision else revision


def _images(workload: WorkloadView) -> str:
    return image_change(safe(workload.previous_image, 300), safe(workload.image, 300))


def _detail(workload: WorkloadView) -> tuple[tuple[str, str], ...]:
    way_back = "ready" if workload.rollback_ready else workload.rollback_problem or "not prepared"
    return (
        ("state", str(rollout_mark(workload.state))),
        ("message", workload.message),
        *((f"problem {at}", problem) for at, problem in enumerate(workload.problems[:50], 1)),
        ("revision", _revisions(workload)),
        ("image now", workload.image),
        ("image before", workload.previous_image),
        ("pods", _pods(workload)),
        *(("scaling", one) for one in filter(None, (workload.autoscaler,))),
        *(("note", one) for one in workload.notes[:10]),
        ("rollback", f"{way_back} · {'pinned' if workload.pinned else 'not pinned'}"),
        ("target", workload.target),
    )


def _pods(workload: WorkloadView) -> str:
    new = f"{workload.updated} new, {workload.ready} of them ready"
    return f"{workload.desired} wanted · {new} · {workload.old} old"
