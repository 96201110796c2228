"""What a Prometheus' alerting rules say of a release: its alerts, and its rules that could not fire.

Source: the rules API (``/api/v1/rules?type=alert``), which Thanos, Mimir and vmalert answer in the same form.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from releaseconsole.errors import MetricsError
from releaseconsole.metrics.answers import LONGEST_WORDS, short
from releaseconsole.metrics.belonging import Scope
from releaseconsole.text import cut, visible

if TYPE_CHECKING:
    from releaseconsole.metrics.client import PrometheusClient

MOST_ALERTS = 200
MOST_RULES = 200
MOST_LABELS = 40
LONGEST_ANNOTATION = 2_000
_MOST_LINES = 40
_ALWAYS = frozenset({"Watchdog", "InfoInhibitor", "DeadMansSwitch"})
"""Alerts that fire by design, to prove that alerting works or to hold others back."""
_RANKS = {"critical": 0, "page": 0, "error": 1, "warning": 2, "info": 4}
_OTHER_RANK = 3

Pairs = tuple[tuple[str, str], ...]


class AlertState(StrEnum):
    """How far an alert has got."""

    FIRING = "firing"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Alert:
    """One active alert of the release."""

    name: str
    state: AlertState
    severity: str
    """The label of that name; "" without one."""
    since: float
    """Seconds since the epoch at which its condition began to hold; 0 when that is not known."""
    labels: Pairs
    """Without the name and the severity, by name."""
    annotations: Pairs
    value: float | None
    group: str

    @property
    def firing(self) -> bool:
        return self.state is AlertState.FIRING

    @property
    def summary(self) -> str:
        """What the rule's author says of it, in one line; "" when nothing."""
        told = dict(self.annotations)
        words = told.get("summary") or told.get("message") or told.get("description") or ""
        return words.partition("\n")[0]

    @property
    def identity(self) -> tuple[str, str, Pairs]:
        """What makes it one alert and not another."""
        return (self.name, self.severity, self.labels)


@dataclass(frozen=True, slots=True)
class Rule:
    """One alerting rule that names the release."""

    name: str
    group: str
    severity: str
    health: str
    """``ok``, ``err``, or ``unknown`` before it was evaluated."""
    error: str
    evaluated: float
    """Seconds since the epoch; 0 when it never was."""

    @property
    def broken(self) -> bool:
        """Whether it could not be evaluated: it cannot fire."""
        return self.health == "err"


@dataclass(frozen=True, slots=True)
class Alerting:
    """What one reading of the rules found."""

    alerts: tuple[Alert, ...] = ()
    """Of the release: firing ones first, the gravest first, the newest first; at most MOST_ALERTS."""
    firing: int = 0
    """How many of the release fire, those included that are not in ``alerts``."""
    left_out: int = 0
    """How many more of them there are."""
    elsewhere: int = 0
    """Firing alerts of others."""
    watched: int = 0
    """Alerting rules, those that fire by design not counted."""
    broken: int = 0
    """Of these, how many could not be evaluated."""
    named: tuple[Rule, ...] = ()
    """The rules that name the release, by their labels, query or alerts: broken ones first; at most MOST_RULES."""


async def read_alerting(client: PrometheusClient, scope: Scope) -> Alerting:
    """Ask a Prometheus for its alerting rules. Raises MetricsError."""
    return alerting_of(client.source.name, await client.alerting_rules(), scope)


def alerting_of(source: str, data: Mapping[str, Any], scope: Scope) -> Alerting:
    """The data of an answer as values; ``source`` is what to call the server. Raises MetricsError."""
    if "groups" not in data:
        raise _another_form(source, "it has no groups")
    alerts: list[Alert] = []
    named: list[Rule] = []
    elsewhere = watched = broken = 0
    for group, rule in _alerting_rules(source, data["groups"]):
        if _fires_always(_name(rule), _labels(rule)):
            continue
        ours, others = _divided(source, group, rule, scope)
        alerts += ours
        elsewhere += others
        watched += 1
        broken += rule.get("health") == "err"
        if ours or _is_named(rule, scope):
            named.append(_rule(group, rule))
    kept = heapq.nsmallest(MOST_ALERTS, alerts, key=_order)
    return Alerting(
        alerts=tuple(kept),
        firing=sum(one.firing for one in alerts),
        left_out=len(alerts) - len(kept),
        elsewhere=elsewhere,
        watched=watched,
        broken=broken,
        named=tuple(heapq.nsmallest(MOST_RULES, named, key=lambda one: not one.broken)),
    )


def _alerting_rules(source: str, groups: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each alerting rule with its group's name. Raises MetricsError."""
    for group in _tables(source, groups, "groups"):
        for rule in _tables(source, group.get("rules"), "rules"):
            if rule.get("type", "alerting") == "alerting":
                yield short(group.get("name")), rule


def _divided(source: str, group: str, rule: Mapping[str, Any], scope: Scope) -> tuple[list[Alert], int]:
    """The release's alerts of a rule, and how many of others fire. Raises MetricsError."""
    ours: list[Alert] = []
    others = 0
    for alert in _tables(source, rule.get("alerts"), "alerts"):
        labels, state = _labels(alert), _state(source, alert)
        name = labels.get("alertname") or _name(rule)
        if state is None or _fires_always(name, labels):
            continue
        if scope.owns(labels):
            ours.append(_alert(name, state, group, alert, labels))
        else:
            others += state is AlertState.FIRING
    return ours, others


def _alert(
    name: str, state: AlertState, group: str, alert: Mapping[str, Any], labels: Mapping[str, str]
) -> Alert:
    others = {key: value for key, value in labels.items() if key not in ("alertname", "severity")}
    return Alert(
        name=_text(name),
        state=state,
        severity=_text(labels.get("severity", "")),
        since=_moment(alert.get("activeAt")),
        labels=tuple(sorted((_text(key), _text(value)) for key, value in _few(others))),
        annotations=tuple((_text(key), _long(value)) for key, value in _few(_texts(alert, "annotations"))),
        value=_number(alert.get("value")),
        group=group,
    )


def _rule(group: str, rule: Mapping[str, Any]) -> Rule:
    return Rule(
        name=_name(rule),
        group=group,
        severity=short(_labels(rule).get("severity")),
        health=short(rule.get("health")) or "unknown",
        error=short(rule.get("lastError")),
        evaluated=_moment(rule.get("lastEvaluation")),
    )


def _is_named(rule: Mapping[str, Any], scope: Scope) -> bool:
    query = rule.get("query")
    return scope.owns(_labels(rule)) or (isinstance(query, str) and scope.named_in(query))


def _fires_always(name: str, labels: Mapping[str, str]) -> bool:
    return labels.get("severity") == "none" or name in _ALWAYS


def _order(alert: Alert) -> tuple[bool, int, float, str, Pairs]:
    return (not alert.firing, rank(alert.severity), -alert.since, alert.name, alert.labels)


def rank(severity: str) -> int:
    """0 for the gravest; words that are not known stand between ``warning`` and ``info``."""
    return _RANKS.get(severity.casefold(), _OTHER_RANK)


def _state(source: str, alert: Mapping[str, Any]) -> AlertState | None:
    """None for one that is not active. Raises MetricsError."""
    state = alert.get("state")
    if state == "inactive":
        return None
    try:
        return AlertState(str(state))
    except ValueError:
        raise _another_form(source, f"an alert is “{short(state) or '?'}”") from None


def _name(rule: Mapping[str, Any]) -> str:
    return short(rule.get("name")) or "(without a name)"


def _labels(table: Mapping[str, Any]) -> dict[str, str]:
    return _texts(table, "labels")


def _texts(table: Mapping[str, Any], key: str) -> dict[str, str]:
    """The texts in a table of the table; what is no text is left out."""
    found = table.get(key)
    entries = found.items() if isinstance(found, dict) else ()
    return {name: value for name, value in entries if isinstance(value, str)}


def _few(texts: Mapping[str, str]) -> list[tuple[str, str]]:
    return heapq.nsmallest(MOST_LABELS, texts.items())


def _text(text: str) -> str:
    """A name or a label: one line, bounded."""
    return cut(visible(text[: 4 * LONGEST_WORDS]), LONGEST_WORDS)


def _long(text: str) -> str:
    """An annotation: its line breaks stay."""
    lines = text[: 2 * LONGEST_ANNOTATION].splitlines()[:_MOST_LINES]
    return cut("\n".join(visible(line) for line in lines), LONGEST_ANNOTATION)


def _moment(text: object) -> float:
    """Seconds since the epoch of an RFC 3339 time; 0 for Go's year 1 and whatever is none."""
    if not isinstance(text, str):
        return 0.0
    try:
        return max(0.0, datetime.fromisoformat(text[:40]).timestamp())
    except (ValueError, OverflowError, OSError):
        return 0.0


def _number(text: object) -> float | None:
    try:
        value = float(text[:40]) if isinstance(text, str) else math.nan
    except ValueError:
        return None
    return None if math.isnan(value) else value


def _tables(source: str, found: object, what: str) -> list[dict[str, Any]]:
    """A list of tables; Go writes an empty one as null. Raises MetricsError."""
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise _another_form(source, f"its {what} are no list of tables")
    return found


def _another_form(source: str, what: str) -> MetricsError:
    return MetricsError(
        f"{source} answered with alerting rules that cannot be read: {what}.",
        "Check that prometheus in the plan leads to a Prometheus, or to a ruler with the same API.",
    )
