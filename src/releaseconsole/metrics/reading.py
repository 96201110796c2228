"""Taking readings of an objective."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from releaseconsole.errors import MetricsError
from releaseconsole.metrics.answers import Answer, Series
from releaseconsole.metrics.objective import Across, collapse
from releaseconsole.metrics.trigger import Reading

if TYPE_CHECKING:
    from releaseconsole.metrics.client import PrometheusClient

MOST_EACH = 50
"""Series that are judged one by one; a query for each pod of a large release would be better aggregated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked for one objective, with its variables filled in."""

    query: str
    traffic: str = ""
    """Asked when the value does not tell; "" when the plan names none."""
    long: str = ""
    """The query over the trigger's long window; "" without one."""
    across: Across | None = None


async def take_reading(
    client: PrometheusClient, query: str, *, now: float, traffic: str = "", across: Across | None = None
) -> Reading:
    """Like :func:`take_readings`, for an objective that is one number."""
    question = Question(query=query, traffic=traffic, across=across)
    return next(iter((await take_readings(client, question, now=now)).values()))


async def take_readings(
    client: PrometheusClient, question: Question, *, now: float, at: float | None = None
) -> Mapping[str, Reading]:
    """One reading under "", or one for each series under its labels. Never raises MetricsError, never empty.

    The traffic is asked for when the value does not tell. ``now`` (seconds since the epoch) stands for the
    sample's time where there is no sample. With ``at`` (seconds since the epoch) everything is asked for that
    moment of the past instead of Prometheus' own present. An answer with warnings keeps its value, to be shown,
    and the warning as its problem, so that it cannot cause a breach.
    """
    ask = client.instant if at is None else partial(client.instant, at=at)
    try:
        readings = _readings(await ask(question.query), question.across, now)
        if question.long:
            readings = _with_long(readings, await ask(question.long), question.across)
        if not question.traffic or not any(_silent(one) for one in readings.values()):
            return readings
        flowing, _ = collapse((await ask(question.traffic)).series, "sum")
    except MetricsError as error:
        return {"": Reading(at=now, value=None, problem=error.message, provider_down=True)}
    return {name: replace(one, traffic=flowing) if _silent(one) else one for name, one in readings.items()}


def _readings(answer: Answer, across: Across | None, now: float) -> dict[str, Reading]:
    warning = f"Prometheus warns: {answer.warnings[0]}" if answer.warnings else ""
    if across == "each" and answer.series:
        if len(answer.series) > MOST_EACH:
            problem = (
                f"the query gave {len(answer.series)} series, more than {MOST_EACH}: aggregate in the query"
            )
            return {"": Reading(at=now, value=None, problem=problem)}
        return {name_of(one): Reading(at=one.at, value=one.value, problem=warning) for one in answer.series}
    value, problem = collapse(answer.series, across)
    at = max((series.at for series in answer.series), default=now)
    return {"": Reading(at=at, value=value, problem=problem or warning)}


def _with_long(readings: dict[str, Reading], answer: Answer, across: Across | None) -> dict[str, Reading]:
    """The same readings with the values of the long window; one with warnings tells nothing."""
    if answer.warnings:
        return readings
    if across == "each":
        values: dict[str, float | None] = {name_of(one): one.value for one in answer.series}
    else:
        values = {"": collapse(answer.series, across)[0]}
    return {name: replace(one, long=values.get(name)) for name, one in readings.items()}


def _silent(reading: Reading) -> bool:
    """Whether the traffic would tell more than the value does."""
    return not reading.problem and (reading.value is None or not math.isfinite(reading.value))


def name_of(series: Series) -> str:
    """``pod=api-1 code=500``: the labels that tell one series from another; "" without any."""
    return " ".join(f"{name}={value}" for name, value in sorted(series.labels.items()) if name != "__name__")
