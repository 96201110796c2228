"""How an item verifies itself: what passes, what fails, and what nobody can tell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web
from cluster_objects import deployment, made, pod, replica_set, running, waiting

from releaseconsole.checks.finding import Finding
from releaseconsole.checks.registry import rhythm, verify
from releaseconsole.clock import SystemClock
from releaseconsole.cluster.objects import (
    EndpointSlice,
    Pod,
    Service,
)
from releaseconsole.errors import Denied, NotFound, PlanError, Unreachable
from releaseconsole.outside.world import EnvironmentData, TargetData
from releaseconsole.plan.model import CHECK_FAMILIES, Check, Item, Phase, PlacedItem, Step, Target

TARGET = Target(context="staging", namespace="shop")
NEW, OLD = "shop/web:2", "shop/web:1"


def placed(check: Check, environment: str | None = "staging") -> PlacedItem:
    item = Item(id="it", text="it holds", check=check)
    step = Step(id="step", title="Step", items=(item,))
    return PlacedItem(Phase(id="phase", title="Phase", environment=environment, steps=(step,)), step, item)


@dataclass
class Armed:
    ready: int = 0
    total: int = 0
    problems: tuple[str, ...] = ()


@dataclass
class Metric:
    value: float | None = 0.05
    meets_target: bool | None = True
    state: str = "OK"
    reason: str = ""
    title: str = "Error rate"
    unit: str = "%"
    target: str = "< 0.1"


@dataclass
class Api:
    """Stands for an API server: a body or an error by path."""

    answers: dict[str, bytes | Exception]

    async def get(self, path: str, params: Mapping[str, Any] | None = None) -> bytes:
        answer = next(
            (one for known, one in self.answers.items() if path.endswith(known)), NotFound("no such path.")
        )
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class Context:
    """A session's side of a check, made of plain values."""

    data: tuple[TargetData, ...]
    folder: Path = Path()
    environ: Mapping[str, str] = field(default_factory=lambda: {"PATH": "/usr/bin:/bin"})
    variables: Mapping[str, str] = field(default_factory=lambda: {"version": "1.1.0", "namespace": "shop"})
    rehearsed: Armed = field(default_factory=Armed)
    measured: Metric | None = None
    api: Api | Exception = field(default_factory=lambda: Api({}))
    kubeconfig: Path | None = None
    http: httpx.AsyncClient = None  # type: ignore[assignment]
    clock: SystemClock = field(default_factory=SystemClock)
    workloads: tuple[str, ...] = ("deployment/web",)

    def environment(self, environment: str) -> EnvironmentData:
        return EnvironmentData(environment, environment.title(), self.workloads, self.data)

    async def client(self, target: Target) -> Any:
        if isinstance(self.api, Exception):
            raise self.api
        return self.api

    def metrics(self, environment: str) -> None:
        return None

    def values(self, environment: str | None) -> Mapping[str, str]:
        return self.variables

    def armed(self, environment: str) -> Armed:
        return self.rehearsed

    def metric(self, environment: str, objective: str) -> Metric | None:
        return self.measured


async def found(context: Context, environment: str | None = "staging", **check: Any) -> Finding:
    asked = Check(**check)
    return await verify(asked, placed(asked, environment), context)  # type: ignore[arg-type]


def rolled(*pods: Pod, replicas: int = 2, **more: Any) -> TargetData:
    """A finished rollout to revision 2, with these pods."""
    status = {"replicas": replicas, "updatedReplicas": replicas, "availableReplicas": replicas}
    return TargetData(
        TARGET,
        deployments=(deployment(NEW, spec={"replicas": replicas}, status=status),),
        replica_sets=(replica_set(1, OLD), replica_set(2, NEW)),
        pods=pods,
        **more,
    )


def new_pod(name: str, **options: Any) -> Pod:
    return pod(name, "web-2-uid", **options)


GOOD = rolled(new_pod("web-2-a"), new_pod("web-2-b"))


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
    assert finding.status == "failed"
    assert finding.reason.startswith("web progressing: 1 of 4")
    zero = await found(Context((rolled(replicas=0),)), rollout="complete")
    assert zero.status == "failed"
    assert "scaled to zero" in zero.reason


async def test_a_kind_of_workload_that_cannot_be_followed_is_unknown() -> None:
    finding = await found(Context((GOOD,), workloads=("rollout/web",)), rollout="complete")
    assert (finding.status, finding.reason) == ("unknown", "web: a rollout cannot be followed")


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


def log(*lines: str) -> bytes:
    return "".join(f"2026-01-01T00:00:0{n % 10}.000000000Z {line}\n" for n, line in enumerate(lines)).encode()


async def test_logs_without_errors() -> None:
    api = Api({"web-2-a/log": log("INFO started"), "web-2-b/log": log("INFO started", "WARN slow")})
    assert await found(Context((GOOD,), api=api), logs="no-errors") == Finding(
        "passed", "no error in 2 pods within 5 m"
    )


async def test_an_error_in_one_log_is_quoted() -> None:
    api = Api(
        {"web-2-a/log": log("INFO started"), "web-2-b/log": log("ERROR no \x1b[31mdatabase", "ERROR again")}
    )
    finding = await found(Context((GOOD,), api=api), logs="no-errors")
    assert finding == Finding("failed", "2 errors within 5 m: web-2-b: ERROR no database")


async def test_a_log_that_cannot_be_read_cannot_be_told_unless_another_has_errors() -> None:
    unreadable = {"web-2-a/log": Denied("get pods/log is forbidden.")}
    finding = await found(
        Context((GOOD,), api=Api({**unreadable, "web-2-b/log": log("fine")})), logs="no-errors"
    )
    assert finding.status == "unknown"
    assert "forbidden" in finding.reason
    finding = await found(
        Context((GOOD,), api=Api({**unreadable, "web-2-b/log": log("ERROR")})), logs="no-errors"
    )
    assert finding.status == "failed"


async def test_a_log_too_long_to_be_read_whole_cannot_be_told() -> None:
    api = Api({"web-2-a/log": log("x" * 2**20), "web-2-b/log": b""})
    api.answers["web-2-a/log"] = b"".join(log("x" * 1000) for _ in range(1024))
    finding = await found(Context((GOOD,), api=api), logs="no-errors")
    assert finding == Finding("unknown", "not every log could be read: web-2-a wrote more than 1 MB")


async def test_without_pods_there_are_no_logs_to_judge() -> None:
    assert (await found(Context((rolled(),)), logs="no-errors")).status == "unknown"


async def test_logs_of_the_revision_before_are_not_held_against_this_one() -> None:
    data = replace(GOOD, pods=(*GOOD.pods, pod("web-1-a", "web-1-uid")))
    api = Api({"web-1-a/log": log("ERROR old"), "web-2-a/log": log("fine"), "web-2-b/log": log("fine")})
    assert (await found(Context((data,), api=api), logs="no-errors")).status == "passed"


@pytest.fixture
async def server() -> AsyncIterator[str]:
    seen: list[int] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(1)
        if request.path == "/limited":
            return web.Response(status=200 if len(seen) <= 3 else 429)
        if request.path == "/away":
            raise web.HTTPFound("http://other.invalid/login")
        return web.json_response({"got": await request.text(), "type": request.content_type})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_a_request_is_answered(server: str) -> None:
    async with httpx.AsyncClient() as client:
        context = Context((GOOD,), http=client, variables={"api": server})
        assert await found(context, http="GET $api/health") == Finding("passed", "200 OK")
        finding = await found(context, http="GET ${api}/health", expect=401)
        assert finding == Finding("failed", f"200 OK, wanted 401 (GET {server}/health)")


async def test_the_last_of_several_requests_counts(server: str) -> None:
    async with httpx.AsyncClient() as client:
        context = Context((GOOD,), http=client, variables={"api": server})
        finding = await found(context, http="POST $api/limited", repeat=4, expect=429, body="{}")
        assert finding == Finding("passed", "answer 4 of 4: 429 Too Many Requests")


async def test_a_redirect_to_elsewhere_is_told_and_not_followed(server: str) -> None:
    async with httpx.AsyncClient() as client:
        context = Context((GOOD,), http=client, variables={"api": server})
        finding = await found(context, http="GET $api/away")
        assert finding.status == "failed"
        assert "302 Found, redirects to http://other.invalid/login" in finding.reason


async def test_no_answer_at_all_is_unknown(unused_tcp_port: int) -> None:
    async with httpx.AsyncClient() as client:
        context = Context((GOOD,), http=client, variables={"api": f"http://127.0.0.1:{unused_tcp_port}"})
        finding = await found(context, http="GET $api/health")
        assert finding == Finding("unknown", f"127.0.0.1:{unused_tcp_port} refused the connection.")


async def test_a_variable_without_a_value_is_unknown_and_named() -> None:
    finding = await found(Context((GOOD,)), http="GET $api/health")
    assert finding.status == "unknown"
    assert "$api" in finding.reason


async def test_a_command_that_succeeds_shows_its_last_line(tmp_path: Path) -> None:
    finding = await found(Context((GOOD,), folder=tmp_path), shell="echo one; echo version $version; echo")
    assert finding == Finding("passed", "exit code 0: version 1.1.0")


@pytest.mark.parametrize(
    ("command", "options", "status", "reason"),
    [
        ("echo no; exit 3", {}, "failed", "exit code 3, wanted 0: no"),
        ("exit 3", {"expect": 3}, "passed", "exit code 3"),
        ("exit 4", {"expect": (3, 4)}, "passed", "exit code 4"),
        ("no-such-command-here 2>/dev/null", {}, "unknown", "exit code 127"),
        ("kill -9 $$", {}, "unknown", "ended by signal 9"),
        ("sleep 60", {"timeout": 0.2}, "unknown", "not at its end after 0.2 s"),
    ],
)
async def test_how_a_command_ends(
    tmp_path: Path, command: str, options: dict[str, Any], status: str, reason: str
) -> None:
    finding = await found(Context((GOOD,), folder=tmp_path), shell=command, **options)
    assert finding == Finding(status, reason)  # type: ignore[arg-type]


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
        "http": "GET http://x", "shell": "true",
    }  # fmt: skip
    assert set(samples) == set(CHECK_FAMILIES)
    rhythms = {family: rhythm(Check(**{family: value})) for family, value in samples.items()}
    assert rhythms.pop("shell") is None
    assert all(seconds is not None and 2 <= seconds <= 20 for seconds in rhythms.values())
    assert rhythm(Check(http="POST http://x")) is None
    assert rhythm(Check(http="POST http://x", every="1m")) == 60
    assert rhythm(Check(shell="true", every="30s")) == 30
    assert rhythm(Check(pods="ready", every="1m")) == 60
