"""Which objects belong to a controller: its own, and the orphans it takes in."""

from __future__ import annotations

from collections.abc import Callable

from releaseconsole.sandbox.controllers.tools import adopt, controller_of, uid
from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.objects import deleted, place
from releaseconsole.sandbox.store.store import Store


def claim(store: Store, owner: Obj, plural: str, fits: Callable[[Obj], bool]) -> list[Obj]:
    """What ``owner`` controls and ``fits``, by name.

    An orphan that fits is adopted, and what no longer fits is let go; an owner on its way out does neither.
    """
    own = [obj for kind, obj in store.children(uid(owner)) if kind == plural and _controls(owner, obj)]
    kept = [obj for obj in own if fits(obj)]
    if not deleted(owner):
        for obj in own:
            if not fits(obj):
                store.update(plural, *place(obj), _release(owner))
        kept += [
            store.update(plural, *place(obj), adopt(owner)) for obj in _orphans(store, owner, plural, fits)
        ]
    return sorted(kept, key=place)


def _controls(owner: Obj, obj: Obj) -> bool:
    return controller_of(obj) == uid(owner)


def _orphans(store: Store, owner: Obj, plural: str, fits: Callable[[Obj], bool]) -> list[Obj]:
    return store.list(
        plural,
        place(owner)[0],
        lambda obj: controller_of(obj) is None and not deleted(obj) and fits(obj),
    )


def _release(owner: Obj) -> Callable[[Obj], None]:
    def change(obj: Obj) -> None:
        references = obj["metadata"].get("ownerReferences") or []
        obj["metadata"]["ownerReferences"] = [one for one in references if one.get("uid") != uid(owner)]

    return change
