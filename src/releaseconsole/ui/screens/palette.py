"""The command palette's entries: everything that a key can do, and every phase, panel, action and theme."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol, cast

from rich.text import Text
from textual.command import DiscoveryHit, Hit, Hits, Provider

from releaseconsole.ui.words import plain


@dataclass(frozen=True, slots=True)
class Command:
    """One entry. The name may hold any text; the help is ours, for the palette reads it as markup."""

    name: str
    help: str
    run: Callable[[], object]


class _Commands(Protocol):
    def commands(self) -> tuple[Command, ...]: ...


class ReleaseCommands(Provider):
    """Asks the application, each time, what can be done now."""

    def _commands(self) -> tuple[Command, ...]:
        return cast(_Commands, self.app).commands()

    async def discover(self) -> Hits:
        for command in self._commands():
            name = plain(command.name)
            yield DiscoveryHit(Text(name), partial(_run, command), text=name, help=command.help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command in self._commands():
            name = plain(command.name)
            score = matcher.match(name)
            if score > 0:
                yield Hit(score, Text(name), partial(_run, command), text=name, help=command.help)


def _run(command: Command) -> None:
    command.run()
