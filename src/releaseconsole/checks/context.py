"""What a check needs from whoever runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from releaseconsole.outside.context import OutsideContext
from releaseconsole.outside.world import Armed, Metric
from releaseconsole.record.watches import Standing

if TYPE_CHECKING:
    from releaseconsole.metrics.client import PrometheusClient


class CheckContext(OutsideContext, Protocol):
    """The session's side of a check."""

    def metrics(self, environment: str) -> PrometheusClient | None:
        """The environment's Prometheus; None when the plan names none."""
        ...

    def all_metrics(self, environment: str) -> tuple[PrometheusClient, ...]:
        """Every Prometheus that the plan names for the environment, its own first."""
        ...

    def armed(self, environment: str) -> Armed: ...

    def metric(self, environment: str, objective: str) -> Metric | None:
        """The objective as last judged; None when it is not watched there."""
        ...

    def watched(self, environment: str) -> Standing | None:
        """The newest observation window; None when none was begun."""
        ...
