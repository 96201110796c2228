"""The course of a rollback in a plain terminal: fired, followed line by line, reported at its end."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Any

import click

from releaseconsole.commands.output import print_json, say, tell_notices
from releaseconsole.errors import ReleaseConsoleError
from releaseconsole.record.figures import figures_of

if TYPE_CHECKING:
    from releaseconsole.record.model import RollbackState, WorkloadRollback
    from releaseconsole.session import Session

INTERRUPTED = 130
"""The exit code after Ctrl+C."""


async def fire(
    session: Session, name: str, to: str, reason: str, *, resume: bool, delete_stuck: bool, as_json: bool
) -> int:
    """Roll back, or go on with a rollback that was interrupted, and follow to the end; the exit code."""
    work = session.resume_rollback(name) if resume else session.roll_back(name, reason, to)
    rollback = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    interrupted = asyncio.Event()
    loop.add_signal_handler(signal.SIGINT, interrupted.set)
    progress = _Progress(session, name, quiet=as_json, known=resume)
    stuck = _Stuck(session, name) if delete_stuck else None
    try:
        while not rollback.done() and not interrupted.is_set():
            version = session.version
            progress.tell()
            if stuck is not None:
                await stuck.delete()
            await _first(rollback, session.changed(version), interrupted.wait())
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        if not rollback.done():
            rollback.cancel()
            await asyncio.wait({rollback})
    if rollback.cancelled():
        return _report_interrupted(session, name, as_json=as_json)
    done = rollback.result()
    progress.tell()
    tell_notices(session)
    return _report(done, as_json=as_json)


async def _first(rollback: asyncio.Task[Any], *waits: Any) -> None:
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    await asyncio.wait({rollback, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def newest(session: Session, name: str) -> RollbackState | None:
    """The newest rollback of an environment."""
    return next((one for one in reversed(session.state.rollbacks) if one.environment == name), None)


class _Progress:
    """Prints each stage once, with the seconds that it took, and each hook."""

    def __init__(self, session: Session, name: str, *, quiet: bool, known: bool) -> None:
        self._session = session
        self._name = name
        self._quiet = quiet
        self._told: set[object] = set()
        before = newest(session, name)
        self._before = "" if known or before is None else before.id
        if known and before is not None:
            # What the interrupted run had done already was told with its preview.
            self._told = {(key, *line) for key, one in before.workloads.items() for line in _lines(one)}

    def tell(self) -> None:
        """Print what is new."""
        rollback = newest(self._session, self._name)
        if self._quiet or rollback is None or rollback.id == self._before:
            return
        for key, one in rollback.workloads.items():
            for stage, took, message in _lines(one):
                self._once((key, stage, took, message), f"{key}  {stage:<12} {took}  {message}")
        for hook in rollback.hooks:
            line = f"hook “{hook.title}” ({hook.when}): {hook.status}  {hook.summary}"
            self._once((hook.title, hook.when, hook.status), line)

    def _once(self, what: object, line: str) -> None:
        if what not in self._told:
            self._told.add(what)
            click.echo(f"  {line}".rstrip())


def _lines(one: WorkloadRollback) -> list[tuple[str, str, str]]:
    """(stage, how long it took to get there from the one before, message) in the order of time."""
    lines, before = [], 0.0
    for stage, at in sorted(one.times.items(), key=lambda pair: pair[1]):
        took = f"+{at - before:.1f} s" if before else ""
        lines.append((stage, took, one.message if stage == one.stage else ""))
        before = at
    return lines


class _Stuck:
    """Deletes each pod that an ordered StatefulSet waits for in vain, once."""

    def __init__(self, session: Session, name: str) -> None:
        self._session = session
        self._name = name
        self._tried: set[str] = set()

    async def delete(self) -> None:
        """Those that are stuck now; what the cluster refuses is said, and the rollback goes on."""
        for one in self._session.stuck_pods(self._name):
            if one.uid in self._tried:
                continue
            self._tried.add(one.uid)
            say(f"  deletes the pod {one.pod}, which {one.key} waits for in vain: {one.why}")
            try:
                await self._session.delete_stuck_pod(self._name, one.key, one.pod)
            except ReleaseConsoleError as error:
                say(f"  the pod {one.pod} was not deleted: {error}")


def _report_interrupted(session: Session, name: str, *, as_json: bool) -> int:
    state = newest(session, name)
    if as_json and state is not None:
        print_json(document(state))
    for key, one in state.workloads.items() if state else ():
        say(f"  {key}: {one.stage}")
    say("Interrupted. What was patched stays patched; run the same command again to go on.")
    return INTERRUPTED


def document(state: RollbackState) -> dict[str, Any]:
    """One rollback for ``--json``."""
    return {
        "id": state.id,
        "environment": state.environment,
        "outcome": state.outcome or "under way",
        "reason": state.reason,
        "seconds": round(state.ended - state.started, 3) if state.ended else None,
        "figures": figures_of(state).as_dict(),
        "workloads": {
            key: {
                "stage": str(one.stage),
                "message": one.message,
                "times": dict(one.times),
                "reverted": one.reverted,
            }
            for key, one in state.workloads.items()
        },
        "hooks": [
            {"title": one.title, "when": one.when, "status": one.status, "summary": one.summary}
            for one in state.hooks
        ],
    }


def _report(state: RollbackState, *, as_json: bool) -> int:
    if as_json:
        print_json(document(state))
    else:
        click.echo(f"Rollback {state.outcome} after {state.ended - state.started:.1f} s.")
        if figures := str(figures_of(state)):
            click.echo(f"  {figures}")
    return 0 if state.outcome == "complete" else 1
