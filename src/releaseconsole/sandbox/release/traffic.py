"""The one source of what the practice release does: its traffic, errors, latency and load.

Everything is a function of time, of the seed, and of which pods were ready at that time. Metrics, pod logs
and the demo service's answers all ask here, so they cannot disagree.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from types import MappingProxyType

from releaseconsole.sandbox.release import scrapes
from releaseconsole.sandbox.release.manifests import SERVICES
from releaseconsole.sandbox.release.timeline import Moment, Picked, PodState, Timeline
from releaseconsole.sandbox.scenario import Behaviour
from releaseconsole.sandbox.store.chance import unit, wander

#: Requests a second of each service in production; together a little over 8,500 at any hour.
_PRODUCTION: Mapping[str, float] = MappingProxyType(
    {"command-service": 1950.0, "api-gateway": 4350.0, "query-service": 2650.0}
)
_SHARE_OF_PRODUCTION: Mapping[str, float] = MappingProxyType(
    {"staging": 0.011, "uat": 0.028, "production": 1.0}
)
_SMS_PER_REQUEST = 0.004
_DAY = 86400.0
_MOST_LOADS = 16

#: Upper bounds of the latency histogram, in seconds.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(slots=True)
class Window:
    """What the counters gained over a window, as rates per second."""

    requests: float = 0.0
    errors: float = 0.0
    sms_sent: float = 0.0
    sms_delivered: float = 0.0
    counted: bool = False
    """Whether any pod was scraped twice, without which there is no rate."""
    by_behaviour: dict[Behaviour, float] = field(default_factory=dict)


class Traffic:
    """The load of one context."""

    def __init__(self, seed: int, context: str, timeline: Timeline, replicas: Mapping[str, int]) -> None:
        self._seed = seed
        self._context = context
        self._replicas = replicas
        self._loads: deque[tuple[float, float, float]] = deque(maxlen=_MOST_LOADS)
        self.timeline = timeline
        self.on_load: Callable[[], None] = _nothing
        """Called when a load test starts."""

    def add_load(self, at: float, seconds: float, rate: float) -> None:
        """A load test: ``rate`` more requests a second over all services, for ``seconds``."""
        self._loads.append((at, at + seconds, rate))
        self.on_load()

    def under_load(self, at: float) -> bool:
        """Whether a load test runs."""
        return any(start <= at < end for start, end, _ in self._loads)

    def offered(self, service: str, at: float) -> float:
        """Requests per second that arrive for a service."""
        base = _PRODUCTION.get(service, 0.0) * _SHARE_OF_PRODUCTION.get(self._context, 0.01)
        daily = 0.02 * math.sin(2 * math.pi * (at / _DAY - 0.3))
        usual = base * (1 + daily + 0.006 * wander(at, 20.0, self._seed, self._context, service, "rate"))
        return usual + self._extra(service, at) if self._loads else usual

    def _extra(self, service: str, at: float) -> float:
        rate = sum(rate for start, end, rate in self._loads if start <= at < end)
        return rate * _PRODUCTION.get(service, 0.0) / sum(_PRODUCTION.values())

    def error_share(self, behaviour: Behaviour, at: float) -> float:
        """Share of 5xx among what a version answers."""
        swing = wander(at, 15.0, self._seed, self._context, "errors")
        return behaviour.error_share + behaviour.error_swing * swing

    def loads(
        self, moment: Moment, service: str, picked: Picked | None = None
    ) -> tuple[tuple[Behaviour, float], ...]:
        """Each version's share of a service's traffic; pods under pressure answer more slowly. Of the ``picked``
        pods alone, the shares are still of the whole."""
        groups = moment.loads.get(service, ())
        ready = sum(count for _, count in groups)
        pressure = max(0.0, self._replicas.get(service, 1) / ready - 1.5) if ready else 0.0
        if picked is not None:
            groups = moment.groups(service, picked)
        return tuple((_pressed(behaviour, pressure), count / ready) for behaviour, count in groups)

    def lost_behind(self, moment: Moment, service: str) -> float:
        """Share of the gateway's requests that fail because a service behind it has no ready pod."""
        if service != "api-gateway":
            return 0.0
        return 0.45 * sum(1 for other in SERVICES if other != service and not moment.ready(other))

    def window(self, at: float, seconds: float, picked: Picked | None = None) -> Window:
        """Rates over the ``seconds`` before ``at``, as ``rate(…[seconds])`` gives them; of the ``picked`` pods.

        What a pod counted before its first scrape in the window, or after its last, nobody knows of.
        """
        total = Window()
        times = scrapes.within(at, seconds)
        for start, end in pairwise(times):
            weight = 1 / (end - start) / (len(times) - 1)
            known = self._scraped(start, picked) & self._scraped(end, picked)
            spans = self.timeline.spans(start, end)
            total.counted = total.counted or bool(known)
            # Whoever is ready has been scraped, unless that has changed since.
            chosen = picked if len(spans) == 1 else known.__contains__
            for begin, stop, moment in spans:
                self._count_all(total, moment, (begin + stop) / 2, weight * (stop - begin), chosen)
        for when, names in scrapes.edges(times, lambda time: self._scraped(time, picked)):
            weight = 0.5 / (len(times) - 1)
            self._count_all(total, self.timeline.at(when), when, weight, names.__contains__)
        return total

    def _scraped(self, at: float, picked: Picked | None) -> frozenset[str]:
        names = self.timeline.at(at).scraped
        return names if picked is None else frozenset(filter(picked, names))

    def _count_all(
        self, total: Window, moment: Moment, at: float, weight: float, picked: Picked | None
    ) -> None:
        for service in SERVICES:
            self._count(total, moment, service, at, weight, picked)

    def _count(
        self,
        total: Window,
        moment: Moment,
        service: str,
        at: float,
        weight: float,
        picked: Picked | None,
    ) -> None:
        lost = self.lost_behind(moment, service)
        for behaviour, share in self.loads(moment, service, picked):
            requests = self.offered(service, at) * share * weight
            total.requests += requests
            total.errors += requests * min(1.0, lost + self.error_share(behaviour, at))
            total.by_behaviour[behaviour] = total.by_behaviour.get(behaviour, 0.0) + requests
            if service == "command-service":
                sms = requests * _SMS_PER_REQUEST
                jitter = 0.0015 * wander(at, 60.0, self._seed, self._context, "sms")
                total.sms_sent += sms
                total.sms_delivered += sms * (behaviour.sms_share + jitter)

    def quantile(self, window: Window, wanted: float) -> float:
        """``histogram_quantile`` over the window's latencies, in seconds; NaN over no observations."""
        if window.requests <= 0:
            return math.nan
        shares = [(behaviour, rate / window.requests) for behaviour, rate in window.by_behaviour.items()]
        return histogram_quantile(wanted, [_below(shares, bound) for bound in BUCKETS])

    def cpu_cores(self, pod: PodState, at: float) -> float:
        """Cores that a pod uses."""
        moment = self.timeline.at(at)
        ready = moment.ready(pod.service)
        share = self.offered(pod.service, at) / ready if pod.ready and ready else 0.0
        jitter = 1 + 0.05 * wander(at, 30.0, self._seed, pod.name, "cpu")
        return (0.045 + share * 0.00036 * pod.behaviour.cpu_factor) * jitter if pod.running else 0.0

    def cores_used(self, at: float, seconds: float) -> float | None:
        """What all pods used, as ``sum(rate(…[seconds]))`` gives it; None when nobody knows."""
        times = scrapes.within(at, seconds)
        parts = [
            ((start + end) / 2, self._running(start) & self._running(end), 1.0)
            for start, end in pairwise(times)
        ]
        if not any(names for _, names, _ in parts):
            return None
        parts += [(when, names, 0.5) for when, names in scrapes.edges(times, self._running)]
        used = sum(part * self._cores(when, names) for when, names, part in parts)
        return used / (len(times) - 1)

    def _running(self, at: float) -> frozenset[str]:
        return frozenset(pod.name for pod in self.timeline.at(at).pods if pod.running)

    def _cores(self, at: float, names: frozenset[str]) -> float:
        return sum(self.cpu_cores(pod, at) for pod in self.timeline.at(at).pods if pod.name in names)

    def memory_percent(self, pod: PodState, at: float) -> float:
        """Working set as percent of the limit."""
        base = 44 + 6 * unit(self._seed, pod.name, "memory") + pod.behaviour.memory_extra
        return base + 2.0 * wander(at, 120.0, self._seed, pod.name, "memory")

    def connections(self, at: float) -> float:
        """Open database connections."""
        users = [pod for pod in self.timeline.at(at).pods if pod.running and pod.service != "api-gateway"]
        busy = 1.2 * wander(at, 25.0, self._seed, self._context, "db")
        return float(round(sum(8 + busy for _ in users)))

    @property
    def max_connections(self) -> float:
        """The database's limit."""
        return 200.0 if self._context == "production" else 100.0

    def uptime_percent(self, at: float) -> float:
        """Average over the last hour, at its full minutes, of the probes of all services."""
        total = 0.0
        last = at - at % 60
        for minute in range(60):
            moment = self.timeline.at(last - 60.0 * minute)
            total += sum(1 for service in SERVICES if moment.ready(service)) / len(SERVICES)
        return 100 * total / 60

    def answer(self, service: str, at: float, draw: Callable[[], float]) -> Answer:
        """How one request fares; ``draw`` gives numbers in [0, 1)."""
        moment = self.timeline.at(at)
        loads = self.loads(moment, service)
        if not loads:
            return Answer(503, 0.0)
        chosen = _pick(loads, draw())
        failed = draw() < self.lost_behind(moment, service) + self.error_share(chosen, at)
        return Answer(500 if failed else 200, latency(chosen, draw()))


@dataclass(frozen=True, slots=True)
class Answer:
    """Status (200, 500 or 503) and seconds taken."""

    status: int
    seconds: float


def _nothing() -> None:
    """Nobody wants to know."""


def latency(behaviour: Behaviour, part: float) -> float:
    """The latency under which ``part`` of a version's answers stay, in seconds."""
    return behaviour.median * math.exp(behaviour.spread * _normal_quantile(min(max(part, 1e-6), 1 - 1e-6)))


def histogram_quantile(wanted: float, below: list[float]) -> float:
    """Prometheus' interpolation; ``below`` is the share of observations up to each of BUCKETS."""
    lower_bound, lower = 0.0, 0.0
    for bound, share in zip(BUCKETS, below, strict=True):
        if share >= wanted:
            return lower_bound + (bound - lower_bound) * (wanted - lower) / (share - lower)
        lower_bound, lower = bound, share
    return BUCKETS[-1]


def _below(shares: Iterable[tuple[Behaviour, float]], bound: float) -> float:
    return sum(share * _log_normal(behaviour, bound) for behaviour, share in shares)


def _log_normal(behaviour: Behaviour, seconds: float) -> float:
    score = math.log(seconds / behaviour.median) / behaviour.spread
    return 0.5 * (1 + math.erf(score / math.sqrt(2)))


def _normal_quantile(part: float) -> float:
    """Winitzki's approximation of the inverse error function; good to 0.2 %."""
    centred = 2 * part - 1
    log = math.log(1 - centred * centred)
    half = 2 / (math.pi * 0.147) + log / 2
    return math.copysign(math.sqrt(math.sqrt(half * half - log / 0.147) - half), centred) * math.sqrt(2)


def _pressed(behaviour: Behaviour, pressure: float) -> Behaviour:
    if pressure <= 0:
        return behaviour
    return replace(behaviour, median=behaviour.median * (1 + round(pressure, 1)))


def _pick(loads: tuple[tuple[Behaviour, float], ...], part: float) -> Behaviour:
    for behaviour, share in loads:
        if part < share:
            return behaviour
        part -= share
    return loads[-1][0]
