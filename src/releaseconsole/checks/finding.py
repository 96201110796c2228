"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["passed", "failed", "unknown"]


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one verification and its evidence, in one line."""

    status: Status
    reason: str


def passed(reason: str) -> Finding:
    return Finding("passed", reason)


def failed(reason: str) -> Finding:
    return Finding("failed", reason)


def unknown(reason: str) -> Finding:
    return Finding("unknown", reason)
