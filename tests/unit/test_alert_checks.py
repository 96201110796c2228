"""``alerts = "quiet"`` and ``"configured"``: what passes, what fails, and what cannot be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from alert_kit import Ruler, alert, broken, groups, healthy, rule
from check_kit import GOOD, Context, found

from releaseconsole.errors import MetricsError, PlanError
from releaseconsole.plan.load import parse_plan
from releaseconsole.plan.model import Check


@dataclass
class Asking(Context):
    """A context with these rulers."""

    rulers: tuple[Ruler, ...] = ()

    def all_metrics(self, environment: str) -> Any:
        return self.rulers


async def judged(*data: Any, alerts: str = "quiet", **options: Any) -> tuple[str, str]:
    finding = await found(Asking((GOOD,), rulers=tuple(map(Ruler, data))), alerts=alerts, **options)
    return finding.status, finding.reason


async def test_quiet_passes_when_nothing_of_the_release_fires() -> None:
    assert await judged(groups(healthy())) == ("passed", "no alert of the release fires, 1 rule watched")


async def test_pending_alerts_and_those_of_others_are_named_and_pass() -> None:
    status, reason = await judged(groups(rule(alert("pending"), alert(namespace="other"))))
    assert status == "passed"
    assert reason.endswith("pending: ErrorsHigh; 1 firing elsewhere")


async def test_a_firing_alert_fails_with_its_name_and_summary() -> None:
    status, reason = await judged(groups(rule(alert())))
    assert status == "failed"
    assert reason.startswith("ErrorsHigh (critical) fires for ")
    assert reason.endswith(": Too many errors")


async def test_only_the_severities_asked_for_count() -> None:
    data = groups(rule(alert(severity="warning"), labels={"severity": "warning"}))
    assert (await judged(data, severity=("critical",)))[0] == "passed"
    assert (await judged(data, severity=("critical", "Warning")))[0] == "failed"


async def test_in_a_storm_a_severity_that_is_not_read_to_its_end_is_left_open() -> None:
    storm = groups(rule(*(alert(pod=f"web-{n}") for n in range(300)), alert(severity="info")))
    assert (await judged(storm))[1].endswith("and others, 101 are not read")
    assert (await judged(storm, severity=("info",)))[0] == "unknown"


async def test_a_broken_rule_of_the_release_leaves_it_open() -> None:
    status, reason = await judged(groups(broken()))
    assert status == "unknown"
    assert "Broken cannot be evaluated: many-to-many matching not allowed" in reason
    assert (await judged(groups(broken() | {"query": "up"}, healthy())))[0] == "passed", "not the release's"


async def test_a_prometheus_without_rules_is_not_quiet_but_dumb() -> None:
    for data in ({"groups": []}, {"groups": None}):
        assert await judged(data) == (
            "unknown",
            "this Prometheus has no alerting rule, so that nothing can fire",
        )


async def test_rules_that_were_never_evaluated_prove_nothing() -> None:
    young = rule(health="unknown", lastEvaluation="0001-01-01T00:00:00Z")
    assert (await judged(groups(young)))[0] == "unknown"
    assert (await judged(groups(young), alerts="configured"))[0] == "unknown"


@pytest.mark.parametrize("alerts", ["quiet", "configured"])
async def test_no_answer_is_never_a_verdict(alerts: str) -> None:
    down = MetricsError("prometheus.example refused the connection.", "Look at it.")
    assert await judged(down, alerts=alerts) == ("unknown", "prometheus.example refused the connection.")
    assert (await judged(groups(healthy()), down, alerts=alerts))[0] == "unknown"
    assert (await judged({}, alerts=alerts))[0] == "unknown"
    assert await judged(alerts=alerts) == ("unknown", "the plan names no Prometheus for staging")


async def test_every_prometheus_of_the_environment_is_asked() -> None:
    assert (await judged(groups(healthy()), groups(rule(alert()))))[0] == "failed"


async def test_configured_passes_with_a_working_rule_that_names_the_namespace() -> None:
    assert await judged(groups(healthy()), alerts="configured") == (
        "passed",
        "1 alerting rule for shop can fire: ErrorsHigh",
    )
    assert (await judged(groups(rule(alert())), alerts="configured"))[0] == "passed", (
        "that it fires proves it"
    )


async def test_configured_fails_without_one_and_names_those_that_are_broken() -> None:
    others = groups(rule(query="up == 0"))
    assert await judged(others, alerts="configured") == ("failed", "of 1 alerting rule none names shop")
    assert await judged({"groups": []}, alerts="configured") == ("failed", "there is no alerting rule")
    status, reason = await judged(groups(healthy(), broken()), alerts="configured")
    assert (status, reason) == ("failed", "Broken cannot be evaluated: many-to-many matching not allowed")


async def test_configured_may_ask_for_a_severity() -> None:
    data = groups(rule(labels={"severity": "warning"}))
    assert (await judged(data, alerts="configured", severity=("critical",)))[0] == "failed"


def plan(check: str, prometheus: str = 'prometheus = { url = "http://localhost:1" }') -> str:
    return f"""
[release]
name = "shop"
title = "Shop"
version = "1"
[environments.production]
targets = [{{ context = "production", namespace = "shop" }}]
workloads = ["deployment/web"]
{prometheus}
[[phases]]
id = "p"
title = "P"
environment = "production"
[[phases.steps]]
id = "s"
title = "S"
items = [{{ id = "i", text = "I", check = {{ {check} }} }}]
"""


def test_a_plan_names_the_check_and_its_severities() -> None:
    read = parse_plan(plan('alerts = "quiet", severity = ["critical"]'), "plan.toml")
    assert read.items["i"].item.check == Check(alerts="quiet", severity=("critical",))


@pytest.mark.parametrize(
    ("check", "prometheus", "complaint"),
    [
        ('alerts = "silent"', True, "quiet"),
        ('pods = "ready", severity = ["critical"]', True, "severity"),
        ('alerts = "quiet"', False, "which has no Prometheus"),
    ],
    ids=["unknown word", "severity of another family", "no Prometheus"],
)
def test_a_plan_that_does_not_fit_is_refused(check: str, prometheus: bool, complaint: str) -> None:
    with pytest.raises(PlanError) as refused:
        parse_plan(plan(check) if prometheus else plan(check, prometheus=""), "plan.toml")
    assert complaint in str(refused.value.problems)
