"""The queries that the practice Prometheus can answer, and what each of them gives.

There is no PromQL engine: a query is looked up by its text, white space aside. Where the real Prometheus
gives an empty vector or NaN, so does the table.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from releaseconsole.sandbox.prometheus import expressions
from releaseconsole.sandbox.prometheus.podmatch import without_pods
from releaseconsole.sandbox.release.manifests import NAMESPACE
from releaseconsole.sandbox.release.timeline import Picked
from releaseconsole.sandbox.release.traffic import Traffic

_RATE = 60.0
_SMS_RATE = 300.0

Labels = Mapping[str, str]
Vector = list[tuple[Labels, float]]
Evaluate = Callable[[Traffic, float, Picked | None], Vector]
"""Of the pods that are picked; None means all of them."""

_NONE: Labels = MappingProxyType({})
_IN_NAMESPACE = re.compile(r'namespace="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Query:
    """A known query: its evaluation, and the namespace it asks about."""

    evaluate: Evaluate
    namespace: str
    picked: Picked | None = None

    def at(self, traffic: Traffic, when: float) -> Vector:
        """The instant vector at a time."""
        return self.evaluate(traffic, when, self.picked) if self.namespace == NAMESPACE else []


def find(text: str) -> Query | None:
    """The query with this text, or None. Raises ValueError for a pattern of pods that is not understood."""
    namespaces = set(_IN_NAMESPACE.findall(text))
    if len(namespaces) != 1:
        return None
    bare, pods = without_pods(_normal(text))
    evaluate = _TABLE.get(bare)
    if evaluate is None or (pods is not None and evaluate not in _BY_POD):
        return None
    return Query(evaluate, namespaces.pop(), pods)


def target_labels(pod: str, service: str, address: str) -> dict[str, str]:
    """Labels of a scrape target, as Prometheus' operator sets them."""
    return {
        "instance": f"{address}:8080",
        "job": service,
        "namespace": NAMESPACE,
        "pod": pod,
        "service": service,
    }


def _normal(text: str) -> str:
    text = _IN_NAMESPACE.sub('namespace="$"', text)
    return re.sub(r"\s+", "", text)


def _percent(part: float, whole: float) -> float:
    """NaN where Prometheus divides 0 by 0."""
    return 100 * part / whole if whole else math.nan


def _error_rate(traffic: Traffic, at: float, picked: Picked | None) -> Vector:
    window = traffic.window(at, _RATE, picked)
    if not window.counted:
        return []
    return [(_NONE, _percent(window.errors, window.requests))]


def _traffic(traffic: Traffic, at: float, picked: Picked | None) -> Vector:
    window = traffic.window(at, _RATE, picked)
    return [(_NONE, window.requests)] if window.counted else []


def _quantile(wanted: float) -> Evaluate:
    def evaluate(traffic: Traffic, at: float, picked: Picked | None) -> Vector:
        window = traffic.window(at, _RATE, picked)
        return [(_NONE, 1000 * traffic.quantile(window, wanted))] if window.counted else []

    return evaluate


def _memory(traffic: Traffic, at: float, _: Picked | None) -> Vector:
    used = [traffic.memory_percent(pod, at) for pod in traffic.timeline.at(at).pods if pod.running]
    return [(_NONE, max(used))] if used else []


def _cpu(traffic: Traffic, at: float, _: Picked | None) -> Vector:
    used = traffic.cores_used(at, _RATE)
    limit = sum(pod.cpu_limit for pod in traffic.timeline.at(at).pods)
    return [] if used is None or not limit else [(_NONE, 100 * used / limit)]


def _uptime(traffic: Traffic, at: float, _: Picked | None) -> Vector:
    return [(_NONE, traffic.uptime_percent(at))]


def _sms(traffic: Traffic, at: float, _: Picked | None) -> Vector:
    window = traffic.window(at, _SMS_RATE)
    if not window.counted:
        return []
    return [(_NONE, _percent(window.sms_delivered, window.sms_sent))]


def _connections(traffic: Traffic, at: float, _: Picked | None) -> Vector:
    return [(_NONE, 100 * traffic.connections(at) / traffic.max_connections)]


def _up(traffic: Traffic, at: float, _: Picked | None) -> Vector:
    return [
        (
            {"__name__": "up", **target_labels(pod.name, pod.service, pod.address)},
            1.0 if pod.running else 0.0,
        )
        for pod in traffic.timeline.at(at).pods
        if pod.address
    ]


def _sum_up(traffic: Traffic, at: float, _: Picked | None) -> Vector:
    each = _up(traffic, at, None)
    return [(_NONE, sum(value for _, value in each))] if each else []


_P99, _P95 = _quantile(0.99), _quantile(0.95)
_BY_TEXT: Mapping[str, Evaluate] = {
    expressions.ERROR_RATE: _error_rate,
    expressions.REQUESTS: _traffic,
    expressions.LATENCY_P99: _P99,
    expressions.LATENCY_P95: _P95,
    expressions.MEMORY: _memory,
    expressions.CPU: _cpu,
    expressions.UPTIME: _uptime,
    expressions.SMS: _sms,
    expressions.CONNECTIONS: _connections,
    expressions.UP: _up,
    expressions.SUM_UP: _sum_up,
}
_TABLE: Mapping[str, Evaluate] = MappingProxyType({_normal(text): row for text, row in _BY_TEXT.items()})
_BY_POD = frozenset({_error_rate, _traffic, _P99, _P95})
"""What can be asked of some pods alone: what the pods count themselves."""
