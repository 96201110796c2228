"""``objective = …``: a metric meets its target. ``prometheus = "ready"``: there is something to ask."""

from __future__ import annotations

from releaseconsole.checks.context import CheckContext
from releaseconsole.checks.data import environment_of
from releaseconsole.checks.finding import Finding, failed, passed, unknown
from releaseconsole.outside.world import Metric
from releaseconsole.plan.model import Check, PlacedItem

CANNOT_TELL = ("NO TRAFFIC", "NO DATA", "PROVIDER DOWN", "WAITING")
"""Trigger states in which the last known value says nothing about now."""


async def objective_met(check: Check, placed: PlacedItem, context: CheckContext) -> Finding:
    """Passed or failed only by a value of now."""
    assert check.objective is not None
    environment = environment_of(placed)
    metric = context.metric(environment, check.objective)
    if metric is None:
        return unknown(f"{check.objective} is not watched in {environment}")
    if metric.state in CANNOT_TELL or metric.value is None or metric.meets_target is None:
        reason = metric.reason or "no value yet"
        return unknown(f"{metric.state.lower()}: {reason}" if metric.state in CANNOT_TELL else reason)
    found = _value(metric, metric.value)
    return passed(found) if metric.meets_target else failed(found)


def _value(metric: Metric, value: float) -> str:
    number = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    unit = f" {metric.unit}" if metric.unit else ""
    return f"{number}{unit}, wanted {metric.target}{unit}"


async def prometheus_ready(check: Check, placed: PlacedItem, context: CheckContext) -> Finding:
    """Whether the environment's Prometheus says that it is ready."""
    environment = environment_of(placed)
    client = context.metrics(environment)
    if client is None:
        return unknown(f"the plan names no Prometheus for {environment}")
    ready = await client.ready()
    name = client.source.name
    return passed(f"{name} is ready") if ready else failed(f"{name} answers, but is not ready")
