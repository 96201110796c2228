"""``check`` and ``status``: the session without a screen."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from releaseconsole.commands.output import print_json, say, tell_notices
from releaseconsole.commands.reach import FIRST_ERROR, accepted, missing_contexts
from releaseconsole.commands.standing import (
    alert_lines,
    automatic_lines,
    describe_alerts,
    describe_automatic,
    describe_rollbacks,
    rollback_lines,
)
from releaseconsole.commands.windows import describe_window, print_window
from releaseconsole.errors import KubeconfigError, UsageError

if TYPE_CHECKING:
    from releaseconsole.plan.model import PlacedItem, Plan
    from releaseconsole.record.model import ReleaseState
    from releaseconsole.session import Session
    from releaseconsole.session.views import EnvironmentView

FIRST_DATA = 8.0
"""Seconds that a headless command waits for the first data of a cluster."""

GLYPHS = {"passed": "✔", "failed": "✘", "unknown": "?"}


def run_check(
    plan: Plan,
    *,
    phase: str | None,
    as_json: bool,
    kubeconfig: Path | None,
    folder: Path,
    state: Path | None = None,
    accept: Collection[str] = (),
) -> int:
    """Run the checks; the exit code: 0 all hold, 1 one does not, 3 none failed but one could not tell.

    2 when the kubeconfig does not lead to a cluster that is asked for.
    """
    from releaseconsole.session import open_session

    wanted = _wanted(plan, phase)
    missing = missing_contexts(plan, {placed.environment for placed in wanted}, kubeconfig)
    session = open_session(
        plan,
        kubeconfig=kubeconfig,
        folder=folder,
        state=state,
        journal=False,
        accept_clusters=accepted(plan, accept),
    )
    findings = asyncio.run(_check(session, wanted, missing))
    if as_json:
        print_json({"checks": findings, "holds": all(one["status"] == "passed" for one in findings)})
    else:
        _print_findings(findings)
    if missing:
        return KubeconfigError.exit_code
    statuses = {one["status"] for one in findings}
    return 1 if "failed" in statuses else 3 if "unknown" in statuses else 0


def _wanted(plan: Plan, phase: str | None) -> list[PlacedItem]:
    if phase is not None and phase not in {one.id for one in plan.phases}:
        known = ", ".join(one.id for one in plan.phases)
        raise UsageError(f"The plan has no phase “{phase}”.", f"It has {known}.")
    wanted = [
        placed
        for placed in plan.items.values()
        if placed.item.check is not None and phase in (None, placed.phase.id)
    ]
    if not wanted:
        raise UsageError("There is nothing to check: no item here verifies itself.", "Choose another phase.")
    return wanted


async def _check(
    session: Session, wanted: list[PlacedItem], missing: Mapping[str, KubeconfigError]
) -> list[dict[str, Any]]:
    async with session:
        names = {placed.environment for placed in wanted if placed.environment}
        await _first_data(session, names, missing)
        if any(placed.item.check and placed.item.check.watch for placed in wanted):
            await session.watching.caught_up(FIRST_DATA)
        tell_notices(session)
        found = await asyncio.gather(*(session.look(placed.item.id) for placed in wanted))
        views = [session.environment(name) for name in session.plan.environments if name in names]
        _tell_unreached(views, missing)
    return [
        {
            "phase": placed.phase.id,
            "item": placed.item.id,
            "text": placed.item.text,
            "status": finding.status,
            "reason": finding.reason,
        }
        for placed, finding in zip(wanted, found, strict=True)
    ]


async def _first_data(session: Session, names: Iterable[str], missing: Mapping[str, KubeconfigError]) -> None:
    """Wait for the clusters that can be reached at all; the others only have to say why not."""
    reachable = [name for name in names if name not in missing]
    others = [session.ready([name], FIRST_ERROR, metrics=False) for name in names if name in missing]
    await asyncio.gather(session.ready(reachable, FIRST_DATA), *others)


def _tell_unreached(views: Iterable[EnvironmentView], missing: Mapping[str, KubeconfigError]) -> None:
    """Why, and that no more is waited for: the reason may speak of trying again, which this command does not."""
    for view in views:
        if view.cluster.liveness != "live":
            ended = "" if view.id in missing else f" This command waits {FIRST_DATA:.0f} s at most."
            say(f"{view.title}: {view.cluster.error or 'The cluster has not answered yet.'}{ended}")


def _print_findings(findings: list[dict[str, Any]]) -> None:
    phase = ""
    for one in findings:
        if one["phase"] != phase:
            phase = one["phase"]
            click.echo(phase)
        click.echo(f"  {GLYPHS[one['status']]} {one['status']:<7} {one['text']}  {one['reason']}".rstrip())


def run_status(
    plan: Plan,
    *,
    as_json: bool,
    kubeconfig: Path | None,
    state: Path | None,
    folder: Path,
    accept: Collection[str] = (),
) -> int:
    """Print where the release stands; the exit code: 0 fine, 1 something failed or is missing, 3 a cluster could
    not be read.

    2 when the kubeconfig does not lead to one of the clusters.
    """
    missing = missing_contexts(plan, plan.environments, kubeconfig)
    document, known, views = asyncio.run(
        _status(plan, kubeconfig, state, folder, missing, accepted(plan, accept))
    )
    if as_json:
        print_json(document)
    else:
        _print_status(document, known)
    if missing:
        return KubeconfigError.exit_code
    if any(view.cluster.liveness != "live" for view in views):
        return 3
    failing = any(
        w["state"] in ("failing", "failed", "missing")
        for env in document["environments"]
        for w in env["workloads"]
    )
    return 1 if failing or any(phase["failed"] for phase in document["phases"]) else 0


async def _status(
    plan: Plan,
    kubeconfig: Path | None,
    state: Path | None,
    folder: Path,
    missing: Mapping[str, KubeconfigError],
    accept: Collection[str],
) -> tuple[dict[str, Any], ReleaseState, list[EnvironmentView]]:
    from releaseconsole.record.stores.presence import is_held
    from releaseconsole.session import open_session
    from releaseconsole.session.opening import journal_folder

    session = open_session(
        plan, kubeconfig=kubeconfig, folder=folder, state=state, read_only=True, accept_clusters=accept
    )
    async with session:
        await _first_data(session, plan.environments, missing)
        observers = [session.observer(name) for name in plan.environments if name not in missing]
        await asyncio.gather(
            session.watching.caught_up(FIRST_DATA), *(one.alerts.answered(FIRST_DATA) for one in observers)
        )
        views = [session.environment(name) for name in plan.environments]
        tell_notices(session)
        _tell_unreached(views, missing)
        held = is_held(journal_folder(plan, state))
        return describe(session, views, held=held), session.state, views


def describe(session: Session, views: list[EnvironmentView], *, held: bool = True) -> dict[str, Any]:
    """The release and its environments as one JSON document; ``held`` when somebody writes the journal now."""
    plan = session.plan
    return {
        "release": plan.release.name,
        "version": plan.release.version,
        "phases": [_phase(session, phase.id, phase.title) for phase in plan.phases],
        "items": {item_id: _item(session, item_id) for item_id in plan.items},
        "actions": {action_id: str(session.state.action(action_id).status) for action_id in plan.actions},
        "rollbacks": describe_rollbacks(session.state, held=held),
        "automatic": describe_automatic(session.state, held=held),
        "watches": [
            describe_window(view.watch, session.setup.clock.now()) for view in views if view.watch is not None
        ],
        "environments": [_environment(view) for view in views],
    }


def _phase(session: Session, phase_id: str, title: str) -> dict[str, Any]:
    progress = session.progress(phase_id)
    return {
        "id": phase_id,
        "title": title,
        "total": progress.total,
        "settled": progress.settled,
        "deferred": progress.deferred,
        "failed": progress.failed,
        "label": progress.label,
    }


def _item(session: Session, item_id: str) -> dict[str, Any]:
    state = session.state.item(item_id)
    return {"status": str(state.status), "by": state.by, "at": state.at, "reason": state.reason}


def _environment(view: EnvironmentView) -> dict[str, Any]:
    return {
        "id": view.id,
        "targets": list(view.targets),
        "cluster": str(view.cluster.liveness),
        "error": view.cluster.error,
        "workloads": [asdict(one) for one in view.workloads],
        "pods": {"total": len(view.pods), "unhealthy": view.unhealthy},
        "objectives": [
            {"id": one.id, "value": one.value, "unit": one.unit, "state": one.state, "reason": one.reason}
            for one in view.objectives
        ],
        "rollback": {
            "ready": view.armed.ready,
            "total": view.armed.total,
            "problems": list(view.armed.problems),
        },
        "lock": view.lock,
        "alerts": describe_alerts(view),
    }


def _print_status(document: dict[str, Any], known: ReleaseState) -> None:
    click.echo(f"{document['release']} {document['version']}")
    for phase in document["phases"]:
        click.echo(f"  {phase['title']:<24} {phase['label']}")
    for line in (*rollback_lines(document["rollbacks"], known), *automatic_lines(document["automatic"])):
        click.echo(line)
    for window in document["watches"]:
        print_window(window)
    for environment in document["environments"]:
        liveness = environment["cluster"] + (f": {environment['error']}" if environment["error"] else "")
        click.echo(f"{environment['id']}  {', '.join(environment['targets'])}  {liveness}")
        for one in environment["workloads"]:
            pods = f"{one['ready']}/{one['desired']} ready"
            click.echo(
                f"  {one['name']:<24} {one['state']:<14} {pods:<12} {one['image']}  {one['message']}".rstrip()
            )
        for one in environment["objectives"]:
            value = "–" if one["value"] is None else f"{one['value']:,.2f} {one['unit']}"
            click.echo(f"  {one['id']:<24} {one['state']:<14} {value}".rstrip())
        for line in alert_lines(environment["alerts"]):
            click.echo(line)
        if environment["lock"]:
            click.echo(f"  locked: {environment['lock']}")
