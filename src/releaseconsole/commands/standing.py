"""What ``status`` says of an emergency: rollbacks, the automatic one, the lock, and what Prometheus' rules say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from releaseconsole.commands.rollback_report import document, lines, outcome_of
from releaseconsole.record.figures import figures_of

if TYPE_CHECKING:
    from releaseconsole.record.model import ReleaseState
    from releaseconsole.session.views import AlertView, EnvironmentView


def describe_rollbacks(state: ReleaseState, *, held: bool) -> list[dict[str, Any]]:
    """All of the release, oldest first; ``held`` when somebody writes the journal, and so may be running one."""
    return [document(one, outcome_of(one, held=held)) for one in state.rollbacks]


def describe_automatic(state: ReleaseState, *, held: bool) -> dict[str, dict[str, Any]]:
    """The newest countdown of each environment that had one."""
    found = {name: asdict(one) for name, one in state.automatic.items()}
    for one in found.values():
        if one["status"] == "counting" and not held:
            one["status"] = "interrupted"
    return found


def describe_alerts(view: EnvironmentView) -> dict[str, Any]:
    """Alerts of the release, firing ones first; without an answer nothing is said to be quiet."""
    return {
        "known": str(view.alerts_freshness.liveness),
        "error": view.alerts_freshness.error,
        "firing": view.alert_counts.firing,
        "elsewhere": view.alert_counts.elsewhere,
        "rules": view.alert_counts.rules,
        "alerts": [_alert(one) for one in view.alerts],
    }


def _alert(one: AlertView) -> dict[str, Any]:
    return {
        "name": one.name,
        "state": one.state,
        "severity": one.severity,
        "since": one.since,
        "summary": one.summary,
        "labels": dict(one.labels),
        "source": one.source,
    }


def rollback_lines(told: Iterable[dict[str, Any]], state: ReleaseState) -> Iterator[str]:
    """The newest rollback of each environment, as :func:`describe_rollbacks` tells it."""
    figures = {one.id: str(figures_of(one)) for one in state.rollbacks}
    newest = {one["environment"]: one for one in told}
    for one in newest.values():
        yield from lines(one, figures.get(one["id"], ""))


def automatic_lines(told: dict[str, dict[str, Any]]) -> Iterator[str]:
    """A line for each countdown."""
    for name, one in told.items():
        by = f" by {one['by']}" if one["status"] == "stopped" else ""
        why = f": {one['reason']}" if one["reason"] else ""
        yield f"{name}  automatic rollback: {one['status']}{by}{why}"


def alert_lines(told: dict[str, Any]) -> Iterator[str]:
    """What fires or is about to, a line each; and why it is not known."""
    if told["known"] == "stale":
        yield f"  alerts are not known: {told['error']}"
    for one in told["alerts"]:
        severity = f" {one['severity']}" if one["severity"] else ""
        yield f"  alert {one['name']:<18} {one['state']}{severity}  {one['summary']}".rstrip()
