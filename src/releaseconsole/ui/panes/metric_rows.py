"""How the objectives are laid out: their lines and columns. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from releaseconsole.session.views import MetricView
from releaseconsole.ui.styles import metric_mark
from releaseconsole.ui.widgets.cells import left, number, right, safe, sentence
from releaseconsole.ui.widgets.lines import Line, Piece, justified, line_width
from releaseconsole.ui.widgets.sparkline import sparkline, tick
from releaseconsole.ui.words import cell_len, whole_age

_OLD = 15.0
_CALM = frozenset({"OK", "PENDING", "WAITING"})
_BROAD = 90
_PENDING = len("◐ PENDING 0:00/0:00")
_SHORTEST_CHART = 10


def age_of(metric: MetricView, now: float) -> str:
    """``62 s old`` for a value that should have been renewed; "" while it is young."""
    if not metric.seen or now - metric.seen <= _OLD:
        return ""
    return f"{whole_age(now - metric.seen)} old"


class MetricLayout:
    """Column widths that fit these metrics, and how many lines each gets: one to three, as there is room."""

    def __init__(self, metrics: Sequence[MetricView], width: int, height: int) -> None:
        self._width = width
        longest = 26 if width >= 120 else 22
        self._title = min(
            longest, max((cell_len(safe(each.title or each.id, 60)) for each in metrics), default=0)
        )
        self._value = max(5, *(len(number(each.value)) for each in metrics))
        self._unit = min(8, max(cell_len(safe(each.unit, 20)) for each in metrics))
        # A trigger that begins to count must not move the columns.
        self._state = max(
            _PENDING if width >= _BROAD else 0, *(len(str(metric_mark(each))) for each in metrics)
        )
        self._target = max(cell_len(_target(each)) for each in metrics)
        self._limits = max(self._target, *(cell_len(_trigger(each)) for each in metrics))
        self._number = self._value + self._unit + 2
        self._tight = width - self._state - self._number < min(12, self._title + 2)
        start = self._title + self._number + self._state + 4
        self._lines = self._choose(height // len(metrics), start)
        limits = self._limits + (2 if self._lines == self._broad else self._target + 4)
        self._chart = min(60, width - start - limits)

    def _choose(self, each: int, start: int) -> Callable[[MetricView, str], Iterator[Line]]:
        """The fullest way to draw a metric in so many lines."""
        if each >= 2 and self._width - start - self._limits - 2 >= _SHORTEST_CHART:
            return self._broad
        if each >= 3 and not self._tight:
            return self._three
        if self._width - start - self._target - self._limits - 4 >= _SHORTEST_CHART:
            return self._one
        return self._two

    def lines(self, metric: MetricView, age: str) -> Iterator[Line]:
        """One to three lines; ``age`` is what `age_of` says."""
        return self._lines(metric, age)

    def _head(self, metric: MetricView, age: str, title: int) -> Line:
        name = left(metric.title or metric.id, title, "plain")
        return (name,) if self._tight else (name, Piece(" "), *self._measured(metric, age))

    def _measured(self, metric: MetricView, age: str) -> Line:
        value = right(number(metric.value), self._value, "stale" if age else "strong")
        return (
            value,
            Piece(" "),
            left(metric.unit, self._unit, "quiet"),
            *((Piece(" "),) if self._tight else ()),
        )

    def _start(self, metric: MetricView, age: str) -> Line:
        mark = metric_mark(metric)
        state = left(str(mark), self._state, mark.tone)
        return (*self._head(metric, age, self._title), Piece("  "), state, Piece("  "))

    def _one(self, metric: MetricView, age: str) -> Iterator[Line]:
        note, tone = _note(metric, age)
        start = (*self._start(metric, age), left(_target(metric), self._target, "quiet"), Piece("  "))
        if metric.history:
            chart = sparkline(metric, self._chart - 1)[0]
            yield (*start, *chart, tick(metric), Piece("  "), left(note, self._limits, tone))
        else:
            yield (*start, left(note, self._chart + 2 + self._limits, tone))

    def _broad(self, metric: MetricView, age: str) -> Iterator[Line]:
        start = self._start(metric, age)
        chart = sparkline(metric, self._chart, 2)
        note, tone = _remark(metric, age)
        yield (*start, *chart[0], Piece("  "), left(_trigger(metric), self._limits, "quiet"))
        yield (
            left(f"  {note}", line_width(start) - 2, tone),
            Piece("  "),
            *chart[1],
            Piece("  "),
            left(_target(metric), self._limits, "quiet"),
        )

    def _first(self, metric: MetricView, age: str) -> Line:
        mark = metric_mark(metric)
        title = max(4, min(self._title, self._width - self._state - 1 - (0 if self._tight else self._number)))
        return justified(
            self._head(metric, age, title), (left(str(mark), self._state, mark.tone),), self._width
        )

    def _two(self, metric: MetricView, age: str) -> Iterator[Line]:
        yield self._first(metric, age)
        target = _target(metric)
        chart = max(8, min(24, self._width // 4))
        note, tone = _note(metric, age)
        value = self._measured(metric, age) if self._tight else ()
        room = self._width - chart - cell_len(target) - 6 - line_width(value)
        yield (
            Piece("  "),
            *value,
            *sparkline(metric, chart - 1)[0],
            tick(metric),
            Piece("  "),
            Piece(sentence(target, self._width - chart - 4 - line_width(value)), "quiet"),
            Piece("  "),
            left(note, max(0, room), tone),
        )

    def _three(self, metric: MetricView, age: str) -> Iterator[Line]:
        yield self._first(metric, age)
        label = min(self._limits, max(14, self._width // 3))
        chart = sparkline(metric, max(4, self._width - label - 4), 2)
        note, tone = _note(metric, age)
        yield (Piece("  "), left(note, label, tone), Piece("  "), *chart[0])
        yield (Piece("  "), left(_target(metric), label, "quiet"), Piece("  "), *chart[1])


def _target(metric: MetricView) -> str:
    return f"target {safe(metric.target, 24)}" if metric.target else ""


def _trigger(metric: MetricView) -> str:
    return f"back {safe(metric.trigger, 24)}" if metric.trigger else ""


def _remark(metric: MetricView, age: str) -> tuple[str, str]:
    """What is to be said besides the state: that the value is old, and why the state is what it is."""
    if metric.cannot_fire:
        told = f"cannot fire: {metric.cannot_fire}"
        return f"{age} · {told}" if age else told, metric_mark(metric).tone
    if age:
        return f"{age} · {metric.reason}" if metric.reason else age, "stale"
    if metric.state not in _CALM and metric.reason:
        return metric.reason, metric_mark(metric).tone
    return "", "quiet"


def _note(metric: MetricView, age: str) -> tuple[str, str]:
    """The remark; where there is none, where the rollback begins."""
    note, tone = _remark(metric, age)
    return (note, tone) if note else (_trigger(metric), "quiet")
