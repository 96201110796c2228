"""A journal that nobody keeps: for commands that only look."""

from __future__ import annotations


class MemoryStore:
    """Lines in memory."""

    def __init__(self) -> None:
        self._content = b""

    @property
    def read_only(self) -> bool:
        return False

    @property
    def place(self) -> str:
        return "memory"

    def open(self) -> None:
        """There is nothing to open."""

    def read(self, start: int = 0) -> bytes:
        return self._content[start:]

    def cut(self, size: int) -> None:
        self._content = self._content[:size]

    def append(self, lines: bytes, at: int) -> None:
        self._content = self._content[:at] + lines

    def close(self) -> None:
        """There is nothing to close."""
