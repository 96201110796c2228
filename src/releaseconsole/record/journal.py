"""The journal: an append-only, hash-chained list of entries on a store, and the state they fold into."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from releaseconsole.clock import Clock
from releaseconsole.errors import JournalMismatch, ReadOnly
from releaseconsole.record.entry import Entry, make_entry, read_line, verify
from releaseconsole.record.fold import advance, fold
from releaseconsole.record.model import ReleaseState
from releaseconsole.record.texts import visible

__all__ = ["Entry", "Journal", "News", "Store", "verify"]


class Store(Protocol):
    """Where the lines are. :class:`releaseconsole.record.stores.file.FileStore` is the one there is."""

    @property
    def read_only(self) -> bool: ...

    @property
    def place(self) -> str:
        """What to call it in a message."""
        ...

    def open(self) -> None:
        """Become the only writer. Raises JournalBusy or RecordError."""
        ...

    def read(self, start: int = 0) -> bytes:
        """Everything from byte ``start`` on."""
        ...

    def cut(self, size: int) -> object:
        """Cut off what follows byte ``size``; returns where that is kept, None when it is nowhere."""
        ...

    def append(self, lines: bytes, at: int) -> None:
        """Return when the lines are durable at byte ``at``; on an error nothing of them counts."""
        ...

    def close(self) -> None: ...


class News(NamedTuple):
    """What is to be written."""

    kind: str
    data: Mapping[str, Any]
    at: float | None = None
    """Seconds since the epoch when it happened; None for now."""


@dataclass(frozen=True, slots=True)
class _Head:
    """How far the journal is known. Replaced in one go, so that an interrupt never leaves half of it."""

    state: ReleaseState
    count: int = 0
    hash: str = ""
    size: int = 0
    """Bytes up to the end of the last entry."""
    last: bytes = b""


class Journal:
    """What has happened in one release. Open it with :meth:`open`, and close it."""

    def __init__(self, store: Store, release: Mapping[str, Any], clock: Clock, by: str) -> None:
        self._store = store
        self._release = release
        self._clock = clock
        self._by = by
        self._entries: list[Entry] = []
        self._head = _Head(ReleaseState())
        self.recovered = ""
        """Empty, or a sentence: "The last line was torn (131 bytes) and was cut off …"."""

    @classmethod
    def open(cls, store: Store, *, release: Mapping[str, Any], clock: Clock, by: str) -> Journal:
        """Read and check all that is there; a new journal begins with ``release.opened`` holding ``release``.

        ``release`` needs ``name`` and ``version``. A torn last line is cut off and reported in ``recovered``;
        a read-only journal leaves it alone. Whatever is refused was not changed.

        Raises JournalBusy, JournalDamaged (the place and what does not fit), JournalMismatch when it belongs
        to another release, or RecordError.
        """
        journal = cls(store, release, clock, by)
        store.open()
        try:
            torn = journal._read_all()
            if not store.read_only:
                journal._begin(torn)
            elif torn:
                journal.recovered = f"The last line is not complete ({torn:,} bytes) and was left out."
        except BaseException:
            store.close()
            raise
        return journal

    @property
    def entries(self) -> Sequence[Entry]:
        """All of them, the first one first. Not a copy: do not change it."""
        return self._entries

    @property
    def state(self) -> ReleaseState:
        """What the entries fold into."""
        return self._head.state

    @property
    def read_only(self) -> bool:
        return self._store.read_only

    def append(self, kind: str, data: Mapping[str, Any], *, by: str | None = None) -> Entry:
        """Write one entry and return when it is on the disk.

        Raises ReadOnly, or RecordError with the journal as it was before.
        """
        return self.append_all((News(kind, data),), by=by)[-1]

    def append_all(self, news: Iterable[News], *, by: str | None = None) -> tuple[Entry, ...]:
        """Write several entries at once, and return when all of them are on the disk: one ``fsync`` for all.

        Of what a crash interrupts, the first entries may be there without the last. Raises ReadOnly, or
        RecordError with the journal as it was before.
        """
        if self._store.read_only:
            raise ReadOnly(
                "This journal was opened to be read only.", "Start without --read-only to change something."
            )
        before = head = self._head
        entries: list[Entry] = []
        lines: list[bytes] = []
        for one in news:
            entry, line = self._next(head, one, by or self._by)
            head = _Head(advance(head.state, entry), entry.seq, entry.hash, head.size + len(line), line)
            entries.append(entry)
            lines.append(line)
        if entries:
            self._store.append(b"".join(lines), before.size)
            self._entries[before.count :] = entries
            self._head = head
        return tuple(entries)

    def _next(self, head: _Head, news: News, by: str) -> tuple[Entry, bytes]:
        """The entry that follows ``head``, and its line. Raises RecordError for what no entry can hold."""
        at = self._clock.now() if news.at is None else news.at
        entry = make_entry(head.count + 1, at, by, news.kind, news.data, head.hash)
        return entry, entry.encode()

    def reload(self) -> bool:
        """Take over what another process has written since; True when there was anything. For reading only.

        Raises JournalDamaged, JournalMismatch or RecordError, and then nothing was taken over.
        """
        if not self._store.read_only:
            return False
        head = self._head
        content = self._store.read(head.size - len(head.last))
        if not content.startswith(head.last):
            # The writer took its last line back, or began anew: the file is what counts.
            self._read_all()
            return True
        lines, _ = _split(content[len(head.last) :])
        self._take_over(head, lines)
        return bool(lines)

    def close(self) -> None:
        """Give the journal free for another writer; may be called twice."""
        self._store.close()

    def _read_all(self) -> int:
        """Read and check everything; returns how many bytes of a torn line follow."""
        lines, torn = _split(self._store.read())
        entries = _decode(lines, 1, "", self._store.place)
        self._refuse_other(entries)
        self._entries, self._head = entries, _Head(fold(entries))
        self._reach(self._head, lines, entries, self._head.state)
        return torn

    def _take_over(self, head: _Head, lines: Sequence[bytes]) -> None:
        more = _decode(lines, head.count + 1, head.hash, self._store.place)
        if not head.count:
            self._refuse_other(more)
        state = head.state
        for entry in more:
            state = advance(state, entry)
        self._entries[head.count :] = more
        self._reach(head, lines, more, state)

    def _reach(self, head: _Head, lines: Sequence[bytes], more: Sequence[Entry], state: ReleaseState) -> None:
        if more:
            size = head.size + sum(map(len, lines)) + len(lines)
            self._head = _Head(state, head.count + len(more), more[-1].hash, size, lines[-1] + b"\n")

    def _refuse_other(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        first, release = entries[0], self._release
        found = {key: first.data.get(key) for key in ("name", "version")}
        opened = first.kind == "release.opened"
        if opened and found == {key: release.get(key) for key in found}:
            return
        whose = visible(f"{found['name']} {found['version']}", 200) if opened else "no release at all"
        raise JournalMismatch(
            f"The journal {self._store.place} was written for {whose}, "
            f"not for {release.get('name')} {release.get('version')}.",
            "Name another folder with --state, or open the plan that it belongs to.",
        )

    def _begin(self, torn: int) -> None:
        """Make ready for writing: nothing after the last whole line, and the first line there."""
        kept = self._store.cut(self._head.size)
        if torn:
            where = f"; it is kept as {visible(str(kept))}" if kept else ""
            self.recovered = f"The last line was torn ({torn:,} bytes) and was cut off{where}."
        if not self._head.count:
            self.append("release.opened", self._release)


def _decode(lines: Sequence[bytes], first: int, prev: str, place: str) -> list[Entry]:
    entries: list[Entry] = []
    for number, line in enumerate(lines, start=first):
        entry = read_line(line, number, prev, place)
        entries.append(entry)
        prev = entry.hash
    return entries


def _split(content: bytes) -> tuple[list[bytes], int]:
    """Complete lines without their line breaks, and the length of what follows the last one."""
    *lines, rest = content.split(b"\n")
    return lines, len(rest)
