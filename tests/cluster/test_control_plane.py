"""The control plane itself: built once, and gone without a trace however the tests end."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import binaries
import psutil
import pytest
from control_plane import ControlPlane

_OWNER = """
import sys, time
sys.path.insert(0, sys.argv[1])
import binaries
from control_plane import ControlPlane
plane = ControlPlane(binaries.find())
plane.start_program("etcd")
print(plane.folder, flush=True)
time.sleep(60)
"""


def test_what_is_built_is_not_built_again(
    control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    binaries.build()
    assert binaries.missing() == []


def test_the_server_says_which_version_it_is(control_plane: ControlPlane) -> None:
    assert control_plane.api.get("/version").json()["gitVersion"] == binaries.KUBERNETES


def test_nothing_is_left_when_the_test_run_is_killed() -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", _OWNER, str(Path(__file__).parent)], stdout=subprocess.PIPE, text=True
    )
    with owner:
        assert owner.stdout is not None
        folder = Path(owner.stdout.readline().strip())
        started = [one for one in psutil.Process(owner.pid).children(recursive=True) if one.is_running()]
        assert any("etcd" in one.name() for one in started)
        owner.kill()
    _wait_until(lambda: not folder.exists() and not any(_alive(one) for one in started))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends the children of a killed process")
def test_the_processes_end_even_when_their_guardian_is_killed() -> None:
    plane = ControlPlane(binaries.find())
    try:
        plane.start_program("etcd")
        guardian = psutil.Process(plane.guardian)
        started = guardian.children(recursive=True)
        guardian.kill()
        _wait_until(lambda: not any(_alive(one) for one in started))
    finally:
        plane.close()
    assert not plane.folder.exists()


def _wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end, "not within 20 s"
        time.sleep(0.05)


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
