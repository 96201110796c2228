"""Rolling one workload back: the plan of it, its rehearsal, and its execution.

A rollback goes to what was *pinned* before the deploy. ``kubectl rollout undo`` goes to the second-highest
revision, which is wrong when the bad template has no ReplicaSet yet, when it is pressed twice (revisions are
renumbered), and after two bad deploys in a row. StatefulSets and DaemonSets are sent the same JSON patch as
Deployments and not the stored strategic merge patch: a ControllerRevision holds the whole template, so the
effect is the same, and it carries preconditions.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from releaseconsole.cluster.decode import PODS, decode
from releaseconsole.cluster.objects import Deployment, StatefulSet
from releaseconsole.cluster.patch import Operation, owners, rollback_patch
from releaseconsole.cluster.progress import progress
from releaseconsole.cluster.rollout import (
    RolloutState,
    daemonset_verdict,
    deployment_verdict,
    statefulset_verdict,
)
from releaseconsole.cluster.templates import bare, images, same_template, template_diff
from releaseconsole.cluster.text import clean
from releaseconsole.cluster.workload import (
    History,
    Place,
    Revision,
    Workload,
    read_history,
    read_workload,
)
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
class PinnedRevision:
    """What a workload ran when it was pinned."""

    uid: str
    """Of the workload itself."""
    revision: str
    template_hash: str
    images: tuple[str, ...]
    template: Mapping[str, Any] = field(default_factory=dict)
    replica_set: str = ""
    """Name of the ReplicaSet or ControllerRevision."""
    warning: str = ""
    """Why this may not be a good place to return to; "" when nothing speaks against it."""


@dataclass(frozen=True, slots=True)
class RollbackTarget:
    """The plan of one workload's rollback."""

    key: str
    """``context/namespace/deployment/name``."""
    place: Place
    uid: str
    generation: int
    from_revision: str
    to_revision: str
    from_images: tuple[str, ...]
    to_images: tuple[str, ...]
    source: str
    """``pinned``, ``pinned template``, ``previous`` or ``revision N``."""
    skipped: bool = False
    """It already is where it would go."""
    paused: bool = False
    template: Mapping[str, Any] = field(default_factory=dict)
    annotations: Mapping[str, str] | None = None
    """Those of the ReplicaSet returned to; None when the workload keeps its own."""
    resume: bool = False
    patch: tuple[Operation, ...] = ()
    warnings: tuple[str, ...] = ()
    problem: str = ""
    """Why it cannot be rolled back, and what to do; "" when it can."""
    template_diff: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Executed:
    """What the patch did."""

    generation: int
    resource_version: str
    patched: bool
    """False when somebody else had brought it back already."""
    replanned: int = 0
    """How often the workload had changed and the patch was made anew."""


@dataclass(frozen=True, slots=True)
class _Choice:
    source: str
    revision: str = ""
    template: Mapping[str, Any] = field(default_factory=dict)
    annotations: Mapping[str, str] | None = None
    problem: str = ""
    warnings: tuple[str, ...] = ()


async def plan_rollback(
    client: Client,
    namespace: str,
    workload: str,
    *,
    pin: PinnedRevision | None = None,
    to: str = "pinned",
    resume: bool = False,
) -> RollbackTarget:
    """Plan against the API server; ``to`` is ``pinned``, ``previous`` or a revision number.

    Without a pin, ``pinned`` means ``previous``. With ``resume``, a paused Deployment is resumed in the same
    patch. What stands in the way is in ``problem``. Raises ClusterError when the server cannot say.
    """
    history = await read_history(client, namespace, workload)
    return make_target(client.context, history, pin, to, resume=resume)


def make_target(
    context: str, history: History, pin: PinnedRevision | None, to: str, *, resume: bool = False
) -> RollbackTarget:
    """The plan for a workload as it was read. Pure."""
    workload, place = history.workload, history.place
    choice = _choose(history, pin, to)
    now = workload.spec.template
    usable = not choice.problem
    skipped = usable and same_template(now, choice.template)
    resume = resume and workload.spec.paused
    target = RollbackTarget(
        key=f"{context}/{place.namespace}/{place.workload}",
        place=place,
        uid=workload.metadata.uid,
        generation=workload.metadata.generation,
        from_revision=str(history.current.number) if history.current else "",
        to_revision=choice.revision,
        from_images=images(now),
        to_images=images(choice.template),
        source=choice.source,
        skipped=skipped,
        paused=workload.spec.paused,
        template=bare(choice.template) if usable else {},
        annotations=choice.annotations,
        resume=resume,
        warnings=(*choice.warnings, *owners(workload.metadata)),
        problem=choice.problem or ("" if skipped else _obstacle(workload, resume)),
        template_diff=template_diff(now, choice.template) if usable and not skipped else (),
    )
    if target.problem or skipped:
        return target
    patch = rollback_patch(workload.metadata, target.template, target.annotations, resume=resume)
    return replace(target, patch=patch)


async def read_pin(client: Client, namespace: str, workload: str) -> PinnedRevision:
    """What runs now, as a place to return to. Raises ClusterError."""
    return make_pin(await read_history(client, namespace, workload))


def make_pin(history: History) -> PinnedRevision:
    """The pin of a workload as it was read. Pure."""
    workload, current = history.workload, history.current
    return PinnedRevision(
        uid=workload.metadata.uid,
        revision=str(current.number) if current else "",
        template_hash=current.template_hash if current else "",
        images=images(workload.spec.template),
        template=bare(workload.spec.template),
        replica_set=current.holder if current else "",
        warning=_pin_warning(workload, current),
    )


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
            fresh = await _fresh(client, target)
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
            fresh = await _patiently(client, give_up, partial(_fresh, client, target))
            if _hopeless(failed, target, fresh):
                raise failed
            replanned += fresh.generation != target.generation
            target = fresh
        if target.skipped:
            return Executed(target.generation, "", unsure, replanned)
        try:
            done = await _send(client, target, {})
        except (Conflict, ApiRejected, Unreachable) as error:
            tries += not _is_down(error)
            if not _worth_another(error) or tries >= attempts or client.clock.monotonic() > give_up:
                raise
            # A patch whose answer was lost may have been carried out: the next look tells.
            unsure = unsure or not _refused(error)
            failed = error
        else:
            return Executed(done.metadata.generation, done.metadata.resource_version, True, replanned)
        await client.clock.sleep(0.0 if _precondition(failed) else FIRST_PAUSE)


async def _patiently(
    client: Client, give_up: float, ask: Callable[[], Awaitable[RollbackTarget]]
) -> RollbackTarget:
    """Ask again until the server can answer. Raises what the server said last, after ``give_up``."""
    pause = FIRST_PAUSE
    while True:
        try:
            return await ask()
        except (ApiRejected, Unreachable) as error:
            if not _is_down(error) or client.clock.monotonic() > give_up:
                raise
        await client.clock.sleep(pause * (0.5 + client.chance()))
        pause = min(2 * pause, LONGEST_PAUSE)


async def delete_pod(client: Client, namespace: str, name: str, uid: str) -> None:
    """Delete the pod with this UID: a StatefulSet waits for its broken pod even after a rollback.

    Raises ClusterError; Conflict when the name now belongs to another pod.
    """
    body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
    await client.request("DELETE", PODS.path(namespace, name), body=body)


def _choose(history: History, pin: PinnedRevision | None, to: str) -> _Choice:
    if to == "pinned" and pin is not None:
        return _pinned(history, pin)
    if to in ("pinned", "previous"):
        return _previous(history)
    wanted = next((one for one in history.revisions if str(one.number) == to), None)
    if wanted is None:
        known = ", ".join(str(one.number) for one in history.revisions if one.number) or "none"
        return _Choice(
            f"revision {clean(to, 20)}", problem=f"There is no revision {clean(to, 20)}; there are {known}."
        )
    return _chosen(f"revision {to}", wanted)


def _pinned(history: History, pin: PinnedRevision) -> _Choice:
    """The pinned template, from its ReplicaSet where that still exists: its number will have changed."""
    warnings: tuple[str, ...] = ()
    if pin.uid and pin.uid != history.workload.metadata.uid:
        warnings = ("It was deleted and made anew since it was pinned.",)
    held = [one for one in history.revisions if _is_pinned(one, pin)]
    exact = next((one for one in held if one.holder == pin.replica_set), held[0] if held else None)
    if exact is not None:
        return replace(_chosen("pinned", exact), warnings=warnings)
    if not pin.template:
        problem = (
            "The pinned revision is gone and its template was not recorded. Choose a revision with --to."
        )
        return _Choice("pinned", pin.revision, problem=problem)
    name = f"revision {pin.revision}" if pin.revision else "revision"
    gone = f"The cluster no longer keeps the pinned {name}; its recorded template is used."
    return _Choice("pinned template", pin.revision, dict(pin.template), warnings=(*warnings, gone))


def _is_pinned(one: Revision, pin: PinnedRevision) -> bool:
    if pin.template:
        return same_template(one.template, pin.template)
    return bool(pin.template_hash) and one.template_hash == pin.template_hash


def _previous(history: History) -> _Choice:
    """The newest revision that is not the present one.

    It differs from ``undo`` where that goes too far: a template without a ReplicaSet is no revision yet.
    """
    current = history.current
    others = [one for one in history.revisions if current is None or one.uid != current.uid]
    if not others:
        return _Choice(
            "previous", problem="There is no earlier revision to go back to. Deploy a fixed version."
        )
    return _chosen("previous", others[0])


def _chosen(source: str, one: Revision) -> _Choice:
    return _Choice(source, str(one.number), one.template, one.annotations)


def _obstacle(workload: Workload, resume: bool) -> str:
    if workload.metadata.deletion_timestamp is not None:
        return "It is being deleted. Apply its manifests again once it is gone."
    if workload.spec.paused and not resume:
        return "It is paused. Resume it first, or resume and roll back in one go."
    return ""


def _pin_warning(workload: Workload, current: Revision | None) -> str:
    if current is None:
        return "Its template has not run yet: the controller has made no revision of it."
    if isinstance(workload, Deployment):
        verdict = deployment_verdict(workload, (), ())
    elif isinstance(workload, StatefulSet):
        verdict = statefulset_verdict(workload, ())
    else:
        verdict = daemonset_verdict(workload, ())
    if verdict.state in (RolloutState.COMPLETE, RolloutState.SCALED_TO_ZERO, RolloutState.UNKNOWN):
        return ""
    return f"Its rollout is not complete: {verdict.message}."


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


async def _fresh(client: Client, target: RollbackTarget) -> RollbackTarget:
    """The same way back, planned on the workload as it is now. Raises Conflict when that makes no sense."""
    now = await read_workload(client, target.place)
    if now.metadata.uid != target.uid:
        raise Conflict(
            f"{target.place.workload} was deleted and made anew since the rollback was planned.",
            "Look at the preview again.",
        )
    skipped = same_template(now.spec.template, target.template)
    resume = target.resume and now.spec.paused
    obstacle = "" if skipped else _obstacle(now, resume or target.resume)
    if obstacle:
        raise Conflict(f"{target.place.workload} cannot be rolled back any more: {obstacle}")
    patch = rollback_patch(now.metadata, target.template, target.annotations, resume=resume)
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
    return not _is_down(error) or (isinstance(error, ApiRejected) and error.status == _TOO_MANY)


def _worth_another(error: ClusterError) -> bool:
    return _precondition(error) or _is_down(error)


def _is_down(error: ClusterError) -> bool:
    """Whether the server could not answer now, and may do so later."""
    if isinstance(error, ApiRejected):
        return error.status == _TOO_MANY or error.status >= 500
    return isinstance(error, Unreachable)


__all__ = [
    "Executed",
    "PinnedRevision",
    "RollbackTarget",
    "delete_pod",
    "dry_run",
    "execute",
    "make_pin",
    "make_target",
    "plan_rollback",
    "progress",
    "read_pin",
]
