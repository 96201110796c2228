"""``releaseconsole rollback``: the same rollback as the key's, from a plain terminal or a pipeline."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from releaseconsole.commands.output import print_json, say, tell_notices
from releaseconsole.commands.reach import accepted, require_context
from releaseconsole.commands.rollback_course import fire
from releaseconsole.errors import ClusterError, JournalDamaged, OtherCluster, Unreachable, UsageError

if TYPE_CHECKING:
    from releaseconsole.plan.model import Plan
    from releaseconsole.session import Session
    from releaseconsole.session.views import RollbackPreview

FIRST_DATA = 6.0
INTERRUPTED = "interrupted"


def run_rollback(
    plan: Plan,
    *,
    environment: str | None,
    to: str,
    dry_run: bool,
    yes: bool,
    reason: str,
    as_json: bool,
    kubeconfig: Path | None,
    state: Path | None,
    folder: Path,
    accept: Collection[str] = (),
    delete_stuck: bool = False,
) -> int:
    """Preview, ask, roll back, follow; the exit code."""
    name = choose_environment(plan, environment)
    if to not in ("pinned", "previous") and not to.isdigit():
        raise UsageError(f"--to {to} is no place to go.", "Give pinned, previous, or a revision number.")
    if as_json and not (yes or dry_run):
        raise UsageError("--json cannot ask.", "Add --yes to roll back, or --dry-run to look.")
    if not (yes or dry_run or sys.stdin.isatty()):
        raise UsageError(
            "There is no terminal to ask on.",
            "Add --yes to roll back without a question, or --dry-run to look.",
        )
    require_context(plan, name, kubeconfig)
    return asyncio.run(
        _run(plan, name, to, dry_run=dry_run, yes=yes, reason=reason, as_json=as_json,
             kubeconfig=kubeconfig, state=state, folder=folder, accept=accepted(plan, accept),
             delete_stuck=delete_stuck)
    )  # fmt: skip


def choose_environment(plan: Plan, given: str | None) -> str:
    """The one asked for, else the rollback phase's, else the only one. Raises UsageError."""
    known = ", ".join(plan.environments)
    if given is not None:
        if given not in plan.environments:
            raise UsageError(f"The plan has no environment “{given}”.", f"It has {known}.")
        return given
    phases = {phase.environment for phase in plan.phases if phase.kind == "rollback" and phase.environment}
    choice = phases or set(plan.environments)
    if len(choice) == 1:
        return choice.pop()
    raise UsageError("The plan has several environments.", f"Say which with -e: {known}.")


async def _run(
    plan: Plan,
    name: str,
    to: str,
    *,
    dry_run: bool,
    yes: bool,
    reason: str,
    as_json: bool,
    kubeconfig: Path | None,
    state: Path | None,
    folder: Path,
    accept: Collection[str],
    delete_stuck: bool,
) -> int:
    from releaseconsole.session import open_session

    try:
        session = open_session(
            plan,
            kubeconfig=kubeconfig,
            state=state,
            folder=folder,
            read_only=dry_run,
            emergency=True,
            pins_matter=to == "pinned",
            accept_clusters=accept,
        )
    except JournalDamaged as error:
        way_on = "To roll back without its pins, say where to: --to previous, or --to REVISION."
        raise JournalDamaged(error.message, f"{error.remedy} {way_on}") from None
    async with session:
        await session.ready({name}, FIRST_DATA, metrics=False)
        resume = _taken_up(session, name, to)
        preview = await session.preview_rollback(name, INTERRUPTED if resume else to)
        tell_notices(session)
        unreached = _unreached(session, preview)
        if dry_run:
            return _show(preview, unreached, as_json=as_json)
        if unreached is not None:
            raise unreached
        if not as_json:
            _print_preview(preview)
        if not yes and not await _confirmed(preview):
            say("Nothing was changed.")
            return 1
        return await fire(
            session, name, to, reason, resume=resume, delete_stuck=delete_stuck, as_json=as_json
        )


def _taken_up(session: Session, name: str, to: str) -> bool:
    """Whether this goes on with a rollback that was interrupted, or that another console has under way, to the
    places that it had set out for."""
    found = session.interrupted_rollback(name)
    if found is None or to not in ("pinned", found.to):
        return False
    if session.ledger.is_shut_out:
        say(f"Joining the rollback {found.id}, which has not ended ({found.reason}):")
    else:
        say(f"Going on with the rollback {found.id}, which was interrupted ({found.reason}):")
    for key, one in found.workloads.items():
        say(f"  {key}: {one.stage}")
    return True


def _unreached(session: Session, preview: RollbackPreview) -> ClusterError | None:
    """Why nothing could be planned, when that is because the cluster does not answer, or is not the known one."""
    try:
        session.observer(preview.environment).refuse()
    except OtherCluster as error:
        return error
    cluster = session.environment(preview.environment).cluster
    if cluster.liveness == "live" or not preview.lines or not all(line.problem for line in preview.lines):
        return None
    return Unreachable(
        f"{preview.title} cannot be reached: {preview.lines[0].problem}",
        "Nothing was changed. Run the same command again when the cluster answers.",
    )


def _show(preview: RollbackPreview, unreached: ClusterError | None, *, as_json: bool) -> int:
    if as_json:
        print_json(_preview_document(preview))
    else:
        _print_preview(preview)
    if unreached is not None:
        say(str(unreached))
        return unreached.exit_code
    return 1 if any(line.problem for line in preview.lines) else 0


def _preview_document(preview: RollbackPreview) -> dict[str, Any]:
    return {
        "environment": preview.environment,
        "targets": list(preview.targets),
        "workloads": [
            {
                "key": line.key,
                "from_revision": line.from_revision,
                "to_revision": line.to_revision,
                "from_image": line.from_image,
                "to_image": line.to_image,
                "source": line.source,
                "already_there": line.skipped,
                "problem": line.problem,
                "notes": line.note,
            }
            for line in preview.lines
        ],
        "not_restored": list(preview.not_restored),
        "burning": list(preview.burning),
    }


def _print_preview(preview: RollbackPreview) -> None:
    click.echo(f"ROLL BACK {preview.title}  ({', '.join(preview.targets)})")
    for line in preview.lines:
        if line.problem:
            click.echo(f"  ✘ {line.name}: {line.problem}")
        elif line.skipped:
            click.echo(f"  = {line.name}: already there ({line.to_image})")
        else:
            where = f"{line.from_revision} → {line.to_revision}   {line.from_image} → {line.to_image}"
            click.echo(f"  {line.name}  {where}   {line.source}  {line.note}".rstrip())
    for sentence in preview.burning:
        click.echo(f"  burning: {sentence}")
    click.echo(f"  not restored: {', '.join(preview.not_restored)}")


async def _confirmed(preview: RollbackPreview) -> bool:
    """Ask for the letter. Without a thread, so that Ctrl+C ends the question at once."""
    click.echo(f"Type {preview.letter} to roll back now, anything else to stop: ", err=True, nl=False)
    answered = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), answered.set)
    try:
        await answered.wait()
    finally:
        loop.remove_reader(sys.stdin.fileno())
    answer = os.read(sys.stdin.fileno(), 1024).decode("utf-8", "replace")
    return answer.strip().upper() == preview.letter.upper()
