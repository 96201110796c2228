"""What checks and actions alike need from whoever runs them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from releaseconsole.clock import Clock
from releaseconsole.outside.world import EnvironmentData
from releaseconsole.plan.model import Target

if TYPE_CHECKING:
    import httpx

    from releaseconsole.cluster.connect import Client


class OutsideContext(Protocol):
    """The session's side. No method may block; those that reach out are coroutines."""

    @property
    def clock(self) -> Clock: ...

    @property
    def folder(self) -> Path:
        """Where commands run and manifests are found: the plan's folder."""
        ...

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment variables that child processes start from."""
        ...

    @property
    def kubeconfig(self) -> Path | None:
        """The kubeconfig that was asked for; None for ``$KUBECONFIG`` and its default."""
        ...

    @property
    def http(self) -> httpx.AsyncClient:
        """One client for all requests; it must neither follow redirects by itself nor hold credentials."""
        ...

    def environment(self, environment: str) -> EnvironmentData:
        """What is known of the environment now. Raises ReleaseConsoleError for an unknown one."""
        ...

    async def client(self, target: Target) -> Client:
        """The API server of a target. Raises ClusterError."""
        ...

    def values(self, environment: str | None) -> Mapping[str, str]:
        """What ``$variables`` stand for (in the environment's first target)."""
        ...
