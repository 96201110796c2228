"""Asking the API server for each right, and saying which are missing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby

from releaseconsole.cluster.access import may
from releaseconsole.doctor.case import Visit
from releaseconsole.doctor.finding import Finding, State, could_not_ask, finding, ok
from releaseconsole.doctor.rights import Right
from releaseconsole.errors import ClusterError
from releaseconsole.text import plural

AREA = "rights"
MOST_NAMES = 50
"""Objects of one kind that are asked for one by one, where the right to all of them is missing."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A right, and what the API server says to it."""

    right: Right
    allowed: bool
    error: ClusterError | None = None
    """Why it could not be asked."""


async def ask_rights(visit: Visit, rights: Iterable[Right]) -> list[Answered]:
    """One review for each right, several at a time."""
    return list(await asyncio.gather(*(_ask(visit, right) for right in rights)))


async def _ask(visit: Visit, right: Right) -> Answered:
    """A right to the objects alone that it is needed for will do, where there is none to all of them."""
    try:
        if await _may(visit, right, ""):
            return Answered(right, True)
        names = right.names[:MOST_NAMES]
        allowed = await asyncio.gather(*(_may(visit, right, name) for name in names))
    except ClusterError as error:
        return Answered(right, False, error)
    lacking = tuple(name for name, given in zip(names, allowed, strict=True) if not given)
    if names and not lacking and len(names) == len(right.names):
        return Answered(right, True)
    return Answered(replace(right, names=lacking if len(lacking) < len(names) else ()), False)


async def _may(visit: Visit, right: Right, name: str) -> bool:
    async with visit.turns:
        answer = await may(visit.client, right.verb, right.group, right.resource, right.namespace, name)
    return bool(answer)


def right_findings(answers: Iterable[Answered]) -> list[Finding]:
    """One finding for each resource on which verbs are missing, and one that counts what is granted."""
    given = list(answers)
    errors = {str(one.error): one.error for one in given if one.error is not None}
    found = [could_not_ask(AREA, "reviews", error) for error in list(errors.values())[:3]]
    missing = sorted((one.right for one in given if not one.allowed and one.error is None), key=_resource)
    found += [_missing(list(same)) for _, same in groupby(missing, key=_resource)]
    allowed = sum(one.allowed for one in given)
    if allowed:
        found.append(ok(AREA, "granted", f"{allowed} of {plural(len(given), 'right')} granted"))
    return found


def _resource(right: Right) -> tuple[str, ...]:
    return (right.namespace, right.group, right.resource, *right.names, "" if right.needed else "remark")


def _missing(rights: list[Right]) -> Finding:
    first = rights[0]
    verbs = " and ".join(one.verb for one in rights)
    where = f" in namespace {first.namespace}" if first.namespace else ""
    names = f" {', '.join(first.names)}" if first.names else ""
    why = ", ".join(dict.fromkeys(reason for one in rights for reason in one.why))
    needed = any(one.needed for one in rights)
    lack = "" if needed else " The release works without it."
    return finding(
        AREA,
        f"{','.join(one.verb for one in rights)} {first.what}",
        State.FAILED if needed else State.WARNING,
        f"May not {verbs} {first.what}{names}{where}; it is needed {why}.{lack}",
        "Ask an administrator of the cluster for this right." if needed else "",
    )
