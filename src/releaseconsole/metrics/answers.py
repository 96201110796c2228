"""What Prometheus answers, as values; whatever has another form is an error in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from releaseconsole.errors import MetricsError, NoSuchApi, QueryRefused
from releaseconsole.metrics.source import Source
from releaseconsole.text import cut, visible

MOST_SERIES = 10_000
LONGEST_WORDS = 300


@dataclass(frozen=True, slots=True)
class Series:
    """One series of an instant query."""

    labels: Mapping[str, str]
    at: float
    """Seconds since the epoch."""
    value: float


@dataclass(frozen=True, slots=True)
class RangeSeries:
    """One series of a range query: (time, value), oldest first."""

    labels: Mapping[str, str]
    samples: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What an instant query answered; ``warnings`` are Prometheus' own doubts about it."""

    series: tuple[Series, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RangeAnswer:
    """What a range query answered."""

    series: tuple[RangeSeries, ...]
    warnings: tuple[str, ...] = ()


def data_of(source: Source, status: int, body: bytes) -> dict[str, Any]:
    """The JSON document of a successful answer. Raises MetricsError with what it is instead."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, dict) and document.get("status") == "error":
        raise _refused(source, status, document)
    if status != 200:
        raise _status(source, status)
    if not isinstance(document, dict):
        what = "a web page" if body.lstrip()[:1] == b"<" else "no JSON"
        raise MetricsError(
            f"{source.name} answered with {what} where Prometheus answers with JSON.", WRONG_PLACE
        )
    if document.get("status") != "success" or "data" not in document:
        raise MetricsError(f"{source.name} answered with JSON that is not Prometheus'.", WRONG_PLACE)
    return document


WRONG_PLACE = "Check the address of prometheus in the plan, and whether a login page stands before it."


def _refused(source: Source, status: int, document: dict[str, Any]) -> MetricsError:
    words = short(document.get("error")) or "no reason given"
    if document.get("errorType") in ("bad_data", "execution") or status in (400, 422):
        return QueryRefused(
            f"Prometheus at {source.name} refused the query: {words}.", "Mend the query in the plan."
        )
    return MetricsError(
        f"Prometheus at {source.name} could not answer: {words}.", "Look at that server's log."
    )


def _status(source: Source, status: int) -> MetricsError:
    if status in (401, 403):
        remedy = "Check the token that the plan names (token_env or token_file)."
        return MetricsError(f"Prometheus at {source.name} denied access (status {status}).", remedy)
    if status == 404:
        return NoSuchApi(f"There is no Prometheus API at {source.name} (status 404).", WRONG_PLACE)
    if 300 <= status < 400:
        return MetricsError(f"{source.name} sends us elsewhere (status {status}).", WRONG_PLACE)
    return MetricsError(
        f"Prometheus at {source.name} answered with status {status}.",
        "Look whether it is up and not overloaded.",
    )


def short(words: object) -> str:
    """Somebody else's words on one line, bounded; "" for anything that is not text."""
    return (
        cut(visible(words[: 4 * LONGEST_WORDS]), LONGEST_WORDS).rstrip(". ") if isinstance(words, str) else ""
    )


def warnings_of(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The warnings of an answer; ``infos`` are remarks on style and left out."""
    found = document.get("warnings")
    return tuple(short(one) for one in found[:10] if one) if isinstance(found, list) else ()


def instant_series(source: Source, result: object) -> tuple[Series, ...]:
    """The result of an instant query; a scalar becomes a series without labels. Raises MetricsError."""
    if not isinstance(result, list):
        raise _shapeless(source)
    if len(result) == 2 and isinstance(result[1], str):
        return (Series({}, *_sample(source, result)),)
    return tuple(Series(_labels(one), *_sample(source, one.get("value"))) for one in _bounded(source, result))


def range_series(source: Source, result: object) -> tuple[RangeSeries, ...]:
    """The result of a range query. Raises MetricsError."""
    found = []
    for one in _bounded(source, result):
        values = one.get("values")
        if not isinstance(values, list):
            raise _shapeless(source)
        found.append(RangeSeries(_labels(one), tuple(_sample(source, value) for value in values)))
    return tuple(found)


def _bounded(source: Source, result: object) -> list[dict[str, Any]]:
    if not isinstance(result, list) or not all(isinstance(one, dict) for one in result):
        raise _shapeless(source)
    if len(result) > MOST_SERIES:
        raise MetricsError(
            f"The query gave {len(result):,} series, more than {MOST_SERIES:,}.", "Aggregate in the query."
        )
    return result


def _labels(one: Mapping[str, Any]) -> dict[str, str]:
    metric = one.get("metric")
    if not isinstance(metric, dict):
        return {}
    return {visible(name): visible(value) for name, value in metric.items() if isinstance(value, str)}


def _sample(source: Source, pair: Any) -> tuple[float, float]:
    """``[1700000000.1, "0.5"]``; NaN and the infinities come as text like every value."""
    try:
        at, value = pair
        return float(at), float(value)
    except (TypeError, ValueError, OverflowError):
        raise _shapeless(source) from None


def _shapeless(source: Source) -> MetricsError:
    return MetricsError(
        f"{source.name} answered with samples that are not numbers.",
        "Native histograms need histogram_quantile() or another function that makes a number of them.",
    )
