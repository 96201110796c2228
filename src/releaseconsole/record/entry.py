"""One line of the journal: what happened, when, by whom, and the hash that chains it to the line before.

The line is canonical JSON (sorted keys, no spaces, no NaN, UTF-8). Its hash is the SHA-256 of the same line
without the hash's own member, so that it can be checked on the bytes as they are on the disk.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, NoReturn

import msgspec

from releaseconsole.errors import JournalDamaged, RecordError
from releaseconsole.record.texts import encodable

MOST_ENTRY_BYTES = 4 * 1024 * 1024
MOST_DEPTH = 64
_LARGEST_INT = 2**63 - 1
_HASH_KEY = b'"hash":"'
_HASH_MEMBER = len('"hash":"') + 64 + len('",')
DAMAGED_REMEDY = (
    "Nothing was changed. Put the file back from a copy, or move it away to begin the release's record anew."
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened; never changed once written."""

    seq: int
    """1 for the first."""
    at: float
    """Seconds since the epoch."""
    by: str
    kind: str
    data: Mapping[str, Any]
    prev: str
    """Hash of the entry before; "" for the first."""
    hash: str

    def as_dict(self) -> dict[str, Any]:
        """The members as they are in the file."""
        return {**self._unhashed(), "hash": self.hash}

    def encode(self) -> bytes:
        """The line as it is in the file, with its line break."""
        return canonical(self.as_dict()) + b"\n"

    def digest(self) -> str:
        """What :attr:`hash` has to be."""
        return hashlib.sha256(canonical(self._unhashed())).hexdigest()

    def _unhashed(self) -> dict[str, Any]:
        return {
            "at": self.at,
            "by": self.by,
            "data": dict(self.data),
            "kind": self.kind,
            "prev": self.prev,
            "seq": self.seq,
        }


class _Line(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    seq: int
    at: float
    by: str
    kind: str
    data: dict[str, Any]
    prev: str
    hash: str


_DECODER = msgspec.json.Decoder(_Line)


def canonical(members: Mapping[str, Any]) -> bytes:
    """JSON with sorted keys and no spaces. Raises ValueError for NaN and infinity."""
    text = json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def make_entry(seq: int, at: float, by: str, kind: str, data: Mapping[str, Any], prev: str) -> Entry:
    """An entry that can be written. Raises RecordError when it is too large or nested too deeply."""
    unhashed = Entry(seq, float(at), encodable(by), encodable(kind), plain(data), prev, "")
    body = canonical(unhashed._unhashed())
    if len(body) > MOST_ENTRY_BYTES:
        raise RecordError(
            f"The journal's entry “{kind}” would be {len(body):,} bytes; {MOST_ENTRY_BYTES:,} is the most.",
            "Shorten the text that goes with it.",
        )
    digest = hashlib.sha256(body).hexdigest()
    return Entry(seq, unhashed.at, unhashed.by, unhashed.kind, unhashed.data, prev, digest)


def plain(data: Mapping[str, Any]) -> dict[str, Any]:
    """``data`` as JSON can hold it and give it back: NaN as Prometheus writes it, tuples as lists.

    Raises RecordError when it is nested more than ``MOST_DEPTH`` deep.
    """
    return {encodable(str(key)): _plain(value, MOST_DEPTH) for key, value in data.items()}


def _plain(value: Any, depth: int) -> Any:
    if depth == 0:
        raise RecordError(
            f"What was to be written into the journal is nested more than {MOST_DEPTH} deep.",
            "Look at the object it comes from; no Kubernetes object needs that.",
        )
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return encodable(str(value))
    if isinstance(value, int):
        return int(value) if abs(value) <= _LARGEST_INT else str(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else _not_a_number(value)
    if isinstance(value, Mapping):
        return {encodable(str(key)): _plain(member, depth - 1) for key, member in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(member, depth - 1) for member in value]
    return encodable(str(value))


def _not_a_number(value: float) -> str:
    """Non-finite numbers in Prometheus' own spelling, since JSON has none."""
    if math.isnan(value):
        return "NaN"
    return "+Inf" if value > 0 else "-Inf"


def read_line(line: bytes, number: int, prev: str, place: str) -> Entry:
    """The entry on line ``number`` (from 1, without its line break), which has to follow the hash ``prev``.

    Raises JournalDamaged saying the place and what does not fit.
    """
    try:
        found = _DECODER.decode(line)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        _damaged(number, place, f"is not an entry ({str(error)[:200]})")
    _check_order(found.seq, found.prev, number, prev, place)
    if hashlib.sha256(_without_hash(line)).hexdigest() != found.hash:
        _damaged(number, place, "was changed: what it says does not fit its hash")
    return Entry(found.seq, found.at, found.by, found.kind, found.data, found.prev, found.hash)


def _without_hash(line: bytes) -> bytes:
    """The bytes that the hash was made of.

    The members are sorted, so nothing after the last ``"hash":"`` outside of a string belongs to the data;
    inside of a string the quotes would be escaped.
    """
    start = line.rfind(_HASH_KEY)
    return line[:start] + line[start + _HASH_MEMBER :] if start >= 0 else b""


def _check_order(seq: int, found_prev: str, number: int, prev: str, place: str) -> None:
    if seq != number:
        _damaged(
            number, place, f"holds entry {seq} where entry {number} belongs: lines were removed or reordered"
        )
    if found_prev != prev:
        _damaged(
            number, place, "does not follow the entry before it: one of the two was changed or exchanged"
        )


def verify(entries: Iterable[Entry], place: str = "the journal") -> None:
    """Check the whole chain. Raises JournalDamaged with the first entry that does not fit and why."""
    prev = ""
    for number, entry in enumerate(entries, start=1):
        _check_order(entry.seq, entry.prev, number, prev, place)
        if entry.digest() != entry.hash:
            _damaged(number, place, "was changed: what it says does not fit its hash")
        prev = entry.hash


def _damaged(number: int, place: str, what: str) -> NoReturn:
    raise JournalDamaged(f"Entry {number} (line {number}) of {place} {what}.", DAMAGED_REMEDY)
