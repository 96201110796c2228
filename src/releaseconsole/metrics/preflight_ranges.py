"""Whether a histogram's buckets reach past the line, and whether a range holds two samples."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping

from releaseconsole.errors import NoSuchApi, QueryRefused
from releaseconsole.metrics import promql
from releaseconsole.metrics.aim import Aim, Found, Outlook, found
from releaseconsole.metrics.lookup import Lookup, together
from releaseconsole.metrics.promql import Query, Selector
from releaseconsole.text import duration

_PURE = re.compile(r"[0-9eE.+\-*/()\s]{1,400}")
_LONGEST_SUM = 400
_OPERATIONS: Mapping[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


async def examine_buckets(lookup: Lookup, aim: Aim) -> list[Found]:
    """``histogram_quantile`` gives at most the highest finite bound. Raises MetricsError.

    https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile
    """
    query = promql.read(aim.question.query)
    buckets = [one for one in query.selectors if one.name.endswith("_bucket")]
    if len(query.quantiles) != 1 or len(buckets) != 1:
        return []
    try:
        bounds = await lookup.bounds(buckets[0].text)
    except NoSuchApi:
        return [_untold(aim)] if aim.line is not None else []
    if not bounds:
        return []
    ends = [await _scaled(lookup, query, bound) for bound in (max(bounds), 0.0)]
    return _reach(aim, buckets[0].name, max(bounds), ends)


def _reach(aim: Aim, bucket: str, bound: float, ends: list[float | None]) -> list[Found]:
    """``ends``: the query's greatest and least value, in its own unit."""
    reached = [end for end in ends if end is not None]
    if len(reached) < len(ends):
        return [_untold(aim)] if aim.line is not None else []
    shown = f"the largest bucket of {bucket} ends at {bound:g}, which is {reached[0]:g} {aim.unit}".rstrip()
    if aim.line is not None and not any(map(aim.line.holds, reached)):
        return [
            found(
                aim.id, Outlook.FAILED, f"“{aim.name}” can never be {aim.line.text}: {shown}.",
                "Add a bucket beyond the line to the histogram, or lower the line.", lasting=True,
            )
        ]  # fmt: skip
    if all(map(aim.target.holds, reached)):
        return [
            found(
                aim.id, Outlook.WARNING, f"“{aim.name}” can never miss its target {aim.target.text}: {shown}.",
                "Add a bucket beyond the target to the histogram.",
            )
        ]  # fmt: skip
    return []


def _untold(aim: Aim) -> Found:
    return found(
        aim.id, Outlook.UNKNOWN,
        f"Whether the buckets of “{aim.name}” reach past its line cannot be told from its query.",
        "Compare the largest finite bound (le) with the line yourself.",
    )  # fmt: skip


async def _scaled(lookup: Lookup, query: Query, bound: float) -> float | None:
    """What the query gives when its quantile is ``bound``; None when that cannot be told."""
    call = query.quantiles[0]
    before, after = query.text[: call.start], query.text[call.end :]
    value = arithmetic(f"{before}({bound!r}){after}")
    if value is not None:
        return value
    if any(not call.start <= one.start < call.end for one in query.selectors):
        return None
    try:
        answer = await lookup.instant(f"{before}vector({bound!r}){after}")
    except QueryRefused:
        return None
    return answer.series[0].value if len(answer.series) == 1 else None


def arithmetic(text: str) -> float | None:
    """The value of numbers with ``+ - * /`` and brackets; None for anything else."""
    if not _PURE.fullmatch(text):
        return None
    try:
        value = _value(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, ArithmeticError, RecursionError, MemoryError):
        return None
    return value if value is not None and math.isfinite(value) else None


def _value(node: ast.expr) -> float | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _value(node.operand)
        return None if inner is None else -inner
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        left, right = _value(node.left), _value(node.right)
        return None if left is None or right is None else _OPERATIONS[type(node.op)](left, right)
    return None


async def examine_ranges(lookup: Lookup, aim: Aim) -> list[Found]:
    """``rate`` and its like need two samples in their range. Raises MetricsError."""
    queries = (aim.question.query, aim.question.traffic, aim.question.long)
    selectors = [one for text in queries if text for one in promql.read(text).selectors]
    ranged = {one.text: one for one in sorted(selectors, key=lambda one: -(one.span or 0.0))}
    counted = [one for one in ranged.values() if one.span and one.function in promql.RATES][:8]
    try:
        intervals = await together(_interval(lookup, one) for one in counted)
    except NoSuchApi:
        return []
    return [
        one
        for selector, interval in zip(counted, intervals, strict=True)
        for one in _samples(aim, selector, interval)
    ]


async def _interval(lookup: Lookup, selector: Selector) -> float | None:
    """Seconds between two scrapes of what is selected; of several jobs, the longest."""
    jobs, targets = await lookup.jobs(selector.text), await lookup.targets()
    return max((one.interval for one in targets if one.job in jobs and one.interval), default=None)


def _samples(aim: Aim, selector: Selector, interval: float | None) -> list[Found]:
    span = selector.span or 0.0
    if interval is None or span >= 2 * interval:
        return []
    short = f"{selector.function}({selector.name}[{duration(span)}]) of “{aim.name}”"
    every = f"it is scraped every {duration(interval)}"
    remedy = f"Make its window at least {duration(2 * interval)}, better {duration(4 * interval)}."
    if span <= interval:
        sentence = f"{short} can never have a value: {every}, and two samples are needed."
        return [found(aim.id, Outlook.FAILED, sentence, remedy, lasting=True)]
    sentence = f"{short} will have gaps: {every}, and two samples are needed."
    return [found(aim.id, Outlook.WARNING, sentence, remedy)]
