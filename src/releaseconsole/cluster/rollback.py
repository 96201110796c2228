"""The plan of rolling one workload back. ``rollback_run`` sends it.

A rollback goes to what was *pinned* before the deploy. ``kubectl rollout undo`` goes to the second-highest
revision, which is wrong when the bad template has no ReplicaSet yet, when it is pressed twice (revisions are
renumbered), and after two bad deploys in a row. StatefulSets and DaemonSets are sent the same JSON patch as
Deployments and not the stored strategic merge patch: a ControllerRevision holds the whole template, so the
effect is the same, and it carries preconditions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from releaseconsole.cluster.argo import Rollout, as_kept
from releaseconsole.cluster.argo_rollout import rollout_verdict, way_back
from releaseconsole.cluster.objects import Deployment, StatefulSet
from releaseconsole.cluster.patch import Operation, owners, rollback_patch
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
)

if TYPE_CHECKING:
    from releaseconsole.cluster.connect import Client


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
class _Choice:
    source: str
    revision: str = ""
    template: Mapping[str, Any] = field(default_factory=dict)
    annotations: Mapping[str, str] | None = None
    problem: str = ""
    warnings: tuple[str, ...] = ()
    template_hash: str = ""
    """Of the ReplicaSet that holds the template; "" when none does."""


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
    now = _running(history)
    usable = not choice.problem
    skipped = usable and _is_there(history, choice)
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
        template=_to_send(workload, choice.template) if usable else {},
        annotations=choice.annotations,
        resume=resume,
        warnings=(*choice.warnings, *_way_back(workload, choice), *owners(workload.metadata)),
        problem=choice.problem or ("" if skipped else obstacle(workload, resume)),
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
    by_hash = isinstance(history.workload, Rollout) and bool(pin.template_hash)
    held = [one for one in history.revisions if _is_pinned(one, pin, by_hash)]
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


def _is_pinned(one: Revision, pin: PinnedRevision, by_hash: bool) -> bool:
    if pin.template and not by_hash:
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
    return _Choice(source, str(one.number), one.template, one.annotations, template_hash=one.template_hash)


def _running(history: History) -> Mapping[str, Any]:
    """The present template; a Rollout's as its ReplicaSet has it, with the defaults that the others have too."""
    workload, current = history.workload, history.current
    if isinstance(workload, Rollout) and workload.hash_known and current is not None:
        return current.template
    return workload.spec.template


def _is_there(history: History, choice: _Choice) -> bool:
    """Whether it runs the chosen template already. A Rollout's ReplicaSets differ from it by their defaults."""
    workload, current = history.workload, history.current
    if isinstance(workload, Rollout) and workload.hash_known and current is not None and choice.template_hash:
        return current.template_hash == choice.template_hash
    return same_template(workload.spec.template, choice.template)


def _to_send(workload: Workload, template: Mapping[str, Any]) -> dict[str, Any]:
    plain = bare(template)
    return as_kept(plain) if isinstance(workload, Rollout) else plain


def _way_back(workload: Workload, choice: _Choice) -> tuple[str, ...]:
    return way_back(workload, choice.template_hash) if isinstance(workload, Rollout) else ()


def obstacle(workload: Workload, resume: bool) -> str:
    """Why the workload cannot be patched now, and what to do; "" when it can."""
    if isinstance(workload, Rollout) and (reference := workload.spec.workload_ref) is not None:
        whose = clean(f"{reference.kind.lower()}/{reference.name}", 300)
        undo = f"kubectl argo rollouts undo {clean(workload.metadata.name, 253)}"
        return f"Its template is that of {whose} (workloadRef), which is not supported. Use `{undo}`."
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
    elif isinstance(workload, Rollout):
        verdict = rollout_verdict(workload, (), ())
    else:
        verdict = daemonset_verdict(workload, ())
    if verdict.state in (RolloutState.COMPLETE, RolloutState.SCALED_TO_ZERO, RolloutState.UNKNOWN):
        return ""
    return f"Its rollout is not complete: {verdict.message}."
