"""Secrets kept out of what is journalled of a hook: its output goes where the journal goes, into every report."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from releaseconsole.plan.model import Plan, Prometheus

MASK = "•••"
SHORTEST = 6
"""Characters; a shorter value is no secret, and would stand in every other word."""
_LONGEST = 65_536
_SECRET_NAME = re.compile(r"TOKEN|PASSW|PASSPHRASE|SECRET|CREDENTIAL|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY", re.I)
_SAID = re.compile(
    r"(?P<name>\b(?:[\w-]*(?:passw(?:or)?d|passphrase|token|secret|api[-_]?key)[\w-]*)[\"']?\s*[=:]\s*"
    r"|\bauthorization[\"']?\s*[=:]\s*(?:\w+\s+)?|\bbearer\s+)(?P<value>[\"']?[^\s\"',;]+)",
    re.I,
)
_LOGIN = re.compile(r"(?P<scheme>\b[a-z][\w+.-]*://)[^\s/@]*@", re.I)


def masked(text: str, plan: Plan, environ: Mapping[str, str], folder: Path) -> str:
    """``text`` without the secrets that the plan names, those that the environment holds by their variables'
    names, and what is written as one: ``password=…``, ``Bearer …``, ``https://user:password@…``."""
    values = {value for found in _known(plan, environ, folder) for value in found.split("\n")}
    for value in sorted(values, key=len, reverse=True):
        if len(value.strip()) >= SHORTEST:
            text = text.replace(value.strip(), MASK)
    text = _SAID.sub(lambda match: f"{match['name']}{MASK}", text)
    return _LOGIN.sub(lambda match: f"{match['scheme']}{MASK}@", text)


def _known(plan: Plan, environ: Mapping[str, str], folder: Path) -> Iterator[str]:
    yield from (value for name, value in environ.items() if _SECRET_NAME.search(name))
    for environment in plan.environments.values():
        for place in (environment.prometheus, *environment.other_prometheus.values()):
            for where in _places(place) if place else ():
                kind, _, name = where.partition(":")
                yield _file(folder / name) if kind == "file" else environ.get(name, "")


def _places(place: Prometheus) -> Iterator[str]:
    yield from place.secret_headers.values()
    yield from (f"env:{name}" for name in (place.token_env, place.password_env) if name)
    yield from (f"file:{name}" for name in (place.token_file, place.password_file) if name)


def _file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_LONGEST).decode("utf-8", "replace").strip()
    except OSError:
        return ""
