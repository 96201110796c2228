"""What a Prometheus knows besides values: names, labels, targets. Each is asked once, a few at a time."""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from releaseconsole.errors import MetricsError
from releaseconsole.metrics import promql
from releaseconsole.undisturbed import apart

if TYPE_CHECKING:
    from releaseconsole.metrics.answers import Answer
    from releaseconsole.metrics.client import PrometheusClient

T = TypeVar("T")
AT_A_TIME = 8
"""Requests under way."""
LATELY = 3600.0
"""Seconds in which a series must have existed to count."""
MOST_TARGETS = 5_000


@dataclass(frozen=True, slots=True)
class Target:
    """One scrape target."""

    labels: Mapping[str, str]
    """Its own, and those it was discovered with."""
    job: str
    healthy: bool
    error: str
    interval: float | None
    """Seconds between two scrapes; None when Prometheus does not say."""


@dataclass(slots=True)
class _Memory:
    """One answer, and the lock under which it is asked for."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    answer: Any = None
    error: MetricsError | None = None
    asked: bool = False


class Lookup:
    """Asks on behalf of one preflight. Every method raises MetricsError."""

    def __init__(self, client: PrometheusClient, now: float) -> None:
        self._client = client
        self._now = now
        self._turns = asyncio.Semaphore(AT_A_TIME)
        self._memories: defaultdict[object, _Memory] = defaultdict(_Memory)

    @property
    def server(self) -> str:
        """Host and port."""
        return self._client.source.name

    async def instant(self, query: str) -> Answer:
        """The value of a query now."""
        answer: Answer = await self._once(("query", query), lambda: self._client.instant(query))
        return answer

    async def last_hour(self, query: str) -> tuple[float, ...]:
        """Every finite value of the last hour, a minute apart."""
        end = float(math.floor(self._now))
        async with self._turns:
            answer = await self._client.range(query, end - LATELY, end, 60.0)
        return tuple(
            value for one in answer.series for _, value in one.samples if math.isfinite(value)
        )  # fmt: skip

    async def names(self, selector: str) -> tuple[str, ...]:
        """The names of the metrics that a selector matches lately; "" for all."""
        return await self._values("__name__", selector)

    async def bounds(self, selector: str) -> tuple[float, ...]:
        """The finite bounds of a histogram's buckets."""
        bounds = (_number(one) for one in await self._values("le", selector))
        return tuple(one for one in bounds if math.isfinite(one))

    async def jobs(self, selector: str) -> frozenset[str]:
        """The scrape jobs that the series come from."""
        return frozenset(await self._values("job", selector))

    async def targets(self) -> tuple[Target, ...]:
        """Every active scrape target."""
        raw = await self._once("targets", self._client.targets)
        return tuple(_target(one) for one in raw[:MOST_TARGETS])

    async def rules(self) -> None:
        """Whether the rules can be read at all."""
        await self._once("rules", self._client.rules)

    async def _values(self, label: str, selector: str) -> tuple[str, ...]:
        values: tuple[str, ...] = await self._once(
            (label, selector), lambda: self._client.label_values(label, selector, self._now - LATELY)
        )
        return values

    async def _once(self, key: object, ask: Callable[[], Awaitable[Any]]) -> Any:
        memory = self._memories[key]
        async with memory.lock:
            if not memory.asked:
                try:
                    async with self._turns:
                        memory.answer = await ask()
                except MetricsError as error:
                    memory.error = error
                memory.asked = True
        if memory.error is not None:
            raise memory.error
        return memory.answer


async def together(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """The results of all, in order; the first error ends the others and is raised."""
    try:
        return await apart(_all(work))
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None


async def _all(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one) for one in work]
    return [task.result() for task in tasks]


def _target(raw: Mapping[str, Any]) -> Target:
    own, discovered = _texts(raw.get("labels")), _texts(raw.get("discoveredLabels"))
    interval = raw.get("scrapeInterval")
    error = raw.get("lastError")
    return Target(
        labels={**discovered, **own},
        job=own.get("job", ""),
        healthy=raw.get("health") == "up",
        error=error[:300] if isinstance(error, str) else "",
        interval=promql.seconds(interval) if isinstance(interval, str) else None,
    )


def _texts(raw: object) -> dict[str, str]:
    if not isinstance(raw, dict):
        return {}
    return {name: value for name, value in raw.items() if isinstance(name, str) and isinstance(value, str)}


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
