"""Units of measured values, and how one becomes another: ``0.5 s`` is ``500 ms``, and never ``500 MB``.

A unit that is not known here can be used all the same; it converts to nothing but itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_KNOWN: Mapping[str, Mapping[str, float]] = {
    "time": {
        "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "sec": 1.0, "seconds": 1.0,
        "min": 60.0, "h": 3600.0, "d": 86400.0,
    },
    "share": {"ratio": 1.0, "%": 1e-2, "‰": 1e-3, "ppm": 1e-6},
    "size": {
        "B": 1.0, "bytes": 1.0, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
        "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30, "TiB": 2.0**40,
    },
    "cpu": {"cores": 1.0, "core": 1.0, "m": 1e-3, "millicores": 1e-3},
}  # fmt: skip
_SPANS: Mapping[str, float] = {"s": 1.0, "sec": 1.0, "second": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_RATES: Mapping[str, str] = {"rps": "requests/s", "req/s": "requests/s", "Hz": "/s"}


@dataclass(frozen=True, slots=True)
class _Unit:
    """What is measured, and the factor to that measure's base."""

    dimension: str
    factor: float
    things: str = ""
    """What a rate counts; "" when the unit does not say."""


def convert(value: float, given: str, wanted: str) -> float | None:
    """``value`` in the unit ``wanted``; None when ``given`` measures something else."""
    given, wanted = given.strip(), wanted.strip()
    if given == wanted:
        return value
    here, there = _read(given), _read(wanted)
    if here is None or there is None or here.dimension != there.dimension:
        return None
    if here.things and there.things and here.things != there.things:
        return None
    exact = value * here.factor / there.factor
    return float(f"{exact:.12g}")


def _read(unit: str) -> _Unit | None:
    for dimension, units in _KNOWN.items():
        if unit in units:
            return _Unit(dimension, units[unit])
    things, slash, span = _RATES.get(unit, unit).rpartition("/")
    if slash and span in _SPANS:
        return _Unit("rate", 1.0 / _SPANS[span], things.strip())
    return None
