"""Can this trigger fire? Asked before it matters: of the query, its series, its buckets, its ranges and its targets.

A trigger that cannot fire looks like a healthy release. Changes nothing, raises nothing, is over in seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from releaseconsole.errors import MetricsError
from releaseconsole.metrics.aim import Aim, Found, Outlook, Scene, found
from releaseconsole.metrics.lookup import Lookup, together
from releaseconsole.metrics.preflight_query import examine_query, has_value
from releaseconsole.metrics.preflight_ranges import examine_buckets, examine_ranges
from releaseconsole.metrics.preflight_server import examine_server
from releaseconsole.metrics.preflight_words import remarks
from releaseconsole.undisturbed import apart

if TYPE_CHECKING:
    from releaseconsole.metrics.client import PrometheusClient

PATIENCE = 5.0
"""Seconds for everything together."""
MOST_AIMS = 200


async def preflight(
    client: PrometheusClient, aims: Sequence[Aim], scene: Scene, *, patience: float = PATIENCE
) -> tuple[Found, ...]:
    """Examine a Prometheus and the objectives that are asked of it, all at once. Never raises MetricsError.

    What has no answer within ``patience`` seconds is unknown; what was answered in time is kept.
    """
    lookup = Lookup(client, scene.now)
    parts: dict[str, Coroutine[Any, Any, list[Found]]] = {
        lookup.server: examine_server(lookup, scene),
        **{aim.id: _examine(lookup, aim, scene) for aim in aims[:MOST_AIMS]},
    }
    tasks = {name: asyncio.ensure_future(_kept(name, part)) for name, part in parts.items()}
    try:
        await asyncio.wait(tasks.values(), timeout=patience)
        results = [one for name, task in tasks.items() for one in _result(name, task, patience)]
    finally:
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
    return tuple(_folded(results))


def cannot_fire(results: Sequence[Found], aims: Sequence[Aim]) -> tuple[Found, ...]:
    """Of the findings, those by which a trigger cannot fire."""
    triggers = {aim.id for aim in aims if aim.line is not None}
    return tuple(one for one in results if one.outlook is Outlook.FAILED and one.subject in triggers)


async def _examine(lookup: Lookup, aim: Aim, scene: Scene) -> list[Found]:
    """One objective; what the words alone tell is told also when Prometheus does not answer."""
    parts: list[Coroutine[Any, Any, list[Found]]] = [
        examine_query(lookup, aim),
        examine_buckets(lookup, aim),
        examine_ranges(lookup, aim),
    ]
    asked = await together(_asked(aim.id, part) for part in parts)
    results = [*remarks(aim, scene), *(one for part in asked for one in part)]
    bad = [one for one in results if one.outlook is not Outlook.OK]
    return list(dict.fromkeys(bad)) or [await has_value(lookup, aim)]


async def _asked(subject: str, part: Coroutine[Any, Any, list[Found]]) -> list[Found]:
    try:
        return await part
    except MetricsError as error:
        return [found(subject, Outlook.UNKNOWN, error.message, error.remedy)]


async def _kept(subject: str, part: Coroutine[Any, Any, list[Found]]) -> list[Found]:
    """A defect in one examination takes no other along."""
    try:
        return await apart(_asked(subject, part))
    except Exception as error:  # noqa: BLE001  (the edge of a worker: it tells)
        sentence = f"A defect stopped this examination. {type(error).__name__}: {error}"[:400]
        return [found(subject, Outlook.UNKNOWN, sentence)]


def _result(name: str, task: asyncio.Future[list[Found]], patience: float) -> list[Found]:
    if task.done():
        return task.result()
    sentence = f"Prometheus did not answer everything within {patience:g} s."
    return [found(name, Outlook.UNKNOWN, sentence, "It is busy or the network is slow: try again.")]


def _folded(results: Sequence[Found]) -> Iterator[Found]:
    """What is unknown of many for one reason is said once."""
    unknown: dict[str, list[str]] = {}
    for one in results:
        if one.outlook is Outlook.UNKNOWN:
            unknown.setdefault(one.sentence, []).append(one.subject)
    for one in results:
        subjects = unknown.get(one.sentence, []) if one.outlook is Outlook.UNKNOWN else [one.subject]
        if one.subject != subjects[0]:
            continue
        if len(subjects) > 1:
            others = ", ".join(subjects[1:4]) + (
                f" and {len(subjects) - 4} more" if len(subjects) > 4 else ""
            )
            yield found(one.subject, one.outlook, f"{one.sentence} (Also: {others}.)", one.remedy)
        else:
            yield one
