"""The cluster behind a context is remembered, and another one is refused until a person confirms it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from session_kit import WALK, Place, allow_deploy, practice, until

from releaseconsole.errors import OtherCluster, ReadOnly
from releaseconsole.session import Session, identity
from releaseconsole.session.views import Liveness

KINDS = ("cluster.seen", "cluster.accepted")


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with practice(tmp_path) as made:
        yield made


@pytest.fixture
async def moved(place: Place) -> Place:
    """Production was seen once; since then its context leads to the cluster of UAT."""
    async with place.opened("production"):
        pass
    lead(place, "production", "uat")
    return place


def lead(place: Place, context: str, cluster: str) -> None:
    """Somebody edits the kubeconfig: ``context`` goes to another cluster."""
    config = yaml.safe_load(place.kubeconfig.read_text("utf-8"))
    (entry,) = [one for one in config["contexts"] if one["name"] == context]
    entry["context"] |= {"cluster": cluster, "user": cluster}
    place.kubeconfig.write_text(yaml.safe_dump(config), "utf-8")


def sightings(place: Place) -> list[dict[str, Any]]:
    lines = (place.state / "journal.jsonl").read_text("utf-8").splitlines()
    return [entry for entry in map(json.loads, lines) if entry["kind"] in KINDS]


def uid_of(place: Place, context: str) -> str:
    return str(place.cluster.stores[context].get("namespaces", "", "kube-system")["metadata"]["uid"])


def versions(place: Place, context: str) -> list[str]:
    """Changes with every write of somebody to a deployment's spec."""
    return [str(one["metadata"]["generation"]) for one in place.cluster.stores[context].list("deployments")]


async def refused(session: Session) -> None:
    await until(session, lambda: session.environment("production").refusals)


async def test_the_first_use_is_journalled_and_the_next_is_not(place: Place) -> None:
    for _ in range(2):
        async with place.opened("production") as session:
            await session.preview_rollback("production")
    (seen,) = sightings(place)
    assert seen["data"] == {
        "context": "production",
        "identity": uid_of(place, "production"),
        "server": place.cluster.endpoints["production"].server,
    }


async def test_another_cluster_is_refused_and_not_looked_at(moved: Place) -> None:
    before = versions(moved, "uat")
    async with moved.opened() as session:
        allow_deploy(session)
        session.focus("production")
        await refused(session)
        view = session.environment("production")
        assert view.cluster.liveness is Liveness.REFUSED
        assert "Context “production” pointed to another cluster before" in view.cluster.error
        assert uid_of(moved, "production") in view.cluster.error
        assert uid_of(moved, "uat") in view.cluster.error
        assert "--accept-cluster production" in view.cluster.error
        assert (view.workloads, view.pods, view.events) == ((), (), ())
        for intent in (
            session.pin("production"),
            session.roll_back("production"),
            session.run_action("script"),
        ):
            with pytest.raises(OtherCluster, match="pointed to another cluster"):
                await intent
        assert (await session.run_action("pods")).status == "failed"
        found = await session.look("ready")
        assert (found.status, "pointed to another cluster" in found.reason) == ("unknown", True)
        assert session.state.rollbacks == ()
        assert not session.state.locks
    assert versions(moved, "uat") == before
    assert [entry["kind"] for entry in sightings(moved)] == ["cluster.seen"]


async def test_an_apply_does_not_reach_another_cluster(moved: Place) -> None:
    moved.write_manifests("6.6.6")
    async with moved.opened() as session:
        allow_deploy(session)
        with pytest.raises(OtherCluster):
            await session.run_action("apply")
    assert "6.6.6" not in moved.images("uat")


async def test_other_environments_go_on(moved: Place) -> None:
    async with moved.opened("staging") as session:
        session.observer("production")
        await refused(session)
        assert session.environment("staging").cluster.liveness is Liveness.LIVE
        assert await session.pin("staging")


async def test_a_person_confirms_it_once_and_from_then_on_it_counts(moved: Place) -> None:
    async with moved.opened("staging", user="bilal") as session:
        session.observer("production")
        await refused(session)
        (refusal,) = session.environment("production").refusals
        session.accept_cluster(refusal)
        await until(session, lambda: session.environment("production").workloads)
        assert session.environment("production").refusals == ()
        assert await session.pin("production")
    accepted = [entry for entry in sightings(moved) if entry["kind"] == "cluster.accepted"]
    assert [(one["by"], one["data"]["identity"]) for one in accepted] == [("bilal", uid_of(moved, "uat"))]
    assert accepted[0]["data"]["before"] == uid_of(moved, "production")
    async with moved.opened("production") as session:
        assert await session.pin("production")
    lead(moved, "production", "production")
    async with moved.opened() as session:
        session.observer("production")
        await refused(session)


async def test_a_mended_kubeconfig_is_found_without_a_restart(
    moved: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "LONGEST_PAUSE", 0.2)
    async with moved.opened() as session:
        session.observer("production")
        await refused(session)
        lead(moved, "production", "production")
        await until(session, lambda: session.environment("production").workloads)
        assert await session.pin("production")
    assert [entry["kind"] for entry in sightings(moved)] == ["cluster.seen"]


async def test_a_shell_is_not_started_when_the_kubeconfig_leads_elsewhere_by_now(place: Place) -> None:
    """The console's own connection still goes to the old cluster; kubectl would go to the new one."""
    async with place.opened("production") as session:
        allow_deploy(session)
        await session.pin("production")
        lead(place, "production", "uat")
        with pytest.raises(OtherCluster):
            await session.run_action("script")
        await refused(session)
        assert session.state.action("script").run == 0


async def test_a_read_only_console_refuses_too_and_writes_nothing(moved: Place) -> None:
    before = (moved.state / "journal.jsonl").read_bytes()
    async with moved.opened(read_only=True) as session:
        session.observer("production")
        await refused(session)
        (refusal,) = session.environment("production").refusals
        with pytest.raises(ReadOnly, match="--accept-cluster production"):
            session.accept_cluster(refusal)
    async with moved.opened("production", read_only=True, accept_clusters=["production"]) as session:
        assert session.environment("production").workloads
    assert (moved.state / "journal.jsonl").read_bytes() == before


async def test_practice_never_asks(moved: Place) -> None:
    async with moved.opened("production", practice="healthy") as session:
        assert session.environment("production").workloads
        assert await session.pin("production")


async def run(place: Place, *words: str) -> tuple[int, str, str]:
    """The command line on the walk."""
    plan = place.folder / "walk.toml"
    plan.write_text(WALK, "utf-8")
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "releaseconsole", words[0], str(plan), *words[1:]),
        *("--kubeconfig", str(place.kubeconfig), "--state", str(place.state)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await child.communicate()
    return child.returncode or 0, out.decode(), err.decode()


async def test_a_rollback_from_the_command_line_is_refused_until_it_is_accepted(moved: Place) -> None:
    before = versions(moved, "uat")
    for more in (["--yes"], ["--dry-run"]):
        code, _, err = await run(moved, "rollback", "-e", "production", *more)
        assert code == 3
        assert "Context “production” pointed to another cluster before" in err
        assert "--accept-cluster production" in err
    assert versions(moved, "uat") == before
    code, _, err = await run(
        moved, "rollback", "-e", "production", "--yes", "--to", "previous", "--accept-cluster", "production"
    )
    assert code == 0, err
    assert versions(moved, "uat") != before
    assert [entry["kind"] for entry in sightings(moved)] == ["cluster.seen", "cluster.accepted"]


@pytest.mark.parametrize("words", [("status",), ("check", "--phase", "deploy")])
async def test_looking_from_the_command_line_is_refused_until_it_is_accepted(
    words: tuple[str, ...], moved: Place
) -> None:
    before = (moved.state / "journal.jsonl").read_bytes()
    code, _, err = await run(moved, *words)
    assert code == 3
    assert "pointed to another cluster before" in err
    code, out, err = await run(moved, *words, "--accept-cluster", "production")
    assert "pointed to another cluster" not in out + err
    assert (moved.state / "journal.jsonl").read_bytes() == before


async def test_accepting_a_context_that_the_plan_does_not_have_names_those_it_has(moved: Place) -> None:
    code, _, err = await run(moved, "status", "--accept-cluster", "prodution")
    assert code == 2
    assert "production, staging" in err
