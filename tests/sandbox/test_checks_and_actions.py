"""Checks and actions on the practice cluster: real watches, real requests, real commands."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from releaseconsole.actions.logs import follow_logs
from releaseconsole.actions.runner import Outcome, run
from releaseconsole.actions.wait import wait_rollout
from releaseconsole.checks.finding import Finding
from releaseconsole.checks.registry import verify
from releaseconsole.clock import SystemClock
from releaseconsole.cluster import decode
from releaseconsole.cluster.connect import Client, connect
from releaseconsole.cluster.watch import Cache
from releaseconsole.metrics.client import PrometheusClient, Source
from releaseconsole.metrics.objective import collapse
from releaseconsole.metrics.reading import take_reading
from releaseconsole.metrics.trigger import Trigger, TriggerState
from releaseconsole.outside.world import EnvironmentData, TargetData
from releaseconsole.plan.model import (
    Action,
    Bound,
    Check,
    Item,
    Phase,
    PlacedAction,
    PlacedItem,
    Step,
    Target,
)
from releaseconsole.record.model import Pin, RollbackState
from releaseconsole.sandbox import Options, PracticeCluster, make_workspace

TARGET = Target(context="production", namespace="healthpay")
SERVICES = ("command-service", "api-gateway", "query-service")
QUICK = Options(speed=8.0, ready_seconds=2.0)
RATE = 'rate(http_requests_total{namespace="healthpay"}[1m])'
ERRORS = RATE.replace('"healthpay"', '"healthpay",code=~"5.."')
ERROR_RATE = f"100 * sum({ERRORS}) / sum({RATE})"
KINDS = {
    "deployments": decode.DEPLOYMENTS,
    "replica_sets": decode.REPLICA_SETS,
    "pods": decode.PODS,
    "services": decode.SERVICES,
    "endpoint_slices": decode.ENDPOINT_SLICES,
}


@dataclass
class Operator:
    """What a session gives to checks and actions, over watches of its own."""

    cluster: PracticeCluster
    folder: Path
    kubeconfig: Path
    api: Client
    caches: Mapping[str, Cache[Any]]
    http: httpx.AsyncClient
    prometheus: PrometheusClient
    clock: SystemClock = field(default_factory=SystemClock)

    @property
    def environ(self) -> Mapping[str, str]:
        home = str(self.folder)
        return {"PATH": f"{self.folder}/bin:{os.environ['PATH']}", "HOME": home, "KUBECONFIG": "nowhere"}

    def environment(self, environment: str) -> EnvironmentData:
        objects = {name: tuple(cache.objects.values()) for name, cache in self.caches.items()}
        stale = next((cache.error or "no data yet" for cache in self.caches.values() if not cache.live), "")
        workloads = tuple(f"deployment/{name}" for name in SERVICES)
        data = TargetData(TARGET, stale=stale, **objects)
        return EnvironmentData(environment, "Production", workloads, (data,))

    async def client(self, target: Target) -> Client:
        return self.api

    def metrics(self, environment: str) -> PrometheusClient:
        return self.prometheus

    def all_metrics(self, environment: str) -> tuple[PrometheusClient, ...]:
        return (self.prometheus,)

    def values(self, environment: str | None) -> Mapping[str, str]:
        api = self.cluster.endpoints["production"].api
        return {"api": api, "version": "1.0.0", "namespace": "healthpay", "context": "production"}

    def armed(self, environment: str) -> Any:
        raise AssertionError("not asked for here")

    def metric(self, environment: str, objective: str) -> None:
        return None

    async def pin(self, environment: str) -> Sequence[Pin]:
        return ()

    async def roll_back(self, environment: str) -> RollbackState:
        raise AssertionError("not asked for here")

    async def check(self, **check: Any) -> Finding:
        asked = Check(**check)
        item = Item(id="it", text="it holds", check=asked)
        step = Step(id="step", title="Step", items=(item,))
        phase = Phase(id="phase", title="Phase", environment="production", steps=(step,))
        return await verify(asked, PlacedItem(phase, step, item), self)

    async def act(self, **action: Any) -> tuple[Outcome, list[str]]:
        lines: list[str] = []
        return await run(placed(**action), self, lines.append), lines

    async def until(self, holds: Callable[[Finding], bool], **check: Any) -> Finding:
        """The first finding that satisfies ``holds``."""
        async with asyncio.timeout(20):
            while True:
                finding = await self.check(**check)
                if holds(finding):
                    return finding
                await asyncio.sleep(0.05)


def placed(**action: Any) -> PlacedAction:
    asked = Action(**action)
    step = Step(id="step", title="Step", actions=(asked,))
    phase = Phase(id="phase", title="Phase", environment="production", steps=(step,))
    return PlacedAction("phase.step.1", phase, step, asked)


async def _operate(scenario: str, folder: Path) -> AsyncIterator[Operator]:
    async with AsyncExitStack() as stack:
        options = Options(scenario=scenario, speed=QUICK.speed, ready_seconds=QUICK.ready_seconds)
        cluster = await stack.enter_async_context(PracticeCluster(options))
        kubeconfig = folder / "kubeconfig"
        cluster.write_kubeconfig(kubeconfig)
        workspace = await asyncio.to_thread(make_workspace, folder / "workspace", options)
        api = await connect("production", kubeconfig=kubeconfig)
        stack.push_async_callback(api.close)
        http = await stack.enter_async_context(httpx.AsyncClient())
        prometheus = PrometheusClient(Source(cluster.endpoints["production"].prometheus))
        stack.push_async_callback(prometheus.close)
        caches: dict[str, Cache[Any]] = {
            name: Cache(api, resource, "healthpay") for name, resource in KINDS.items()
        }
        watching = [asyncio.create_task(cache.run()) for cache in caches.values()]
        try:
            operator = Operator(cluster, workspace, kubeconfig, api, caches, http, prometheus)
            await operator.until(lambda finding: finding.status == "passed", pods="ready")
            yield operator
        finally:
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)


@pytest.fixture
async def operator(tmp_path: Path) -> AsyncIterator[Operator]:
    async for one in _operate("healthy", tmp_path):
        yield one


@pytest.fixture
async def unlucky(tmp_path: Path) -> AsyncIterator[Operator]:
    async for one in _operate("image-pull", tmp_path):
        yield one


@pytest.fixture
async def burning(tmp_path: Path) -> AsyncIterator[Operator]:
    async for one in _operate("error-spike", tmp_path):
        yield one


async def test_a_healthy_cluster_passes_every_check(operator: Operator) -> None:
    for check in (
        {"pods": "ready"},
        {"rollout": "complete"},
        {"services": "reachable"},
        {"workloads": "exist"},
        {"workloads": "limits"},
        {"workloads": "probes"},
        {"cluster": "reachable"},
        {"prometheus": "ready"},
        {"alerts": "configured"},
        {"alerts": "quiet", "severity": ["critical"]},
        {"http": "GET $api/api/health"},
        {"http": "GET $api/api/wallet/123/balance", "headers": {"Authorization": "Bearer no"}, "expect": 401},
        {"logs": "no-errors", "window": 60},
        {"shell": "true"},
    ):
        finding = await operator.check(**check)
        assert finding.status == "passed", (check, finding)


async def test_a_release_is_applied_and_followed_to_its_end(operator: Operator) -> None:
    outcome, lines = await operator.act(apply="deployment/k8s/")
    assert outcome.status == "succeeded", (outcome, lines)
    assert "Deployment command-service configured" in lines
    outcome, lines = await operator.act(wait="rollout", timeout=60)
    assert outcome.status == "succeeded", (outcome, lines)
    assert any("new pods ready" in line for line in lines), "the wait did not take the old state for success"
    assert {line for line in lines if "complete" in line}
    images = {
        one.spec.template["spec"]["containers"][0]["image"]
        for one in operator.caches["deployments"].objects.values()
    }
    assert images == {f"healthpay/{name}:1.0.0" for name in SERVICES}
    outcome, _ = await operator.act(apply="deployment/k8s/")
    assert outcome.summary == "7 unchanged", "the second time there is nothing to do"


async def test_a_manifest_with_a_fault_leaves_everything_as_it_was(operator: Operator) -> None:
    broken = operator.folder / "deployment/k8s/zz-broken.yaml"
    broken.write_text(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: broken}\nspec: {replicas: many}\n"
    )
    outcome, _ = await operator.act(apply="deployment/k8s/")
    assert outcome.status == "failed"
    for name in SERVICES:
        image = operator.cluster.stores["production"].get("deployments", "healthpay", name)["spec"][
            "template"
        ]["spec"]["containers"][0]["image"]
        assert image != f"healthpay/{name}:1.0.0"


async def test_a_missing_folder_of_manifests_is_said_to_be_missing(operator: Operator) -> None:
    outcome, lines = await operator.act(apply="nowhere/")
    assert outcome.status == "failed"
    assert "nowhere" in lines[-1]


async def test_an_image_that_does_not_exist_is_found_out_early(unlucky: Operator) -> None:
    await unlucky.act(apply="deployment/k8s/")
    lines: list[str] = []
    outcome = await wait_rollout(placed(wait="rollout", timeout=60), unlucky, lines.append, grace=1.0)
    assert outcome.status == "failed"
    assert "ImagePullBackOff" in outcome.summary or "ErrImagePull" in outcome.summary
    finding = await unlucky.check(pods="ready")
    assert finding.status == "failed"
    assert "mage" in finding.reason
    assert (await unlucky.check(rollout="complete")).status == "failed"
    assert (await unlucky.check(services="reachable")).status == "passed", "the old pods still serve"


async def test_the_errors_of_a_bad_release_reach_the_trigger_and_the_logs(burning: Operator) -> None:
    await burning.act(apply="deployment/k8s/")
    assert (await burning.act(wait="rollout", timeout=60))[0].status == "succeeded"
    trigger = Trigger(Bound(">", 1.0).holds, 0.0)
    async with asyncio.timeout(30):
        while True:
            reading = await take_reading(
                burning.prometheus, ERROR_RATE, now=burning.clock.now(), traffic=f"sum({RATE})"
            )
            if trigger.take(reading).state is TriggerState.BREACH:
                break
            await asyncio.sleep(0.1)
    finding = await burning.until(lambda one: one.status == "failed", logs="no-errors", window=60)
    assert "error" in finding.reason


async def test_prometheus_answers_queries_ranges_and_the_rest(operator: Operator) -> None:
    now = operator.clock.now()
    answer = await operator.prometheus.instant('up{namespace="healthpay"}')
    assert len(answer.series) > 1
    value, problem = collapse(answer.series, None)
    assert value is None
    assert "series" in problem
    assert collapse(answer.series, "min") == (1.0, "")
    ranged = await operator.prometheus.range(f"sum({RATE})", now - 60, now, 5)
    assert len(ranged.series[0].samples) >= 12
    assert await operator.prometheus.targets()
    assert await operator.prometheus.rules()
    assert await operator.prometheus.alerts() is not None


async def test_the_rate_limit_of_the_document_holds(operator: Operator) -> None:
    body = '{"phone": "01012345678"}'
    outcome, lines = await operator.act(http="POST $api/api/auth/send-otp", body=body, repeat=4, expect=429)
    assert outcome.status == "succeeded", lines
    assert [line.split(": ")[1][:3] for line in lines[1:5]] == ["200", "200", "200", "429"]


async def test_the_pods_and_services_are_listed(operator: Operator) -> None:
    outcome, lines = await operator.act(get="pods")
    assert outcome.status == "succeeded"
    assert sum("Running" in line for line in lines) == int(outcome.summary.split()[0])
    outcome, lines = await operator.act(get="services")
    assert all(any(name in line for line in lines) for name in SERVICES)


async def test_a_log_is_followed_for_a_while(operator: Operator) -> None:
    lines: list[str] = []
    outcome = await follow_logs(placed(logs="deployment/api-gateway"), operator, lines.append, seconds=1.0)
    assert outcome.status == "succeeded"
    assert lines
    assert all(line.startswith("api-gateway-") for line in lines)
    assert (await operator.act(logs="deployment/nobody"))[0].status == "failed"


async def test_a_log_can_be_stopped_at_any_time(operator: Operator) -> None:
    lines: list[str] = []
    task = asyncio.create_task(run(placed(logs="deployment/api-gateway"), operator, lines.append))
    async with asyncio.timeout(10):
        while not lines:  # noqa: ASYNC110  (the lines are what is waited for)
            await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_command_finds_the_phases_cluster_as_the_current_one(operator: Operator) -> None:
    script = 'sed "s/.*current-context\\": \\"\\([a-z]*\\).*/\\1/" "${KUBECONFIG%%:*}"'
    outcome, lines = await operator.act(shell=script)
    assert outcome.status == "succeeded", lines
    assert lines == ["production"]


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on PATH")
async def test_kubectl_in_a_command_acts_on_the_phases_cluster(operator: Operator) -> None:
    script = (
        "kubectl config current-context; kubectl get deployments -o name; kubectl config use-context staging"
    )
    outcome, lines = await operator.act(shell=script)
    assert outcome.status == "succeeded", lines
    assert lines[0] == "production"
    assert set(lines[1:4]) == {f"deployment.apps/{name}" for name in SERVICES}
    _, lines = await operator.act(shell="kubectl config current-context")
    assert lines == ["production"]
    assert "current-context: staging" in operator.kubeconfig.read_text(), "the file of the user is untouched"


async def _set_image(operator: Operator, manager: str) -> None:
    """Another hand changes the image of a Deployment."""
    path = decode.DEPLOYMENTS.path("healthpay", "api-gateway")
    patch = [
        {
            "op": "replace",
            "path": "/spec/template/spec/containers/0/image",
            "value": "healthpay/api-gateway:0.9.5",
        }
    ]
    await operator.api.request(
        "PATCH", path, {"fieldManager": manager}, patch, content_type="application/json-patch+json"
    )


async def test_fields_changed_by_hand_are_taken_over_and_told(operator: Operator) -> None:
    await _set_image(operator, "kubectl-set")
    outcome, lines = await operator.act(apply="deployment/k8s/")
    assert outcome.status == "succeeded", lines
    assert "Deployment api-gateway configured, taking over what kubectl-set had set" in lines


async def test_fields_of_a_gitops_tool_are_not_fought_over(operator: Operator) -> None:
    await _set_image(operator, "argocd-controller")
    outcome, lines = await operator.act(apply="deployment/k8s/")
    assert outcome.status == "failed"
    assert "argocd-controller" in outcome.summary
    assert lines == [lines[-1]], "nothing was applied before the conflict was found"
