"""The runs of containers: from its start to its end, one run is one log."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from releaseconsole.sandbox.scenario import Behaviour

_MOST_MARKS = 64
#: Seconds in which a container that crashes still writes, so that a reader who follows misses none of it.
LAST_WORDS = 0.1


@dataclass(frozen=True, slots=True)
class Mark:
    """From ``at`` on, the container behaves so; only a ready one serves."""

    at: float
    behaviour: Behaviour
    ready: bool


@dataclass(slots=True)
class Run:
    """One instance of a container. ``ended`` is None while it runs (epoch seconds)."""

    pod: str
    uid: str
    container: str
    service: str
    image: str
    restart: int
    started: float
    ended: float | None = None
    marks: list[Mark] = field(default_factory=list)

    def mark(self, at: float, behaviour: Behaviour, ready: bool) -> None:
        """Notes a change of behaviour or readiness; the oldest notes go."""
        if self.marks and (self.marks[-1].behaviour, self.marks[-1].ready) == (behaviour, ready):
            return
        self.marks.append(Mark(at, behaviour, ready))
        del self.marks[:-_MOST_MARKS]

    def at(self, when: float) -> Mark:
        """How it behaved at a time."""
        index = bisect_right(self.marks, when, key=lambda mark: mark.at)
        return self.marks[max(0, index - 1)]


class RunBook:
    """The current and the previous run of every container that still has a pod."""

    def __init__(self) -> None:
        self._runs: dict[tuple[str, str], dict[str, list[Run]]] = {}

    def begin(self, namespace: str, run: Run) -> None:
        """A container started."""
        containers = self._runs.setdefault((namespace, run.pod), {})
        runs = containers.setdefault(run.container, [])
        runs.append(run)
        del runs[:-2]

    def current(self, namespace: str, pod: str, container: str) -> Run | None:
        """The latest run, ended or not."""
        runs = self._runs.get((namespace, pod), {}).get(container, [])
        return runs[-1] if runs else None

    def previous(self, namespace: str, pod: str, container: str) -> Run | None:
        """The run before the latest."""
        runs = self._runs.get((namespace, pod), {}).get(container, [])
        return runs[-2] if len(runs) > 1 else None

    def of(self, namespace: str, pod: str) -> list[Run]:
        """The latest run of each container of a pod."""
        return [runs[-1] for runs in self._runs.get((namespace, pod), {}).values() if runs]

    def forget(self, namespace: str, pod: str) -> None:
        """The pod is gone."""
        self._runs.pop((namespace, pod), None)
