"""From the bytes of a log stream to lines with their times. Pure.

The lines are hostile: of any length, in broken UTF-8, with escape sequences.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from releaseconsole.text import visible

LONGEST = 16 * 1024
"""Bytes of a line that are kept."""
NANO = 1_000_000_000


@dataclass(frozen=True, slots=True)
class RawLine:
    """A line as it came, without its end; of its ``size`` in bytes, ``data`` may hold only the start."""

    data: bytes
    size: int


class Splitter:
    """Cuts chunks into lines; holds at most one line's kept part, whatever comes."""

    def __init__(self, longest: int = LONGEST) -> None:
        self._longest = longest
        self._held = bytearray()
        self._size = 0

    def feed(self, chunk: bytes) -> Iterator[RawLine]:
        """The lines that end in this chunk."""
        first, *others = chunk.split(b"\n")
        self._hold(first)
        for part in others:
            yield self._take()
            self._hold(part)

    def rest(self) -> RawLine | None:
        """The last line, when it has no end."""
        return self._take() if self._size else None

    def _hold(self, part: bytes) -> None:
        room = self._longest - len(self._held)
        if room > 0:
            self._held += part[:room]
        self._size += len(part)

    def _take(self) -> RawLine:
        line = RawLine(bytes(self._held), self._size)
        self._held.clear()
        self._size = 0
        return line


class Stamps:
    """Reads RFC 3339 times with up to nine digits and any offset into nanoseconds since the epoch.

    Lines come in bursts within one second: the date and offset are parsed once for each.
    """

    def __init__(self) -> None:
        self._second: tuple[bytes, bytes] = (b"", b"")
        self._base = 0

    def parse(self, text: bytes) -> int | None:
        """None when it is not such a time."""
        fraction, zone = b"", text[19:]
        if zone[:1] == b".":
            end = len(zone) - len(zone[1:].lstrip(b"0123456789"))
            fraction, zone = zone[1:end][:9], zone[end:]
        if self._second != (text[:19], zone):
            try:
                moment = datetime.fromisoformat((text[:19] + zone).decode("ascii"))
            except ValueError:
                return None
            if len(text) < 20 or moment.tzinfo is None:
                return None
            self._second, self._base = (text[:19], zone), int(moment.timestamp()) * NANO
        return self._base + (int(fraction.ljust(9, b"0")) if fraction else 0)


def split_stamp(line: RawLine, stamps: Stamps) -> tuple[int | None, bytes]:
    """The time a line starts with, and the rest; None when it has none (the kubelet's own remarks)."""
    stamp, _, text = line.data.partition(b" ")
    nanoseconds = stamps.parse(stamp) if 20 <= len(stamp) <= 35 else None
    return (nanoseconds, text) if nanoseconds is not None else (None, line.data)


def shown(text: bytes, line: RawLine) -> str:
    """The text of a line fit for a terminal; a cut one says how long it was."""
    decoded = visible(text.removesuffix(b"\r").decode("utf-8", "replace"))
    return f"{decoded} … (cut: {line.size:,} bytes)" if line.size > len(line.data) else decoded
