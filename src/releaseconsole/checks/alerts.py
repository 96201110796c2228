"""``alerts = "quiet"``: no alert of the release fires. ``alerts = "configured"``: some rule would tell."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from releaseconsole.checks.context import CheckContext
from releaseconsole.checks.data import CannotTell, environment_of, first_few
from releaseconsole.checks.finding import Finding, failed, passed
from releaseconsole.metrics.alerting import Alert, Alerting, Rule, read_alerting
from releaseconsole.outside.scope import scope_of
from releaseconsole.plan.model import Check, PlacedItem
from releaseconsole.text import duration, plural


@dataclass(frozen=True, slots=True)
class _Found:
    """What every Prometheus of the environment says together, of the severities that are asked for."""

    alerts: list[Alert]
    rules: list[Rule]
    unseen: int
    """Firing alerts of the release, of any severity, beyond those that are read."""
    watched: int
    elsewhere: int
    namespaces: str


async def alerts_hold(check: Check, placed: PlacedItem, context: CheckContext) -> Finding:
    """Asks the rules API; without an answer of every Prometheus of the environment it cannot be told."""
    found = await _read(check, placed, context)
    return _configured(found) if check.alerts == "configured" else _quiet(found, context.clock.now())


async def _read(check: Check, placed: PlacedItem, context: CheckContext) -> _Found:
    environment = environment_of(placed)
    clients = context.all_metrics(environment)
    if not clients:
        raise CannotTell(f"the plan names no Prometheus for {environment}")
    scope = scope_of(context.environment(environment))
    readings = await asyncio.gather(*(read_alerting(client, scope) for client in clients))
    return _joined(readings, check.severity, " and ".join(sorted(scope.namespaces)))


def _joined(readings: Iterable[Alerting], severities: tuple[str, ...], namespaces: str) -> _Found:
    readings = list(readings)
    wanted = {one.casefold() for one in severities}
    alerts = {one.identity: one for each in readings for one in each.alerts if _is_of(one, wanted)}
    return _Found(
        alerts=list(alerts.values()),
        rules=[one for each in readings for one in each.named if _is_of(one, wanted)],
        unseen=sum(each.firing - sum(one.firing for one in each.alerts) for each in readings),
        watched=sum(each.watched for each in readings),
        elsewhere=sum(each.elsewhere for each in readings),
        namespaces=namespaces,
    )


def _is_of(one: Alert | Rule, wanted: set[str]) -> bool:
    return not wanted or one.severity.casefold() in wanted


def _quiet(found: _Found, now: float) -> Finding:
    """A rule that cannot be evaluated cannot fire: its silence proves nothing."""
    firing = [one for one in found.alerts if one.firing]
    if firing:
        more = f"; and others, {found.unseen} are not read" if found.unseen else ""
        return failed(first_few(_told(alert, now) for alert in firing) + more)
    if found.unseen:
        raise CannotTell(f"too many alerts of the release fire to see all: {found.unseen} are not read")
    if broken := [one for one in found.rules if one.broken]:
        raise CannotTell(f"not every rule of the release can fire: {first_few(map(_trouble, broken))}")
    if not found.watched:
        raise CannotTell("this Prometheus has no alerting rule, so that nothing can fire")
    if found.rules and not any(one.evaluated for one in found.rules):
        raise CannotTell("the release's alerting rules have not been evaluated yet")
    pending = sorted({alert.name for alert in found.alerts})
    parts = [
        f"no alert of the release fires, {plural(found.watched, 'rule')} watched",
        f"pending: {first_few(pending)}" if pending else "",
        f"{found.elsewhere} firing elsewhere" if found.elsewhere else "",
    ]
    return passed("; ".join(filter(None, parts)))


def _configured(found: _Found) -> Finding:
    if broken := [one for one in found.rules if one.broken]:
        return failed(first_few(map(_trouble, broken)))
    working = [one.name for one in found.rules if one.health == "ok"]
    if working:
        names = first_few(dict.fromkeys(working))
        return passed(f"{plural(len(working), 'alerting rule')} for {found.namespaces} can fire: {names}")
    if found.rules:
        raise CannotTell(f"{found.rules[0].name} has not been evaluated yet")
    rules = plural(found.watched, "alerting rule")
    return failed(
        f"of {rules} none names {found.namespaces}" if found.watched else "there is no alerting rule"
    )


def _told(alert: Alert, now: float) -> str:
    severity = f" ({alert.severity})" if alert.severity else ""
    since = f" for {duration(now - alert.since)}" if 0 < alert.since < now else ""
    summary = f": {alert.summary.rstrip('. ')}" if alert.summary else ""
    return f"{alert.name}{severity} fires{since}{summary}"


def _trouble(rule: Rule) -> str:
    return f"{rule.name} cannot be evaluated: {rule.error or 'no reason given'}"
