"""One place that knows how each family of checks verifies itself, and how often."""

from __future__ import annotations

import asyncio
import importlib
import traceback
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from releaseconsole.checks.context import CheckContext
from releaseconsole.checks.data import CannotTell
from releaseconsole.checks.finding import Finding, unknown
from releaseconsole.errors import ReleaseConsoleError
from releaseconsole.plan.model import Check, PlacedItem
from releaseconsole.text import cut, duration, visible
from releaseconsole.undisturbed import apart

Verify = Callable[[Check, PlacedItem, CheckContext], Awaitable[Finding]]

_FAMILIES: Mapping[str, tuple[str, str, float]] = {
    "pods": ("pods", "pods_ready", 2.0),
    "rollout": ("rollout", "rollout_complete", 2.0),
    "services": ("services", "services_reachable", 2.0),
    "ingress": ("ingress", "ingress_configured", 10.0),
    "rollback": ("rollback", "rollback_ready", 2.0),
    "objective": ("objective", "objective_met", 5.0),
    "cluster": ("cluster", "cluster_reachable", 5.0),
    "workloads": ("workloads", "workloads_have", 10.0),
    "prometheus": ("objective", "prometheus_ready", 10.0),
    "watch": ("watch", "watched_to_the_end", 10.0),
    "alerts": ("alerts", "alerts_hold", 15.0),
    "http": ("http", "http_answers", 15.0),
    "logs": ("logs", "no_errors", 20.0),
    "shell": ("shell", "shell_succeeds", 60.0),
}
"""Family → its module here, its function, and seconds between two verifications."""

_MARGIN = 5.0
"""Seconds that a check with a time-out of its own may take beyond it, to end what it started."""


async def verify(check: Check, placed: PlacedItem, context: CheckContext) -> Finding:
    """Run the check once. Never raises: whatever goes wrong is "unknown" with the reason."""
    own_limit = check.http is not None or check.shell is not None
    limit = check.timeout * check.repeat + _MARGIN if own_limit else check.timeout
    try:
        async with asyncio.timeout(limit):
            found = await apart(_function(check.family)(check, placed, context))
    except TimeoutError:
        return unknown(f"no answer within {duration(limit)}")
    except CannotTell as reason:
        found = unknown(str(reason))
    except ReleaseConsoleError as error:
        found = unknown(error.message)
    except Exception as error:  # noqa: BLE001  (a check is a worker: its own faults must not end the others)
        found = unknown(f"the check itself failed: {type(error).__name__}: {error} ({_place(error)})")
    return Finding(found.status, cut(visible(found.reason), 500))


def _place(error: Exception) -> str:
    """File and line of the fault, for whoever mends it."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"


def rhythm(check: Check) -> float | None:
    """Seconds between two verifications; None for a check that is only run when asked for."""
    if check.by_hand:
        return None
    return check.every or _FAMILIES[check.family][2]


def _function(family: str) -> Verify:
    """Its module is imported when it is first needed: a family brings the libraries of what it asks."""
    module, name, _ = _FAMILIES[family]
    function: Verify = getattr(importlib.import_module(f"releaseconsole.checks.{module}"), name)
    return function
