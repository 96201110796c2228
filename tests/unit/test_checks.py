"""How an item verifies itself: what passes, what fails, and what nobody can tell."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from check_kit import GOOD, NEW, TARGET, Api, Armed, Context, Metric, found, new_pod, rolled
from cluster_objects import deployment, made, pod, running, waiting

from releaseconsole.checks.finding import Finding
from releaseconsole.checks.registry import rhythm
from releaseconsole.cluster.argo import HASH_LABEL, Rollout, RolloutSpec, RolloutStatus
from releaseconsole.cluster.objects import (
    EndpointSlice,
    Service,
)
from releaseconsole.errors import Denied, PlanError, Unreachable
from releaseconsole.outside.world import EnvironmentData, TargetData
from releaseconsole.plan.model import CHECK_FAMILIES, Check, Target


async def test_all_pods_ready() -> None:
    assert await found(Context((GOOD,)), pods="ready") == Finding("passed", "2 of 2 pods ready")


NOT_READY: dict[str, tuple[TargetData, str]] = {
    "one cannot pull its image": (
        rolled(new_pod("web-2-a"), new_pod("web-2-b", status=waiting("ImagePullBackOff", "not found"))),
        "1 of 2; web-2-b ImagePullBackOff",
    ),
    "one runs and is not ready": (
        rolled(new_pod("web-2-a"), new_pod("web-2-b", status=running(ready=False))), "1 of 2; web-2-b not ready",
    ),
    "one is missing": (rolled(new_pod("web-2-a")), "1 of 2; web lacks 1 pod of 2"),
    "all are missing": (rolled(), "0 of 2; web lacks 2 pods of 2"),
    "one of the new revision terminates": (
        rolled(new_pod("web-2-a"), new_pod("web-2-b", deletionTimestamp="2026-01-01T00:00:00Z")),
        "1 of 2; web-2-b Terminating",
    ),
    "scaled to zero": (rolled(replicas=0), "web is scaled to zero"),
    "the Deployment is gone": (TargetData(TARGET), "deployment/web does not exist in staging/shop"),
    "many at once": (
        rolled(*(new_pod(f"web-2-{n}", status=waiting("ErrImagePull")) for n in range(6)), replicas=6),
        "0 of 6; web-2-0 ErrImagePull; web-2-1 ErrImagePull; web-2-2 ErrImagePull; and 3 more",
    ),
}  # fmt: skip


@pytest.mark.parametrize("situation", NOT_READY)
async def test_pods_that_are_not_ready_are_named(situation: str) -> None:
    data, reason = NOT_READY[situation]
    assert await found(Context((data,)), pods="ready") == Finding("failed", reason)


async def test_an_old_pod_that_terminates_and_an_evicted_one_do_not_matter() -> None:
    old = pod("web-1-a", "web-1-uid", deletionTimestamp="2026-01-01T00:00:00Z")
    evicted = new_pod("web-2-z", status={"phase": "Failed", "reason": "Evicted"})
    data = rolled(new_pod("web-2-a"), new_pod("web-2-b"), old, evicted)
    assert (await found(Context((data,)), pods="ready")).status == "passed"


async def test_pods_of_other_workloads_do_not_count() -> None:
    data = rolled(
        new_pod("web-2-a"), new_pod("web-2-b"), pod("other", "other-uid", status=waiting("ErrImagePull"))
    )
    assert (await found(Context((data,)), pods="ready")).status == "passed"


@pytest.mark.parametrize("family", [{"pods": "ready"}, {"rollout": "complete"}, {"services": "reachable"},
                                    {"workloads": "exist"}, {"logs": "no-errors"}])  # fmt: skip
async def test_stale_data_never_passes(family: dict[str, str]) -> None:
    stale = replace(GOOD, stale="no word from the API server for 34 s")
    finding = await found(Context((GOOD, stale)), **family)
    assert finding.status == "unknown"
    assert "34 s" in finding.reason


@pytest.mark.parametrize(
    ("family", "kind"), [("pods", "pods"), ("services", "services"), ("rollout", "deployments")]
)
async def test_a_kind_that_may_not_be_read_cannot_be_told(family: str, kind: str) -> None:
    value = {"pods": "ready", "services": "reachable", "rollout": "complete"}[family]
    denied = replace(GOOD, missing={kind: "list is forbidden"})
    finding = await found(Context((denied,)), **{family: value})
    assert finding.status == "unknown"
    assert "forbidden" in finding.reason


async def test_a_complete_rollout() -> None:
    finding = await found(Context((GOOD,)), rollout="complete")
    assert finding == Finding("passed", "1 workload at the newest revision")


async def test_a_rollout_that_is_not_complete_says_where_it_stands() -> None:
    moving = replace(GOOD, deployments=(deployment(NEW, status={"updatedReplicas": 1}),))
    finding = await found(Context((moving,)), rollout="complete")
    assert finding.status == "unknown"
    assert finding.reason.startswith("under way: web progressing: 1 of 4")
    zero = await found(Context((rolled(replicas=0),)), rollout="complete")
    assert zero.status == "failed"
    assert "scaled to zero" in zero.reason


async def test_a_kind_of_workload_that_cannot_be_followed_is_unknown() -> None:
    finding = await found(Context((GOOD,), workloads=("job/web",)), rollout="complete")
    assert (finding.status, finding.reason) == ("unknown", "web: a job cannot be followed")


@pytest.mark.parametrize(
    ("family", "value"), [("pods", "ready"), ("rollout", "complete"), ("workloads", "exist")]
)
async def test_a_rollout_on_a_cluster_without_argo_rollouts_cannot_be_told(family: str, value: str) -> None:
    lacking = replace(GOOD, missing={"rollouts": "The cluster does not know the kind Rollout."})
    context = Context((lacking,), workloads=("rollout/web",))
    finding = await found(context, **{family: value})
    assert finding.status == "unknown"
    assert "does not know the kind Rollout" in finding.reason


async def test_the_pods_of_a_rollout_are_found_through_its_replica_sets() -> None:
    (good,), (newest,) = GOOD.deployments, GOOD.replica_sets[-1:]
    metadata = newest.metadata
    hashed = msgspec.structs.replace(metadata, labels={**metadata.labels, HASH_LABEL: "h"})
    status = RolloutStatus(
        seen=str(good.metadata.generation), phase="Healthy", current_pod_hash="h", updated_replicas=4
    )
    spec = RolloutSpec(replicas=good.spec.replicas, template=good.spec.template)
    data = replace(
        GOOD,
        deployments=(),
        rollouts=(Rollout(good.metadata, spec, status),),
        replica_sets=(msgspec.structs.replace(newest, metadata=hashed),),
    )
    context = Context((data,), workloads=("rollout/web",))
    assert (await found(context, rollout="complete")).status == "passed"
    assert await found(context, pods="ready") == await found(Context((GOOD,)), pods="ready")


def service(name: str = "web", **selector: str) -> Service:
    return made(Service, {"metadata": {"name": name}, "spec": {"selector": selector or {"app": "web"}}})


def slices(name: str, *ready: bool | None) -> EndpointSlice:
    endpoints = [{"addresses": ["10.0.0.1"], "conditions": {"ready": one}} for one in ready]
    labels = {"kubernetes.io/service-name": name}
    return made(EndpointSlice, {"metadata": {"name": f"{name}-x", "labels": labels}, "endpoints": endpoints})


async def test_services_with_ready_endpoints() -> None:
    data = replace(
        GOOD, services=(service(), service("other", app="x")), endpoint_slices=(slices("web", True, None),)
    )
    assert await found(Context((data,)), services="reachable") == Finding(
        "passed", "1 Service, 2 ready endpoints"
    )


async def test_a_service_without_a_ready_endpoint_is_named() -> None:
    data = replace(GOOD, services=(service(),), endpoint_slices=(slices("web", False),))
    finding = await found(Context((data,)), services="reachable")
    assert finding == Finding("failed", "web has no ready endpoint in staging/shop")


async def test_without_any_service_nobody_can_tell() -> None:
    finding = await found(Context((GOOD,)), services="reachable")
    assert finding.status == "unknown"


def with_containers(*containers: dict[str, Any]) -> TargetData:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": list(containers)}}
    return replace(GOOD, deployments=(deployment(spec={"template": template}),))


LIMITED = {"name": "web", "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}}
PROBED = {"name": "web", "livenessProbe": {"httpGet": {}}, "readinessProbe": {"httpGet": {}}}


@pytest.mark.parametrize(
    ("asked", "data", "status", "reason"),
    [
        ("exist", GOOD, "passed", "1 workload found"),
        ("exist", TargetData(TARGET), "failed", "deployment/web does not exist in staging/shop"),
        ("limits", with_containers(LIMITED), "passed", "1 workload with limits of CPU and memory"),
        ("limits", with_containers(LIMITED, {"name": "proxy"}), "failed",
         "web/proxy has no limit of CPU; web/proxy has no limit of memory"),
        ("probes", with_containers(PROBED), "passed", "1 workload with liveness and readiness probes"),
        ("probes", with_containers(LIMITED), "failed", "web/web has no liveness probe; web/web has no readiness probe"),
        ("readiness", with_containers({**LIMITED, "readinessProbe": {"exec": {}}}), "passed", None),
        ("liveness", with_containers({**LIMITED, "readinessProbe": {"exec": {}}}), "failed", None),
        ("limits", with_containers({"name": "web", "resources": None}), "failed", None),
    ],
)  # fmt: skip
async def test_what_the_workloads_say_of_themselves(
    asked: str, data: TargetData, status: str, reason: str | None
) -> None:
    finding = await found(Context((data,)), workloads=asked)
    assert finding.status == status
    assert reason in (None, finding.reason)


async def test_the_cluster_answers() -> None:
    context = Context((GOOD,), api=Api({"/readyz": b"ok"}))
    assert await found(context, cluster="reachable") == Finding("passed", "staging answers")


async def test_where_readiness_is_not_for_everybody_the_version_will_do() -> None:
    context = Context((GOOD,), api=Api({"/readyz": Denied("get is forbidden."), "/version": b"{}"}))
    assert (await found(context, cluster="reachable")).status == "passed"


@pytest.mark.parametrize(
    "api", [Unreachable("no answer in time."), Api({"/readyz": Unreachable("no answer in time.")})]
)
async def test_a_cluster_without_an_answer_is_unknown(api: Any) -> None:
    finding = await found(Context((GOOD,), api=api), cluster="reachable")
    assert finding == Finding("unknown", "staging: no answer in time.")


@pytest.mark.parametrize(
    ("armed", "finding"),
    [
        (Armed(3, 3), Finding("passed", "3 workloads could be brought back now")),
        (Armed(2, 3, ("web: no earlier revision",)), Finding("failed", "2 of 3; web: no earlier revision")),
        (Armed(0, 3), Finding("unknown", "0 of 3 rehearsed so far")),
        (Armed(), Finding("unknown", "0 of 0 rehearsed so far")),
    ],
)
async def test_whether_the_rollback_is_ready(armed: Armed, finding: Finding) -> None:
    assert await found(Context((GOOD,), rehearsed=armed), rollback="ready") == finding


@pytest.mark.parametrize(
    ("metric", "finding"),
    [
        (Metric(), Finding("passed", "0.05 %, wanted < 0.1 %")),
        (Metric(value=0.42, meets_target=False), Finding("failed", "0.42 %, wanted < 0.1 %")),
        (
            Metric(value=9200, unit="TPS", target=">= 8,500"),
            Finding("passed", "9,200 TPS, wanted >= 8,500 TPS"),
        ),
        (Metric(state="BREACH", value=5, meets_target=False), Finding("failed", "5 %, wanted < 0.1 %")),
        (Metric(state="NO TRAFFIC", reason="nothing flows"), Finding("unknown", "no traffic: nothing flows")),
        (Metric(state="NO DATA", reason="empty"), Finding("unknown", "no data: empty")),
        (Metric(state="PROVIDER DOWN", reason="refused"), Finding("unknown", "provider down: refused")),
        (Metric(state="WAITING", value=None, meets_target=None), Finding("unknown", "waiting: no value yet")),
        (Metric(value=None, meets_target=None), Finding("unknown", "no value yet")),
        (None, Finding("unknown", "error-rate is not watched in staging")),
    ],
)
async def test_an_objective_is_judged_by_a_value_of_now(metric: Metric | None, finding: Finding) -> None:
    assert await found(Context((GOOD,), measured=metric), objective="error-rate") == finding


async def test_without_a_prometheus_its_readiness_is_unknown() -> None:
    finding = await found(Context((GOOD,)), prometheus="ready")
    assert finding == Finding("unknown", "the plan names no Prometheus for staging")


async def test_a_check_needs_an_environment_and_says_so() -> None:
    finding = await found(Context((GOOD,)), environment=None, pods="ready")
    assert finding == Finding("unknown", "neither the item nor its phase names an environment")


async def test_a_command_needs_none(tmp_path: Path) -> None:
    finding = await found(Context((GOOD,), folder=tmp_path), environment=None, shell="true")
    assert finding.status == "passed"


async def test_a_check_that_takes_too_long_is_unknown() -> None:
    class Slow(Context):
        async def client(self, target: Target) -> Any:
            await asyncio.sleep(60)

    finding = await found(Slow((GOOD,)), cluster="reachable", timeout=0.05)
    assert finding == Finding("unknown", "no answer within 0.1 s")


@pytest.mark.parametrize("error", [RuntimeError("a \x1b[31mbug"), KeyError("x"), PlanError("mend the plan.")])
async def test_a_check_never_raises(error: Exception) -> None:
    class Broken(Context):
        def environment(self, environment: str) -> EnvironmentData:
            raise error

    finding = await found(Broken((GOOD,)), pods="ready")
    assert finding.status == "unknown"
    assert "\x1b" not in finding.reason


async def test_cancelling_a_check_is_not_swallowed() -> None:
    begun = asyncio.Event()

    class Slow(Context):
        async def client(self, target: Target) -> Any:
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(found(Slow((GOOD,)), cluster="reachable"))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_every_family_has_a_rhythm_unless_it_costs_something() -> None:
    samples: dict[str, Any] = {
        "pods": "ready", "rollout": "complete", "services": "reachable", "logs": "no-errors", "workloads": "exist",
        "cluster": "reachable", "rollback": "ready", "objective": "x", "prometheus": "ready",
        "alerts": "quiet", "watch": "complete",
        "ingress": "configured", "http": "GET http://x", "shell": "true",
    }  # fmt: skip
    assert set(samples) == set(CHECK_FAMILIES)
    rhythms = {family: rhythm(Check(**{family: value})) for family, value in samples.items()}
    assert rhythms.pop("shell") is None
    assert all(seconds is not None and 2 <= seconds <= 20 for seconds in rhythms.values())
    assert rhythm(Check(http="POST http://x")) is None
    assert rhythm(Check(http="POST http://x", every="1m")) == 60
    assert rhythm(Check(shell="true", every="30s")) == 30
    assert rhythm(Check(pods="ready", every="1m")) == 60
