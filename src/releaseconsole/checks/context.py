"""What a check needs from whoever runs it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from releaseconsole.clock import Clock
from releaseconsole.outside.world import Armed, EnvironmentData, Metric
from releaseconsole.plan.model import Target

if TYPE_CHECKING:
    import httpx

    from releaseconsole.cluster.connect import Client
    from releaseconsole.metrics.client import PrometheusClient


class CheckContext(Protocol):
    """The session's side of a check. No method may block; those that reach out are coroutines."""

    @property
    def clock(self) -> Clock: ...

    @property
    def folder(self) -> Path:
        """Where shell checks run: the plan's folder."""
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

    def metrics(self, environment: str) -> PrometheusClient | None:
        """The environment's Prometheus; None when the plan names none."""
        ...

    def values(self, environment: str | None) -> Mapping[str, str]:
        """What ``$variables`` stand for (in the environment's first target)."""
        ...

    def armed(self, environment: str) -> Armed: ...

    def metric(self, environment: str, objective: str) -> Metric | None:
        """The objective as last judged; None when it is not watched there."""
        ...
