"""Whether anything in a group of objects changed, told by one small value."""

from __future__ import annotations

from collections.abc import Iterable

from releaseconsole.sandbox.controllers.tools import controller_of
from releaseconsole.sandbox.store.kinds import Obj

#: Number of objects and the newest version among them: it differs whenever one comes, goes or changes.
Stamp = tuple[int, int]
_NOTHING: Stamp = (0, 0)


class Stamps:
    """The stamps of one list of objects, by namespace and by owner."""

    def __init__(self, objects: Iterable[Obj]) -> None:
        self._by_namespace: dict[str, Stamp] = {}
        self._by_owner: dict[str, Stamp] = {}
        self._orphans: dict[str, Stamp] = {}
        for obj in objects:
            self._count(obj)

    def around(self, obj: Obj) -> Stamp:
        """Of everything in an object's namespace."""
        return self._by_namespace.get(obj["metadata"].get("namespace", ""), _NOTHING)

    def everywhere(self) -> Stamp:
        """Of all of them."""
        found = self._by_namespace.values()
        return sum(number for number, _ in found), max((newest for _, newest in found), default=0)

    def of_owner(self, owner: Obj) -> Stamp:
        """Of what an object controls, and of what nobody controls and it could adopt."""
        owned = self._by_owner.get(owner["metadata"]["uid"], _NOTHING)
        orphans = self._orphans.get(owner["metadata"].get("namespace", ""), _NOTHING)
        return owned[0] + orphans[0], max(owned[1], orphans[1])

    def _count(self, obj: Obj) -> None:
        meta = obj["metadata"]
        version, namespace = int(meta["resourceVersion"]), meta.get("namespace", "")
        _add(self._by_namespace, namespace, version)
        owner = controller_of(obj)
        if owner is None:
            _add(self._orphans, namespace, version)
        else:
            _add(self._by_owner, owner, version)


def _add(stamps: dict[str, Stamp], key: str, version: int) -> None:
    number, newest = stamps.get(key, _NOTHING)
    stamps[key] = (number + 1, max(newest, version))
