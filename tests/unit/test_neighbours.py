"""Autoscalers, disruption budgets and Ingresses: what is said about them, and the checks that look at them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from check_kit import GOOD, TARGET, Context, found, new_pod, rolled
from cluster_objects import made, pod

from releaseconsole.checks.finding import Finding
from releaseconsole.cluster.decode import AUTOSCALERS, DISRUPTION_BUDGETS, INGRESSES
from releaseconsole.cluster.neighbours import (
    HorizontalPodAutoscaler,
    Ingress,
    PodDisruptionBudget,
    autoscaler_of,
    budget_note,
    budgets_of,
    scaling_note,
    selects,
)
from releaseconsole.cluster.objects import LabelSelector, Service
from releaseconsole.outside.watched import around_kinds
from releaseconsole.outside.world import TargetData
from releaseconsole.plan.load import parse_plan
from releaseconsole.session.assemble import Snapshot, families, workload_view


def autoscaler(name: str = "web", kind: str = "Deployment", least: int | None = 2, most: int = 6) -> Any:
    spec: dict[str, Any] = {"scaleTargetRef": {"kind": kind, "name": name}, "maxReplicas": most}
    if least is not None:
        spec["minReplicas"] = least
    return made(HorizontalPodAutoscaler, {"metadata": {"name": f"{name}-scaler"}, "spec": spec})


def budget(allowed: int = 1, *, counted: bool = True, labels: dict[str, str] | None = None) -> Any:
    status = {"disruptionsAllowed": allowed, "currentHealthy": 2, "desiredHealthy": 2, "expectedPods": 2}
    return made(
        PodDisruptionBudget,
        {
            "metadata": {"name": "web-budget", "generation": 1},
            "spec": {"selector": {"matchLabels": labels or {"app": "web"}}},
            "status": {**status, "observedGeneration": 1} if counted else {},
        },
    )


def service(name: str = "web", **selector: str) -> Service:
    ports = [{"name": "http", "port": 80}, {"name": "grpc", "port": 9000}]
    return made(
        Service,
        {"metadata": {"name": name}, "spec": {"selector": selector or {"app": "web"}, "ports": ports}},
    )


def ingress(*backends: dict[str, Any], name: str = "front", address: bool = True) -> Ingress:
    paths = [{"path": "/", "backend": {"service": one}} for one in backends]
    status = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}} if address else {"loadBalancer": {}}
    return made(
        Ingress,
        {"metadata": {"name": name}, "spec": {"rules": [{"http": {"paths": paths}}]}, "status": status},
    )


def to(name: str = "web", **port: Any) -> dict[str, Any]:
    return {"name": name, "port": port or {"name": "http"}}


def around(*ingresses: Ingress, services: tuple[Service, ...] = (service(),)) -> Context:
    return Context((replace(GOOD, services=services, ingresses=ingresses),))


# What is said


@pytest.mark.parametrize(
    ("terms", "labels", "picked"),
    [
        ([{"key": "tier", "operator": "In", "values": ["a", "b"]}], {"tier": "b"}, True),
        ([{"key": "tier", "operator": "In", "values": ["a"]}], {}, False),
        ([{"key": "tier", "operator": "NotIn", "values": ["a"]}], {}, True),
        ([{"key": "tier", "operator": "Exists"}], {"tier": ""}, True),
        ([{"key": "tier", "operator": "DoesNotExist"}], {"tier": ""}, False),
        ([{"key": "tier", "operator": "Resembles"}], {"tier": "a"}, False),
    ],
)
def test_a_selector_with_expressions_picks_as_the_api_server_does(
    terms: list[dict[str, Any]], labels: dict[str, str], picked: bool
) -> None:
    assert selects(made(LabelSelector, {"matchExpressions": terms}), labels) is picked


def test_an_empty_selector_picks_every_pod_and_a_missing_one_none() -> None:
    assert selects(LabelSelector(), {"app": "web"})
    assert not selects(None, {"app": "web"})


def test_an_autoscaler_belongs_to_the_workload_that_it_names_kind_included() -> None:
    mine = autoscaler()
    assert autoscaler_of("deployment", "web", [autoscaler(kind="StatefulSet"), mine]) is mine
    assert autoscaler_of("deployment", "desk", [mine]) is None


def test_it_is_said_who_sets_the_replicas_and_when_nobody_does() -> None:
    assert scaling_note(autoscaler(), 3) == "replicas are set by HPA web-scaler (2–6)"
    assert scaling_note(autoscaler(least=None), 3) == "replicas are set by HPA web-scaler (1–6)"
    assert "rests while there are 0 replicas" in scaling_note(autoscaler(), 0)
    assert scaling_note(autoscaler(least=0), 0) == "replicas are set by HPA web-scaler (0–6)"


def test_a_used_up_budget_is_said_to_hold_back_node_drains_and_nothing_of_ours() -> None:
    note = budget_note(budget(0))
    assert "allows no eviction now (2 healthy, 2 needed)" in note
    assert note.endswith("node drains wait, rollouts and rollbacks do not")
    assert budget_note(budget(1)) == ""
    assert budget_note(budget(0, counted=False)) == ""


def test_hostile_names_are_made_harmless() -> None:
    hostile = made(
        PodDisruptionBudget,
        {
            "metadata": {"name": "a\x1b[2Jb", "generation": 1},
            "status": {"observedGeneration": 1, "expectedPods": 1},
        },
    )
    assert "\x1b" not in budget_note(hostile)


def test_objects_without_any_of_their_fields_are_readable() -> None:
    for resource in (AUTOSCALERS, DISRUPTION_BUDGETS, INGRESSES):
        assert made(resource.type, {"metadata": {"name": "bare"}, "spec": {}, "status": {}})
    assert (
        list(made(Ingress, {"spec": {"rules": [{"host": "a"}, {"http": {"paths": None}}]}}).services()) == []
    )


def test_the_row_of_a_workload_names_its_autoscaler_and_its_used_up_budget() -> None:
    snapshot = Snapshot(
        deployments={"web": GOOD.deployments[0]}, autoscalers=(autoscaler(),), budgets=(budget(0),)
    )
    (family,) = families(snapshot, ("deployment/web",))
    view = workload_view("staging/shop", family, pinned=False, previous=None, problem="")
    assert view.autoscaler == "replicas are set by HPA web-scaler (2–6)"
    assert len(view.notes) == 1
    assert "web-budget" in view.notes[0]


def test_budgets_of_other_pods_do_not_count() -> None:
    assert budgets_of({"app": "web"}, [budget(labels={"app": "desk"})]) == ()


PLAN = """
[release]
name = "shop"
title = "Shop"
version = "1"
[environments.staging]
targets = [{ context = "staging", namespace = "shop" }]
workloads = ["deployment/web"]
[environments.production]
targets = [{ context = "production", namespace = "shop" }]
workloads = ["deployment/web"]
[[phases]]
id = "p"
title = "P"
environment = "staging"
[[phases.steps]]
id = "s"
title = "S"
items = [{ id = "i", text = "I", check = { ingress = "configured", environment = "production" } }]
"""


def test_ingresses_are_watched_only_where_a_check_asks_for_them() -> None:
    plan = parse_plan(PLAN, "plan.toml")
    assert set(around_kinds(plan, "staging")) == {"horizontalpodautoscalers", "poddisruptionbudgets"}
    assert "ingresses" in around_kinds(plan, "production")


# ingress = "configured"


@pytest.mark.parametrize(
    "backend", [to(), to(number=80), to(number=9000)], ids=["by name", "by number", "another port"]
)
async def test_an_ingress_to_a_port_that_exists_and_with_an_address_passes(backend: dict[str, Any]) -> None:
    passed = Finding("passed", "1 Ingress with an address, every port exists")
    assert await found(around(ingress(backend)), ingress="configured") == passed


async def test_a_default_backend_counts_as_well() -> None:
    spec = {"defaultBackend": {"service": to()}}
    status = {"loadBalancer": {"ingress": [{"hostname": "lb.example"}]}}
    only_default = made(Ingress, {"metadata": {"name": "front"}, "spec": spec, "status": status})
    assert (await found(around(only_default), ingress="configured")).status == "passed"


BROKEN: dict[str, tuple[Context, str]] = {
    "a port of another name": (
        around(ingress({"name": "web", "port": {"name": "https"}})),
        "Ingress front in staging/shop sends to web:https, but the Service has 80 (http), 9000 (grpc)",
    ),
    "a port of another number": (
        around(ingress(to(number=8080))),
        "Ingress front in staging/shop sends to web:8080, but the Service has 80 (http), 9000 (grpc)",
    ),
    "no address": (
        around(ingress(to(), address=False)),
        "Ingress front in staging/shop has no address: no ingress controller has taken it up",
    ),
    "a Service beside that does not exist": (
        around(ingress(to(), to("wbe"))),
        "Ingress front in staging/shop sends to the Service wbe, which does not exist (is web meant?)",
    ),
    "no Ingress at all": (around(), "no Ingress in staging/shop sends to web"),
    "only one for somebody else": (
        around(ingress(to("desk"), name="other"), services=(service(), service("desk", app="desk"))),
        "no Ingress in staging/shop sends to web; what is there: other → desk",
    ),
    "no Service": (
        around(ingress(to("desk")), services=()),
        "no Service selects pods of the released workloads in staging/shop, so no Ingress can",
    ),
}


@pytest.mark.parametrize("situation", BROKEN)
async def test_what_is_wrong_with_the_way_in_is_named(situation: str) -> None:
    context, reason = BROKEN[situation]
    assert await found(context, ingress="configured") == Finding("failed", reason)


async def test_ingresses_that_may_not_be_read_cannot_be_told() -> None:
    missing = {"ingresses": "ingresses is forbidden."}
    data = replace(GOOD, services=(service(),), missing=missing)
    finding = await found(Context((data,)), ingress="configured")
    assert finding.status == "unknown"
    assert "ingresses is forbidden" in finding.reason


async def test_every_target_needs_its_own_ingress() -> None:
    good = replace(GOOD, services=(service(),), ingresses=(ingress(to()),))
    bare = replace(GOOD, services=(service(),))
    assert (await found(Context((good, bare)), ingress="configured")).status == "failed"


# workloads = "autoscaled" and "disruption-budget"


async def test_a_workload_whose_replicas_lie_within_its_autoscalers_bounds_passes() -> None:
    data = replace(GOOD, autoscalers=(autoscaler(),))
    assert (await found(Context((data,)), workloads="autoscaled")).status == "passed"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (GOOD, "no autoscaler sets the replicas of web in staging/shop"),
        (
            replace(GOOD, autoscalers=(autoscaler(least=3),)),
            "web has 2 replicas, its autoscaler web-scaler allows 3–6",
        ),
        (
            replace(rolled(replicas=0), autoscalers=(autoscaler(),)),
            "web is scaled to zero, where its autoscaler web-scaler rests",
        ),
        (TargetData(TARGET), "deployment/web does not exist in staging/shop"),
    ],
)
async def test_a_workload_that_is_not_autoscaled_is_named(data: TargetData, reason: str) -> None:
    assert await found(Context((data,)), workloads="autoscaled") == Finding("failed", reason)


async def test_a_budget_that_allows_an_eviction_passes() -> None:
    data = replace(GOOD, disruption_budgets=(budget(),))
    assert (await found(Context((data,)), workloads="disruption-budget")).status == "passed"


@pytest.mark.parametrize(
    ("budgets", "reason"),
    [
        ((), "no disruption budget counts the pods of web in staging/shop"),
        ((budget(0),), "web-budget allows no eviction of web (2 healthy, 2 needed)"),
        ((budget(counted=False),), "the disruption budget web-budget of web has not been counted"),
    ],
)
async def test_a_workload_without_a_budget_to_spend_is_named(
    budgets: tuple[PodDisruptionBudget, ...], reason: str
) -> None:
    data = replace(GOOD, disruption_budgets=budgets)
    assert await found(Context((data,)), workloads="disruption-budget") == Finding("failed", reason)


async def test_a_budget_that_a_rollout_has_used_up_cannot_be_told_from_one_that_is_too_tight() -> None:
    status = {"replicas": 3, "updatedReplicas": 1, "availableReplicas": 2}
    moving = rolled(new_pod("web-2-a"), pod("web-1-a", "web-1-uid"))
    deployment = made(
        type(moving.deployments[0]),
        {
            "metadata": {"name": "web", "uid": "d-uid", "generation": 3},
            "spec": {"replicas": 2, "template": moving.deployments[0].spec.template},
            "status": {"observedGeneration": 3, **status},
        },
    )
    data = replace(moving, deployments=(deployment,), disruption_budgets=(budget(0),))
    finding = await found(Context((data,)), workloads="disruption-budget")
    assert finding.status == "unknown"
    assert finding.reason.endswith("while the rollout is under way")
