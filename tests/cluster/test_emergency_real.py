"""The emergency rollback against a hostile world: clusters away, rivals, owners, full disks and hooks that hang."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from bench import Bench
from control_plane import ADMIN, ControlPlane
from emergency import (
    BACK,
    BAD,
    GOOD,
    NEXT,
    Door,
    generations,
    gone_bad,
    images,
    plan_of,
    plan_text,
    program,
    stages,
)
from gate import Gate
from session_bench import opened, row, until

from releaseconsole.errors import JournalBusy
from releaseconsole.record.model import Stage
from releaseconsole.session import Session, open_session

NAMES = ("shop", "desk", "till")
KEYS = tuple(f"deployment/{name}" for name in NAMES)


async def released(bench: Bench, names: tuple[str, ...] = NAMES) -> None:
    for name in names:
        bench.deploy(name, replicas=1)
    for name in names:
        await bench.settled("deployment", name)


@pytest.fixture
def third(bench: Bench) -> Iterator[Bench]:
    """A third namespace, on the far side of the gate."""
    made = Bench(bench.plane, f"{bench.namespace}-far", bench.kubeconfig, bench.folder)
    made.open()
    yield made
    made.close()


def merged(plane: ControlPlane, gate: Gate, folder: Path) -> Path:
    """Three contexts of the same server, to the last of which the way leads through the gate."""
    token = {"token": plane.tokens[ADMIN]}
    near = yaml.safe_load(plane.kubeconfig(folder / "near", {"one": token, "two": token}).read_text())
    far = yaml.safe_load(plane.kubeconfig(folder / "far", {"three": token}, gate.server).read_text())
    far["clusters"][0]["name"] = far["contexts"][0]["context"]["cluster"] = "far"
    for part in ("clusters", "users", "contexts"):
        near[part] += far[part]
    (folder / "three").write_text(yaml.safe_dump(near))
    return folder / "three"


async def test_of_thirty_workloads_the_reachable_come_back_and_the_others_when_their_cluster_answers(
    bench: Bench, twin: Bench, third: Bench, gate: Gate, control_plane: ControlPlane, tmp_path: Path
) -> None:
    names = tuple(f"service-{number}" for number in range(10))
    keys = tuple(f"deployment/{name}" for name in names)
    every = (bench, twin, third)
    for one in every:
        await released(one, names)
    targets = list(zip(("one", "two", "three"), (one.namespace for one in every), strict=True))
    path, door = merged(control_plane, gate, tmp_path), Door(gate)
    gate.hooks.append(door)
    async with opened(plan_of(targets, keys), path, tmp_path) as session:
        await session.pin("real")
        for one in every:
            for key in keys:
                one.set_image(*key.split("/"), BAD)
        before = [generations(one, *keys) for one in every]
        door.shut()
        async with asyncio.timeout(150):
            done = await session.roll_back("real")
        assert done.outcome == "failed"
        red = {key: one.message for key, one in done.workloads.items() if one.stage is Stage.FAILED}
        assert sorted(red) == sorted(f"three/{third.namespace}/{key}" for key in keys)
        assert all("cannot be reached" in why or "broke" in why or "answer" in why for why in red.values()), (
            red
        )
        assert {one.stage for key, one in done.workloads.items() if key not in red} <= BACK
        assert (images(bench, *keys), images(twin, *keys), images(third, *keys)) == ({GOOD}, {GOOD}, {BAD})
        door.open()
        await until(
            session, lambda: session.environment("real").cluster.liveness == "live", "the gate is open"
        )
        session.retry_rollback("real")
        await until(
            session,
            lambda: len(session.state.rollbacks) == 2 and session.state.rollbacks[-1].outcome,
            "it was tried again",
            60,
        )
        again = session.state.rollbacks[-1]
        assert (again.outcome, set(again.workloads)) == ("complete", set(red))
        assert images(third, *keys) == {GOOD}
        after = [generations(one, *keys) for one in every]
        assert after == [{key: of + 1 for key, of in one.items()} for one in before]


async def test_two_consoles_whose_keys_are_pressed_at_once_patch_each_workload_once(
    bench: Bench, kubeconfig: Path, tmp_path: Path
) -> None:
    await released(bench)
    plan = plan_of([(ADMIN, bench.namespace)], KEYS)
    async with (
        opened(plan, kubeconfig, tmp_path / "one", state=tmp_path / "one") as one,
        opened(plan, kubeconfig, tmp_path / "two", state=tmp_path / "two") as two,
    ):
        await two.pin("real")
        before = await gone_bad(bench, one, KEYS)
        for session in (one, two):
            await until(session, lambda session=session: row(session).image == BAD, "it is seen")
        async with asyncio.timeout(90):
            both = await asyncio.gather(one.roll_back("real"), two.roll_back("real"))
    for done in both:
        assert (done.outcome, stages(done) <= {*BACK, Stage.SKIPPED}) == ("complete", True)
    assert images(bench, *KEYS) == {GOOD}
    assert generations(bench, *KEYS) == {key: of + 1 for key, of in before.items()}


async def test_a_second_console_on_the_same_journal_can_only_look_and_shows_the_rollback(
    bench: Bench, kubeconfig: Path, tmp_path: Path
) -> None:
    await released(bench)
    plan = plan_of([(ADMIN, bench.namespace)], KEYS)
    async with opened(plan, kubeconfig, tmp_path) as first:
        await gone_bad(bench, first, KEYS)
        with pytest.raises(JournalBusy):
            open_session(plan, kubeconfig=kubeconfig, state=tmp_path / "state", folder=tmp_path)
        async with opened(plan, kubeconfig, tmp_path, read_only=True) as second:
            async with asyncio.timeout(60):
                done = await first.roll_back("real")
            await until(
                second, lambda: second.state.rollbacks and second.state.rollbacks[-1].outcome, "shown"
            )
            assert second.state.rollbacks[-1] == done
            assert second.state.locks["real"].reason == first.state.locks["real"].reason


async def test_the_command_in_another_terminal_joins_what_a_console_is_bringing_back(
    bench: Bench, kubeconfig: Path, control_plane: ControlPlane, tmp_path: Path
) -> None:
    await released(bench)
    places = [(ADMIN, bench.namespace)]
    (tmp_path / "plan.toml").write_text(plan_text(places, KEYS), "utf-8")
    async with opened(plan_of(places, KEYS), kubeconfig, tmp_path) as session:
        before = await gone_bad(bench, session, KEYS, NEXT)
        for name in NAMES:
            await bench.settled("deployment", name)
        with control_plane.without("kwok"):
            rollback = asyncio.create_task(session.roll_back("real"))
            await until(
                session,
                lambda: session.state.rollbacks and session.state.rollbacks[-1].patched,
                "the console has patched everything, and no pod becomes ready",
            )
            async with program(tmp_path / "plan.toml", kubeconfig, tmp_path / "state") as other:
                await other.says("Joining the rollback real-1, which has not ended")
                control_plane.start_program("kwok")
                ended = await other.ended()
        async with asyncio.timeout(60):
            done = await rollback
    assert (ended.code, done.outcome) == (0, "complete"), ended
    assert "The journal cannot be written" in ended.err
    assert images(bench, *KEYS) == {GOOD}
    assert generations(bench, *KEYS) == {key: of + 1 for key, of in before.items()}


OWNERS = {
    "argo cd": (
        {"annotations": {"argocd.argoproj.io/tracking-id": "shop-app:apps/Deployment:x/shop"}},
        "argocd app set shop-app --sync-policy none",
    ),
    "flux": (
        {
            "labels": {
                "kustomize.toolkit.fluxcd.io/name": "apps",
                "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
            }
        },
        "flux suspend kustomization apps -n flux-system",
    ),
}


def reverts(session: Session) -> list[str]:
    """Keys of the workloads whose rollback was undone, as often as that was journalled."""
    return [entry.data["key"] for entry in session.ledger.entries if entry.kind == "rollback.reverted"]


@pytest.mark.parametrize("owner", OWNERS)
async def test_an_owner_who_brings_the_bad_version_again_raises_one_alarm_each_time(
    owner: str, bench: Bench, kubeconfig: Path, tmp_path: Path
) -> None:
    marks, remedy = OWNERS[owner]
    await released(bench)
    bench.patch("deployment", "shop", {"metadata": marks})
    async with opened(plan_of([(ADMIN, bench.namespace)], KEYS), kubeconfig, tmp_path) as session:
        await gone_bad(bench, session, KEYS)
        async with asyncio.timeout(60):
            done = await session.roll_back("real")
        assert done.outcome == "complete"
        session.take_notices()
        bench.set_image("deployment", "shop", BAD)
        key = f"{ADMIN}/{bench.namespace}/deployment/shop"
        await until(session, lambda: session.state.rollbacks[-1].workloads[key].reverted, "it is noticed")
        assert remedy in session.state.rollbacks[-1].workloads[key].reverted
        (alarm,) = [one for one in session.take_notices() if "was undone" in one.text]
        assert alarm.severity == "error"
        assert remedy in alarm.text
        bench.patch("deployment", "shop", {"spec": {"replicas": 2}})
        await until(session, lambda: row(session).desired == 2, "another change of it is seen")
        assert reverts(session) == [key]
        bench.set_image("deployment", "shop", GOOD)
        await until(session, lambda: row(session).image == GOOD, "it is good again")
        # When the guard has found this one, it has seen the good version of the other.
        bench.set_image("deployment", "till", BAD)
        till = f"{ADMIN}/{bench.namespace}/deployment/till"
        await until(session, lambda: reverts(session) == [key, till], "another workload's revert")
        bench.set_image("deployment", "shop", BAD)
        await until(session, lambda: reverts(session) == [key, till, key], "the next is an alarm of its own")
    async with opened(plan_of([(ADMIN, bench.namespace)], KEYS), kubeconfig, tmp_path) as session:
        session.focus("real")
        await until(session, lambda: row(session).image == BAD, "a console that was started since sees it")
        bench.set_image("deployment", "desk", BAD)
        desk = f"{ADMIN}/{bench.namespace}/deployment/desk"
        await until(session, lambda: reverts(session) == [key, till, key, desk], "only what is new is told")


async def test_a_journal_on_a_full_disk_is_said_loudly_and_stops_nothing(
    bench: Bench, kubeconfig: Path, tmp_path: Path
) -> None:
    await released(bench)
    plan, file, state = plan_of([(ADMIN, bench.namespace)], KEYS), tmp_path / "plan.toml", tmp_path / "state"
    file.write_text(plan_text([(ADMIN, bench.namespace)], KEYS), "utf-8")
    async with opened(plan, kubeconfig, tmp_path, state=state) as session:
        before = await gone_bad(bench, session, KEYS)
    # A block, as `ulimit` counts, beyond what is there: enough for the start of the program, and no more.
    blocks = (state / "journal.jsonl").stat().st_size // 512 + 1
    async with program(file, kubeconfig, state, "--json", limit=blocks) as running:
        ended = await running.ended()
    assert ended.code == 0, ended
    assert "The journal cannot be written" in ended.err
    assert "ulimit -f" in ended.err
    said = json.loads(ended.out)
    assert said["outcome"] == "complete"
    assert images(bench, *KEYS) == {GOOD}
    assert generations(bench, *KEYS) == {key: of + 1 for key, of in before.items()}
    assert open_session(plan, kubeconfig=kubeconfig, state=state, folder=tmp_path).state.pins
