"""Reading the rules API: which alerts are the release's, which rules are broken, and what hostile answers do."""

from __future__ import annotations

import json
import math
import time
from typing import Any

import pytest
from alert_kit import SHOP, alert, broken, groups, healthy, rule

from releaseconsole.errors import MetricsError
from releaseconsole.metrics.alerting import MOST_ALERTS, MOST_LABELS, MOST_RULES, Alerting, alerting_of
from releaseconsole.metrics.belonging import Scope


def read(data: Any) -> Alerting:
    return alerting_of("prometheus:9090", data, SHOP)


def test_a_firing_alert_is_read_with_all_that_its_author_wrote() -> None:
    told = alert(pod="web-1")
    told["annotations"] = {"summary": "Too many errors.", "runbook_url": "https://wiki.example/errors"}
    (found,) = read(groups(rule(told))).alerts
    assert (found.name, found.state, found.severity, found.group) == (
        "ErrorsHigh", "firing", "critical", "shop.rules",
    )  # fmt: skip
    assert found.since == pytest.approx(1_767_225_600.123456)
    assert found.value == 7.5
    assert found.labels == (("namespace", "shop"), ("pod", "web-1"))
    assert found.summary == "Too many errors."
    assert dict(found.annotations)["runbook_url"] == "https://wiki.example/errors"


def test_firing_comes_before_pending_and_the_gravest_before_the_rest() -> None:
    found = read(
        groups(
            rule(
                alert("pending", alertname="Pending"),
                alert(severity="info", alertname="Info"),
                alert(severity="team-a", alertname="Own"),
                alert(severity="warning", alertname="Warning"),
                alert(alertname="Old"),
                alert(alertname="New", since="2026-01-02T00:00:00Z"),
            )
        )
    )
    assert [one.name for one in found.alerts] == ["New", "Old", "Warning", "Own", "Info", "Pending"]
    assert found.firing == 5


@pytest.mark.parametrize(
    ("labels", "ours"),
    [
        ({"namespace": "shop"}, True),
        ({"namespace": "shop-2"}, False),
        ({"namespace": "Shop"}, False),
        ({"namespace": "other", "deployment": "web"}, False),
        ({"deployment": "web"}, True),
        ({"deployment": "web-2"}, False),
        ({"statefulset": "web"}, False),
        ({"service": "web"}, True),
        ({"service": "web-internal"}, True),
        ({"service": "internal"}, False),
        ({"pod": "web-5d8f7c9b6d-x2k9p"}, True),
        ({"pod": "web-admin-5d8f7c9b6d-x2k9p"}, False),
        ({"pod": "web-0"}, False),
        ({"namespace": "", "pod": "web-5d8f7c9b6d-x2k9p"}, True),
        ({"instance": "10.0.0.1:80"}, False),
        ({}, False),
    ],
)
def test_an_alert_belongs_by_its_namespace_or_else_by_the_object_that_it_names(
    labels: dict[str, str], ours: bool
) -> None:
    found = read(groups(rule(alert(**{"namespace": "", **labels}), query="up == 0")))
    assert (len(found.alerts), found.elsewhere) == ((1, 0) if ours else (0, 1))


@pytest.mark.parametrize(
    ("workload", "pod", "ours"),
    [
        ("statefulset/db", "db-12", True),
        ("statefulset/db", "db-12-x2k9p", False),
        ("daemonset/agent", "agent-x2k9p", True),
        ("daemonset/agent", "agent-12", False),
        ("rollout/web", "web-5d8f7c9b6d-x2k9p", True),
    ],
)
def test_pods_are_known_by_how_their_kind_names_them(workload: str, pod: str, ours: bool) -> None:
    assert Scope(frozenset(), (workload,)).owns({"pod": pod}) is ours


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ('up{namespace="shop"} == 0', True),
        ("up{namespace='shop'} == 0", True),
        ("up{namespace=`shop`} == 0", True),
        ('up{job="a",namespace =~ "web|shop"} == 0', True),
        ('up{namespace=~"^(web|shop)$"} == 0', True),
        ('up{namespace=~"shop.*"} == 0', False),
        ('up{namespace=~".+"} == 0', False),
        ('up{namespace!="shop"} == 0', False),
        ('up{namespace!~"shop"} == 0', False),
        ('up{kube_namespace="shop"} == 0', False),
        ('up{namespace="shopping"} == 0', False),
        ("up == 0", False),
    ],
)
def test_a_rule_names_the_release_by_its_query(query: str, named: bool) -> None:
    assert bool(read(groups(rule(query=query))).named) is named


def test_a_rule_names_the_release_by_its_labels_or_its_alerts_too() -> None:
    found = read(
        groups(
            rule(query="up == 0", labels={"namespace": "shop"}),
            rule(alert(), query="kube_pod_status_ready == 0"),
            rule(query="up == 0"),
        )
    )
    assert (found.watched, len(found.named)) == (3, 2)


def test_alerts_that_fire_by_design_count_nowhere() -> None:
    found = read(
        groups(
            rule(alert(alertname="Watchdog", severity="none"), name="Watchdog", labels={"severity": "none"}),
            rule(alert(alertname="InfoInhibitor", namespace="other"), name="InfoInhibitor"),
            rule(alert(severity="none", alertname="Held"), query="up"),
        )
    )
    assert (found.alerts, found.elsewhere, found.firing) == ((), 0, 0)
    assert found.watched == 1


def test_pending_alerts_of_others_are_not_counted() -> None:
    assert read(groups(rule(alert("pending", namespace="other")))).elsewhere == 0


def test_a_rule_that_cannot_be_evaluated_is_told_with_its_reason() -> None:
    found = read(groups(broken(), broken("Elsewhere") | {"query": "up == 0"}, healthy()))
    assert next((one.name, one.broken, one.error) for one in found.named) == (
        "Broken", True, "many-to-many matching not allowed",
    )  # fmt: skip
    assert (found.broken, len(found.named)) == (2, 2)


def test_a_rule_that_was_never_evaluated_has_no_time() -> None:
    found = read(groups(rule(health="unknown", lastEvaluation="0001-01-01T00:00:00Z")))
    assert (found.named[0].health, found.named[0].evaluated) == ("unknown", 0.0)


def test_recording_rules_and_empty_lists_are_nothing() -> None:
    assert read({"groups": None}) == Alerting()
    assert read({"groups": []}) == Alerting()
    assert read(groups({"type": "recording", "name": "a:b"}, rule(alerts=None))).watched == 1


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"groups": {}},
        {"groups": "many"},
        {"groups": [1]},
        {"groups": [{"rules": {}}]},
        {"groups": [{"rules": ["x"]}]},
        groups(rule(alerts={})),
        groups(rule(alerts=[None])),
        groups(rule(alert("burning"))),
        groups(rule(alert() | {"state": ["firing"]})),
        groups(rule(alert() | {"state": None})),
    ],
)
def test_another_form_is_refused_with_a_sentence(data: Any) -> None:
    with pytest.raises(
        MetricsError, match="prometheus:9090 answered with alerting rules that cannot be read"
    ):
        read(data)


@pytest.mark.parametrize(
    ("value", "read_as"),
    [("NaN", None), ("+Inf", math.inf), ("1e400", math.inf), ("", None), (7, None), ("seven", None)],
)
def test_values_that_are_no_numbers_do_no_harm(value: Any, read_as: float | None) -> None:
    assert read(groups(rule(alert() | {"value": value}))).alerts[0].value == read_as


@pytest.mark.parametrize(
    "moment", ["", "yesterday", 12, None, "9999-12-31T23:59:59+99:99", "0001-01-01T00:00:00Z"]
)
def test_times_that_are_none_are_not_known(moment: Any) -> None:
    assert read(groups(rule(alert() | {"activeAt": moment}))).alerts[0].since == 0.0


def test_labels_of_the_wrong_type_are_left_out() -> None:
    told = alert()
    told["labels"] |= {"number": 7, "list": ["x"]}
    told["annotations"] = ["summary"]
    (found,) = read(groups(rule(told, labels=None))).alerts
    assert (found.labels, found.annotations, found.summary) == ((("namespace", "shop"),), (), "")


def test_hostile_text_is_made_visible_and_bounded() -> None:
    evil = "\x1b[2J\u202e[bold]" + "x" * 100_000
    told = alert(alertname=evil, severity=evil, **{f"label-{n}": evil for n in range(1000)})
    told["annotations"] = {"summary": f"{evil[:20]}\nsecond", "description": "line\n" * 10_000}
    (found,) = read(groups(rule(told), name=evil)).alerts
    texts = [
        found.name,
        found.severity,
        found.group,
        found.summary,
        *(each for pair in found.labels for each in pair),
    ]
    assert all(text.isprintable() and len(text) <= 300 for text in texts)
    assert len(found.labels) <= MOST_LABELS
    assert all(len(text) <= 2000 for _, text in found.annotations)
    assert "\n" not in found.summary
    assert "[bold]" in found.name


def test_of_a_storm_the_gravest_are_kept_and_the_others_counted() -> None:
    storm = [alert("pending", pod=f"web-{n}") for n in range(3000)] + [
        alert(pod=f"web-{n}") for n in range(500)
    ]
    found = read(groups(rule(*storm), *(healthy() for _ in range(1000))))
    assert len(found.alerts) == MOST_ALERTS
    assert all(one.firing for one in found.alerts)
    assert (found.firing, found.left_out) == (500, 3500 - MOST_ALERTS)
    assert (found.watched, len(found.named)) == (1001, MOST_RULES)


def test_a_broken_rule_is_found_behind_many_good_ones() -> None:
    found = read(groups(*(healthy() for _ in range(1000)), broken()))
    assert found.named[0].name == "Broken"


def test_the_release_is_found_behind_a_storm_of_others() -> None:
    storm = [alert(namespace="other", pod=f"p-{n}") for n in range(5000)]
    found = read(groups(rule(*storm), rule(alert())))
    assert (len(found.alerts), found.elsewhere) == (1, 5000)


def test_an_answer_of_four_megabytes_is_read_in_no_time() -> None:
    data = groups(*(rule(*(alert(namespace="other", pod=f"p-{n}") for n in range(20))) for _ in range(800)))
    assert len(json.dumps(data)) > 3_000_000
    begun = time.process_time()
    read(data)
    assert time.process_time() - begun < 1.0
