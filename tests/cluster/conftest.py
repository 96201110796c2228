"""The control plane of these tests: one for the whole run, and a namespace for each test.

With pytest-xdist all of them run in one worker (``--dist loadgroup``), because some kill the API server.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import binaries
import planes
import pytest
from bench import Bench
from control_plane import ADMIN, USERS, ControlPlane
from gate import Gate

from releaseconsole.cluster.connect import Client, connect

_HERE = Path(__file__).parent
# Some tests need a Prometheus beside the control plane. Without packages, modules are found by their names alone.
sys.path.append(str(_HERE.parent / "metrics"))

import prom_programs  # noqa: E402
from prom_server import Keeper  # noqa: E402

_numbers = itertools.count(1)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ours = [item for item in items if _HERE in item.path.parents]
    argo = [item for item in ours if "argo" in getattr(item, "fixturenames", ())]
    planes.mark([item for item in ours if item not in argo], binaries.missing() if ours else ())
    planes.mark(argo, binaries.missing(binaries.EVERYTHING) if argo else ())
    measured = [item for item in ours if "keeper" in getattr(item, "fixturenames", ())]
    if measured and prom_programs.missing() and not planes.must_run():
        for item in measured:
            item.add_marker(pytest.mark.skip(reason=f"no Prometheus here: run `{prom_programs.HOW}`"))


@pytest.fixture(scope="session")
def keeper() -> Iterator[Keeper]:
    """Starts Prometheus, and ends every one of the run."""
    made = Keeper()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="session")
def control_plane(request: pytest.FixtureRequest) -> Iterator[ControlPlane]:
    """A control plane for the whole run."""
    with planes.shared(request.config) as plane:
        yield plane


@pytest.fixture
def kubeconfig(control_plane: ControlPlane, tmp_path: Path) -> Path:
    """A kubeconfig with a context for each user."""
    users = {user: {"token": control_plane.tokens[user]} for user in USERS}
    return control_plane.kubeconfig(tmp_path / "kubeconfig", users)


@pytest.fixture
def bench(control_plane: ControlPlane, kubeconfig: Path, tmp_path: Path) -> Iterator[Bench]:
    """A fresh namespace, and hands to work in it."""
    with _bench(control_plane, kubeconfig, tmp_path) as made:
        yield made


@pytest.fixture
def twin(control_plane: ControlPlane, kubeconfig: Path, tmp_path: Path) -> Iterator[Bench]:
    """A second namespace, to do the same in with kubectl."""
    with _bench(control_plane, kubeconfig, tmp_path) as made:
        yield made


@contextmanager
def _bench(plane: ControlPlane, kubeconfig: Path, folder: Path) -> Iterator[Bench]:
    made = Bench(plane, f"test-{next(_numbers)}", kubeconfig, folder)
    made.open()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
async def client(kubeconfig: Path) -> AsyncIterator[Client]:
    """The console's own connection, as administrator."""
    async with await connect(ADMIN, kubeconfig=kubeconfig) as connected:
        yield connected


@pytest.fixture
async def gate(control_plane: ControlPlane) -> AsyncIterator[Gate]:
    """A proxy that can be told to behave badly."""
    async with Gate(control_plane) as opened:
        yield opened


@pytest.fixture
async def gated(gate: Gate, control_plane: ControlPlane, tmp_path: Path) -> AsyncIterator[Client]:
    """A connection that goes through the gate."""
    user = {ADMIN: {"token": control_plane.tokens[ADMIN]}}
    path = control_plane.kubeconfig(tmp_path / "gated", user, gate.server)
    async with await connect(ADMIN, kubeconfig=path) as connected:
        yield connected
