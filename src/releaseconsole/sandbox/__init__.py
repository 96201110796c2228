"""The practice cluster: Kubernetes, Prometheus and the HealthPay release, in one process on loopback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from releaseconsole.sandbox.practice import Endpoints, Options, PracticeCluster, PracticeThread
    from releaseconsole.sandbox.scenario import SCENARIOS
    from releaseconsole.sandbox.workspace import make_workspace

__all__ = ["SCENARIOS", "Endpoints", "Options", "PracticeCluster", "PracticeThread", "make_workspace"]

_PLACES = {"SCENARIOS": "scenario", "make_workspace": "workspace"}


def __getattr__(name: str) -> Any:
    """Imports on first use: the headless commands never need the practice cluster."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_PLACES.get(name, 'practice')}"), name)
