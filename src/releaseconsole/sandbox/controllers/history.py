"""ControllerRevisions: the templates that a StatefulSet or DaemonSet has had, numbered."""

from __future__ import annotations

from collections.abc import Iterable

from releaseconsole.sandbox.controllers.claims import claim
from releaseconsole.sandbox.controllers.tools import (
    notes_of,
    owner_reference,
    same_template,
    template_hash,
)
from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.objects import clone, dig, place
from releaseconsole.sandbox.store.selectors import of_label_selector
from releaseconsole.sandbox.store.store import Store

#: On every pod: the name (StatefulSet) or the hash (DaemonSet) of the revision it was made from.
POD_HASH = "controller-revision-hash"
_PLURAL = "controllerrevisions"
_LONGEST_PREFIX = 223
_MOST_COLLISIONS = 1000


def held_by(store: Store, owner: Obj) -> list[Obj]:
    """The owner's revisions, oldest first; matching orphans are adopted."""
    found = claim(store, owner, _PLURAL, of_label_selector(owner["spec"]["selector"]))
    return sorted(found, key=number_of)


def number_of(revision: Obj) -> int:
    """Its number; 0 when it has none or an unreadable one."""
    number = revision.get("revision")
    return number if isinstance(number, int) else 0


def template_of(revision: Obj) -> Obj:
    """The pod template that a revision holds. Raises ValueError when it holds none."""
    template = dig(revision, "data", "spec", "template")
    if not isinstance(template, dict):
        raise ValueError(f"ControllerRevision {place(revision)[1]} holds no pod template")
    return {key: clone(value) for key, value in template.items() if key != "$patch"}


def describes(revision: Obj, owner: Obj) -> bool:
    """Whether a revision holds the owner's template of now."""
    template = dig(revision, "data", "spec", "template")
    if not isinstance(template, dict):
        return False
    return same_template(template_of(revision), owner["spec"]["template"])


def renumber(store: Store, revision: Obj, number: int) -> Obj:
    """Gives a revision another number."""

    def change(obj: Obj) -> None:
        obj["revision"] = number

    return store.update(_PLURAL, *place(revision), change)


def create(store: Store, owner: Obj, number: int, label: str, collisions: int) -> tuple[Obj, int]:
    """Keeps the owner's template of now as a revision; returns it with the new count of collisions.

    ``label`` is the label that carries the hash of the name. Raises ValueError when no name is free.
    """
    for count in range(collisions, collisions + _MOST_COLLISIONS):
        fresh = _build(owner, number, label, count)
        taken = store.find(_PLURAL, *place(fresh))
        if taken is None:
            return store.create(_PLURAL, fresh), count
        if describes(taken, owner):
            return taken, count
    raise ValueError(f"no free name for a ControllerRevision of {place(owner)[1]}")


def limit_of(owner: Obj) -> int:
    """``spec.revisionHistoryLimit``."""
    limit = dig(owner, "spec", "revisionHistoryLimit")
    return 10 if limit is None else int(limit)


def remove_oldest(store: Store, unused: Iterable[Obj], surplus: int) -> None:
    """Deletes the ``surplus`` lowest numbers of the revisions that nothing was made from."""
    for revision in sorted(unused, key=number_of)[: max(0, surplus)]:
        remove(store, revision)


def remove(store: Store, revision: Obj) -> None:
    """Deletes a revision."""
    store.delete(_PLURAL, *place(revision))


def _build(owner: Obj, number: int, label: str, collisions: int) -> Obj:
    template = clone(owner["spec"]["template"])
    digest = template_hash(template, collisions)
    name = place(owner)[1][:_LONGEST_PREFIX]
    labels = {**(dig(template, "metadata", "labels") or {}), label: digest}
    return {
        "metadata": {
            "name": f"{name}-{digest}",
            "namespace": place(owner)[0],
            "labels": labels,
            "ownerReferences": [owner_reference(owner)],
            **({"annotations": dict(notes_of(owner))} if notes_of(owner) else {}),
        },
        "data": {"spec": {"template": {**template, "$patch": "replace"}}},
        "revision": number,
    }
