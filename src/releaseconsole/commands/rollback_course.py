"""The course of a rollback in a plain terminal: fired, followed line by line, reported at its end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING, Any

import click

from releaseconsole.commands.output import drop_stdout, print_json, say, tell_notices
from releaseconsole.commands.rollback_report import document
from releaseconsole.errors import ReleaseConsoleError
from releaseconsole.record.figures import figures_of
from releaseconsole.report.incident import incident_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from releaseconsole.record.model import RollbackState, WorkloadRollback
    from releaseconsole.session import Session

INTERRUPTED = 130
"""The exit code after Ctrl+C, and after the signal by which pipelines end what they run."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


async def fire(
    session: Session, name: str, to: str, reason: str, *, resume: bool, delete_stuck: bool, as_json: bool
) -> int:
    """Roll back, or go on with a rollback that was interrupted, and follow to the end; the exit code."""
    work = session.resume_rollback(name) if resume else session.roll_back(name, reason, to)
    rollback = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    interrupted = asyncio.Event()
    for number in _SIGNALS:
        loop.add_signal_handler(number, interrupted.set)
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
        if not rollback.done():
            rollback.cancel()
            await asyncio.wait({rollback})
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
    if rollback.cancelled():
        return _report_interrupted(progress.current(), name, as_json=as_json)
    done = rollback.result()
    progress.tell()
    tell_notices(session)
    if as_json:
        print_json(document(done))
    else:
        for line in _ending(done):
            progress.print(line)
    return 0 if done.outcome == "complete" else 1


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

    def current(self) -> RollbackState | None:
        """The rollback that is followed; None while it has not begun."""
        rollback = newest(self._session, self._name)
        return None if rollback is None or rollback.id == self._before else rollback

    def tell(self) -> None:
        """Print what is new."""
        rollback = self.current()
        if self._quiet or rollback is None:
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
            self.print(f"  {line}".rstrip())

    def print(self, line: str) -> None:
        """One line. A reader who has gone away is no reason to leave a rollback half done."""
        try:
            click.echo(line)
        except OSError as error:
            drop_stdout()
            self._quiet = True
            with contextlib.suppress(OSError):
                say(f"What happens cannot be printed ({error.strerror}); the rollback goes on.")


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


def _report_interrupted(state: RollbackState | None, name: str, *, as_json: bool) -> int:
    """What was done, and how to go on; ``state`` is None when it had not begun."""
    if as_json:
        nothing = {"environment": name, "outcome": "interrupted", "workloads": {}}
        print_json(nothing if state is None else document(state))
    if state is None:
        say("Interrupted before anything was patched. Nothing was changed.")
        return INTERRUPTED
    for key, one in state.workloads.items():
        say(f"  {key}: {one.stage}")
    say("Interrupted. What was patched stays patched; run the same command again to go on.")
    say(_locked(name))
    return INTERRUPTED


def _locked(name: str) -> str:
    return f"{name} stays locked against deploys until somebody unlocks it in the console, with a reason."


def _ending(state: RollbackState) -> Iterator[str]:
    yield f"Rollback {state.outcome} after {state.ended - state.started:.1f} s."
    if figures := str(figures_of(state)):
        yield f"  {figures}"
    for line in incident_lines(state):
        yield f"  {line}"
    if state.outcome != "complete":
        yield "What failed can be tried again: run the same command once more."
    yield _locked(state.environment)
