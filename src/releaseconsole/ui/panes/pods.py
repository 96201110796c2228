"""The pods of the environment's workloads, those in trouble first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import on
from textual.binding import Binding, BindingType

from releaseconsole.session.views import EnvironmentView, PodView
from releaseconsole.ui.panes.filtered import FilteredPane
from releaseconsole.ui.styles import pod_mark
from releaseconsole.ui.widgets.cells import left, middle, right
from releaseconsole.ui.widgets.lines import Line, Piece
from releaseconsole.ui.widgets.table import LineTable
from releaseconsole.ui.words import counted, whole_age

_ORDERS: tuple[tuple[str, Callable[[PodView], Any]], ...] = (
    ("", lambda pod: (pod.healthy, pod.name, pod.uid)),
    ("by name", lambda pod: (pod.name, pod.uid)),
    ("by restarts", lambda pod: (-pod.restarts, pod.name, pod.uid)),
    ("by age", lambda pod: (-pod.created, pod.name, pod.uid)),
)


@dataclass(frozen=True, slots=True)
class _Columns:
    """Widths of the columns; 0 leaves one out."""

    name: int
    target: int
    revision: int
    status: int
    node: int

    @classmethod
    def for_width(cls, width: int, targets: bool) -> _Columns:
        target = 16 if targets and width >= 76 else 0
        revision = 4 if width >= 48 else 0
        status = 18 if width >= 60 else 13
        node = min(24, width - 92) if width >= 104 else 0
        # glyph 2, ready 6, restarts 5, age 5, and one cell after each column
        rest = 2 + 6 + 5 + 5 + status + 1 + sum(part + 1 for part in (target, revision, node) if part)
        return cls(max(8, width - rest), target, revision, status, node)


class _PodPainter:
    """Draws one pod a line."""

    def __init__(self) -> None:
        self.now = 0.0
        self.targets = False

    def key(self, pod: PodView, /) -> str:
        return pod.uid

    def head(self, width: int, /) -> Line:
        columns = _Columns.for_width(width, self.targets)
        pieces = [left("  pod", columns.name + 2, "quiet")]
        if columns.target:
            pieces.append(left(" target", columns.target + 1, "quiet"))
        if columns.revision:
            pieces.append(left(" rev", columns.revision + 1, "quiet"))
        pieces += [right("ready", 6, "quiet"), left(" status", columns.status + 1, "quiet")]
        pieces += [right("rst", 5, "quiet"), right("age", 5, "quiet")]
        if columns.node:
            pieces.append(left(" node", columns.node + 1, "quiet"))
        return tuple(pieces)

    def draw(self, pod: PodView, width: int, /) -> Line:
        columns = _Columns.for_width(width, self.targets)
        mark = pod_mark(pod)
        pieces = [Piece(f"{mark.glyph} ", mark.tone), middle(pod.name, columns.name, "plain")]
        if columns.target:
            pieces += [Piece(" "), middle(pod.target, columns.target, "quiet")]
        if columns.revision:
            pieces += [
                Piece(" "),
                left(pod.revision, columns.revision, "strong" if pod.revision == "new" else "quiet"),
            ]
        tone = "quiet" if mark.tone == "good" else mark.tone
        pieces += [right(pod.ready, 6, tone), Piece(" "), left(mark.word, columns.status, tone)]
        pieces.append(right(str(pod.restarts), 5, "waiting" if pod.restarts else "quiet"))
        pieces.append(right(self._age(pod), 5, "quiet"))
        if columns.node:
            pieces += [Piece(" "), middle(pod.node, columns.node, "quiet")]
        return tuple(pieces)

    def _age(self, pod: PodView) -> str:
        return whole_age(self.now - pod.created).replace(" ", "") if pod.created else "–"


class PodsPane(FilteredPane):
    """Filter with ``/``, sort with ``s``; the cursor stays on its pod whatever moves around it."""

    HEADING = "Pods"
    PANEL = "pods"
    PROMPT = "name, status, workload or node"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "find", "filter", id="pods.filter", tooltip="Show only pods with this text"),
        Binding("s", "sort", "sort", id="pods.sort", tooltip="Troubled first, by name, by restarts, by age"),
        Binding("enter", "detail", "detail", id="pods.detail", tooltip="Everything known about the pod"),
        Binding("escape", "clear", "all pods", id="pods.clear", show=False, tooltip="Take the filter away"),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        self._painter = _PodPainter()
        self.table: LineTable[PodView] = LineTable(self._painter)
        super().__init__(self.table, id=id, classes=classes)
        self._order = 0
        self._sorted: tuple[Sequence[PodView], int, str] | None = None
        self._rows: Sequence[PodView] = ()

    def show(self, view: EnvironmentView, now_monotonic: float, now_epoch: float) -> None:
        """Show this view; the clocks are for ages."""
        self._view, self._now = view, (now_monotonic, now_epoch)
        self._painter.now = float(int(now_epoch))
        self._painter.targets = len(view.targets) > 1
        self._arrange(view.pods)
        nothing = f"No pod matches “{self._filter}”." if self._filter and view.pods else "No pods here."
        stamp = (int(now_epoch), self._painter.targets)
        self.table.set_rows(self._rows, stamp, self.emptiness(view, view.cluster, nothing))
        self.set_title(*self._counts(view))
        self.set_freshness(view.cluster, self.panel_error(view), now_monotonic, _ORDERS[self._order][0])

    def _arrange(self, pods: Sequence[PodView]) -> None:
        wanted = (pods, self._order, self._filter)
        last = self._sorted
        if last is not None and last[0] is pods and last[1:] == wanted[1:]:
            return
        self._sorted = wanted
        needle = self._filter.casefold()
        found = [pod for pod in pods if needle in _text_of(pod)] if needle else pods
        self._rows = sorted(found, key=_ORDERS[self._order][1])

    def _counts(self, view: EnvironmentView) -> tuple[str, ...]:
        if not view.pods:
            return ()
        shown = str(len(view.pods))
        if self._filter:
            shown = f"{len(self._rows)} of {len(view.pods)} with “{self._filter}”"
        return shown, f"{view.unhealthy} unhealthy" if view.unhealthy else ""

    def action_sort(self) -> None:
        """The next order."""
        self._order = (self._order + 1) % len(_ORDERS)
        self.again()

    def action_detail(self) -> None:
        """Everything about the pod under the cursor."""
        self.table.action_choose()

    @on(LineTable.Chosen)
    def _open(self, event: LineTable.Chosen) -> None:
        event.stop()
        pod = next((pod for pod in self._rows if pod.uid == event.key), None)
        if pod is not None:
            self.open_detail(pod.name, _detail(pod, self._now[1]))


def _text_of(pod: PodView) -> str:
    return f"{pod.name} {pod.status} {pod.workload} {pod.revision} {pod.node} {pod.target}".casefold()


def _detail(pod: PodView, now: float) -> tuple[tuple[str, str], ...]:
    return (
        ("state", str(pod_mark(pod))),
        ("message", pod.message),
        ("ready", pod.ready),
        ("restarts", counted(pod.restarts, "restart")),
        ("age", whole_age(now - pod.created) if pod.created else "unknown"),
        ("workload", f"{pod.workload} ({pod.revision})" if pod.revision else pod.workload),
        ("target", pod.target),
        ("node", pod.node),
        ("uid", pod.uid),
    )
