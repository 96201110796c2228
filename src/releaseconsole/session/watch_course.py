"""One observation window being filled from Prometheus, and filled again where something was missing.

Nothing is added up from polls: the values of a window are what range queries say of it. So a console that was
closed for hours knows afterwards what one knows that was open all the time. The newest stretch is asked for again
and again until its samples have settled; a stretch without an answer stays unknown and is tried again.
"""

from __future__ import annotations

import asyncio
import math
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from releaseconsole.errors import MetricsError
from releaseconsole.metrics.window import Grid, Holds, tally, values_of
from releaseconsole.plan.values import Bound, parse_bound
from releaseconsole.record.watches import Standing, WatchedObjective, WatchState, WatchVerdict, judge

if TYPE_CHECKING:
    from releaseconsole.metrics.client import PrometheusClient
    from releaseconsole.metrics.reading import Question

CHUNK = 240
"""Cells of one range query: two hours of a day's window."""
SETTLING = 600.0
"""Seconds for which samples may still come late, or a twentieth of a short window."""
_MOST_FAILURES = 2
"""Requests of one objective without an answer, after which the rest waits for the next round."""
_GIVEN_UP_AFTER = 3
"""Rounds without an answer after the end, when the same Prometheus answers for other objectives."""
_NOTHING = "the query gave no number: no data, or no traffic"

Ask = tuple["PrometheusClient", "Question"]
WhereToAsk = Callable[[str], "Ask | None"]
"""The client and the query of an objective; None when the plan does not have it any more."""


@dataclass(slots=True)
class Course:
    """The values of one objective, cell by cell."""

    objective: WatchedObjective
    target: Bound
    line: Bound | None
    values: array[float]
    closed: list[bool]
    """Which chunks will not be asked for again."""
    problem: str = ""
    """Why the last request gave no answer, or no usable one."""
    asked_in_vain: int = 0
    """Rounds in a row since the window was over."""
    verdict: WatchVerdict | None = None
    """As of the last round: to count a day takes a while, and views are taken often."""

    @property
    def low(self) -> bool:
        """Whether smaller values are better."""
        return self.target.comparison in ("<", "<=")

    @property
    def complete(self) -> bool:
        return all(self.closed)


@dataclass(slots=True)
class Follower:
    """Asks for what is missing, round by round."""

    watch: WatchState
    where: WhereToAsk
    places: asyncio.Semaphore
    """How many range queries may be under way: the polls of the panels come first."""
    grid: Grid = field(init=False)
    courses: list[Course] = field(init=False)
    due: float = -math.inf
    """Monotonic seconds of the next round."""
    busy: bool = False
    rounds: int = 0

    def __post_init__(self) -> None:
        self.grid = Grid.of(self.watch.started, self.watch.seconds)
        self.courses = [course for one in self.watch.objectives if (course := self._course(one))]

    def _course(self, objective: WatchedObjective) -> Course | None:
        target, line = _bound(objective.target), _bound(objective.line)
        if target is None:
            return None
        cells = self.grid.cells
        empty = array("d", [math.nan]) * cells
        return Course(objective, target, line, empty, [False] * math.ceil(cells / CHUNK))

    @property
    def until(self) -> float:
        """When the window is over: its end, or when it was stopped."""
        return min(self.watch.ends, float(self.grid.start + self.grid.seconds))

    @property
    def settling(self) -> float:
        return min(SETTLING, self.watch.seconds / 20)

    @property
    def pace(self) -> float:
        """Seconds between two rounds."""
        return min(60.0, max(1.0, self.watch.seconds / 50))

    async def ask(self, now: float) -> None:
        """One round: every chunk that has begun and is not closed. Never raises MetricsError."""
        try:
            async with asyncio.TaskGroup() as group:
                for course in self.courses:
                    group.create_task(self._fill(course, now), name=f"watch {course.objective.id}")
        finally:
            self.rounds += 1

    async def _fill(self, course: Course, now: float) -> None:
        place = self.where(course.objective.id)
        if place is None:
            course.problem = "the plan does not have this objective here any more"
            course.closed = [True] * len(course.closed)
            course.verdict = self._verdict(course, min(now, self.until))
            return
        failures = 0
        for chunk in reversed(self._open(course, min(now, self.until))):
            try:
                await self._fill_chunk(course, chunk, place, now)
            except MetricsError as error:
                course.problem = error.message
                failures += 1
            if failures >= _MOST_FAILURES:
                break
        over = now >= self.until + self.settling
        course.asked_in_vain = course.asked_in_vain + 1 if failures and over else 0
        if over:
            begun = math.ceil((self.until - self.grid.start) / (self.grid.step * CHUNK))
            course.closed[begun:] = [True] * len(course.closed[begun:])
        course.verdict = self._verdict(course, min(now, self.until))

    def _open(self, course: Course, until: float) -> list[int]:
        """The chunks that have begun and are to be asked for."""
        return [
            chunk
            for chunk, closed in enumerate(course.closed)
            if not closed and self.grid.at(chunk * CHUNK) <= until
        ]

    async def _fill_chunk(self, course: Course, chunk: int, place: Ask, now: float) -> None:
        """Whatever Prometheus says takes the place of what it said before. Raises MetricsError."""
        client, question = place
        cells = range(chunk * CHUNK, min((chunk + 1) * CHUNK, self.grid.cells))
        last = min(self.grid.at(cells[-1]), max(self.grid.at(cells[0]), math.floor(now)))
        async with self.places:
            answer = await client.range(question.query, self.grid.at(cells[0]), last, self.grid.step)
        if answer.warnings:
            raise MetricsError(f"Prometheus warns: {answer.warnings[0]}", "Look at that server's log.")
        found, course.problem = values_of(
            answer, self.grid, question.across, course.target.holds, low=course.low
        )
        for cell in cells:
            course.values[cell] = found.get(cell, math.nan)
        course.closed[chunk] = now >= min(self.grid.at(cells[-1]), self.until) + self.settling

    @property
    def complete(self) -> bool:
        """Whether every objective is known to the end, or will not be."""
        answered = {self._source(one) for one in self.courses if one.complete}
        return all(
            one.complete or (one.asked_in_vain >= _GIVEN_UP_AFTER and self._source(one) in answered)
            for one in self.courses
        )

    def _source(self, course: Course) -> int:
        place = self.where(course.objective.id)
        return id(place[0]) if place else 0

    def standing(self) -> Standing:
        """What was known after the last round."""
        courses = {one.objective.id: one for one in self.courses}
        verdicts = tuple(
            (course.verdict if (course := courses.get(one.id)) else None)
            or WatchVerdict(objective=one.id, reason="its target cannot be read" if not course else "")
            for one in self.watch.objectives
        )
        problems = [one.problem for one in self.courses if one.problem and not one.complete]
        every = len(problems) == len(self.courses)
        return Standing(self.watch, verdicts, problems[0] if problems and every else "")

    def _verdict(self, course: Course, until: float) -> WatchVerdict:
        line: Holds | None = course.line.holds if course.line else None
        found = tally(course.values, self.grid, until, course.target.holds, low=course.low, beyond=line)
        hold = max(course.objective.hold, 1e-9) if course.line else 0.0
        word = judge(
            on=found.on,
            out=found.out,
            unknown=found.unknown,
            beyond=found.beyond,
            allow=self.watch.allow,
            hold=hold,
        )
        return WatchVerdict(
            objective=course.objective.id,
            word=word,
            minimum=found.minimum,
            maximum=found.maximum,
            last=found.last,
            on=found.on,
            out=found.out,
            unknown=found.unknown,
            longest=found.longest,
            longest_at=found.longest_at,
            worst_at=found.worst_at,
            beyond=found.beyond,
            reason=(course.problem or _NOTHING) if found.unknown else "",
        )


def _bound(text: str) -> Bound | None:
    try:
        found = parse_bound(text) if text else None
    except ValueError:
        return None
    return found if isinstance(found, Bound) else None
