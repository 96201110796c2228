"""Taking one reading of an objective."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from releaseconsole.errors import MetricsError
from releaseconsole.metrics.objective import Across, collapse
from releaseconsole.metrics.trigger import Reading

if TYPE_CHECKING:
    from releaseconsole.metrics.client import PrometheusClient


async def take_reading(
    client: PrometheusClient, query: str, *, now: float, traffic: str = "", across: Across | None = None
) -> Reading:
    """Ask for the objective and, when its value does not tell, for its traffic. Never raises MetricsError.

    ``now`` (seconds since the epoch) stands for the sample's time where there is no sample. An answer with
    warnings keeps its value, to be shown, and the warning as its problem, so that it cannot cause a breach.
    """
    try:
        answer = await client.instant(query)
        value, problem = collapse(answer.series, across)
        if answer.warnings and not problem:
            problem = f"Prometheus warns: {answer.warnings[0]}"
        at = max((series.at for series in answer.series), default=now)
        if problem or not traffic or (value is not None and math.isfinite(value)):
            return Reading(at=at, value=value, problem=problem)
        flowing, _ = collapse((await client.instant(traffic)).series, "sum")
    except MetricsError as error:
        return Reading(at=now, value=None, problem=error.message, provider_down=True)
    return Reading(at=at, value=value, traffic=flowing)
