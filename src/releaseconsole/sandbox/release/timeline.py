"""Which pods were there, and in what state, at every moment of the last hours.

The kubelet writes it whenever a pod changes; metrics, logs and the demo service only read it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from releaseconsole.sandbox.scenario import Behaviour

#: Moments that are kept; a rollout of one service makes about twenty.
_KEEP = 2000


@dataclass(frozen=True, slots=True)
class PodState:
    """One pod as the traffic sees it."""

    name: str
    service: str
    address: str
    node: str
    behaviour: Behaviour
    ready: bool
    running: bool
    served: bool
    """It has been ready once, so its counters exist."""
    cpu_limit: float
    """Cores."""


Picked = Callable[[str], bool]
"""Whether a pod of that name is meant."""
Loads = dict[str, tuple[tuple[Behaviour, int], ...]]


@dataclass(frozen=True, slots=True)
class Moment:
    """The pods from ``at`` until the next moment."""

    at: float
    pods: tuple[PodState, ...]
    loads: Loads = field(compare=False)
    """Ready pods of each service, counted by behaviour."""
    scraped: frozenset[str] = field(default=frozenset(), compare=False)
    """Names of the running pods that have ever served, so that their counters have series."""

    def groups(self, service: str, picked: Picked) -> tuple[tuple[Behaviour, int], ...]:
        """The ready pods of a service among those ``picked``, counted by behaviour."""
        ready = (pod for pod in self.pods if pod.ready and pod.service == service and picked(pod.name))
        return tuple(Counter(pod.behaviour for pod in ready).items())

    def ready(self, service: str) -> int:
        """Number of ready pods of a service."""
        return sum(count for _, count in self.loads.get(service, ()))


def moment(at: float, pods: tuple[PodState, ...]) -> Moment:
    """A moment with its loads counted."""
    counted: dict[str, Counter[Behaviour]] = {}
    for pod in pods:
        if pod.ready:
            counted.setdefault(pod.service, Counter())[pod.behaviour] += 1
    loads = {service: tuple(counts.items()) for service, counts in counted.items()}
    return Moment(at, pods, loads, frozenset(pod.name for pod in pods if pod.running and pod.served))


class Timeline:
    """The last moments, in order. Before the first one everything was as in the first."""

    def __init__(self) -> None:
        self._moments: list[Moment] = []
        self._times: list[float] = []
        self.muted = False
        """While the past is made up, nothing is recorded."""

    def record(self, at: float, pods: tuple[PodState, ...]) -> None:
        """Adds a moment, unless nothing changed."""
        if self.muted or (self._moments and self._moments[-1].pods == pods):
            return
        self._moments.append(moment(at, pods))
        self._times.append(at)
        if len(self._moments) >= 2 * _KEEP:
            del self._moments[:_KEEP], self._times[:_KEEP]

    @property
    def latest(self) -> Moment:
        """The pods as they are."""
        return self._moments[-1] if self._moments else moment(0.0, ())

    def at(self, when: float) -> Moment:
        """The pods as they were at a time."""
        if not self._moments:
            return self.latest
        return self._moments[max(0, bisect_right(self._times, when) - 1)]

    def spans(self, start: float, end: float) -> list[tuple[float, float, Moment]]:
        """``(from, to, moment)`` for every stretch of a window without a change in it."""
        if not self._moments:
            return []
        first = max(0, bisect_right(self._times, start) - 1)
        last = max(first + 1, bisect_right(self._times, end))
        found = []
        for index in range(first, last):
            begin = start if index == first else self._times[index]
            stop = end if index == last - 1 else self._times[index + 1]
            if stop > begin:
                found.append((begin, stop, self._moments[index]))
        return found
