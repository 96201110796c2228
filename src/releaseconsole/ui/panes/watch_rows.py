"""How an observation window is drawn: one line over the metrics, and a table of its verdicts. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from releaseconsole.record.watches import (
    Standing,
    WatchedObjective,
    WatchVerdict,
    WatchWord,
    hours,
    progress,
    tally_words,
)
from releaseconsole.text import duration
from releaseconsole.ui.styles import Mark
from releaseconsole.ui.widgets.bars import shares
from releaseconsole.ui.widgets.cells import left, number, right, sentence
from releaseconsole.ui.widgets.lines import Line, Piece, line, line_width
from releaseconsole.ui.words import cell_len, local_time, wrap

_MARKS: Mapping[WatchWord, Mark] = MappingProxyType(
    {
        WatchWord.ON_TARGET: Mark("✔", "on target", "good"),
        WatchWord.TOLERATED: Mark("▲", "tolerated", "waiting"),
        WatchWord.UNKNOWN: Mark("?", "unknown", "stale"),
        WatchWord.FAILED: Mark("✘", "FAILED", "failing"),
    }
)
_MARK_WIDTH = max(cell_len(str(mark)) for mark in _MARKS.values())
_TABLE = 104
"""From so many cells on, an objective has one line."""
_LONGEST_BAR = 24
_NUMBER = 10
_TIME = 10
_MOMENT = 13


def bar(standing: Standing, now: float, width: int) -> Line:
    """How much of the window is behind, in the tone of how it stands."""
    watch = standing.watch
    spent = round(watch.elapsed(now))
    cells, rest = shares((spent, max(0, round(watch.seconds) - spent)), width)
    return line(("█" * cells, tone_of(standing)), ("░" * rest, "quiet"))


def tone_of(standing: Standing) -> str:
    """The worst of its verdicts."""
    if standing.failed or standing.watch.outcome == "stopped":
        return "failing" if standing.failed else "waiting"
    if standing.unknown or not standing.verdicts:
        return "stale" if standing.unknown else "quiet"
    return "waiting" if any(one.word is WatchWord.TOLERATED for one in standing.verdicts) else "good"


def strip(standing: Standing, width: int, now: float) -> Line:
    """``Watching 3 h 12 m of 24 h ████░░ · all 9 on target``, in one line."""
    watch = standing.watch
    if not watch.under_way or now >= watch.ends:
        said = "Watch" if watch.outcome == "stopped" else "Watched"
        text = sentence(f"{said} {progress(standing, now)}", width)
        return line((text, tone_of(standing)))
    head = f"Watching {hours(watch.elapsed(now))} of {hours(watch.seconds)} "
    room = min(_LONGEST_BAR, max(0, (width - cell_len(head)) // 3))
    start = line(head, *bar(standing, now, room))
    words = sentence(f" · {_brief(standing)}", max(0, width - line_width(start)))
    return (*start, Piece(words, tone_of(standing)))


def _brief(standing: Standing) -> str:
    """``8 good · ✘ p99 latency 31 m``: what fits over the metrics."""
    wrong = [*standing.failed, *standing.unknown]
    if not wrong:
        return tally_words(standing)
    told = (
        f"{_MARKS[one.word].glyph} {standing.name_of(one)} {duration(one.out or one.unknown)}"
        for one in wrong
    )
    return " · ".join([f"{len(standing.good)} good", *told])


def window_lines(standing: Standing, width: int, now: float) -> Iterator[Line]:
    """The whole screen: times, progress, and what came of each objective."""
    watch = standing.watch
    until = "until" if watch.under_way else "ended"
    times = (
        f"from {local_time(watch.started, now)}, {until} {local_time(watch.ends, now)}, begun by {watch.by}"
    )
    yield line((sentence(times, width), "quiet"))
    for text in wrap(progress(standing, now), width, most=4):
        yield line((text, tone_of(standing)))
    yield bar(standing, now, min(width, 60))
    allowed = f"Out of target for {duration(watch.allow)} in all is allowed; unknown time may have been bad."
    for text in wrap(allowed, width, most=2):
        yield line((text, "quiet"))
    if standing.problem:
        for text in wrap(f"Tried again: {standing.problem}", width, most=3):
            yield line((text, "stale"))
    yield ()
    yield from _verdicts(standing, width, now)


def _verdicts(standing: Standing, width: int, now: float) -> Iterator[Line]:
    objectives = {one.id: one for one in standing.watch.objectives}
    name = min(26, max((cell_len(standing.name_of(one)) for one in standing.verdicts), default=8))
    if width >= _TABLE and standing.verdicts:
        yield _heads(name)
    for verdict in standing.verdicts:
        objective = objectives.get(verdict.objective, WatchedObjective(verdict.objective))
        title = standing.name_of(verdict)
        rows = _wide(verdict, objective, title, name, now) if width >= _TABLE else None
        yield from [rows] if rows else _narrow(verdict, objective, title, width, now)
        if verdict.word is WatchWord.UNKNOWN and verdict.reason:
            yield line("  ", (sentence(verdict.reason, width - 2), "stale"))


def _heads(name: int) -> Line:
    heads = ("min", "max", "last")
    times = ("out", "unknown", "longest")
    return line(
        left("objective", name + 2, "quiet"),
        left("verdict", _MARK_WIDTH + 1, "quiet"),
        *(right(head, _NUMBER, "quiet") for head in heads),
        *(right(head, _TIME, "quiet") for head in times),
        right("worst at", _MOMENT, "quiet"),
    )


def _wide(verdict: WatchVerdict, objective: WatchedObjective, title: str, name: int, now: float) -> Line:
    mark = _MARKS[verdict.word]
    values = (verdict.minimum, verdict.maximum, verdict.last)
    times = (verdict.out, verdict.unknown, verdict.longest)
    return line(
        left(title, name, "strong"),
        "  ",
        left(str(mark), _MARK_WIDTH + 1, mark.tone),
        *(right(_measured(value, objective), _NUMBER) for value in values),
        *(right(duration(time) if time else "–", _TIME) for time in times),
        right(local_time(verdict.worst_at, now) if verdict.worst_at else "–", _MOMENT),
    )


def _measured(value: float | None, objective: WatchedObjective) -> str:
    return number(value) if value is None else f"{number(value)} {objective.unit}".rstrip()


def _narrow(
    verdict: WatchVerdict, objective: WatchedObjective, title: str, width: int, now: float
) -> Iterator[Line]:
    mark = _MARKS[verdict.word]
    yield line(
        left(str(mark), _MARK_WIDTH + 1, mark.tone), (sentence(title, width - _MARK_WIDTH - 1), "strong")
    )
    facts = [f"{number(verdict.minimum)} to {number(verdict.maximum)} {objective.unit}".rstrip()]
    if objective.target:
        facts.append(f"wanted {objective.target}")
    if verdict.out:
        facts.append(f"out {duration(verdict.out)}, worst {local_time(verdict.worst_at, now)}")
    if verdict.unknown:
        facts.append(f"unknown {duration(verdict.unknown)}")
    yield line("  ", (sentence(" · ".join(facts), width - 2), "quiet"))
