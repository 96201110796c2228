"""What can be practised: each scenario says how the new version of the release behaves.

The seeded versions (0.9.x) are always well. A scenario applies to every other tag, in all contexts or, as
``name@context``, in one. A tag that ends in a scenario's name (``1.0.1-crash-loop``) behaves so whatever the
scenario is, so that a good and a bad release can be practised side by side.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from releaseconsole.errors import UsageError

CONTEXTS = ("staging", "uat", "production")

#: Name of each scenario and what happens in it, in a sentence.
SCENARIOS: Mapping[str, str] = MappingProxyType(
    {
        "healthy": "The new version is well: it rolls out, and its figures stay within every target.",
        "error-spike": "The new version becomes ready, then answers 6 to 9 % of its requests with 5xx.",
        "slow": "The new version becomes ready, but its slowest percent of answers takes far over 500 ms.",
        "crash-loop": "The new version's container exits soon after its start, again and again.",
        "image-pull": "The new version's image does not exist, so its pods never start.",
        "stuck": "The new version starts but never becomes ready, until the progress deadline passes.",
        "flaky-api": "The release is well, but the API server answers late, refuses, and drops its watches.",
    }
)

_SEEDED_TAG = re.compile(r"0\.9\.\d+$")
_OURS = re.compile(r"(^|/)healthpay/")


class Start(StrEnum):
    """What becomes of a container that is told to start."""

    READY = "ready"
    STUCK = "stuck"
    CRASH = "crash"
    NO_IMAGE = "no image"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How one version runs and answers. Latency is log-normal: ``median`` seconds, ``spread`` sigma."""

    start: Start = Start.READY
    error_share: float = 0.0003
    error_swing: float = 0.0001
    """The share wanders by up to this much around ``error_share``."""
    median: float = 0.00625
    spread: float = 0.673
    cpu_factor: float = 1.0
    memory_extra: float = 0.0
    sms_share: float = 0.9945
    logs_errors: bool = False


_WELL = Behaviour()
_BEHAVIOURS: Mapping[str, Behaviour] = MappingProxyType(
    {
        "healthy": _WELL,
        "flaky-api": _WELL,
        "error-spike": replace(
            _WELL, error_share=0.075, error_swing=0.013, cpu_factor=1.1, sms_share=0.972, logs_errors=True
        ),
        "slow": replace(_WELL, median=0.18, spread=0.6, cpu_factor=1.35, memory_extra=9.0),
        "crash-loop": replace(_WELL, start=Start.CRASH, logs_errors=True),
        "image-pull": replace(_WELL, start=Start.NO_IMAGE),
        "stuck": replace(_WELL, start=Start.STUCK),
    }
)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario, and the one context it is limited to, if any."""

    name: str
    context: str | None = None

    def within(self, context: str) -> str:
        """The name of the scenario that ``context`` is in."""
        return self.name if self.context in (None, context) else "healthy"


def parse(text: str) -> Scenario:
    """``"slow"`` or ``"slow@production"``. Raises UsageError for a name or context that does not exist."""
    name, at, context = text.strip().partition("@")
    if name not in SCENARIOS:
        raise UsageError(f"There is no scenario {name!r}.", f"Choose one of: {', '.join(SCENARIOS)}.")
    if at and context not in CONTEXTS:
        raise UsageError(f"There is no context {context!r}.", f"Choose one of: {', '.join(CONTEXTS)}.")
    return Scenario(name, context or None)


def tag_of(image: str) -> str:
    """The tag of an image reference, ``latest`` when it has none."""
    name = image.partition("@")[0].rpartition("/")[2]
    return name.partition(":")[2] or "latest"


def behaviour_of(image: str, scenario: str) -> Behaviour:
    """How a container of ``image`` behaves while ``scenario`` is on in its context."""
    tag = tag_of(image)
    for name, behaviour in _BEHAVIOURS.items():
        if tag == name or tag.endswith(f"-{name}"):
            return behaviour
    if _SEEDED_TAG.match(tag) or not _OURS.search(image):
        return _WELL
    return _BEHAVIOURS[scenario]
