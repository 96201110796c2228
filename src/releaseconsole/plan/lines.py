"""Where in a TOML text each key and each element stands; ``tomllib`` does not tell.

Only for text that ``tomllib`` has accepted: the scanner finds its way by structure and checks nothing.
"""

from __future__ import annotations

import contextlib
import re
import tomllib
from bisect import bisect_right
from dataclasses import dataclass

from releaseconsole.plan.problem import Path

_DEEPEST = 16
"""Parts of a path that are remembered; a plan has ten, and hostile text can have thousands."""

_SPACE = re.compile(r"(?:[ \t\n]+|#[^\n]*)*")
_BLANK = re.compile(r"[ \t]*")
_KEY = re.compile(r'[A-Za-z0-9_-]+|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'')
_SCALAR = re.compile(r"[^,\]}\n#]*")
_STRINGS = (
    ('"""', re.compile(r'"""(?:\\.|[^\\])*?"""(?:"{0,2})', re.DOTALL)),
    ("'''", re.compile(r"'''.*?'''(?:'{0,2})", re.DOTALL)),
    ('"', re.compile(r'"(?:\\.|[^"\\\n])*"')),
    ("'", re.compile(r"'[^'\n]*'")),
)


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the text, counted from 1; ``column`` is 0 when the line is only the nearest around it."""

    line: int
    column: int = 0


class LineIndex:
    """Finds the line of a path such as ``("phases", 3, "needs")`` in one text."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]
        scanner = _Scanner(text)
        # Arrays nested hundreds deep are no plan; what was seen before them still helps.
        with contextlib.suppress(RecursionError):
            scanner.scan()
        self._offsets = scanner.offsets

    def find(self, path: Path) -> Position:
        """The place of ``path``, or of the nearest thing around it; line 1 when there is none."""
        for length in range(len(path), 0, -1):
            offset = self._offsets.get(path[:length])
            if offset is not None:
                return self._position(offset, exact=length == len(path))
        return Position(1)

    def _position(self, offset: int, *, exact: bool) -> Position:
        line = bisect_right(self._starts, offset)
        return Position(line, offset - self._starts[line - 1] + 1 if exact else 0)


class _Scanner:
    """Walks through the text once and notes the offset of every path."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.offsets: dict[Path, int] = {}
        self._last: dict[Path, int] = {}
        """Number of the last table of each array of tables."""

    def scan(self) -> None:
        table: Path = ()
        while self._more():
            if self.text.startswith("[", self.at):
                table = self._header()
            else:
                self._key_value(table)

    def _more(self) -> bool:
        self._skip(_SPACE)
        return self.at < len(self.text)

    def _skip(self, pattern: re.Pattern[str]) -> str:
        """Moves past what ``pattern`` matches here and returns it."""
        match = pattern.match(self.text, self.at)
        if match is None:
            return ""
        self.at = match.end()
        return match.group()

    def _note(self, path: Path, offset: int, *, again: bool = False) -> None:
        if len(path) <= _DEEPEST and (again or path not in self.offsets):
            self.offsets[path] = offset

    def _header(self) -> Path:
        start = self.at
        array = self.text.startswith("[[", start)
        self.at += 2 if array else 1
        *outer, name = self._keys()[:_DEEPEST]
        path: Path = ()
        for key in outer:
            path = self._enter((*path, key))
            self._note(path, start)
        path = (*path, name)
        if array:
            self._note(path, start)
            self._last[path] = self._last.get(path, -1) + 1
        path = self._enter(path)
        self._note(path, start, again=True)
        self.at += 2 if array else 1
        return path

    def _enter(self, path: Path) -> Path:
        return (*path, self._last[path]) if path in self._last else path

    def _keys(self) -> list[str]:
        keys: list[str] = []
        while True:
            self._skip(_BLANK)
            raw = self._skip(_KEY)
            keys.append(str(tomllib.loads(f"key = {raw}")["key"]) if raw[:1] in ('"', "'") else raw)
            self._skip(_BLANK)
            if not self.text.startswith(".", self.at):
                return keys
            self.at += 1

    def _key_value(self, table: Path) -> None:
        start = self.at
        path = table
        for key in self._keys()[:_DEEPEST]:
            path = (*path, key)
            self._note(path, start)
        # Past the equals sign. On text that is not TOML this also keeps the scan moving.
        self.at += 1
        self._value(path)

    def _value(self, path: Path) -> None:
        self._skip(_BLANK)
        if self.text.startswith("[", self.at):
            self._array(path)
        elif self.text.startswith("{", self.at):
            self._inline_table(path)
        else:
            self._scalar()

    def _array(self, path: Path) -> None:
        self.at += 1
        number = 0
        while self._more() and self.text[self.at] != "]":
            start = self.at
            self._note((*path, number), start)
            self._value((*path, number))
            number += 1
            self._comma()
            self.at = max(self.at, start + 1)
        self.at += 1

    def _inline_table(self, path: Path) -> None:
        self.at += 1
        while self._more() and self.text[self.at] != "}":
            self._key_value(path)
            self._comma()
        self.at += 1

    def _comma(self) -> None:
        self._skip(_SPACE)
        if self.text.startswith(",", self.at):
            self.at += 1

    def _scalar(self) -> None:
        for opening, pattern in _STRINGS:
            if self.text.startswith(opening, self.at):
                self._skip(pattern)
                return
        self._skip(_SCALAR)
