"""The two faces of an event: ``v1``, as it is stored, and ``events.k8s.io/v1``."""

from __future__ import annotations

from collections.abc import Iterable

from releaseconsole.sandbox.store.kinds import Obj

_PAIRS = (
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("reportingComponent", "reportingController"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
)


def to_v1(event: Obj) -> Obj:
    """The stored event as ``events.k8s.io/v1`` shows it."""
    return {**_renamed(event, _PAIRS), "apiVersion": "events.k8s.io/v1", "kind": "Event"}


def to_core(event: Obj) -> Obj:
    """An event of ``events.k8s.io/v1`` as it is stored."""
    return {**_renamed(event, ((new, old) for old, new in _PAIRS)), "apiVersion": "v1", "kind": "Event"}


def core_fields(selector: str) -> str:
    """A field selector of the new face in the words of the old one."""
    for old, new in _PAIRS:
        selector = selector.replace(f"{new}.", f"{old}.").replace(f"{new}=", f"{old}=")
    return selector


def _renamed(event: Obj, pairs: Iterable[tuple[str, str]]) -> Obj:
    names = dict(pairs)
    return {names.get(key, key): value for key, value in event.items()}
