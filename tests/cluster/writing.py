"""Writing the log of a container as a container runtime does, with the lines' own times."""

from __future__ import annotations

import itertools
import time
from datetime import UTC, datetime
from pathlib import Path


class Writer:
    """Appends to the log file of every container of one name."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._numbers = itertools.count(1)
        self.written: list[str] = []
        path.write_bytes(b"")

    def numbered(self, count: int) -> None:
        """Write that many lines, all different."""
        self.lines(*(f"line {next(self._numbers)}" for _ in range(count)))

    def lines(self, *texts: str) -> None:
        """Write whole lines at the present time."""
        self.written += texts
        self.raw(b"".join(b"%s stdout F %s\n" % (_now(), text.encode()) for text in texts))

    def raw(self, data: bytes) -> None:
        """Write bytes as they are."""
        with self._path.open("ab") as file:
            file.write(data)


def _now() -> bytes:
    nanoseconds = time.time_ns()
    moment = datetime.fromtimestamp(nanoseconds // 10**9, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{nanoseconds % 10**9:09}Z".encode()
