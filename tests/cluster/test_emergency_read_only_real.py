"""A read-only console writes nothing on the real control plane, whatever is asked of it: not even a dry run."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bench import Bench
from control_plane import ADMIN
from emergency import BAD, generations, gone_bad, patches, through, writes
from gate import Gate
from session_bench import opened, row, until

from releaseconsole.errors import ReleaseConsoleError
from releaseconsole.plan.load import parse_plan
from releaseconsole.plan.model import Plan
from releaseconsole.record.clusters import SeenCluster
from releaseconsole.session import Session
from releaseconsole.session.views import Refusal

SHOP = "deployment/shop"
INTENTS = {
    "tick", "untick", "note", "override", "defer", "not_applicable", "sign", "decide", "unlock", "verify",
    "run_action", "start_action", "cancel_action", "pin", "accept_cluster", "roll_back", "start_rollback",
    "retry_rollback", "resume_rollback", "stop_automatic", "delete_stuck_pod", "begin", "stop",
}  # fmt: skip
"""What there was when this was written; the test tries everything public that there is."""
REFUSAL = Refusal(ADMIN, SeenCluster("one", "https://one"), SeenCluster("other", "https://other"))
MANIFEST = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {colour: red}
"""


def plan(bench: Bench) -> Plan:
    return parse_plan(
        f"""
[release]
name = "shop"
title = "Shop"
version = "1"
[environments.real]
targets = [{{ context = "{ADMIN}", namespace = "{bench.namespace}" }}]
workloads = ["{SHOP}"]
[[phases]]
id = "deploy"
title = "Deploy"
kind = "deploy"
environment = "real"
[[phases.steps]]
id = "step"
title = "Step"
items = [
    {{ id = "pods", text = "Pods are ready", check = {{ pods = "ready" }} }},
    {{ id = "hand", text = "By hand" }},
    {{ id = "sign", text = "Agreed", role = "lead" }},
]
actions = [
    {{ title = "apply", apply = "settings.yaml" }},
    {{ title = "pin", pin = "workloads" }},
    {{ title = "shell", shell = "touch touched" }},
    {{ title = "back", rollback = "workloads" }},
]
""",
        "plan.toml",
    )


def arguments(session: Session, method: Callable[..., Any]) -> list[dict[str, Any]]:
    """What to call a method with, by the names of its parameters: each item, action and phase once."""
    several: dict[str, list[Any]] = {
        "item_id": list(session.plan.items),
        "action_id": list(session.plan.actions),
        "phase_id": ["deploy"],
    }
    single: dict[str, Any] = {
        "environment": "real", "environments": ("real",), "step_id": "step", "since": -1, "timeout": 5.0,
        "value": "", "note": "a note", "reason": "a reason", "name": "amira", "go": True, "text": "a text",
        "to": "previous", "only": (), "keep": False, "decision": True, "metrics": False, "progress": None,
        "preview": session.prepared_preview("real"), "refusal": REFUSAL, "key": "k", "pod": "p",
        "seconds": 60.0, "objective_id": "none", "points": 9,
    }  # fmt: skip
    signature = inspect.signature(method).parameters
    names = [name for name in signature if name in single or name in several or _needed(signature[name])]
    chosen = next((name for name in names if name in several), None)
    rest = {name: single[name] for name in names if name != chosen}
    return [{**rest, chosen: one} for one in several[chosen]] if chosen else [rest]


def _needed(parameter: inspect.Parameter) -> bool:
    """A parameter without a default has to be known here, so that a new intent cannot slip through."""
    return parameter.default is inspect.Parameter.empty


async def tried(session: Session) -> dict[str, set[str]]:
    """Call everything that a session and its parts offer; the names of the errors by method."""
    found: dict[str, set[str]] = {}
    for part in (session, session.watching, session.charts):
        for name, method in inspect.getmembers(part, inspect.ismethod):
            # The workers run for ever, and do so in this session already.
            if not name.startswith("_") and name != "run":
                found[name] = await asked(session, method)
    return found


async def asked(session: Session, method: Callable[..., Any]) -> set[str]:
    """Call one method with everything there is; the names of the errors."""
    errors = set()
    for given in arguments(session, method):
        try:
            answer = method(**given)
            if inspect.isawaitable(answer):
                async with asyncio.timeout(20):
                    await answer
        except ReleaseConsoleError as error:
            errors.add(type(error).__name__)
    return errors


@pytest.fixture
async def looked_at(bench: Bench, kubeconfig: Path, tmp_path: Path) -> Plan:
    """A release that has gone bad, pinned by a console that may write and is gone."""
    bench.deploy()
    await bench.settled("deployment", "shop")
    (tmp_path / "settings.yaml").write_text(MANIFEST, "utf-8")
    made = plan(bench)
    async with opened(made, kubeconfig, tmp_path) as session:
        await gone_bad(bench, session, [SHOP])
    return made


async def test_everything_that_a_session_offers_is_tried_and_nothing_is_sent_that_is_not_a_read(
    looked_at: Plan, bench: Bench, gate: Gate, tmp_path: Path
) -> None:
    path = through(gate, bench.plane, tmp_path)
    before, journal = generations(bench, SHOP), (tmp_path / "state" / "journal.jsonl").read_bytes()
    async with opened(looked_at, path, tmp_path, read_only=True) as session:
        await until(
            session, lambda: session.environment("real").armed.total and row(session).image == BAD, "ok"
        )
        await session.observer("real").rehearsal.rehearsed(10)
        session.focus("real")
        found = await tried(session)
        assert found.keys() >= INTENTS
        previewed = [one for one in writes(gate) if "/configmaps/" in one[1]]
        assert all("dryRun=All" in path for _, path in previewed), "a preview that a person asked for"
        assert [one for one in writes(gate) if one not in previewed] == []
    harmless = {"tick", "untick", "note", "override", "defer", "not_applicable", "decide", "unlock"}
    for name in {*harmless, "pin", "roll_back", "start_rollback", "retry_rollback", "resume_rollback"}:
        assert found[name] <= {"ReadOnly", "GateClosed"}, name
        assert "ReadOnly" in found[name], name
    refused = ("run_action", "start_action", "cancel_action", "delete_stuck_pod", "stop_automatic")
    for name in (*refused, "accept_cluster", "begin", "stop"):
        assert found[name] == {"ReadOnly"}, name
    assert generations(bench, SHOP) == before
    assert not bench.list("configmap") or "settings" not in {
        one["metadata"]["name"] for one in bench.list("configmap")
    }
    assert not (tmp_path / "touched").exists()
    assert (tmp_path / "state" / "journal.jsonl").read_bytes() == journal


async def test_whether_it_is_armed_is_told_by_the_right_to_patch_and_not_by_a_try(
    looked_at: Plan, bench: Bench, gate: Gate, tmp_path: Path
) -> None:
    path = through(gate, bench.plane, tmp_path)
    async with opened(looked_at, path, tmp_path, read_only=True) as session:
        session.focus("real")
        await until(session, lambda: session.environment("real").armed.armed, "it is armed")
        (one,) = session.environment("real").armed.details
        assert "read-only" in " ".join(one.notes)
        assert one.rights
        assert writes(gate) == []
        assert [path for _, path in gate.seen if "accessreview" in path]


async def test_the_same_gate_sees_what_a_console_sends_that_may_write(
    looked_at: Plan, bench: Bench, gate: Gate, tmp_path: Path
) -> None:
    path = through(gate, bench.plane, tmp_path)
    async with opened(looked_at, path, tmp_path) as session:
        session.focus("real")
        await until(session, lambda: session.environment("real").armed.armed, "it is armed")
        assert {(method, "dryRun=All" in path) for method, path in writes(gate)} == {("PATCH", True)}
        async with asyncio.timeout(60):
            await session.roll_back("real")
        assert len(patches(gate)) == 1
