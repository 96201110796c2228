"""Whoever rolls back is killed at each stage: started again it goes on, and nothing is patched twice."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from bench import Bench
from control_plane import ControlPlane
from emergency import GOOD, NEXT, Held, images
from emergency_scene import ALL_AT_ONCE, KEYS, ONE_BY_ONE, Scene, at_stage, killed
from gate import Gate

WAYS = [
    pytest.param("command", signal.SIGKILL, "command", id="command-killed-command-again"),
    pytest.param("command", signal.SIGHUP, "key", id="command-hung-up-a-key-again"),
    pytest.param("console", signal.SIGKILL, "key", id="console-killed-a-key-again"),
    pytest.param("console", signal.SIGHUP, "command", id="console-hung-up-command-again"),
]
"""Who dies, of what, and who goes on."""


@pytest.fixture
def scene(bench: Bench, gate: Gate, tmp_path: Path) -> Scene:
    return Scene(bench, gate, tmp_path)


@pytest.mark.parametrize(("who", "how", "by"), WAYS)
async def test_killed_before_any_patch_has_left(who: str, how: signal.Signals, by: str, scene: Scene) -> None:
    await scene.set(ALL_AT_ONCE)
    held = Held(scene.gate)
    scene.gate.hooks.append(held)
    async with scene.fired(who) as run:
        await held.came.wait()
        await killed(run, how)
    held.is_open.set()
    assert images(scene.bench, *KEYS) == {NEXT}
    await scene.goes_on(by, {"planned"})


@pytest.mark.parametrize(("who", "how", "by"), WAYS)
async def test_killed_when_the_patches_were_carried_out_and_nobody_had_heard(
    who: str, how: signal.Signals, by: str, scene: Scene
) -> None:
    await scene.set(ALL_AT_ONCE)
    held = Held(scene.gate, after=True)
    scene.gate.hooks.append(held)
    async with scene.fired(who) as run:
        await scene.bench.until(lambda: images(scene.bench, *KEYS) == {GOOD}, "all are patched")
        await killed(run, how)
    held.is_open.set()
    await scene.goes_on(by, {"planned"})


@pytest.mark.parametrize(("who", "how", "by"), WAYS)
async def test_killed_when_everything_is_patched_and_no_controller_has_seen_it(
    who: str, how: signal.Signals, by: str, scene: Scene, control_plane: ControlPlane
) -> None:
    await scene.set(ALL_AT_ONCE)
    with control_plane.without("kube-controller-manager"):
        async with scene.fired(who) as run:
            await at_stage(scene.bench, run, "patched")
            await killed(run, how)
    await scene.goes_on(by, {"patched"})


@pytest.mark.parametrize(("who", "how", "by"), WAYS)
async def test_killed_while_old_pods_are_being_replaced(
    who: str, how: signal.Signals, by: str, scene: Scene, control_plane: ControlPlane
) -> None:
    await scene.set(ONE_BY_ONE)
    # Nobody makes a new pod ready: the controller keeps the old ones.
    with control_plane.without("kwok"):
        async with scene.fired(who) as run:
            await at_stage(scene.bench, run, "observed")
            await killed(run, how)
    await scene.goes_on(by, {"observed"})


@pytest.mark.parametrize(("who", "how", "by"), WAYS)
async def test_killed_while_new_pods_are_not_available_yet(
    who: str, how: signal.Signals, by: str, scene: Scene, control_plane: ControlPlane
) -> None:
    await scene.set(ALL_AT_ONCE)
    with control_plane.without("kwok"):
        async with scene.fired(who) as run:
            await at_stage(scene.bench, run, "replaced")
            await killed(run, how)
    await scene.goes_on(by, {"replaced"})


@pytest.mark.parametrize(("who", "how", "by"), WAYS)
async def test_killed_when_everything_is_back_and_a_hook_still_runs(
    who: str, how: signal.Signals, by: str, scene: Scene
) -> None:
    await scene.set(ALL_AT_ONCE)
    async with scene.fired(who) as run:
        await at_stage(scene.bench, run, "available", "recovered")
        await killed(run, how)
    await scene.goes_on(by, {"available", "recovered"})
