"""One store of plain objects: versions, history, watches and owners, the same for every kind.

It is synchronous and lives in one event loop. What it hands out is never changed again, so readers need
no copy; who wants to change an object does so through :meth:`Store.update`, on a copy.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Iterator, Sequence
from typing import Any

from releaseconsole.clock import Clock
from releaseconsole.sandbox.store import defaults
from releaseconsole.sandbox.store.chance import SAFE_LETTERS
from releaseconsole.sandbox.store.changelog import Change, ChangeLog, Subscription, Watch
from releaseconsole.sandbox.store.kinds import KINDS, Kind, Obj, by_kind
from releaseconsole.sandbox.store.lifecycle import (
    FINALIZERS,
    FOREGROUND,
    ORPHAN,
    blocks,
    counts,
    drop,
    mark,
    waits_for,
)
from releaseconsole.sandbox.store.objects import clone, deleted, place, rfc3339
from releaseconsole.sandbox.store.refusals import (
    already_exists,
    conflict,
    delete_conflict,
    invalid,
    no_such_path,
    not_found,
)

#: Kinds without a spec that a controller follows have no generation.
_NO_GENERATION = frozenset(
    {"services", "endpoints", "events", "configmaps", "secrets", "serviceaccounts", "nodes"}
    | {"namespaces", "limitranges", "resourcequotas", "persistentvolumes", "persistentvolumeclaims", "leases"}
    | {"controllerrevisions", "endpointslices"}
)

#: A year; a longer grace would end after the last date there is.
_LONGEST_GRACE = 31_536_000

Key = tuple[str, str]


class Store:
    """The objects of one practice cluster.

    ``history`` is how many changes of each kind a watch can still be given; older versions are gone (410).
    """

    def __init__(self, clock: Clock, uids: Callable[[], str], *, history: int = 4096) -> None:
        self._clock = clock
        self._uids = uids
        self._objects: dict[str, dict[Key, Obj]] = {plural: {} for plural in KINDS}
        self._children: dict[str, set[tuple[str, str, str]]] = {}
        self._log = ChangeLog(history)
        self.resource_version = 1

    # Reading

    def get(self, kind: str, namespace: str, name: str) -> Obj:
        """The object as it stands; not to be changed. Raises StoreError (404)."""
        row = _row(kind)
        found = self._objects[kind].get(_key(row, namespace, name))
        if found is None:
            raise not_found(row, name)
        return found

    def find(self, kind: str, namespace: str, name: str) -> Obj | None:
        """The object, or None."""
        return self._objects[kind].get(_key(_row(kind), namespace, name))

    def list(
        self, kind: str, namespace: str | None = None, selector: Callable[[Obj], bool] | None = None
    ) -> list[Obj]:
        """Objects in the order of namespace and name; ``namespace=None`` means all of them."""
        objects = self._objects[_row(kind).plural]
        keys = sorted(key for key in objects if namespace is None or key[0] == namespace)
        found = [objects[key] for key in keys]
        return found if selector is None else [obj for obj in found if selector(obj)]

    def list_at(self, kind: str, version: int) -> Sequence[Obj]:
        """Every object of a kind as it stood at an earlier version. Raises StoreError (410 Expired)."""
        objects = dict(self._objects[_row(kind).plural])
        for change in self._log.since(kind, version):
            key = place(change.object)
            if change.old is None:
                del objects[key]
            else:
                objects[key] = change.old
        return [objects[key] for key in sorted(objects)]

    def children(self, uid: str) -> Iterator[tuple[str, Obj]]:
        """Kind and object of everything that names ``uid`` among its owners."""
        for kind, namespace, name in sorted(self._children.get(uid, ())):
            yield kind, self._objects[kind][(namespace, name)]

    # Writing

    def create(self, kind: str, obj: Obj, *, dry_run: bool = False) -> Obj:
        """Adds an object and returns it with uid, creationTimestamp, resourceVersion and defaults.

        A ``generateName`` gets a suffix. Raises StoreError (409 AlreadyExists, 422 Invalid without a name).
        """
        row = _row(kind)
        fresh = clone(obj)
        meta = fresh["metadata"] = dict(fresh.get("metadata") or {})
        uid = self._uids()
        _name(row, meta, uid)
        namespace = meta.setdefault("namespace", "default") if row.namespaced else ""
        if not row.namespaced:
            meta.pop("namespace", None)
        if (namespace, meta["name"]) in self._objects[kind]:
            raise already_exists(row, meta["name"])
        meta.update(uid=uid, creationTimestamp=rfc3339(self._clock.now()))
        for field in ("resourceVersion", "generation", "deletionTimestamp", "deletionGracePeriodSeconds"):
            meta.pop(field, None)
        if kind not in _NO_GENERATION:
            meta["generation"] = 1
        fresh = {"apiVersion": row.api_version, "kind": row.kind, **fresh}
        fresh.update(apiVersion=row.api_version, kind=row.kind)
        defaults.apply(kind, fresh)
        return fresh if dry_run else self._commit(kind, "ADDED", fresh, None)

    def update(
        self,
        kind: str,
        namespace: str,
        name: str,
        change: Callable[[Obj], None],
        *,
        subresource: str | None = None,
        expected_rv: str | None = None,
        dry_run: bool = False,
    ) -> Obj:
        """Applies ``change`` to a copy and keeps the result.

        As in the real API, ``subresource="status"`` keeps spec and labels as they were, and anything else
        keeps the status of a kind that has a status subresource. The version moves only when something
        changed, the generation only when the spec did. Raises StoreError (404, 409 Conflict).
        """
        old = self.get(kind, namespace, name)
        row = _row(kind)
        if expected_rv is not None and expected_rv != old["metadata"]["resourceVersion"]:
            raise conflict(row, name)
        new = clone(old)
        change(new)
        _keep_identity(row, old, new)
        _keep_other_half(row, old, new, subresource)
        defaults.apply(kind, new, old)
        if new == old:
            return old
        if counts(kind, old, new, subresource):
            new["metadata"]["generation"] = old["metadata"]["generation"] + 1
        if dry_run:
            return new
        if deleted(new) and not new["metadata"].get("finalizers") and _held(old):
            return self._remove(kind, new)
        return self._commit(kind, "MODIFIED", new, old)

    def delete(
        self,
        kind: str,
        namespace: str,
        name: str,
        *,
        grace: int | None = 0,
        propagation: str = "Background",
        uid: str | None = None,
        expected_rv: str | None = None,
        dry_run: bool = False,
    ) -> Obj:
        """Removes an object and, unless ``propagation`` is ``Orphan``, what it owns.

        ``grace`` 0 removes at once (DELETED). ``None`` takes the pod's own terminationGracePeriodSeconds:
        a pod on a node then only gets its deletionTimestamp (MODIFIED), and its kubelet deletes it later
        with 0. Finalizers hold an object back in the same way. ``Foreground``
        keeps it until what it owns is gone; a namespace goes when nothing is left in it. Raises StoreError
        (404, 409 Conflict).
        """
        old = self.get(kind, namespace, name)
        row = _row(kind)
        if uid is not None and uid != old["metadata"]["uid"]:
            raise delete_conflict(row, name, "UID", uid, old["metadata"]["uid"])
        if expected_rv is not None and expected_rv != old["metadata"]["resourceVersion"]:
            found = old["metadata"]["resourceVersion"]
            raise delete_conflict(row, name, "ResourceVersion", expected_rv, found)
        seconds = _grace(kind, old, grace)
        if dry_run:
            return old
        if kind == "namespaces":
            return self._end_namespace(old)
        if propagation in FINALIZERS and kind != "pods":
            return self._end_with_dependents(kind, old, seconds, FINALIZERS[propagation])
        if seconds > 0 or _held(old):
            return self._mark_deleted(kind, old, seconds)
        return self._remove(kind, old)

    def compact(self) -> None:
        """Forgets the history: a watch from an older version gets 410 from now on."""
        self._log.compact(self.resource_version)

    # Following

    def subscribe(self, kinds: Container[str] | None = None) -> Subscription:
        """For a controller: wakes when something of these kinds changed (None: any kind)."""
        return self._log.subscribe(kinds)

    def watch(self, kind: str, since: int) -> Watch:
        """Every change of a kind after version ``since``. Raises StoreError (410 Expired)."""
        return self._log.watch(_row(kind).plural, since)

    @property
    def watching(self) -> int:
        """How many watches are open."""
        return self._log.watches

    # Inside

    def _commit(self, kind: str, event: str, new: Obj, old: Obj | None) -> Obj:
        self.resource_version += 1
        new["metadata"]["resourceVersion"] = str(self.resource_version)
        key = place(new)
        self._index(kind, old, new if event != "DELETED" else None, key)
        if event == "DELETED":
            del self._objects[kind][key]
        else:
            self._objects[kind][key] = new
        self._log.append(kind, Change(event, self.resource_version, new, old))
        return new

    def _index(self, kind: str, old: Obj | None, new: Obj | None, key: Key) -> None:
        was, now = _owners(old), _owners(new)
        place = (kind, *key)
        for uid in was - now:
            members = self._children.get(uid, set())
            members.discard(place)
            if not members:
                self._children.pop(uid, None)
        for uid in now - was:
            self._children.setdefault(uid, set()).add(place)

    def _mark_deleted(self, kind: str, old: Obj, seconds: int, finalizer: str = "") -> Obj:
        if deleted(old) and seconds >= old["metadata"].get("deletionGracePeriodSeconds", 0):
            return old
        return self._commit(kind, "MODIFIED", mark(old, self._clock.now(), seconds, finalizer), old)

    def _end_with_dependents(self, kind: str, old: Obj, seconds: int, finalizer: str) -> Obj:
        """Marks an object and deals with what it owns; it goes as soon as nothing holds it back."""
        marked = self._mark_deleted(kind, old, seconds, finalizer)
        if finalizer == ORPHAN:
            self._orphan(old)
            self._release(kind, marked, ORPHAN)
            return marked
        for child_kind, child in list(self.children(marked["metadata"]["uid"])):
            if self.find(child_kind, *place(child)) is not None and not deleted(child):
                self.delete(child_kind, *place(child), grace=None, propagation="Foreground")
        self._release_if_alone(kind, marked)
        return marked

    def _release_if_alone(self, kind: str, owner: Obj) -> None:
        """Lets go what is deleted in the foreground once it owns nothing that blocks it."""
        current = self.find(kind, *place(owner))
        uid = owner["metadata"]["uid"]
        if current is None or current["metadata"]["uid"] != uid or not waits_for(current, FOREGROUND):
            return
        if not any(blocks(child, uid) for _, child in self.children(uid)):
            self._release(kind, current, FOREGROUND)

    def _release(self, kind: str, obj: Obj, finalizer: str) -> None:
        """Takes a finalizer away; an object that none holds back any more goes."""
        self.update(kind, *place(obj), lambda found: drop(found, finalizer))

    def _end_namespace(self, old: Obj) -> Obj:
        """Marks a namespace, empties it, and removes it when nothing is left."""
        name = old["metadata"]["name"]
        marked = (
            old
            if deleted(old)
            else self._commit("namespaces", "MODIFIED", mark(old, self._clock.now(), 0), old)
        )
        for kind in KINDS:
            for key in [key for key in self._objects[kind] if key[0] == name]:
                if key in self._objects[kind]:
                    self.delete(kind, *key, grace=None)
        self._remove_namespace_if_empty(name)
        return marked

    def _remove_namespace_if_empty(self, name: str) -> None:
        found = self.find("namespaces", "", name)
        if found is None or not deleted(found) or _held(found):
            return
        if not any(key[0] == name for objects in self._objects.values() for key in objects):
            self._remove("namespaces", found)

    def _remove(self, kind: str, old: Obj) -> Obj:
        gone = self._commit(kind, "DELETED", clone(old), old)
        self._collect(old["metadata"]["uid"])
        for reference in old["metadata"].get("ownerReferences", ()):
            owner = by_kind(str(reference.get("apiVersion")), str(reference.get("kind")))
            if owner is not None:
                where = (
                    old["metadata"].get("namespace", "") if owner.namespaced else "",
                    str(reference.get("name")),
                )
                held = self.find(owner.plural, *where)
                if held is not None and deleted(held):
                    self._release_if_alone(owner.plural, held)
        if namespace := old["metadata"].get("namespace"):
            self._remove_namespace_if_empty(namespace)
        return gone

    def _collect(self, uid: str) -> None:
        """Deletes what has lost its last owner."""
        for kind, child in list(self.children(uid)):
            others = _owners_but(child, uid)
            if others:
                self.update(kind, *place(child), _set_owners(others))
            else:
                self.delete(kind, *place(child), grace=None)

    def _orphan(self, owner: Obj) -> None:
        uid = owner["metadata"]["uid"]
        for kind, child in list(self.children(uid)):
            self.update(kind, *place(child), _set_owners(_owners_but(child, uid)))


def _row(kind: str) -> Kind:
    row = KINDS.get(kind)
    if row is None:
        raise no_such_path()
    return row


def _key(row: Kind, namespace: str, name: str) -> Key:
    return (namespace if row.namespaced else "", name)


def _name(row: Kind, meta: Obj, uid: str) -> None:
    if meta.get("name"):
        return
    prefix = meta.get("generateName")
    if not prefix:
        raise invalid(row, "", [("metadata.name", "FieldValueRequired", "name or generateName is required")])
    digest = hashlib.sha256(uid.encode()).digest()
    meta["name"] = prefix + "".join(SAFE_LETTERS[byte % len(SAFE_LETTERS)] for byte in digest[:5])


def _keep_identity(row: Kind, old: Obj, new: Obj) -> None:
    """What no client may change, put back as the API server does."""
    before, after = old["metadata"], new.setdefault("metadata", {})
    for field in ("name", "namespace", "uid", "creationTimestamp", "generation", "resourceVersion"):
        if field in before:
            after[field] = before[field]
        else:
            after.pop(field, None)
    for field in ("deletionTimestamp", "deletionGracePeriodSeconds", "generateName", "selfLink"):
        if field in before:
            after[field] = before[field]
        else:
            after.pop(field, None)
    for field in ("labels", "annotations", "finalizers", "ownerReferences", "managedFields"):
        if not after.get(field):
            after.pop(field, None)
    new["apiVersion"], new["kind"] = row.api_version, row.kind


def _keep_other_half(row: Kind, old: Obj, new: Obj, subresource: str | None) -> None:
    if not row.has_status:
        return
    if subresource == "status":
        _restore(old, new, "spec")
        _restore(old["metadata"], new["metadata"], "labels")
    else:
        _restore(old, new, "status")


def _restore(old: dict[str, Any], new: dict[str, Any], field: str) -> None:
    if field in old:
        new[field] = old[field]
    else:
        new.pop(field, None)


def _grace(kind: str, obj: Obj, grace: int | None) -> int:
    if kind != "pods":
        return 0
    spec, status = obj.get("spec", {}), obj.get("status", {})
    if not spec.get("nodeName") or status.get("phase") in ("Succeeded", "Failed"):
        return 0
    seconds = spec.get("terminationGracePeriodSeconds", 30) if grace is None else grace
    return min(max(0, int(seconds)), _LONGEST_GRACE)


def _held(obj: Obj) -> bool:
    return bool(obj["metadata"].get("finalizers"))


def _owners(obj: Obj | None) -> set[str]:
    if obj is None:
        return set()
    return {ref["uid"] for ref in obj["metadata"].get("ownerReferences", ()) if ref.get("uid")}


def _owners_but(obj: Obj, uid: str) -> list[Obj]:
    return [ref for ref in obj["metadata"].get("ownerReferences", ()) if ref.get("uid") != uid]


def _set_owners(owners: list[Obj]) -> Callable[[Obj], None]:
    def change(obj: Obj) -> None:
        obj["metadata"]["ownerReferences"] = owners

    return change
