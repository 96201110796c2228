"""From the series of an answer to the one number of an objective."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from releaseconsole.metrics.client import Series

Across = Literal["max", "min", "sum", "avg", "each"]


def collapse(series: Sequence[Series], across: Across | None) -> tuple[float | None, str]:
    """The value and "", or None and why there is none; (None, "") for an empty answer.

    More than one series without ``across`` is a problem: to take the first or the last would be a guess.
    As in PromQL, NaN in one series is NaN for a sum or an average, while a maximum or a minimum is that of the
    others: a pod that nobody asks anything has no latency, and must not hide the slow one beside it.
    """
    if len(series) > 1 and across is None:
        return None, f"the query gave {len(series)} series, not one: aggregate in the query, or set across"
    values = [one.value for one in series]
    if not values:
        return None, ""
    if across in ("max", "min"):
        numbers = [value for value in values if not math.isnan(value)]
        return (max if across == "max" else min)(numbers, default=math.nan), ""
    return (sum(values) / len(values) if across == "avg" else sum(values)), ""
