"""Tables as the API server makes them for kubectl: columns, one row an object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.tables.cells import NONE, Printer, age, columns, name
from releaseconsole.sandbox.tables.pods import POD
from releaseconsole.sandbox.tables.surroundings import CORE
from releaseconsole.sandbox.tables.workloads import WORKLOADS


def _plain_row(obj: Obj, now: float) -> list[Any]:
    return [name(obj), age(obj, now)]


_PLAIN: Printer = (columns("Name Age"), _plain_row)
_PRINTERS: Mapping[str, Printer] = {**CORE, **WORKLOADS, "pods": POD}


def table(
    kind: str,
    objects: Sequence[Obj],
    metadata: Obj,
    now: float,
    *,
    include: str = "Metadata",
    with_columns: bool = True,
) -> Obj:
    """A ``Table`` of ``meta.k8s.io/v1``.

    ``include`` says what comes with a row: ``Metadata``, ``Object`` or ``None``; ``now`` is in epoch seconds.
    """
    defined, fill = _PRINTERS.get(kind, _PLAIN)
    rows = [_row(obj, fill, len(defined), now, include) for obj in objects]
    shown: Obj = {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata}
    shown["columnDefinitions"] = [column.definition() for column in defined] if with_columns else []
    shown["rows"] = rows
    return shown


def _row(obj: Obj, fill: Any, width: int, now: float, include: str) -> Obj:
    try:
        cells = fill(obj, now)
    except (TypeError, KeyError, ValueError, AttributeError):
        # Kinds whose types are not checked on the way in can hold anything.
        cells = [name(obj), *[NONE] * (width - 1)]
    row: Obj = {"cells": cells, "object": None}
    if include == "Object":
        row["object"] = obj
    elif include != "None":
        row["object"] = partial(obj)
    return row


def partial(obj: Obj) -> Obj:
    """The object's metadata alone."""
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}
