"""Rows of the table: what is asked, and what both servers have to say.

A row is a function that asks and returns an *observation*: plain data, with everything that differs from run to
run (names of namespaces, UIDs, versions, times) replaced by words. The expectation stands beside it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from conformance.ground import Ground

Ask = Callable[[Ground], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Row:
    """``name`` is unique in the whole table; a row that disturbs others is asked ``alone``, after them."""

    name: str
    ask: Ask
    expected: Any
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Theme:
    """The rows of one module."""

    name: str
    rows: list[Row] = field(default_factory=list)

    def row(self, expected: Any, *, alone: bool = False) -> Callable[[Ask], Ask]:
        """Makes a row of a function; its name is the function's."""

        def add(ask: Ask) -> Ask:
            self._add(ask.__name__, ask, expected, alone)  # type: ignore[attr-defined]
            return ask

        return add

    def ask(
        self,
        name: str,
        method: str,
        path: str,
        expected: str,
        body: Any = None,
        *,
        upto: str = "",
        **options: Any,
    ) -> None:
        """A row of one request in an empty namespace, observed by the server's refusal or its word of success.

        ``upto`` ends the sentence behind these words, where only words of the server's own language follow.
        """

        async def once(ground: Ground) -> str:
            said = (await ground.ask(method, path, body, **options)).said
            head, found, _ = said.partition(upto) if upto else (said, "", "")
            return head + found

        self._add(name, once, expected)

    def _add(self, name: str, ask: Ask, expected: Any, alone: bool = False) -> None:
        self.rows.append(Row(f"{self.name}-{name}", ask, expected, alone))
