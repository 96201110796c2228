"""The network is lost at each stage of a rollback: it waits, goes on when the network is back, and patches once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from bench import Bench
from control_plane import ControlPlane
from emergency import GOOD, NEXT, Door, Held, images, patches
from emergency_scene import ALL_AT_ONCE, KEYS, ONE_BY_ONE, Scene
from gate import Gate
from session_bench import is_live, opened, row, until

from releaseconsole.session import Session, walks


@pytest.fixture
def scene(bench: Bench, gate: Gate, tmp_path: Path) -> Scene:
    made = Scene(bench, gate, tmp_path)
    made.tell()
    return made


async def armed(session: Session) -> None:
    """Wait until the way back is known, so that nothing has to be read before the patches."""
    session.focus("real")
    await until(session, lambda: row(session).image == NEXT, "the next version is seen")
    await until(session, lambda: session.environment("real").armed.armed, "it is armed")


def messages(session: Session) -> list[str]:
    return [one.message for one in session.state.rollbacks[-1].workloads.values()]


def at(session: Session) -> set[str]:
    """Where the workloads of the rollback are."""
    rollbacks = session.state.rollbacks
    return {str(one.stage) for one in rollbacks[-1].workloads.values()} if rollbacks else set()


async def finished(rollback: asyncio.Task[Any]) -> Any:
    async with asyncio.timeout(90):
        return await rollback


async def test_a_network_that_is_away_when_the_key_is_pressed_is_waited_for(scene: Scene) -> None:
    await scene.set(ALL_AT_ONCE)
    door = Door(scene.gate)
    scene.gate.hooks.append(door)
    async with opened(scene.plan, scene.kubeconfig, scene.folder) as session:
        await armed(session)
        door.shut()
        await until(session, lambda: session.environment("real").cluster.error, "the loss is shown")
        rollback = asyncio.create_task(session.roll_back("real"))
        await until(session, lambda: at(session) and all(messages(session)), "it is said what they wait for")
        assert at(session) == {"planned"}
        assert images(scene.bench, *KEYS) == {NEXT}
        door.open()
        scene.is_back_by_one_patch_each(await finished(rollback))


async def test_a_network_that_stays_away_makes_it_red_with_the_reason_and_one_key_tries_it_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walks, "AWAY", 1.0)
    await scene.set(ALL_AT_ONCE)
    door = Door(scene.gate)
    scene.gate.hooks.append(door)
    async with opened(scene.plan, scene.kubeconfig, scene.folder) as session:
        await armed(session)
        door.shut()
        await until(session, lambda: session.environment("real").cluster.error, "the loss is shown")
        done = await finished(asyncio.create_task(session.roll_back("real")))
        assert (done.outcome, at(session)) == ("failed", {"failed"})
        assert all("127.0.0.1" in why for why in messages(session)), messages(session)
        assert images(scene.bench, *KEYS) == {NEXT}
        door.open()
        await until(session, lambda: is_live(session), "the network is back")
        session.retry_rollback("real")
        await until(session, lambda: session.state.rollbacks[-1].outcome == "complete", "it was tried again")
        scene.is_back_by_one_patch_each(session.state.rollbacks[-1])


@pytest.mark.parametrize("heard", [False, True], ids=["on-their-way", "carried-out-and-nobody-heard"])
async def test_a_network_that_is_lost_over_the_patches_delays_them(heard: bool, scene: Scene) -> None:
    await scene.set(ALL_AT_ONCE)
    door, held = Door(scene.gate), Held(scene.gate, after=heard)
    scene.gate.hooks += [held, door]
    async with opened(scene.plan, scene.kubeconfig, scene.folder) as session:
        await armed(session)
        rollback = asyncio.create_task(session.roll_back("real"))
        await scene.bench.until(
            lambda: len(patches(scene.gate)) == len(KEYS), "every patch has come to the gate"
        )
        if heard:
            await scene.bench.until(lambda: images(scene.bench, *KEYS) == {GOOD}, "all are carried out")
        door.shut()
        held.is_open.set()
        await until(session, lambda: session.environment("real").cluster.error, "the loss is shown")
        assert at(session) == {"planned"}
        door.open()
        scene.is_back_by_one_patch_each(await finished(rollback))


async def test_a_network_that_is_lost_while_pods_are_replaced_is_said_and_nothing_is_called_failed(
    scene: Scene, control_plane: ControlPlane
) -> None:
    await scene.set(ONE_BY_ONE)
    door = Door(scene.gate)
    scene.gate.hooks.append(door)
    async with opened(scene.plan, scene.kubeconfig, scene.folder) as session:
        with control_plane.without("kwok"):
            rollback = asyncio.create_task(session.roll_back("real"))
            await until(session, lambda: at(session) == {"observed"}, "old pods are being replaced")
            door.shut()
            await until(session, lambda: not is_live(session), "what is shown is stale")
            await until(session, lambda: all(messages(session)), "it is said at each workload")
            assert at(session) == {"observed"}
            assert not rollback.done()
        door.open()
        await until(session, lambda: not any(messages(session)), "it is seen again")
        scene.is_back_by_one_patch_each(await finished(rollback))
