"""How a step acts: waits, pins, tables and links, and how each of them ends."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from action_kit import STAGING, Context, eventually, placed, ran
from cluster_objects import deployment, made, pod, replica_set, running, waiting

from releaseconsole.actions import wait
from releaseconsole.actions.runner import Outcome
from releaseconsole.cluster.objects import Service
from releaseconsole.errors import GateClosed, NotFound, Unreachable
from releaseconsole.outside.world import TargetData
from releaseconsole.record.model import Pin, RollbackState, Stage, WorkloadRollback

OLD, NEW = "shop/web:1", "shop/web:2"


# Waiting for a rollout.


def rolling(updated: int, ready: int, *, pods: tuple[Any, ...] = (), **more: Any) -> TargetData:
    """Revision 2 on its way to four pods."""
    status = {
        "replicas": 4 + updated - ready, "updatedReplicas": updated, "availableReplicas": 4,
    }  # fmt: skip
    if (updated, ready) == (4, 4):
        status["replicas"] = 4
    new = {"replicas": updated, "readyReplicas": ready, "availableReplicas": ready}
    return TargetData(
        STAGING,
        deployments=(deployment(NEW, status=status),),
        replica_sets=(replica_set(1, OLD, status={"replicas": 4 - ready}), replica_set(2, NEW, status=new)),
        pods=pods,
        **more,
    )


def after(*steps: tuple[float, TargetData]) -> Callable[[float], tuple[TargetData, ...]]:
    """Data by the seconds since the start."""
    begun: list[float] = []

    def at(now: float) -> tuple[TargetData, ...]:
        begun[:] = begun or [now]
        return (next(data for since, data in reversed(steps) if now - begun[0] >= since),)

    return at


DONE = rolling(4, 4)
BROKEN = rolling(1, 0, pods=(pod("web-2-a", "web-2-uid", status=waiting("ImagePullBackOff", "no such tag")),))


async def test_each_change_of_a_rollout_is_told_once() -> None:
    targets = after((0, rolling(1, 0)), (3, rolling(3, 2)), (6, DONE))
    outcome, lines = await ran(Context(targets=targets), wait="rollout")
    assert lines == [
        "web: 0 of 4 new pods ready, 4 old still there",
        "web: 2 of 4 new pods ready, 2 old still there",
        "web: complete: 4 replicas updated and available",
    ]
    assert outcome == Outcome("succeeded", "1 workload complete in 6 s")


async def test_a_rollout_that_is_failing_is_given_up_after_a_grace() -> None:
    outcome, lines = await ran(Context(targets=after((0, BROKEN))), wait="rollout")
    assert outcome == Outcome("failed", "web failing: web-2-a: ImagePullBackOff: no such tag")
    assert lines == ["web: failing: web-2-a: ImagePullBackOff: no such tag"]


async def test_a_rollout_that_recovers_within_the_grace_goes_on() -> None:
    context = Context(targets=after((0, BROKEN), (25, rolling(2, 1)), (40, BROKEN), (60, DONE)))
    begun = context.clock.at
    outcome, _ = await ran(context, wait="rollout")
    assert outcome.status == "succeeded"
    assert context.clock.at - begun == pytest.approx(60, abs=1)


async def test_a_failed_rollout_is_given_up_at_once() -> None:
    condition = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded",
                 "message": 'ReplicaSet "web-2" has timed out progressing.'}  # fmt: skip
    failed = replace(rolling(1, 0), deployments=(
        deployment(NEW, status={"updatedReplicas": 1, "conditions": [condition]}),
    ))  # fmt: skip
    context = Context(targets=after((0, failed)))
    begun = context.clock.at
    outcome, _ = await ran(context, wait="rollout")
    assert outcome.status == "failed"
    assert "timed out progressing" in outcome.summary
    assert context.clock.at == begun


async def test_a_wait_has_a_deadline_of_its_own() -> None:
    context = Context(targets=after((0, rolling(3, 2))))
    outcome, _ = await ran(context, wait="rollout", timeout=120)
    assert outcome.status == "failed"
    assert outcome.summary.startswith("not complete after 2 m: web progressing")


async def test_data_from_before_the_change_is_not_taken_for_success() -> None:
    behind = replace(DONE, deployments=(deployment(OLD, metadata={"generation": 3}),))
    ahead = replace(
        DONE, deployments=(deployment(NEW, metadata={"generation": 4}, status={"observedGeneration": 4}),)
    )
    context = Context(targets=after((0, behind), (5, ahead)), generation=4)
    outcome, lines = await ran(context, wait="rollout")
    assert outcome == Outcome("succeeded", "1 workload complete in 5 s")
    assert lines[0] == "web: waiting for news of the change"


async def test_stale_data_is_told_and_waited_out() -> None:
    stale = replace(DONE, stale="no word for 12 s")
    context = Context(targets=after((0, stale), (40, DONE)), generation=Unreachable("no answer in time."))
    outcome, lines = await ran(context, wait="rollout")
    assert outcome == Outcome("succeeded", "1 workload complete in 40 s")
    assert lines[:2] == ["web: no answer in time.", "web: no live data, still waiting: no word for 12 s"]


async def test_a_workload_that_does_not_appear_is_given_up() -> None:
    context = Context(targets=after((0, TargetData(STAGING))), generation=NotFound("no such Deployment."))
    outcome, _ = await ran(context, wait="rollout")
    assert outcome == Outcome("failed", "web does not exist")


async def test_scaled_to_zero_is_no_success() -> None:
    zero = replace(DONE, deployments=(deployment(NEW, spec={"replicas": 0}, status={
        "replicas": 0, "updatedReplicas": 0, "availableReplicas": 0,
    }),))  # fmt: skip
    outcome, _ = await ran(Context(targets=after((0, zero))), wait="rollout")
    assert outcome == Outcome("failed", "web scaled to zero: nothing runs")


async def test_the_grace_is_a_parameter() -> None:
    context = Context(targets=after((0, BROKEN)))
    begun = context.clock.at
    outcome = await wait.wait_rollout(placed(wait="rollout"), context, lambda line: None, grace=5)
    assert outcome.status == "failed"
    assert context.clock.at - begun == pytest.approx(5, abs=0.5)


# The others.


async def test_pins_are_told() -> None:
    one = Pin("staging", "staging", "shop", "deployment/web", "uid", "7", "web-7", "abc", (OLD,))
    outcome, lines = await ran(Context(pins=(one,)), pin="workloads")
    assert lines == ["deployment/web: revision 7, shop/web:1"]
    assert outcome == Outcome("succeeded", "1 workload pinned")


def rolled(outcome: str, stage: Stage, message: str = "") -> RollbackState:
    key = "staging/shop/deployment/web"
    workload = WorkloadRollback(key, stage, from_revision="8", to_revision="7", message=message)
    return RollbackState("r1", "staging", "amira", "burning", 1.0, {key: workload}, outcome=outcome)


async def test_a_rollback_is_the_sessions_and_its_end_is_told() -> None:
    outcome, lines = await ran(Context(rolled_back=rolled("complete", Stage.RECOVERED)), rollback="workloads")
    assert outcome == Outcome("succeeded", "1 workload: complete")
    assert lines[1] == "staging/shop/deployment/web: revision 8 → 7, recovered"
    outcome, lines = await ran(
        Context(rolled_back=rolled("failed", Stage.FAILED, "denied")), rollback="workloads"
    )
    assert outcome == Outcome("failed", "1 workload: failed")
    assert lines[1].endswith("failed: denied")


async def test_what_the_session_refuses_is_an_outcome_with_its_remedy() -> None:
    refused = GateClosed("A rollback is already under way.", "Wait for it.")
    outcome, lines = await ran(Context(rolled_back=refused), rollback="workloads")
    assert outcome == Outcome("failed", "A rollback is already under way.")
    assert lines[-1] == "A rollback is already under way. Wait for it."


async def test_a_table_of_pods() -> None:
    created = "1970-01-12T13:00:00Z"
    data = TargetData(STAGING, pods=(
        pod("web-2-b", status=waiting("ImagePullBackOff"), creationTimestamp=created),
        pod("web-2-a", status=running(restarts=2), creationTimestamp=created),
    ))  # fmt: skip
    outcome, lines = await ran(Context(targets=lambda _: (data,)), get="pods")
    assert lines == [
        "pods of staging/shop",
        "  NAME      READY   STATUS             RESTARTS   AGE",
        "  web-2-a   1/1     Running            2          46m",
        "  web-2-b   0/1     ImagePullBackOff   0          46m",
    ]
    assert outcome == Outcome("succeeded", "2 pods")


async def test_a_table_of_services_that_is_stale_says_so() -> None:
    body = {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}
    data = TargetData(STAGING, stale="no word for 12 s", services=(made(Service, body),))
    outcome, lines = await ran(Context(targets=lambda _: (data,)), get="services")
    assert lines[1] == "  not live: no word for 12 s"
    assert lines[3] == "  web    ClusterIP   80/TCP   0"
    assert outcome == Outcome("failed", "1 service, but the data is stale")


async def test_a_link_is_printed_where_there_is_no_display() -> None:
    context = Context(links={"Grafana": "https://grafana.example/$namespace"})
    outcome, lines = await ran(context, open="Grafana")
    assert lines == ["https://grafana.example/shop"]
    assert outcome.status == "succeeded"
    assert (await ran(context, open="Kibana"))[0] == Outcome(
        "failed", "staging has no link Kibana; it has Grafana"
    )


async def test_a_link_that_is_no_web_address_is_not_opened() -> None:
    outcome, _ = await ran(Context(links={"x": "file:///etc/passwd"}, environ={"DISPLAY": ":0"}), open="x")
    assert outcome.status == "failed"


@pytest.fixture
def desktop(tmp_path: Path) -> Context:
    opener = tmp_path / "xdg-open"
    opener.write_text(f'#!/bin/sh\nprintf %s "$1" > "{tmp_path}/opened"\n')
    opener.chmod(0o700)
    environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "DISPLAY": ":0"}
    return Context(environ=environ, links={"x": "https://grafana.example/?a=$(touch x)&b='\""})


async def test_a_link_is_opened_where_there_is_a_display(
    desktop: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    outcome, _ = await ran(desktop, open="x")
    assert outcome == Outcome("succeeded", "opened in the browser")
    await eventually(lambda: (tmp_path / "opened").exists() and (tmp_path / "opened").read_text() != "")
    assert (tmp_path / "opened").read_text() == "https://grafana.example/?a=$(touch x)&b='\""


@pytest.mark.parametrize("action", [{"apply": "k8s/"}, {"wait": "rollout"}, {"pin": "workloads"}, {"get": "pods"},
                                    {"logs": "deployment/web"}, {"rollback": "workloads"}, {"open": "x"}])  # fmt: skip
async def test_an_action_that_needs_an_environment_says_so(action: dict[str, str]) -> None:
    outcome, lines = await ran(Context(), None, **action)
    assert outcome.status == "failed"
    assert "does not say where to act" in outcome.summary
    assert "Name an environment" in lines[-1]


async def test_a_fault_of_our_own_is_an_outcome_too() -> None:
    def broken(_: float) -> tuple[TargetData, ...]:
        raise RuntimeError("a \x1b[31mbug")

    outcome, lines = await ran(Context(targets=broken), get="pods")
    assert outcome == Outcome("failed", "the action itself failed: RuntimeError")
    assert "a bug" in lines[0]
    assert "test_actions.py" in lines[0]


async def test_logs_of_a_kind_that_the_cluster_lacks_name_the_kind_and_not_the_workload() -> None:
    lacks = NotFound("The cluster does not know the kind Rollout of Argo Rollouts.", "Install its CRD there.")
    data = TargetData(STAGING, missing={"rollouts": str(lacks)})
    outcome, _ = await ran(Context(targets=lambda _: (data,)), logs="rollout/web")
    assert outcome.status == "failed"
    assert "does not know the kind Rollout" in outcome.summary
    assert "Install its CRD" in outcome.summary
    assert "does not exist" not in outcome.summary


async def test_logs_of_a_workload_that_is_misspelt_name_the_one_that_is_near() -> None:
    outcome, _ = await ran(Context(targets=after((0, DONE))), logs="deployment/wep")
    assert outcome == Outcome("failed", "deployment/wep does not exist in staging/shop (is web meant?)")
