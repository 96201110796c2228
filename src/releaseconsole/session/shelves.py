"""The workloads of one target with what they own, brought up to date change by change.

Thousands of pods change many times a second during a release. Here only those that did are looked at again,
and a workload of which nothing changed stays the same object, so that whoever draws it can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from releaseconsole.cluster.decode import PODS, REPLICA_SETS
from releaseconsole.cluster.objects import Deployment, ReplicaSet
from releaseconsole.cluster.rollout import new_replica_set
from releaseconsole.cluster.watch import Cache
from releaseconsole.session.assemble import Family, Snapshot, family_of
from releaseconsole.session.facts import Facts, facts_of

T = TypeVar("T")
Caches = Mapping[str, Cache[Any]]


class Shelf(Generic[T]):
    """What was made of the objects in one cache, by the UID of their controller."""

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self._cache: Cache[Any] | None = None
        self._held: dict[str, tuple[Any, str]] = {}
        self._owned: dict[str, dict[str, T]] = {}

    def owned_by(self, uid: str) -> tuple[T, ...]:
        """What the object with ``uid`` controls, in the order in which it was first seen."""
        return tuple(self._owned.get(uid, {}).values())

    def follow(self, cache: Cache[Any] | None) -> set[str]:
        """Take what has changed since the last call; the UIDs of the controllers concerned."""
        touched = cache.take_touched() if cache is not None else None
        held: Mapping[str, Any] = cache.objects if cache is not None else {}
        if cache is not self._cache or touched is None:
            self._cache = cache
            touched = dict.fromkeys((*self._held, *held))
        concerned: set[str] = set()
        for name in touched:
            self._replace(name, held.get(name), concerned)
        return concerned

    def _replace(self, name: str, now: Any, concerned: set[str]) -> None:
        before, uid = self._held.get(name, (None, ""))
        if now is before:
            return
        owner = now.metadata.controller_uid() if now is not None else ""
        if before is not None and (now is None or owner != uid):
            self._forget(name, uid)
            concerned.add(uid)
        if now is not None:
            self._held[name] = now, owner
            self._owned.setdefault(owner, {})[name] = self._make(now)
            concerned.add(owner)

    def _forget(self, name: str, uid: str) -> None:
        del self._held[name]
        owned = self._owned[uid]
        del owned[name]
        if not owned:
            del self._owned[uid]


class Shelves:
    """Families of a target's workloads, the same objects as before where nothing has changed."""

    def __init__(self, workloads: Iterable[str]) -> None:
        self._workloads = tuple(workloads)
        self._pods: Shelf[Facts] = Shelf(facts_of)
        self._sets: Shelf[ReplicaSet] = Shelf(_itself)
        self._families: dict[str, Family] = {}
        self._around: tuple[object, ...] = ()
        self._newest: dict[str, tuple[object, str]] = {}

    def families(self, caches: Caches, rest: Snapshot) -> tuple[Family, ...]:
        """The workloads in their order; ``rest`` is what the caches hold but for ReplicaSets and pods."""
        self._follow(caches, rest)
        return tuple(self._family(workload, rest) for workload in self._workloads)

    def family(self, caches: Caches, rest: Snapshot, workload: str) -> Family | None:
        """One of them; None for another workload. Much cheaper than all of many."""
        if workload not in self._workloads:
            return None
        self._follow(caches, rest)
        return self._family(workload, rest)

    def _follow(self, caches: Caches, rest: Snapshot) -> None:
        """Forget the families that something has changed in since the last call."""
        concerned = self._pods.follow(caches.get(PODS.plural))
        concerned |= self._sets.follow(caches.get(REPLICA_SETS.plural))
        around = (rest.autoscalers, rest.budgets, rest.unread, rest.unknown)
        if around != self._around:
            self._around, self._families = around, {}
        if concerned:
            self._families = {
                key: one for key, one in self._families.items() if not _is_concerned(one, concerned)
            }

    def _family(self, workload: str, rest: Snapshot) -> Family:
        known = self._families.get(workload)
        if known is None or known.owner is None or rest.owner(workload) is not known.owner:
            known = family_of(rest, workload, self._sets.owned_by, self._pods.owned_by, self._newest_of)
            self._families[workload] = known
        return known

    def _newest_of(self, owner: Any, replica_sets: tuple[ReplicaSet, ...]) -> str | None:
        """UID of the ReplicaSet of a Deployment's template; templates are compared again when one has changed."""
        if not isinstance(owner, Deployment) or not owner.metadata.generation:
            return None
        key = (_version(owner), frozenset(map(_version, replica_sets)))
        before, uid = self._newest.get(owner.metadata.name, (None, ""))
        if key != before:
            newest = new_replica_set(owner, replica_sets)
            uid = newest.metadata.uid if newest is not None else ""
            self._newest[owner.metadata.name] = key, uid
        return uid


def _is_concerned(family: Family, concerned: set[str]) -> bool:
    owners = (family.owner, *family.replica_sets)
    return any(one.metadata.uid in concerned for one in owners if one is not None)


def _version(one: Deployment | ReplicaSet) -> tuple[str, int]:
    """Differs when the spec, and so the template, may differ."""
    return one.metadata.uid, one.metadata.generation


def _itself(replica_set: ReplicaSet) -> ReplicaSet:
    return replica_set
