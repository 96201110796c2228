"""Alerting rules as a Prometheus describes them, for tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from releaseconsole.errors import MetricsError
from releaseconsole.metrics.belonging import Scope

SHOP = Scope(frozenset({"shop"}), ("deployment/web",), frozenset({"web-internal"}))
"""The release of the tests."""


def alert(
    state: str = "firing", since: str = "2026-01-01T00:00:00.123456789Z", **labels: str
) -> dict[str, Any]:
    named = {"alertname": "ErrorsHigh", "severity": "critical", "namespace": "shop", **labels}
    return {
        "labels": {name: value for name, value in named.items() if value},
        "annotations": {"summary": "Too many errors."},
        "state": state,
        "activeAt": since,
        "value": "7.5e+00",
    }


def rule(*alerts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "alerting",
        "name": "ErrorsHigh",
        "query": 'sum(rate(errors_total{namespace="shop"}[1m])) > 1',
        "labels": {"severity": "critical"},
        "alerts": list(alerts),
        "health": "ok",
        "lastEvaluation": "2026-01-01T00:01:00Z",
        **more,
    }


def groups(*rules: dict[str, Any], name: str = "shop.rules") -> dict[str, Any]:
    """The data of an answer with one group."""
    return {"groups": [{"name": name, "rules": list(rules)}]}


def healthy(**labels: str) -> dict[str, Any]:
    return rule(labels={"severity": "critical", **labels})


def broken(name: str = "Broken", error: str = "many-to-many matching not allowed") -> dict[str, Any]:
    return rule(name=name, health="err", lastError=error)


@dataclass
class Ruler:
    """Stands for a client: gives the data of a test, or fails with it."""

    data: dict[str, Any] | MetricsError = field(default_factory=lambda: groups(healthy()))
    name: str = "prometheus.example:9090"
    asked: int = 0

    @property
    def source(self) -> Any:
        return SimpleNamespace(name=self.name)

    async def alerting_rules(self) -> dict[str, Any]:
        self.asked += 1
        if isinstance(self.data, MetricsError):
            raise self.data
        return self.data
