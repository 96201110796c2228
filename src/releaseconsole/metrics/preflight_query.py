"""Whether a query has a value now, and if not, why not."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING

from releaseconsole.errors import MetricsError, QueryRefused
from releaseconsole.metrics import promql
from releaseconsole.metrics.aim import Aim, Found, Outlook, found
from releaseconsole.metrics.lookup import Lookup, together
from releaseconsole.metrics.objective import collapse
from releaseconsole.metrics.promql import Query, Selector
from releaseconsole.metrics.reading import MOST_EACH
from releaseconsole.text import cut, plural, visible

if TYPE_CHECKING:
    from releaseconsole.metrics.answers import Answer

MOST_SELECTORS = 8
MOST_CANDIDATES = 500
"""Names that are compared with one that does not exist."""
_NEAR = 0.7
_LONGEST_SELECTOR = 200


async def examine_query(lookup: Lookup, aim: Aim) -> list[Found]:
    """Valid, one series, a value, traffic. Raises MetricsError when Prometheus does not answer."""
    try:
        answer = await lookup.instant(aim.question.query)
        if aim.question.long:
            await lookup.instant(aim.question.long)
    except QueryRefused as error:
        return [await _refused(lookup, aim.id, f"“{aim.name}” cannot be measured.", error)]
    results = [*_warned(aim, answer), *_series(aim, answer)]
    if not answer.series:
        return [*results, *await _empty(lookup, aim)]
    value, problem = collapse(answer.series, aim.question.across)
    if not problem and value is not None and not math.isfinite(value):
        return [*results, *await _not_a_number(lookup, aim)]
    return [*results, *await _traffic_refused(lookup, aim), *await _unit(lookup, aim)]


async def has_value(lookup: Lookup, aim: Aim) -> Found:
    """That nothing is wrong with it, in words."""
    value, _ = collapse((await lookup.instant(aim.question.query)).series, aim.question.across)
    shown = "its series have values" if value is None else f"{value:,.4g} {aim.unit}".rstrip() + " now"
    line = f"; it can be {aim.line.text}" if aim.line is not None else ""
    query = promql.read(aim.question.query)
    remark = "; without `or vector(0)` it is empty until the first is counted"
    empty = remark if query.is_share and not query.falls_back else ""
    return found(aim.id, Outlook.OK, f"“{aim.name}” is measured: {shown}{line}{empty}")


async def _refused(lookup: Lookup, subject: str, what: str, error: QueryRefused) -> Found:
    """Wrong is the query only when the server evaluates others: some know only the queries they were given."""
    try:
        await lookup.instant("vector(1)")
    except QueryRefused:
        return found(subject, Outlook.UNKNOWN, f"Cannot be told: {error.message}")
    return found(subject, Outlook.FAILED, f"{what} {error.message}", error.remedy)


def _warned(aim: Aim, answer: Answer) -> Iterator[Found]:
    if answer.warnings:
        yield found(
            aim.id, Outlook.WARNING,
            f"Prometheus warns of “{aim.name}”: {answer.warnings[0]}. While it does, this cannot call for a rollback.",
            "Look at what the warning names; a part of the data may be missing.",
        )  # fmt: skip


def _series(aim: Aim, answer: Answer) -> Iterator[Found]:
    count = len(answer.series)
    if count > 1 and aim.question.across is None:
        yield found(
            aim.id, Outlook.FAILED,
            f"“{aim.name}” gives {count} series, not one: nobody can say which of them counts.",
            "Aggregate in the query (sum, max), or set `across`.", lasting=True,
        )  # fmt: skip
    if aim.question.across == "each" and count > MOST_EACH:
        yield found(
            aim.id, Outlook.FAILED,
            f"“{aim.name}” gives {count} series, more than the {MOST_EACH} that are judged one by one.",
            "Aggregate in the query.", lasting=True,
        )  # fmt: skip


async def _empty(lookup: Lookup, aim: Aim) -> list[Found]:
    query = promql.read(aim.question.query)
    selectors = list({one.text: one for one in query.selectors}.values())[:MOST_SELECTORS]
    there = await together(lookup.names(one.text) for one in selectors)
    lacking = [one for one, names in zip(selectors, there, strict=True) if not _is_there(one, names)]
    nameless = [one for one in lacking if one.name and one.name not in await lookup.names(_any(one))]
    if nameless:
        return [await _no_metric(lookup, aim, one) for one in {one.name: one for one in nameless}.values()]
    if not lacking:
        return [_no_traffic(aim) if await _quiet(lookup, aim) else _no_match(aim, query)]
    counted = {one.name for one in selectors if one not in lacking}
    return [_never_counted(aim, one) if one.name in counted else _no_series(aim, one) for one in lacking]


def _is_there(selector: Selector, names: tuple[str, ...]) -> bool:
    """By name too: a server that does not filter gives the names of everything."""
    return selector.name in names if selector.name else bool(names)


def _any(selector: Selector) -> str:
    return f'{{__name__="{selector.name}"}}'


async def _no_metric(lookup: Lookup, aim: Aim, selector: Selector) -> Found:
    near = await _near(lookup, selector.name)
    meant = f" Did you mean {near}?" if near else ""
    return found(
        aim.id, Outlook.FAILED,
        f"“{aim.name}” has no value: {lookup.server} knows no metric {visible(selector.name)}.{meant}",
        "Mend the name in the plan, or have it scraped; if the new version brings it, ask again after the deploy.",
    )  # fmt: skip


async def _near(lookup: Lookup, name: str) -> str:
    try:
        names = await lookup.names("")
    except MetricsError:
        return ""
    near = await asyncio.to_thread(near_names, name, names)
    return " or ".join(visible(one) for one in near)


def near_names(name: str, names: tuple[str, ...]) -> list[str]:
    """Up to two existing names that may be meant; of many, only those with a word in common are compared."""
    words = {word for word in name.lower().split("_") if len(word) > 2}
    shared = sorted(names, key=lambda one: (-len(words & set(one.lower().split("_"))), one))
    return get_close_matches(name, shared[:MOST_CANDIDATES], n=2, cutoff=_NEAR)


def _never_counted(aim: Aim, selector: Selector) -> Found:
    """The usual error ratio: the part has no series as long as nothing was counted in it."""
    return found(
        aim.id, Outlook.WARNING,
        f"“{aim.name}” has no value: no series matches {_shown(selector)}. Either none was ever counted, or its "
        "labels are called otherwise.",
        "Put `or vector(0)` behind that part, if none means zero.",
    )  # fmt: skip


def _no_series(aim: Aim, selector: Selector) -> Found:
    return found(
        aim.id, Outlook.FAILED,
        f"“{aim.name}” has no value: {selector.name or 'something'} exists, but nothing matches {_shown(selector)}.",
        "Check the labels against those that Prometheus has.",
    )  # fmt: skip


def _no_match(aim: Aim, query: Query) -> Found:
    if query.compares:
        return found(
            aim.id, Outlook.WARNING,
            f"“{aim.name}” has no value: its query compares, and is empty while the comparison does not hold.",
            "Take the comparison out of the query: the line of `rollback` is one already.",
        )  # fmt: skip
    return found(
        aim.id, Outlook.FAILED,
        f"“{aim.name}” has no value, though every metric in its query exists.",
        "The labels of its parts may not fit together, or its range may hold fewer than two samples.",
    )  # fmt: skip


def _no_traffic(aim: Aim) -> Found:
    return found(
        aim.id, Outlook.WARNING,
        f"“{aim.name}” has no value, as there is no traffic now: whether it can fire cannot be told.",
        "Ask again when requests come in.",
    )  # fmt: skip


async def _not_a_number(lookup: Lookup, aim: Aim) -> list[Found]:
    if await _quiet(lookup, aim):
        return [_no_traffic(aim)]
    known = "although there is traffic" if aim.question.traffic else "and the plan names no traffic query"
    return [
        found(
            aim.id, Outlook.WARNING, f"“{aim.name}” is not a number now, {known}.",
            "Look whether what it divides by is zero, or its buckets are empty.",
        )
    ]  # fmt: skip


async def _quiet(lookup: Lookup, aim: Aim) -> bool:
    """Whether the traffic query says that nobody asks anything."""
    if not aim.question.traffic:
        return False
    try:
        flowing, _ = collapse((await lookup.instant(aim.question.traffic)).series, "sum")
    except QueryRefused:
        return False
    return flowing is not None and flowing <= 0


async def _traffic_refused(lookup: Lookup, aim: Aim) -> list[Found]:
    if not aim.question.traffic:
        return []
    try:
        answer = await lookup.instant(aim.question.traffic)
    except QueryRefused as error:
        return [await _refused(lookup, aim.id, f"The traffic of “{aim.name}” cannot be measured.", error)]
    if answer.series:
        return []
    sentence = (
        f"The traffic query of “{aim.name}” is empty: a quiet service cannot be told from a broken query."
    )
    return [found(aim.id, Outlook.WARNING, sentence, "Check its metric and labels.")]


async def _unit(lookup: Lookup, aim: Aim) -> list[Found]:
    """A share between 0 and 1 that the plan takes for percent stays on the safe side for ever."""
    query = promql.read(aim.question.query)
    if aim.unit != "%" or any(one in (100.0, 0.01) for one in query.numbers) or _percents(query):
        return []
    values = await lookup.last_hour(aim.question.query)
    if not any(values) or not all(0 <= one <= 1 for one in values):
        return []
    return [
        found(
            aim.id, Outlook.WARNING,
            f"“{aim.name}” is in %, and its {plural(len(values), 'value')} of the last hour are between 0 and 1: "
            "its query seems to give a ratio.",
            "Put `100 *` before the query, or make its unit ratio.",
        )
    ]  # fmt: skip


def _percents(query: Query) -> bool:
    return any("percent" in one.name for one in query.selectors)


def _shown(selector: Selector) -> str:
    return cut(visible(" ".join(selector.text.split())), _LONGEST_SELECTOR)
