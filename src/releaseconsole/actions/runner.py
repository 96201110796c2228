"""One place that knows how each kind of action is done."""

from __future__ import annotations

import asyncio
import importlib
import traceback
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from releaseconsole.actions.context import ActionContext
from releaseconsole.actions.outcome import Emit, Outcome, failed
from releaseconsole.errors import ReleaseConsoleError
from releaseconsole.plan.model import PlacedAction
from releaseconsole.text import cut, duration, visible
from releaseconsole.undisturbed import apart

__all__ = ["Outcome", "run"]

Perform = Callable[[PlacedAction, ActionContext, Emit], Awaitable[Outcome]]

_KINDS: Mapping[str, tuple[str, str]] = {
    "shell": ("shell", "shell"),
    "apply": ("apply", "apply_manifests"),
    "wait": ("wait", "wait_rollout"),
    "watch": ("watch", "watch"),
    "http": ("http", "http"),
    "pin": ("pin", "pin"),
    "rollback": ("pin", "rollback"),
    "get": ("get", "get"),
    "logs": ("logs", "follow_logs"),
    "open": ("open", "open_link"),
}
"""Kind → its module here, its function."""

_OWN_LIMIT = ("shell", "wait", "http", "logs", "rollback")
"""Kinds that keep the time themselves, or must not be cut off: half a rollback is worse than a slow one."""


async def run(action: PlacedAction, context: ActionContext, emit: Emit) -> Outcome:
    """Do it, telling each line of output to ``emit`` with control characters made visible.

    What goes wrong is an outcome, not an exception; only cancellation propagates, after everything that the
    action started has been ended.
    """
    kind = action.action.kind
    limit = None if kind in _OWN_LIMIT else action.action.timeout
    try:
        async with asyncio.timeout(limit):
            found = await apart(_function(kind)(action, context, emit))
    except TimeoutError:
        found = failed(f"no answer within {duration(action.action.timeout)}")
    except ReleaseConsoleError as error:
        emit(visible(str(error)))
        found = failed(error.message)
    except Exception as error:  # noqa: BLE001  (the edge of a worker: the console goes on, and it is told)
        emit(visible(f"the action itself failed: {type(error).__name__}: {error} ({_place(error)})"))
        found = failed(f"the action itself failed: {type(error).__name__}")
    return Outcome(found.status, cut(visible(found.summary), 500))


def _place(error: Exception) -> str:
    """File and line of the fault, for whoever mends it."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"


def _function(kind: str) -> Perform:
    """Its module is imported when it is first needed: a kind brings the libraries of what it does."""
    module, name = _KINDS[kind]
    function: Perform = getattr(importlib.import_module(f"releaseconsole.actions.{module}"), name)
    return function
