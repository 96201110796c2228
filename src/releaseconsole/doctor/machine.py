"""This machine: the commands that the plan's shell actions and checks begin with, and the plan's links."""

from __future__ import annotations

import asyncio
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from releaseconsole.doctor.case import Case, Ward
from releaseconsole.doctor.finding import Finding, failed, ok, warning
from releaseconsole.errors import PlanError
from releaseconsole.plan.variables import substitute
from releaseconsole.text import plural

LONGEST_COMMAND = 20_000
"""Characters in which the first word of a command is looked for."""
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_SHELL = frozenset({
    ".", ":", "[", "alias", "bg", "break", "case", "cd", "command", "continue", "echo", "eval", "exec",
    "exit", "export", "false", "fg", "for", "getopts", "hash", "if", "jobs", "kill", "printf", "pwd",
    "read", "readonly", "return", "set", "shift", "test", "times", "trap", "true", "type", "ulimit",
    "umask", "unalias", "unset", "until", "wait", "while", "{", "!", "(",
})  # fmt: skip
"""What the shell itself brings (POSIX built-ins and reserved words)."""


async def examine_commands(case: Case) -> list[Finding]:
    """The first word of each shell command; another machine may have what this one lacks."""
    return await asyncio.to_thread(lambda: list(_commands(case)))


def _commands(case: Case) -> Iterator[Finding]:
    lacking: dict[str, list[str]] = {}
    present = 0
    for owner, command, folder in _shell_commands(case):
        word = first_word(command)
        if not word or word in _SHELL:
            continue
        if is_there(word, folder, case.environ):
            present += 1
        else:
            lacking.setdefault(word, []).append(owner)
    for word, owners in lacking.items():
        users = ", ".join(owners[:3]) + (f" and {len(owners) - 3} more" if len(owners) > 3 else "")
        yield warning(
            "command", word, f"“{word}” is not found on this machine; needed by {users}.",
            "Install it, or mend PATH or the command in the plan.",
        )  # fmt: skip
    if present:
        yield ok("command", "PATH", f"{plural(present, 'shell command')} found")


def _shell_commands(case: Case) -> Iterator[tuple[str, str, Path]]:
    """Who runs it, the command, and where, for the environments that are examined."""
    wanted = (None, *case.environments)
    for action_id, placed in case.plan.actions.items():
        if placed.action.shell is not None and placed.environment in wanted:
            yield action_id, placed.action.shell, case.folder / (placed.action.folder or "")
    for item_id, item in case.plan.items.items():
        check = item.item.check
        if check is not None and check.shell is not None and item.environment in wanted:
            yield item_id, check.shell, case.folder


def first_word(command: str) -> str:
    """The program that a shell command begins with; "" when only a shell could tell."""
    try:
        words = shlex.split(command[:LONGEST_COMMAND], comments=True)
    except ValueError:
        return ""
    word = next((one for one in words if not _ASSIGNMENT.match(one)), "")
    return "" if any(mark in word for mark in "$`*?;&|<>()\n") else word


def is_there(word: str, folder: Path, environ: Mapping[str, str]) -> bool:
    """Whether the program can be run: a path from the folder it runs in, a name by ``PATH``."""
    if "/" in word:
        return shutil.which(str(folder / word)) is not None
    return shutil.which(word, path=environ.get("PATH", "")) is not None


async def examine_links(ward: Ward) -> list[Finding]:
    """Whether each link of the environment is an address that a browser could open."""
    values = ward.case.values(ward.name)
    found = [_link(name, url, values) for name, url in ward.environment.links.items()]
    bad = [one for one in found if one is not None]
    good = len(found) - len(bad)
    return [*bad, *([ok("link", "links", f"{plural(good, 'link')} well formed")] if good else [])]


def _link(name: str, url: str, values: Mapping[str, str]) -> Finding | None:
    try:
        address = substitute(url, values)
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except (PlanError, ValueError) as error:
        return failed("link", name, f"The link {name} cannot be used: {error}", "Mend it in the plan.")
    if usable:
        return None
    return failed("link", name, f"The link {name} is not a web address: {address}", "Mend it in the plan.")
