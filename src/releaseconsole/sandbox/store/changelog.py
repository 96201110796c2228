"""What happened to the objects, as far back as it is kept, and who follows it.

A watch holds a place in the log, not a queue of its own: however slow its reader, it costs nothing, and a
reader that fell behind the log learns so (410), as from etcd.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Container
from dataclasses import dataclass

from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.refusals import StoreError, expired


@dataclass(frozen=True, slots=True)
class Change:
    """One change: ``type`` is ADDED, MODIFIED or DELETED; ``old`` is the object before it."""

    type: str
    version: int
    object: Obj
    old: Obj | None


class _Ring:
    """The last changes of one kind, each with an index that never changes."""

    __slots__ = ("changes", "dropped", "first")

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.first = 0
        self.dropped = 0

    def trim(self, keep: int) -> None:
        surplus = len(self.changes) - keep
        if surplus > 0:
            self.dropped = self.changes[surplus - 1].version
            del self.changes[:surplus]
            self.first += surplus


class Subscription:
    """Wakes a controller; changes between two waits count as one."""

    def __init__(self, log: ChangeLog, kinds: Container[str] | None) -> None:
        self._log = log
        self._kinds = kinds
        self._changed = asyncio.Event()

    async def wait(self) -> None:
        """Returns as soon as something changed since the last wait (or the subscription)."""
        await self._changed.wait()
        self._changed.clear()

    def notify(self, kind: str) -> None:
        """A change of ``kind`` happened."""
        if self._kinds is None or kind in self._kinds:
            self._changed.set()

    def close(self) -> None:
        """No more wake-ups."""
        self._log.unsubscribe(self)


class Watch:
    """A place in the history of one kind."""

    def __init__(self, log: ChangeLog, kind: str, index: int) -> None:
        self._log = log
        self.kind = kind
        self._index = index
        self._changed = asyncio.Event()

    def notify(self, kind: str) -> None:
        """A change of ``kind`` happened."""
        if kind == self.kind:
            self._changed.set()

    def take(self, limit: int = 256) -> list[Change]:
        """Up to ``limit`` next changes, without waiting. Raises StoreError (410) when the log ran past."""
        changes = self._log.read(self.kind, self._index, limit)
        self._index += len(changes)
        return changes

    async def wait(self) -> None:
        """Returns when there is something to take."""
        while not self._log.has(self.kind, self._index):
            self._changed.clear()
            await self._changed.wait()

    async def __anext__(self) -> Change:
        await self.wait()
        return self.take(1)[0]

    def __aiter__(self) -> Watch:
        return self

    def close(self) -> None:
        """Gives up the place."""
        self._log.unsubscribe(self)


class ChangeLog:
    """The rings of all kinds and their followers."""

    def __init__(self, history: int) -> None:
        self._history = max(1, history)
        self._rings: dict[str, _Ring] = {}
        self._followers: set[Subscription | Watch] = set()
        self._compacted = 0

    @property
    def watches(self) -> int:
        return sum(1 for follower in self._followers if isinstance(follower, Watch))

    def append(self, kind: str, change: Change) -> None:
        """Records a change and wakes who follows the kind."""
        ring = self._rings.setdefault(kind, _Ring())
        ring.changes.append(change)
        if len(ring.changes) >= 2 * self._history:
            ring.trim(self._history)
        for follower in self._followers:
            follower.notify(kind)

    def compact(self, version: int) -> None:
        """Drops everything up to ``version``."""
        self._compacted = version
        for ring in self._rings.values():
            ring.trim(0)
        for follower in self._followers:
            if isinstance(follower, Watch):
                follower.notify(follower.kind)

    def subscribe(self, kinds: Container[str] | None) -> Subscription:
        subscription = Subscription(self, kinds)
        self._followers.add(subscription)
        return subscription

    def unsubscribe(self, follower: Subscription | Watch) -> None:
        self._followers.discard(follower)

    def watch(self, kind: str, since: int) -> Watch:
        """A watch behind version ``since``. Raises StoreError (410 Expired)."""
        ring = self._ring(kind, since)
        index = bisect_right(ring.changes, since, key=lambda change: change.version)
        watch = Watch(self, kind, ring.first + index)
        self._followers.add(watch)
        return watch

    def since(self, kind: str, version: int) -> list[Change]:
        """The changes after a version, last first. Raises StoreError (410 Expired)."""
        ring = self._ring(kind, version)
        start = bisect_right(ring.changes, version, key=lambda change: change.version)
        return ring.changes[start:][::-1]

    def _ring(self, kind: str, version: int) -> _Ring:
        ring = self._rings.setdefault(kind, _Ring())
        oldest = max(self._compacted, ring.dropped)
        if version < oldest:
            raise expired(version, oldest)
        return ring

    def has(self, kind: str, index: int) -> bool:
        ring = self._rings[kind]
        return index < ring.first or ring.first + len(ring.changes) > index

    def read(self, kind: str, index: int, limit: int) -> list[Change]:
        ring = self._rings[kind]
        if index < ring.first:
            raise StoreError(410, "Expired", "The resourceVersion for the provided watch is too old.")
        start = index - ring.first
        return ring.changes[start : start + limit]
