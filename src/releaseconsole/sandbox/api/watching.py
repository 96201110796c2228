"""Watches: changes as a stream of JSON lines, with bookmarks, until somebody ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from releaseconsole.sandbox.api.call import Call, encode, form
from releaseconsole.sandbox.api.options import check_watch
from releaseconsole.sandbox.api.reads import as_table, parse_version
from releaseconsole.sandbox.store.changelog import Change, Watch
from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.refusals import StoreError
from releaseconsole.sandbox.store.selectors import Matcher
from releaseconsole.sandbox.tables.table import partial

if TYPE_CHECKING:
    from aiohttp import web

_BATCH = 64
_WRITE_BYTES = 256 * 1024
_INITIAL_END = "k8s.io/initial-events-end"


async def watch(call: Call, matches: Matcher | None) -> web.StreamResponse:
    """Streams the changes of a kind. A version that is too old gives an ERROR event (410), not a refusal."""
    from aiohttp import web

    stream = _Stream(call, matches)
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    try:
        first, follow = stream.start()
    except StoreError as error:
        if error.status != 410:
            raise
        await response.prepare(call.request)
        await response.write(_line("ERROR", error.body()))
        return response
    try:
        await response.prepare(call.request)
        await _run(call, response, stream, first, follow)
    finally:
        follow.close()
    return response


async def _run(
    call: Call, response: web.StreamResponse, stream: _Stream, first: list[bytes], follow: Watch
) -> None:
    for start in range(0, len(first), _BATCH):
        await response.write(b"".join(first[start : start + _BATCH]))
    loop = asyncio.get_running_loop()
    ends = loop.time() + _longest(call)
    next_mark = loop.time() + call.api.bookmark_every
    while loop.time() < ends:
        try:
            text = _next_lines(stream, follow)
        except StoreError as error:
            await response.write(_line("ERROR", error.body()))
            return
        if text:
            await response.write(text)
            continue
        if stream.marks and loop.time() >= next_mark:
            next_mark = loop.time() + call.api.bookmark_every
            await response.write(stream.bookmark())
        await _until(follow, min(ends, next_mark) if stream.marks else ends)


def _longest(call: Call) -> float:
    """Seconds that the watch lasts at most."""
    asked = call.count("timeoutSeconds") or 0
    return min(asked, call.api.watch_at_most) if asked > 0 else call.api.watch_at_most


def _next_lines(stream: _Stream, follow: Watch) -> bytes:
    """What has happened and was not told yet, up to one write's worth."""
    lines: list[bytes] = []
    size = 0
    while size < _WRITE_BYTES and (changes := follow.take(1)):
        lines.append(stream.line(changes[0]))
        size += len(lines[-1])
    return b"".join(lines)


async def _until(follow: Watch, when: float) -> None:
    try:
        async with asyncio.timeout_at(when):
            await follow.wait()
    except TimeoutError:
        return


class _Stream:
    """How the changes of one watch are written."""

    def __init__(self, call: Call, matches: Matcher | None) -> None:
        self._call = call
        self._matches = _in_scope(call.target.scope, call.target.name, matches)
        self._show = self._shower()
        self.marks = call.flag("allowWatchBookmarks")

    def start(self) -> tuple[list[bytes], Watch]:
        """What comes first, and the place from which to follow. Raises StoreError (410, 422)."""
        store, plural = self._call.store, self._call.target.plural
        check_watch(self._call.request.query)
        version = parse_version(self._call, watching=True)
        if self._call.flag("sendInitialEvents"):
            first = [*self._present(), *([self.bookmark(initial_end=True)] if self.marks else [])]
        elif version:
            return [], store.watch(plural, version)
        else:
            first = self._present()
        return first, store.watch(plural, store.resource_version)

    def _present(self) -> list[bytes]:
        objects = self._call.store.list(self._call.target.plural, self._call.target.scope, self._matches)
        return [_line("ADDED", self._show(obj)) for obj in objects]

    def line(self, change: Change) -> bytes:
        """The event of a change, empty when the watcher does not see it."""
        now = self._matches(change.object)
        before = change.old is not None and self._matches(change.old)
        if change.type == "DELETED":
            kind = "DELETED" if before else ""
        elif now:
            kind = "MODIFIED" if before else "ADDED"
        elif before and change.old is not None:
            return _line("DELETED", self._show(_left(change.old, change.object)))
        else:
            kind = ""
        return _line(kind, self._show(change.object)) if kind else b""

    def bookmark(self, *, initial_end: bool = False) -> bytes:
        """How far the watcher has seen everything."""
        meta: Obj = {"resourceVersion": str(self._call.store.resource_version), "creationTimestamp": None}
        if initial_end:
            meta["annotations"] = {_INITIAL_END: "true"}
        if form(self._call) == "table":
            return _line("BOOKMARK", as_table(self._call, [], meta, with_columns=False))
        row = self._call.target.row
        return _line("BOOKMARK", {"kind": row.kind, "apiVersion": row.api_version, "metadata": meta})

    def _shower(self) -> Callable[[Obj], Obj]:
        wanted = form(self._call)
        if wanted == "partial":
            return partial
        return self._tables() if wanted == "table" else self._call.present

    def _tables(self) -> Callable[[Obj], Obj]:
        """Every event is a table of one row; the columns are told once."""
        call, told = self._call, False

        def show(obj: Obj) -> Obj:
            nonlocal told
            first, told = not told, True
            meta = {"resourceVersion": obj["metadata"]["resourceVersion"]}
            return as_table(call, [obj], meta, with_columns=first)

        return show


def _in_scope(namespace: str | None, name: str, matches: Matcher | None) -> Matcher:
    def test(obj: Obj) -> bool:
        meta = obj["metadata"]
        if namespace is not None and meta.get("namespace") != namespace:
            return False
        if name and meta["name"] != name:
            return False
        return matches is None or matches(obj)

    return test


def _left(old: Obj, new: Obj) -> Obj:
    """What leaves a selection is shown as it was in it, with the version of its leaving."""
    version = new["metadata"]["resourceVersion"]
    return {**old, "metadata": {**old["metadata"], "resourceVersion": version}}


def _line(kind: str, obj: Obj) -> bytes:
    return encode({"type": kind, "object": obj}) + b"\n"
