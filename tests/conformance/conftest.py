"""The real control plane for the table: the one of ``tests/cluster``, with its group and its way to be skipped."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

_HERE = Path(__file__).parent
# Without packages, the modules of a folder of tests are found by their names alone.
sys.path.insert(0, str(_HERE.parent / "cluster"))

import binaries  # noqa: E402
import planes  # noqa: E402
from control_plane import ControlPlane  # noqa: E402


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ours = [item for item in items if _HERE in item.path.parents]
    real = [item for item in ours if "control_plane" in getattr(item, "fixturenames", ())]
    planes.mark(real, binaries.missing() if real else ())
    for item in ours:
        if item not in real:
            item.add_marker(pytest.mark.xdist_group("practice-conformance"))


@pytest.fixture(scope="session")
def control_plane(request: pytest.FixtureRequest) -> Iterator[ControlPlane]:
    """The control plane of the whole run."""
    with planes.shared(request.config) as plane:
        yield plane
