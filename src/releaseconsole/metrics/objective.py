"""From the series of an answer to the one number of an objective."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from releaseconsole.metrics.client import Series

Across = Literal["max", "min", "sum", "avg"]


def collapse(series: Sequence[Series], across: Across | None) -> tuple[float | None, str]:
    """The value and "", or None and why there is none; (None, "") for an empty answer.

    More than one series without ``across`` is a problem: to take the first or the last would be a guess.
    NaN in any series is NaN for the whole: a quiet pod must not lower a maximum nor hide in an average.
    """
    if len(series) > 1 and across is None:
        return None, f"the query gave {len(series)} series, not one: aggregate in the query, or set across"
    values = [one.value for one in series]
    if not values:
        return None, ""
    if any(math.isnan(value) for value in values):
        return math.nan, ""
    if across == "max":
        return max(values), ""
    if across == "min":
        return min(values), ""
    return (sum(values) / len(values) if across == "avg" else sum(values)), ""
