"""What a check needs from whoever runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from releaseconsole.outside.context import OutsideContext
from releaseconsole.outside.world import Armed, Metric

if TYPE_CHECKING:
    from releaseconsole.metrics.client import PrometheusClient


class CheckContext(OutsideContext, Protocol):
    """The session's side of a check."""

    def metrics(self, environment: str) -> PrometheusClient | None:
        """The environment's Prometheus; None when the plan names none."""
        ...

    def armed(self, environment: str) -> Armed: ...

    def metric(self, environment: str, objective: str) -> Metric | None:
        """The objective as last judged; None when it is not watched there."""
        ...
