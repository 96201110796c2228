"""Carrying out the plan of a rollback: its rehearsal, and its execution."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from releaseconsole.cluster.decode import PODS, decode
from releaseconsole.cluster.patch import rollback_patch
from releaseconsole.cluster.rollback import RollbackTarget, obstacle
from releaseconsole.cluster.templates import same_template
from releaseconsole.cluster.workload import Workload, read_workload
from releaseconsole.errors import ApiRejected, ClusterError, Conflict, Unreachable

if TYPE_CHECKING:
    from releaseconsole.cluster.connect import Client

JSON_PATCH = "application/json-patch+json"
FIELD_MANAGER = "releaseconsole"
ATTEMPTS = 4
PATIENCE = 60.0
"""Seconds for which a rollback waits for an API server that is down: one that is restarted takes some."""
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 2.0
_INVALID, _TOO_MANY = 422, 429
_DRY = {"dryRun": "All"}


@dataclass(frozen=True, slots=True)
class Executed:
    """What the patch did."""

    generation: int
    resource_version: str
    patched: bool
    """False when somebody else had brought it back already."""
    replanned: int = 0
    """How often the workload had changed and the patch was made anew."""


async def dry_run(client: Client, target: RollbackTarget) -> str:
    """Send the patch for nothing but the answer: "" when it would be accepted, else why not.

    Raises Unreachable when the server cannot be asked.
    """
    if target.problem or target.skipped:
        return target.problem
    try:
        try:
            await _send(client, target, _DRY)
        except (Conflict, ApiRejected) as error:
            if not _precondition(error):
                raise
            fresh = await _fresh(client, target, restless=True)
            if _hopeless(error, target, fresh):
                raise
            if not fresh.skipped:
                await _send(client, fresh, _DRY)
    except Unreachable:
        raise
    except ClusterError as error:
        return str(error)
    return ""


async def execute(
    client: Client, target: RollbackTarget, *, attempts: int = ATTEMPTS, patience: float = PATIENCE
) -> Executed:
    """Send the patch. When the workload has changed since, make the patch anew, to the same template.

    A server that is down or busy is waited for, up to ``patience`` seconds; refused preconditions are met with
    a new patch up to ``attempts`` times. Raises Conflict when the workload was replaced by another of its name
    or keeps changing, ApiRejected when the server refuses the patch itself, other ClusterErrors when it cannot
    be asked.
    """
    if target.problem:
        raise Conflict(target.problem)
    give_up = client.clock.monotonic() + patience
    replanned, tries, unsure = 0, 0, False
    failed: ClusterError | None = None
    while True:
        if failed is not None:
            look = partial(_fresh, client, target, restless=replanned > 0)
            fresh = await _patiently(client, give_up, look)
            if _hopeless(failed, target, fresh):
                raise failed
            replanned += fresh.generation != target.generation
            target = fresh
        if target.skipped:
            return Executed(target.generation, "", unsure, replanned)
        try:
            done = await _send(client, target, {})
        except (Conflict, ApiRejected, Unreachable) as error:
            tries += not is_down(error)
            if not _worth_another(error) or client.clock.monotonic() > give_up:
                raise
            if tries >= attempts:
                raise _given_up(target, error, tries) from error
            # A patch whose answer was lost may have been carried out: the next look tells.
            unsure = unsure or not _refused(error)
            failed = error
        else:
            return Executed(done.metadata.generation, done.metadata.resource_version, True, replanned)
        await client.clock.sleep(0.0 if _precondition(failed) else FIRST_PAUSE)


def _given_up(target: RollbackTarget, error: ClusterError, tries: int) -> ClusterError:
    """What to say after the last try: a 422 says nothing by itself."""
    if not _precondition(error):
        return error
    return Conflict(
        f"{target.place.workload} changed under each of {tries} tries to roll it back.",
        "See who keeps writing it (kubectl get --show-managed-fields), stop that, then retry.",
    )


async def _patiently(
    client: Client, give_up: float, ask: Callable[[], Awaitable[RollbackTarget]]
) -> RollbackTarget:
    """Ask again until the server can answer. Raises what the server said last, after ``give_up``."""
    pause = FIRST_PAUSE
    while True:
        try:
            return await ask()
        except (ApiRejected, Unreachable) as error:
            if not is_down(error) or client.clock.monotonic() > give_up:
                raise
        await client.clock.sleep(pause * (0.5 + client.chance()))
        pause = min(2 * pause, LONGEST_PAUSE)


async def delete_pod(client: Client, namespace: str, name: str, uid: str) -> None:
    """Delete the pod with this UID: a StatefulSet waits for its broken pod even after a rollback.

    Raises ClusterError; Conflict when the name now belongs to another pod.
    """
    body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
    await client.request("DELETE", PODS.path(namespace, name), body=body)


async def _send(client: Client, target: RollbackTarget, params: Mapping[str, str]) -> Workload:
    body = await client.request(
        "PATCH",
        target.place.path,
        {"fieldManager": FIELD_MANAGER, **params},
        list(target.patch),
        JSON_PATCH,
    )
    done: Workload = decode(target.place.resource.type, body)
    return done


async def _fresh(client: Client, target: RollbackTarget, *, restless: bool = False) -> RollbackTarget:
    """The same way back, planned on the workload as it is now; with ``restless`` for one whose generation
    keeps moving. Raises Conflict when that makes no sense."""
    now = await read_workload(client, target.place)
    if now.metadata.uid != target.uid:
        raise Conflict(
            f"{target.place.workload} was deleted and made anew since the rollback was planned.",
            "Look at the preview again.",
        )
    skipped = same_template(now.spec.template, target.template)
    resume = target.resume and now.spec.paused
    hindered = "" if skipped else obstacle(now, resume or target.resume)
    if hindered:
        raise Conflict(f"{target.place.workload} cannot be rolled back any more: {hindered}")
    seen = now.spec.template if restless else None
    patch = rollback_patch(now.metadata, target.template, target.annotations, resume=resume, seen=seen)
    return replace(target, generation=now.metadata.generation, skipped=skipped, patch=patch, resume=resume)


def _hopeless(failed: ClusterError, target: RollbackTarget, fresh: RollbackTarget) -> bool:
    """Whether nothing has changed that could make the server accept what it called invalid."""
    invalid = isinstance(failed, ApiRejected) and failed.status == _INVALID
    return invalid and not fresh.skipped and fresh.generation == target.generation


def _precondition(error: ClusterError) -> bool:
    """Whether a ``test`` of the patch may have failed: the server answers 422 for that, without a reason."""
    return isinstance(error, Conflict) or (isinstance(error, ApiRejected) and error.status == _INVALID)


def _refused(error: ClusterError) -> bool:
    """Whether the server surely did not carry the patch out."""
    return not is_down(error) or (isinstance(error, ApiRejected) and error.status == _TOO_MANY)


def _worth_another(error: ClusterError) -> bool:
    return _precondition(error) or is_down(error)


def is_down(error: ClusterError) -> bool:
    """Whether the server could not answer now, and may do so later."""
    if isinstance(error, ApiRejected):
        return error.status == _TOO_MANY or error.status >= 500
    return isinstance(error, Unreachable)
