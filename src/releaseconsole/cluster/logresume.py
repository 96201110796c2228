"""Where to continue a container's log without doubling or losing a line unnoticed. Pure.

The API cuts ``sinceTime`` to whole seconds and includes that second. So the lines of the last second seen are
remembered as a multiset; on a resume from the start of that second, each line that comes back uses one copy
up and is dropped. A last line that does not come back means that the log was rotated or replaced meanwhile.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from enum import Enum

from releaseconsole.cluster.logline import NANO

MOST_REMEMBERED = 50_000


class Judged(Enum):
    """What to do with a line."""

    KEEP = "keep"
    DROP = "it was seen before the interruption"
    KEEP_AFTER_GAP = "keep it, and say that lines may be missing before it"


class Resume:
    """The memory of one container's log, across connections and restarts."""

    def __init__(self) -> None:
        self._last: tuple[int, int] | None = None
        self._recent: Counter[tuple[int, int]] = Counter()
        self._remembered = 0
        self._due: Counter[tuple[int, int]] = Counter()
        self._expected: tuple[int, int] | None = None
        self._broken = False

    @property
    def since(self) -> str:
        """``sinceTime`` of the next request; "" when nothing was seen yet."""
        if self._last is None:
            return ""
        moment = datetime.fromtimestamp(self._second(), UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

    def give_up(self) -> None:
        """Forget where it was: the next line follows a gap."""
        self._broken = self._broken or self._last is not None
        self._last = None
        self._recent.clear()
        self._remembered = 0

    def begin(self, *, same_instance: bool) -> None:
        """A request from ``since`` is about to be read; only the same instance must repeat its last line."""
        self._due = Counter(self._recent)
        self._expected = self._last if same_instance else None

    def judge(self, nanoseconds: int, digest: int) -> Judged:
        """What to do with the next line of the stream."""
        key = (nanoseconds, digest)
        if self._due:
            if self._due[key] > 0:
                self._due[key] -= 1
                if key == self._expected:
                    self._expected = None
                return Judged.DROP
            if nanoseconds // NANO > self._second():
                self._due.clear()
        gap = self._broken or (self._expected is not None and nanoseconds > self._expected[0])
        if gap:
            self._expected, self._broken = None, False
        self._remember(key)
        return Judged.KEEP_AFTER_GAP if gap else Judged.KEEP

    def _remember(self, key: tuple[int, int]) -> None:
        second = key[0] // NANO
        if self._last is None or second > self._second():
            self._recent.clear()
            self._remembered = 0
        elif second < self._second():
            return
        if self._last is None or key[0] >= self._last[0]:
            self._last = key
        if self._remembered < MOST_REMEMBERED:
            self._recent[key] += 1
            self._remembered += 1

    def _second(self) -> int:
        return self._last[0] // NANO if self._last else 0
