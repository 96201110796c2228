"""A number that somebody has measured, held against the target of its item. Pure."""

from __future__ import annotations

from releaseconsole.errors import GateClosed
from releaseconsole.plan.model import Bound


def require_target(target: Bound | None, value: str, unit: str) -> None:
    """Raises GateClosed for a value that is no number or misses the target; an empty one says nothing."""
    if target is None or not value.strip():
        return
    try:
        number = float(value.strip().removesuffix(unit).replace(",", "").strip() or "nan")
    except ValueError:
        raise GateClosed(
            f"“{value}” is not a number.", f"Give the measured value, wanted {target} {unit}."
        ) from None
    if not target.holds(number):
        raise GateClosed(
            f"{number:g} {unit} misses the target {target} {unit}.",
            "Override the item with a reason, or defer it.",
        )
