"""What was asked of Prometheus for a chart, and what it answered, as it is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar

from textual.binding import Binding, BindingType

from releaseconsole.session.chart_data import ChartData, RawAnswer
from releaseconsole.text import duration, plural
from releaseconsole.ui.screens.text_detail import TextDetail
from releaseconsole.ui.widgets.cells import safe, safe_lines

_MOST_SAMPLES = 200
_LONGEST_LABELS = 600
_LONGEST_QUERY = 4000


class RawAnswers(TextDetail):
    """Every question with its answer, to be read and copied. Labels are text from outside: never markup."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy", "copy", id="raw.copy", tooltip="Copy all of it"),
        Binding("r", "dismiss", "close", id="raw.close", tooltip="Close this", show=False),
    ]
    KEYS = "y copy · esc close"

    def __init__(self, title: str, data: ChartData | None) -> None:
        facts = (
            list(raw_facts(data)) if data else [("Nothing yet", "Prometheus was not asked for this chart.")]
        )
        super().__init__(f"{title} · raw answer", facts)

    def action_copy(self) -> None:
        """Everything, as text."""
        self.app.copy_to_clipboard("\n\n".join(f"{label}\n{text}" for label, text in self.facts))
        self.notify("Copied.", markup=False)


def raw_facts(data: ChartData) -> Iterator[tuple[str, str]]:
    """(label, text) of every question and answer, in order."""
    for answer in data.answers:
        several = f" · {safe(answer.name, 200)}" if len(data.answers) > 1 else ""
        yield f"Query{several}", safe_lines(answer.query, _LONGEST_QUERY)
        yield f"Asked{several}", _asked(answer)
        if answer.warnings:
            yield "Warnings of Prometheus", "\n".join(safe(one, 400) for one in answer.warnings)
        if answer.problem:
            yield "No answer", answer.problem
            continue
        yield f"Answer: {plural(answer.count, 'series', 'series')}{several}", "\n".join(_series(answer))


def _asked(answer: RawAnswer) -> str:
    return (
        f"{answer.prometheus or 'nobody'} at {_moment(answer.at)}, answered in {answer.took * 1000:,.0f} ms\n"
        f"{_moment(answer.start)} – {_moment(answer.end)}, a point every {duration(answer.step)}"
    )


def _series(answer: RawAnswer) -> Iterator[str]:
    if not answer.series:
        yield "an empty result: no series matches, or none has a sample in this time"
    room = max(5, _MOST_SAMPLES // max(1, len(answer.series)))
    for one in answer.series:
        labels = ", ".join(f'{name}="{value}"' for name, value in sorted(one.labels.items()))
        yield f"{{{safe(labels, _LONGEST_LABELS)}}}  {plural(len(one.samples), 'sample')}"
        yield from (f"  {_moment(at)}  {_number(value)}" for at, value in reversed(one.samples[-room:]))
        if len(one.samples) > room:
            yield f"  … and {len(one.samples) - room:,} before"
    if answer.count > len(answer.series):
        yield f"… and {answer.count - len(answer.series):,} more series"


def _number(value: float) -> str:
    """As Prometheus writes it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return f"{value:.15g}"


def _moment(at: float) -> str:
    try:
        return f"{datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError, OSError):
        return f"{at:.0f}"
