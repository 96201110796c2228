"""The practice cluster: Kubernetes, Prometheus and the HealthPay release, in one process on loopback.

The rooms, from the bottom up: ``store`` (the objects) · ``patches`` (documents that change them) and
``tables`` (how kubectl sees them) · ``release`` (what the practised release does) · ``api``,
``controllers`` and ``prometheus``, none of which knows another. Above them ``world`` puts one context
together, ``seed`` fills it, and ``practice`` runs three of them. ``scenario`` says what can be practised;
``workspace`` and its ``standins`` make a folder to practise in.

Others import from here, or from ``practice``, ``scenario`` and ``workspace``; the rooms are the practice
cluster's own.
"""

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
