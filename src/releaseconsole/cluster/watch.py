"""One kind of object in one namespace, kept fresh: list, then watch, and list again when that is called for.

Rules of the API: start watching at the list's resourceVersion; a 410, as HTTP status or as ERROR event, means
list again; bookmarks move the place to continue from; the server ends a watch at ``timeoutSeconds``, which is
no failure; a connection can be dead without being closed, so silence has a limit of its own.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from releaseconsole.cluster import replies
from releaseconsole.cluster.decode import EventOf, Resource, decode_page, decode_watch
from releaseconsole.cluster.near import unknown_kind
from releaseconsole.cluster.objects import ObjectMeta, Status
from releaseconsole.cluster.text import clean
from releaseconsole.errors import ApiRejected, ClusterError, Denied, Gone, KubeconfigError, NotFound

if TYPE_CHECKING:
    from releaseconsole.cluster.connect import Client


class Named(Protocol):
    """Anything with Kubernetes metadata."""

    @property
    def metadata(self) -> ObjectMeta: ...


T = TypeVar("T", bound=Named)

PAGE = 500
SILENCE = 90.0
"""Seconds without a byte after which a connection counts as dead."""
WATCH_SECONDS = 50
"""How long the server is asked to hold a watch; below SILENCE, so a healthy one never counts as dead."""
FIRST_PAUSE = 0.25
LONGEST_PAUSE = 20.0
DENIED_PAUSE = 30.0
LIST_AFTER = 4
"""Failures in a row after which the watch begins with a list again."""
LONGEST_LINE = 32 * 1024 * 1024
SHORT_WATCH = 1.0
"""A watch that ended sooner, without a change, is a failure: reconnecting at once would be a storm."""

MOST_TOUCHED = 10_000
"""Names that are remembered as changed for a reader who does not come; beyond that everything has changed."""


@dataclass(frozen=True, slots=True)
class Newest(Generic[T]):
    """For a kind that grows without end: keep only ``most`` objects, those with the highest ``when``.

    Between two lists those count as newest that changed last, and a few more than ``most`` may be held.
    """

    most: int
    when: Callable[[T], float]

    def of(self, found: dict[str, T]) -> dict[str, T]:
        """The newest of ``found``, the oldest first; the same dict when there are no more than that."""
        if len(found) <= self.most:
            return found
        when = self.when
        kept = heapq.nlargest(self.most, found.items(), key=lambda pair: when(pair[1]))
        return dict(reversed(kept))


class Cache(Generic[T]):
    """The objects of one kind in one namespace, by name. ``run`` keeps it fresh until it is cancelled."""

    def __init__(
        self,
        client: Client,
        resource: Resource[T],
        namespace: str,
        *,
        selector: str = "",
        notify: Callable[[], None] | None = None,
        chance: Callable[[], float] = random.random,
        silence: float = SILENCE,
        page: int = PAGE,
        newest: Newest[T] | None = None,
    ) -> None:
        self.resource = resource
        self.namespace = namespace
        self.objects: dict[str, T] = {}
        """The live dict: read it, never keep or change it."""
        self.version = 0
        self.synced = False
        """Whether a list has ever succeeded."""
        self.live = False
        """Whether a watch is connected now."""
        self.denied = False
        """Whether the API server refuses this user the kind (401 or 403), or does not know it (404)."""
        self.contact: float | None = None
        """Monotonic seconds of the last sign of life: a list, an event, a bookmark, a fresh watch."""
        self.error = ""
        """Why it is not live; "" while all is well."""
        self.unreadable = 0
        """Objects of the last list that could not be decoded and are missing."""
        self._client = client
        self._clock = client.clock
        self._selector = selector
        self._notify = notify
        self._chance = chance
        self._silence = silence
        self._page = page
        self._newest = newest
        self._touched: dict[str, None] | None = None
        self._place = ""
        self._failures = 0
        self._waiters: set[asyncio.Future[None]] = set()

    def age(self) -> float:
        """Seconds for which it may have been out of date: 0 while live, infinite before the first list."""
        if self.live:
            return 0.0
        return self._clock.monotonic() - self.contact if self.contact is not None else float("inf")

    def take_touched(self) -> Collection[str] | None:
        """Names whose object came, changed or went since the last call; None when any may have. For one reader."""
        touched, self._touched = self._touched, {}
        return touched

    async def changed(self, since: int) -> int:
        """Wait until ``version`` differs from ``since``; returns the new one."""
        while self.version == since:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.add(waiter)
            try:
                await waiter
            finally:
                self._waiters.discard(waiter)
        return self.version

    async def wait_synced(self) -> None:
        """Wait until there is a first list, or the API server refused it (see ``denied``)."""
        while not self.synced and not self.denied:
            await self.changed(self.version)

    async def run(self) -> None:
        """List and watch for ever. Failures end up in ``error`` and are tried again, with growing pauses."""
        try:
            while True:
                try:
                    await self._list_and_watch()
                except Gone as error:
                    self._place = ""
                    await self._failed(error, pause=self._failures > 0)
                except ClusterError as error:
                    known = not self._unknown(error)
                    await self._failed(error if known else unknown_kind(self.resource))
        finally:
            self.live = False

    async def _list_and_watch(self) -> None:
        if not self._place:
            await self._list()
        while True:
            began, place = self._clock.monotonic(), self._place
            await self._watch()
            if self._place == place and self._clock.monotonic() - began < SHORT_WATCH:
                raise ApiRejected("The API server ended the watch at once.", "It is tried again.")
            self._failures = 0

    async def _list(self) -> None:
        found: dict[str, T] = {}
        params: dict[str, str | int | bool] = {"limit": self._page, **self._narrowed()}
        path = self.resource.path(self.namespace)
        unreadable = 0
        while True:
            page = decode_page(self.resource.type, await self._client.get(path, params))
            found.update((item.metadata.name, item) for item in page.items if item.metadata.name)
            unreadable += page.unreadable
            if self._newest is not None and len(found) > 2 * self._newest.most:
                found = self._newest.of(found)
            if not page.next:
                break
            params["continue"] = page.next
        if self._newest is not None:
            found = self._newest.of(found)
        self._place, self.unreadable = page.resource_version, unreadable
        self._well()
        if not self.synced or not _same(found, self.objects):
            self.objects, self.synced, self._touched = found, True, None
            self._bump()

    async def _watch(self) -> None:
        params: dict[str, str | int | bool] = {
            "watch": True,
            "allowWatchBookmarks": True,
            "resourceVersion": self._place,
            "timeoutSeconds": WATCH_SECONDS + int(10 * self._chance()),
            **self._narrowed(),
        }
        stream = self._client.stream(self.resource.path(self.namespace), params, idle=self._silence)
        async with aclosing(_lines(stream)) as batches:
            async for lines in batches:
                self._well()
                if not self.live:
                    self.live = True
                    self._bump()
                self._take(lines)

    def _take(self, lines: list[bytes]) -> None:
        """Apply the events of one chunk; whoever waits is woken once."""
        changed = False
        try:
            for line in lines:
                event = decode_watch(self.resource.type, line)
                if isinstance(event, Status):
                    raise _refused(event)
                if event is not None:
                    changed |= self._apply(event)
                    self._failures = 0
        finally:
            if changed:
                self._bump()

    def _apply(self, event: EventOf[T]) -> bool:
        metadata = event.object.metadata
        if metadata.resource_version:
            self._place = metadata.resource_version
        if event.type == "DELETED":
            held = self.objects.get(metadata.name)
            # A new object of the same name may have been listed before the old one's end was seen.
            if held is None or held.metadata.uid != metadata.uid:
                return False
            del self.objects[metadata.name]
            self._touch(metadata.name)
            return True
        if event.type in ("ADDED", "MODIFIED") and metadata.name:
            self._hold(metadata.name, event.object)
            return True
        return False

    def _hold(self, name: str, item: T) -> None:
        self._touch(name)
        if self._newest is None:
            self.objects[name] = item
            return
        self.objects.pop(name, None)
        self.objects[name] = item
        if len(self.objects) > self._newest.most:
            oldest = next(iter(self.objects))
            del self.objects[oldest]
            self._touch(oldest)

    def _touch(self, name: str) -> None:
        if self._touched is not None:
            self._touched[name] = None
            if len(self._touched) > MOST_TOUCHED:
                self._touched = None

    def _well(self) -> None:
        self.contact = self._clock.monotonic()
        if self.error or self.denied:
            self.error, self.denied = "", False
            self._bump()

    async def _failed(self, error: ClusterError, *, pause: bool = True) -> None:
        self._failures += 1
        self.live = False
        # Who may list but not watch is served by lists; and a server that was restored from a backup, or lags
        # behind the one we knew, has no answer to the place we left off at.
        if isinstance(error, Denied | NotFound) or self._failures % LIST_AFTER == 0:
            self._place = ""
        if not isinstance(error, Gone):
            self.error, self.denied = str(error), isinstance(error, Denied) or self._unknown(error)
        self._bump()
        if pause:
            await self._clock.sleep(self._pause(error))

    def _pause(self, error: ClusterError) -> float:
        jitter = 0.5 + self._chance()
        if isinstance(error, Denied | KubeconfigError) or self._unknown(error):
            return DENIED_PAUSE * jitter
        asked = error.retry_after if isinstance(error, ApiRejected) else 0.0
        grown = FIRST_PAUSE * 2.0 ** min(self._failures - 1, 12)
        return min(LONGEST_PAUSE, max(asked, grown)) * (jitter if not asked else 1.0)

    def _unknown(self, error: ClusterError) -> bool:
        """Whether the cluster has not got this kind at all: its CRD is not installed, or was removed."""
        return isinstance(error, NotFound) and self.resource.custom

    def _narrowed(self) -> dict[str, str]:
        return {"labelSelector": self._selector} if self._selector else {}

    def _bump(self) -> None:
        self.version += 1
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
        if self._notify is not None:
            self._notify()


async def _lines(stream: AsyncGenerator[bytes, None]) -> AsyncGenerator[list[bytes], None]:
    """The complete lines of each chunk; an unfinished last line is left out, for its event comes again."""
    parts: list[bytes] = []
    size = 0
    async with aclosing(stream) as chunks:
        async for chunk in chunks:
            head, found, rest = chunk.rpartition(b"\n")
            if not found:
                parts.append(rest)
                size += len(rest)
                if size > LONGEST_LINE:
                    raise ApiRejected(
                        "The API server sent a watch event without an end.", "It is tried again."
                    )
                if not chunk:
                    yield []
                continue
            whole = b"".join((*parts, head))
            parts, size = [rest], len(rest)
            yield [line for line in whole.split(b"\n") if line]


def _same(found: dict[str, Any], held: dict[str, Any]) -> bool:
    return found.keys() == held.keys() and all(
        item.metadata.resource_version == held[name].metadata.resource_version
        and item.metadata.uid == held[name].metadata.uid
        for name, item in found.items()
    )


def _refused(said: Status) -> ClusterError:
    message = clean(said.message) or "The API server broke off the watch."
    if replies.gone(said):
        return Gone(message, "List again.")
    return ApiRejected(message, "It is tried again.", said.code, clean(said.reason, 100))
