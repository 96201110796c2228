"""The options of a request in its query, and what the API server says of those that cannot be (422 Invalid)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from releaseconsole.sandbox.store.kinds import Kind
from releaseconsole.sandbox.store.refusals import StoreError, invalid

_MATCH = "resourceVersionMatch"
_INITIAL = "sendInitialEvents"
Problem = tuple[str, str, str]


def refused(kind: str, problems: Iterable[Problem]) -> StoreError:
    """422 for options, ``kind`` being what they are called: ``ListOptions``, ``PatchOptions`` …"""
    return invalid(Kind("meta.k8s.io", "v1", kind, "", ""), "", problems)


def unsupported(field: str, value: str, known: Iterable[str]) -> Problem:
    """A value that is none of those there are."""
    listed = ", ".join(f'"{one}"' for one in known)
    return field, "FieldValueNotSupported", f"Unsupported value: {value}: supported values: {listed}"


def forbidden(field: str, what: str) -> Problem:
    """A field that may not be there."""
    return field, "FieldValueForbidden", f"Forbidden: {what}"


def check_write(kind: str, query: Mapping[str, str], *, applies: bool = False) -> None:
    """Raises StoreError (422) for options of a write that cannot be; ``applies`` for a server-side apply."""
    problems: list[Problem] = []
    if kind == "PatchOptions":
        problems += _manager(query, applies=applies)
    dry_run = query.get("dryRun", "")
    if dry_run not in ("", "All"):
        problems.append(unsupported("dryRun", f'["{dry_run[:50]}"]', ("All",)))
    validation = query.get("fieldValidation", "")
    if validation not in ("", "Ignore", "Strict", "Warn"):
        known = ("", "Ignore", "Strict", "Warn")
        problems.append(unsupported("fieldValidation", f'"{validation[:50]}"', known))
    if problems:
        raise refused(kind, problems)


def _manager(query: Mapping[str, str], *, applies: bool) -> list[Problem]:
    if applies and not query.get("fieldManager"):
        return [("fieldManager", "FieldValueRequired", "Required value: is required for apply patch")]
    if not applies and "force" in query:
        return [forbidden("force", "may not be specified for non-apply patch")]
    return []


def check_list(query: Mapping[str, str]) -> None:
    """Raises StoreError (422) for a list whose versions make no sense together."""
    match, version = query.get(_MATCH, ""), query.get("resourceVersion", "")
    problems = []
    if match:
        if not version:
            problems.append(forbidden(_MATCH, f"{_MATCH} is forbidden unless resourceVersion is provided"))
        if query.get("continue"):
            problems.append(forbidden(_MATCH, f"{_MATCH} is forbidden when continue is provided"))
        if match not in ("Exact", "NotOlderThan"):
            problems.append(unsupported(_MATCH, f'"{match[:50]}"', ("Exact", "NotOlderThan", "")))
        elif match == "Exact" and version == "0":
            what = f'{_MATCH} "exact" is forbidden for resourceVersion "0"'
            problems.append(forbidden(_MATCH, what))
    if problems:
        raise refused("ListOptions", problems)


def check_watch(query: Mapping[str, str]) -> None:
    """Raises StoreError (422) for a watch that cannot be."""
    match, initial = query.get(_MATCH, ""), _INITIAL in query
    problems = []
    if match:
        if not initial:
            what = f"{_MATCH} is forbidden for watch unless {_INITIAL} is provided"
            problems.append(forbidden(_MATCH, what))
        if match != "NotOlderThan":
            problems.append(unsupported(_MATCH, f'"{match[:50]}"', ("NotOlderThan",)))
    elif initial:
        problems.append(forbidden(_MATCH, f"{_INITIAL} requires setting {_MATCH} to NotOlderThan"))
    if problems:
        raise refused("ListOptions", problems)
