"""The practice Prometheus' alerting rules: the release's own bounds, judged on the traffic model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from releaseconsole.sandbox.prometheus import expressions, queries
from releaseconsole.sandbox.release.manifests import NAMESPACE
from releaseconsole.sandbox.release.traffic import Traffic
from releaseconsole.sandbox.store.objects import rfc3339_nano

_EVERY = 15.0


@dataclass(frozen=True, slots=True)
class Rule:
    """Fires when ``expression`` stays above ``limit`` for ``hold`` seconds."""

    name: str
    expression: str
    limit: float
    hold: float
    severity: str
    summary: str

    @property
    def labels(self) -> dict[str, str]:
        """What its author adds: a sum has no labels of its own."""
        return {"namespace": NAMESPACE, "severity": self.severity}


_RULES = (
    Rule(
        "HealthPayErrorRateHigh",
        expressions.ERROR_RATE,
        1.0,
        60.0,
        "critical",
        "More than 1 % of the requests fail.",
    ),
    Rule(
        "HealthPayLatencyHigh",
        expressions.LATENCY_P99,
        500.0,
        60.0,
        "critical",
        "The slowest percent of the answers takes more than 500 ms.",
    ),
)


def rules(traffic: Traffic, now: float) -> dict[str, Any]:
    """The data of ``/api/v1/rules``."""
    listed = [_shown(rule, traffic, now) for rule in _RULES]
    group = {"name": "healthpay", "file": "healthpay.rules.yaml", "interval": _EVERY, "limit": 0}
    return {"groups": [{**group, "rules": listed, "lastEvaluation": rfc3339_nano(now - now % _EVERY)}]}


def alerts(traffic: Traffic, now: float) -> list[dict[str, Any]]:
    """The pending and firing alerts."""
    return [alert for rule in _RULES for alert in _alerts(rule, traffic, now)]


def _shown(rule: Rule, traffic: Traffic, now: float) -> dict[str, Any]:
    active = _alerts(rule, traffic, now)
    return {
        "state": active[0]["state"] if active else "inactive",
        "name": rule.name,
        "query": f"{rule.expression} > {rule.limit:g}",
        "duration": rule.hold,
        "keepFiringFor": 0,
        "labels": rule.labels,
        "annotations": {"summary": rule.summary},
        "alerts": active,
        "health": "ok",
        "evaluationTime": 0.0004,
        "lastEvaluation": rfc3339_nano(now - now % _EVERY),
        "type": "alerting",
    }


def _alerts(rule: Rule, traffic: Traffic, now: float) -> list[dict[str, Any]]:
    since = _active_since(rule, traffic, now)
    if since is None:
        return []
    last = now - now % _EVERY
    return [
        {
            "labels": {"alertname": rule.name, **rule.labels},
            "annotations": {"summary": rule.summary},
            "state": "firing" if last - since >= rule.hold else "pending",
            "activeAt": rfc3339_nano(since),
            "value": f"{_value(rule, traffic, last):e}",
        }
    ]


def _active_since(rule: Rule, traffic: Traffic, now: float) -> float | None:
    """The first of the unbroken run of evaluations above the limit, at most an hour back."""
    at = now - now % _EVERY
    since = None
    for _ in range(240):
        if not _value(rule, traffic, at) > rule.limit:
            break
        since = at
        at -= _EVERY
    return since


def _value(rule: Rule, traffic: Traffic, at: float) -> float:
    query = queries.find(rule.expression)
    vector = query.at(traffic, at) if query else []
    return vector[0][1] if vector else math.nan
