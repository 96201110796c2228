"""The rules of generations and deletions that need no store: what counts a change, and what holds an object back."""

from __future__ import annotations

from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.objects import clone, rfc3339

FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"
#: How what an object owns is dealt with, by the propagation policy; with ``Background`` nothing is held back.
FINALIZERS = {"Foreground": FOREGROUND, "Orphan": ORPHAN}


def counts(kind: str, old: Obj, new: Obj, subresource: str | None) -> bool:
    """Whether a change moves the generation: one of the spec, and of a Deployment's annotations too.

    (Its controller hands the annotations on, so it has to observe them.) A pod that is put on a node stays.
    """
    if "generation" not in old["metadata"]:
        return False
    before, after = old.get("spec"), new.get("spec")
    if kind == "pods":
        before, after = _unplaced(before), _unplaced(after)
    if before != after:
        return True
    notes = [obj["metadata"].get("annotations") for obj in (old, new)]
    return kind == "deployments" and subresource is None and notes[0] != notes[1]


def _unplaced(spec: Obj | None) -> Obj:
    return {key: value for key, value in (spec or {}).items() if key != "nodeName"}


def mark(obj: Obj, now: float, seconds: int, finalizer: str = "") -> Obj:
    """An object on its way out, which ``finalizer`` may hold back; ``now`` is in epoch seconds."""
    marked = clone(obj)
    meta = marked["metadata"]
    if "deletionTimestamp" not in meta and "generation" in meta:
        meta["generation"] += 1
    meta["deletionTimestamp"] = rfc3339(now + seconds)
    meta["deletionGracePeriodSeconds"] = seconds
    if finalizer and finalizer not in meta.get("finalizers", ()):
        meta["finalizers"] = [*meta.get("finalizers", ()), finalizer]
    if marked["kind"] == "Namespace":
        marked["status"] = {**(marked.get("status") or {}), "phase": "Terminating"}
    return marked


def waits_for(obj: Obj, finalizer: str) -> bool:
    """Whether a finalizer holds an object back."""
    return finalizer in obj["metadata"].get("finalizers", ())


def drop(obj: Obj, finalizer: str) -> None:
    """Takes a finalizer away."""
    left = [one for one in obj["metadata"].get("finalizers", ()) if one != finalizer]
    obj["metadata"]["finalizers"] = left


def blocks(child: Obj, owner: str) -> bool:
    """Whether a child keeps the owner of this UID, which is deleted in the foreground."""
    references = child["metadata"].get("ownerReferences", ())
    return any(one.get("uid") == owner and one.get("blockOwnerDeletion") for one in references)
