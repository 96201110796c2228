"""How an action ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Emit = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an action ended, in one line."""

    status: Literal["succeeded", "failed", "cancelled"]
    summary: str


def succeeded(summary: str) -> Outcome:
    return Outcome("succeeded", summary)


def failed(summary: str) -> Outcome:
    return Outcome("failed", summary)
