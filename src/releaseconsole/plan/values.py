"""The small values that a plan is written in: bounds, time spans, ids, names of workloads, requests.

Each is text in the file, checked and turned into something to compute with. Every pattern is bounded, since
the text may come from anywhere.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from releaseconsole.plan.units import convert

Comparison = Literal["<", "<=", ">", ">="]

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_BOUND = re.compile(
    r"\s*(<=|>=|<|>)\s*([0-9][0-9,_]{0,30}(?:\.[0-9]{1,30})?)\s*([^\s0-9,._<>=-][^\s<>=]{0,29})?\s*"
)
_DURATION = re.compile(
    r"(?:([0-9]{1,6})d)?(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,9}(?:\.[0-9]{1,9})?)s)?"
)
_WORKLOAD = r"(deployment|statefulset|daemonset|rollout)/[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?"
_REQUEST = r"(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (https?://|\$)\S+"
LONGEST_SPAN = 366 * 86400.0
"""Seconds; no release waits longer, and no clock has to count further."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A comparison with a number, such as ``< 0.1`` or ``< 50 ms``."""

    comparison: Comparison
    value: float
    unit: str = ""
    """As it was written; "" means the unit of what is compared."""

    def holds(self, value: float) -> bool:
        """Whether ``value`` satisfies the bound; NaN never does."""
        return _COMPARE[self.comparison](value, self.value)

    def within(self, unit: str) -> Bound:
        """The same bound for values in ``unit``. Raises ValueError when it measures something else."""
        if not self.unit:
            return self
        value = convert(self.value, self.unit, unit)
        if value is None:
            what = (
                f"the unit {unit}, or one that converts to it" if unit else "no unit, as the value has none"
            )
            raise ValueError(f"expected {what}; {self.unit} measures something else")
        return Bound(self.comparison, value)

    def __str__(self) -> str:
        shown = f"{self.comparison} {self.value:,.12g}"
        return f"{shown} {self.unit}" if self.unit else shown


def parse_bound(raw: object) -> object:
    """``"< 8,500"`` to :class:`Bound`. Raises ValueError with what was expected."""
    if isinstance(raw, Bound):
        return raw
    match = _BOUND.fullmatch(raw) if isinstance(raw, str) else None
    if match is None:
        raise ValueError('expected a comparison and a number, such as "< 0.1", ">= 8500" or "< 50 ms"')
    comparison, digits, unit = match.groups()
    value = float(digits.replace(",", "").replace("_", ""))
    return Bound(comparison, value, unit or "")  # type: ignore[arg-type]


def parse_duration(raw: object) -> object:
    """``"1m30s"`` to seconds. Raises ValueError with what was expected."""
    if isinstance(raw, int | float) and not isinstance(raw, bool) and 0 < raw <= LONGEST_SPAN:
        return float(raw)
    match = _DURATION.fullmatch(raw.strip()) if isinstance(raw, str) and raw.strip() else None
    if match is None:
        raise ValueError('expected a time span such as "30s", "1m30s" or "24h", of at most 366 days')
    days, hours, minutes, seconds = (float(part) if part else 0.0 for part in match.groups())
    return days * 86400 + hours * 3600 + minutes * 60 + seconds


BoundField = Annotated[
    Bound,
    BeforeValidator(parse_bound),
    WithJsonSchema(
        {"type": "string", "pattern": rf"^{_BOUND.pattern}$", "examples": ["< 0.1", ">= 8500", "< 50 ms"]}
    ),
]
Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    Field(gt=0, le=LONGEST_SPAN),
    WithJsonSchema(
        {
            "anyOf": [
                {
                    "type": "string",
                    "pattern": rf"^(?=\s*\S)\s*{_DURATION.pattern}\s*$",
                    "examples": ["30s", "1m30s", "24h"],
                },
                {"type": "number", "exclusiveMinimum": 0, "maximum": LONGEST_SPAN},
            ]
        }
    ),
]
Identifier = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=80)]
Line = Annotated[str, Field(min_length=1, max_length=300)]


SecretPlace = Annotated[str, Field(pattern=r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:\S.*)$", max_length=1000)]
"""Where a secret is: ``env:NAME`` or ``file:path``."""


_NEVER_BACK = (
    "job",
    "cronjob",
    "pod",
    "replicaset",
    "replicationcontroller",
    "service",
    "configmap",
    "secret",
)
_SHORT = {"deploy": "deployment", "deployments": "deployment", "sts": "statefulset", "ds": "daemonset"}


def _workload(raw: str) -> str:
    kind, slash, name = raw.partition("/")
    if slash and kind.lower() in _NEVER_BACK:
        raise ValueError(
            f"expected a kind that can be rolled back (deployment, statefulset, daemonset, rollout); a {kind} cannot"
        )
    full = f"{_SHORT.get(kind, '')}/{name}"
    if re.fullmatch(_WORKLOAD, full):
        raise ValueError(f'expected the kind in full: "{full}"')
    if not re.fullmatch(_WORKLOAD, raw):
        raise ValueError('expected a kind and a name, such as "deployment/api-gateway"')
    return raw


def _request(raw: str) -> str:
    if not re.fullmatch(_REQUEST, raw):
        raise ValueError('expected a verb and an address, such as "GET $api/health"')
    return raw


WorkloadName = Annotated[
    str, AfterValidator(_workload), WithJsonSchema({"type": "string", "pattern": f"^{_WORKLOAD}$"})
]
HttpRequest = Annotated[
    str, AfterValidator(_request), WithJsonSchema({"type": "string", "pattern": f"^{_REQUEST}$"})
]
Count = Annotated[int, Field(strict=True, ge=1, le=100)]
Code = Annotated[int, Field(strict=True, ge=0, le=599)]
