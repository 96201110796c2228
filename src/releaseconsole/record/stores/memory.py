"""A journal that nobody keeps: for commands that only look."""

from __future__ import annotations


class MemoryStore:
    """Lines in memory."""

    read_only = False
    place = "memory"

    def __init__(self) -> None:
        self._content = b""

    def open(self) -> None:
        """There is nothing to open."""

    def read(self, start: int = 0) -> bytes:
        return self._content[start:]

    def cut(self, size: int) -> None:
        self._content = self._content[:size]

    def append(self, line: bytes) -> None:
        self._content += line

    def close(self) -> None:
        """There is nothing to close."""
