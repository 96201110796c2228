"""What a Prometheus knows that scrapes every few seconds, and what ``rate()`` makes of it.

A series counts from its first scrape to its last. Where it begins or ends within the window, ``rate()`` takes
its pace to have been the same for half an interval more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

SCRAPE_EVERY = 5.0
"""Seconds."""


def within(at: float, seconds: float) -> list[float]:
    """The scrapes in the ``seconds`` before ``at``, oldest first."""
    first, last = math.ceil((at - seconds) / SCRAPE_EVERY), math.floor(at / SCRAPE_EVERY)
    return [number * SCRAPE_EVERY for number in range(first, last + 1)]


def edges(
    scrapes: list[float], names: Callable[[float], frozenset[str]]
) -> Iterator[tuple[float, frozenset[str]]]:
    """Who begins or ends among ``scrapes`` and was scraped twice at least, and when to take its pace.

    ``names`` tells who is scraped at a time. Each of them stands for half an interval more.
    """
    found = [names(at) for at in scrapes]
    for index in range(len(scrapes) - 2):
        begun = (found[index + 1] - found[index]) & found[index + 2]
        ended = (found[index] & found[index + 1]) - found[index + 2]
        if begun:
            yield scrapes[index + 2], begun
        if ended:
            yield scrapes[index], ended
