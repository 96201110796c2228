"""The chart of one objective: range queries of the environment's Prometheus, split by revision where it can be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from releaseconsole.clock import Clock
from releaseconsole.errors import MetricsError, UsageError
from releaseconsole.metrics.answers import RangeAnswer
from releaseconsole.plan.model import Objective, Plan
from releaseconsole.plan.variables import variables_in
from releaseconsole.record.model import ReleaseState
from releaseconsole.session.chart_data import ChartData, ChartLine, RawAnswer
from releaseconsole.session.chart_lines import Grid, grid, one_line, worst_lines
from releaseconsole.session.marks import last_deploy, marks
from releaseconsole.session.revisions import Revisions, revisions
from releaseconsole.text import plural, visible

if TYPE_CHECKING:
    from releaseconsole.metrics.client import PrometheusClient
    from releaseconsole.session.observer import Observer

MOST_POINTS = 1500
LONGEST = 30 * 86_400.0
SHORTEST = 60.0
_MOST_RAW = 20
"""Series that are kept of a raw answer."""


@dataclass(frozen=True, slots=True)
class _Question:
    name: str
    kind: str
    query: str


class Charts:
    """Answers at any time, and never holds up what polls the triggers: its queries have threads of their own."""

    def __init__(
        self,
        plan: Plan,
        observer: Callable[[str], Observer],
        state: Callable[[], ReleaseState],
        clock: Clock,
    ) -> None:
        self._plan = plan
        self._observer = observer
        self._state = state
        self._clock = clock

    def since_deploy(self, environment: str) -> float | None:
        """Seconds since something new was last deployed; None when nobody knows. Raises UsageError."""
        found = _revisions(self._observer(environment))
        at = last_deploy(self._plan, self._state(), environment, found)
        return max(SHORTEST, self._clock.now() - at) if at else None

    async def chart(self, environment: str, objective_id: str, seconds: float, points: int) -> ChartData:
        """The last ``seconds`` with about ``points`` of them. A Prometheus that gives no answer is the chart's
        ``problem``. Raises UsageError for an environment or an objective that is not watched there."""
        observer, objective = self._observer(environment), self._objective(environment, objective_id)
        found = _revisions(observer)
        span = min(LONGEST, max(SHORTEST, seconds))
        at = grid(self._clock.now(), span, min(MOST_POINTS, points))
        questions, note = _questions(observer, objective, found)
        asked = self._clock.monotonic()
        replies = await self._ask_all(observer, objective_id, questions, at)
        lines = await asyncio.to_thread(_lines, objective, questions, replies, at)
        every = marks(self._plan, self._state(), environment, found)
        return ChartData(
            environment=environment,
            objective=objective_id,
            start=at.start,
            end=at.end,
            step=at.step,
            asked=asked,
            lines=lines,
            marks=tuple(mark for mark in every if at.start <= mark.at <= self._clock.now()),
            note=_of_series(objective, replies) or note,
            problem=_problem(replies),
            warnings=tuple(dict.fromkeys(one for raw, _ in replies for one in raw.warnings)),
            answers=tuple(raw for raw, _ in replies),
        )

    def _objective(self, environment: str, objective_id: str) -> Objective:
        for one in self._plan.objectives_of(environment):
            if one.id == objective_id:
                return one
        raise UsageError(
            f"The objective “{visible(objective_id)}” is not watched in {visible(environment)}.",
            "`status --json` lists those that are.",
        )

    async def _ask_all(
        self, observer: Observer, objective_id: str, questions: tuple[_Question, ...], at: Grid
    ) -> list[Reply]:
        client = observer.feed.chart_client(objective_id)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._ask(client, one, at)) for one in questions]
        return [task.result() for task in tasks]

    async def _ask(self, client: PrometheusClient | None, question: _Question, at: Grid) -> Reply:
        asked, began = self._clock.now(), self._clock.monotonic()
        answer, problem = RangeAnswer(()), ""
        try:
            if client is None:
                raise MetricsError(
                    "The plan names no Prometheus for this.", "Add prometheus to the environment."
                )
            answer = await client.range(question.query, at.start, at.end, at.step)
        except MetricsError as error:
            problem = str(error)
        raw = RawAnswer(
            name=question.name,
            query=question.query,
            prometheus=client.source.name if client else "",
            at=asked,
            took=self._clock.monotonic() - began,
            start=at.start,
            end=at.end,
            step=at.step,
            series=answer.series[:_MOST_RAW],
            count=len(answer.series),
            warnings=answer.warnings,
            problem=problem,
        )
        return raw, answer


Reply = tuple[RawAnswer, RangeAnswer]


def _revisions(observer: Observer) -> Revisions:
    return revisions([one for target in observer.target_observers for one in target.families()])


def _questions(
    observer: Observer, objective: Objective, found: Revisions
) -> tuple[tuple[_Question, ...], str]:
    """What is asked, and why it is not asked of each revision by itself."""
    whole = (_Question("all pods", "all", observer.feed.query(objective.id)),)
    if objective.across == "each":
        return whole, "a line for each series; the worst is judged"
    if "pods" not in variables_in(objective.query):
        return whole, "one line: the query does not name $pods"
    split = tuple(_sides(observer, objective.id, found))
    if not split:
        return whole, "one line: the pods do not show their revision in their names"
    left_out = ", ".join(found.apart[:3])
    return split, f"without {left_out}, whose pods do not show their revision" if left_out else ""


def _sides(observer: Observer, objective_id: str, found: Revisions) -> Iterator[_Question]:
    for kind, side in (("old", found.old), ("new", found.new)):
        if side is not None:
            yield _Question(
                f"{kind} {side.tags}".rstrip(), kind, observer.feed.query(objective_id, side.pods)
            )


def _lines(
    objective: Objective, questions: tuple[_Question, ...], replies: list[Reply], at: Grid
) -> tuple[ChartLine, ...]:
    low_is_bad = objective.target.comparison.startswith(">")
    lines: list[ChartLine] = []
    for question, (_, answer) in zip(questions, replies, strict=True):
        if _apart(objective, answer):
            lines += worst_lines(answer.series, at, low_is_bad=low_is_bad)
        else:
            across = None if objective.across == "each" else objective.across
            lines += one_line(answer.series, across, at, question.name, question.kind)
    return tuple(lines)


def _apart(objective: Objective, answer: RangeAnswer) -> bool:
    """Whether each series has a line: asked for by the plan, or since it does not say what to make of them."""
    return objective.across == "each" or (objective.across is None and len(answer.series) > 1)


def _of_series(objective: Objective, replies: list[Reply]) -> str:
    """What there is to say of several series where the plan says nothing."""
    most = max(raw.count for raw, _ in replies)
    if objective.across is not None or most <= 1:
        return ""
    return (
        f"the query gave {plural(most, 'series', 'series')}, not one: aggregate in the query, or set across"
    )


def _problem(replies: list[Reply]) -> str:
    """The first reason for a missing answer; with the name of the line where another one came."""
    missing = [raw for raw, _ in replies if raw.problem]
    if not missing:
        return ""
    first = missing[0]
    return first.problem if len(missing) == len(replies) else f"{first.name}: {first.problem}"
