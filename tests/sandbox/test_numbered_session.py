"""A session on the practice cluster whose workloads are a StatefulSet and a DaemonSet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from numbered import PLURALS, numbered
from session_kit import Place, practice, until

from releaseconsole.plan.load import parse_plan
from releaseconsole.plan.model import Plan
from releaseconsole.record.model import Stage
from releaseconsole.sandbox import Options
from releaseconsole.session import Session

STAGING = "staging"
SETS = {"statefulset/db": "statefulset", "daemonset/agent": "daemonset"}
KEYS = {f"staging/healthpay/{workload}" for workload in SETS}
PLAN = """
[release]
name = "store"
title = "Store"
version = "2"

[environments.staging]
targets = [{ context = "staging", namespace = "healthpay" }]
workloads = ["statefulset/db", "daemonset/agent"]

[[phases]]
id = "deploy"
title = "Deploy"
kind = "deploy"
environment = "staging"
[[phases.steps]]
id = "roll-out"
title = "Roll out"
actions = [{ id = "pin", title = "pin", pin = "workloads" }, { id = "wait", wait = "rollout" }]
items = [{ id = "complete", text = "The rollout is complete", check = { rollout = "complete" } }]
"""


@pytest.fixture
def plan() -> Plan:
    return parse_plan(PLAN, "store.toml")


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with practice(tmp_path, Options(speed=10, ready_seconds=0.5)) as found:
        store = found.cluster.stores[STAGING]
        store.create("statefulsets", numbered("statefulset", "db", replicas=2))
        store.create("daemonsets", numbered("daemonset", "agent"))
        yield found


def set_tag(place: Place, tag: str) -> None:
    """Somebody deploys another version of both."""

    def change(obj: dict[str, Any]) -> None:
        obj["spec"]["template"]["spec"]["containers"][0]["image"] = f"store/db:{tag}"

    for workload, kind in SETS.items():
        name = workload.partition("/")[2]
        place.cluster.stores[STAGING].update(PLURALS[kind], "healthpay", name, change)


def running(place: Place) -> set[str]:
    """The tags that the pods of both run."""
    pods = place.cluster.stores[STAGING].list(
        "pods", "healthpay", lambda pod: pod["metadata"]["labels"]["app"] in ("db", "agent")
    )
    return {pod["spec"]["containers"][0]["image"].partition(":")[2] for pod in pods}


def states(session: Session) -> dict[str, str]:
    return {one.name: one.state for one in session.environment(STAGING).workloads}


async def complete(session: Session) -> None:
    await until(session, lambda: set(states(session).values()) == {"complete"})


def revisions(place: Place, name: str) -> list[int]:
    store = place.cluster.stores[STAGING]
    found = store.list(
        "controllerrevisions", "healthpay", lambda one: one["metadata"]["labels"]["app"] == name
    )
    return sorted(one["revision"] for one in found)


async def test_both_go_back_to_what_was_pinned(place: Place, plan: Plan) -> None:
    async with place.opened(STAGING, plan=plan) as session:
        await complete(session)
        pins = await session.pin(STAGING)
        assert {pin.images for pin in pins} == {("store/db:1",)}
        for tag in ("2", "3"):
            set_tag(place, tag)
            await until(session, lambda tag=tag: running(place) == {tag})
        await complete(session)
        preview = await session.preview_rollback(STAGING)
        assert {line.to_image for line in preview.lines} == {"store/db:1"}
        done = await session.roll_back(STAGING, "slow writes")
        assert (done.outcome, set(done.workloads)) == ("complete", KEYS)
        assert running(place) == {"1"}
        assert (revisions(place, "db"), revisions(place, "agent")) == ([2, 3, 4], [2, 3, 4])
        await complete(session)


async def test_a_broken_version_of_a_daemon_set_goes_back_from_its_middle(place: Place, plan: Plan) -> None:
    async with place.opened(STAGING, plan=plan) as session:
        await complete(session)
        await session.pin(STAGING)
        set_tag(place, "2-crash-loop")
        await until(session, lambda: all(one.problems for one in session.environment(STAGING).workloads))
        only = ("staging/healthpay/daemonset/agent",)
        done = await session.roll_back(STAGING, "it crashes", only=only)
        assert (done.outcome, set(done.workloads)) == ("complete", set(only))


async def test_an_ordered_set_is_back_only_when_its_broken_pod_is_gone(place: Place, plan: Plan) -> None:
    key = "staging/healthpay/statefulset/db"
    async with place.opened(STAGING, plan=plan) as session:
        await complete(session)
        await session.pin(STAGING)
        set_tag(place, "2-crash-loop")
        await until(session, lambda: all(one.problems for one in session.environment(STAGING).workloads))
        async with asyncio.TaskGroup() as group:
            going = group.create_task(session.roll_back(STAGING, "it crashes", only=(key,)))
            await until(session, lambda: stage(session, key) is Stage.OBSERVED)
            await until(session, lambda: _restarts(place, "db-1") > 4)
            assert (stage(session, key), going.done()) == (Stage.OBSERVED, False)
            assert states(session)["db"] == "failing"
            place.cluster.stores[STAGING].delete("pods", "healthpay", "db-1", grace=None)
        assert going.result().outcome == "complete"
        await until(session, lambda: states(session)["db"] == "complete")


def stage(session: Session, key: str) -> Stage | None:
    """How far the last rollback has come with a workload."""
    return session.state.rollbacks[-1].workloads[key].stage if session.state.rollbacks else None


def _restarts(place: Place, name: str) -> int:
    pod = place.cluster.stores[STAGING].get("pods", "healthpay", name)
    restarts: int = pod["status"]["containerStatuses"][0]["restartCount"]
    return restarts
