"""Server-side apply, and the record of who manages which field."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from releaseconsole.sandbox.patches import fieldset
from releaseconsole.sandbox.patches.fieldset import FieldSet, Path
from releaseconsole.sandbox.patches.shapes import Shape, shape_of
from releaseconsole.sandbox.store.kinds import Kind, Obj
from releaseconsole.sandbox.store.objects import clone
from releaseconsole.sandbox.store.refusals import StoreError

#: A manager is its name, ``Apply`` or ``Update``, and the subresource it wrote through.
Manager = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes: the field manager's name, the subresource, and the time as RFC 3339."""

    name: str
    subresource: str
    time: str


def apply(row: Kind, live: Obj | None, config: Obj, writer: Writer, *, force: bool) -> Obj:
    """The object after an apply. Raises StoreError (409) naming managers and fields, unless forced."""
    shape = shape_of(row.plural)
    config = _relevant(row, config, writer.subresource)
    base: Obj = live or {}
    owned = _read(base)
    me: Manager = (writer.name, "Apply", writer.subresource)
    wanted = fieldset.fields_of(config, shape)
    disputed = _disputed(base, config, wanted, owned, me, shape)
    if disputed and not force:
        raise _conflicts(row, disputed)
    merged: Obj = fieldset.merge(clone(base), config, shape)
    gone = owned.get(me, frozenset()) - wanted
    _drop(merged, gone, wanted, owned, me, shape)
    for manager, paths in disputed.items():
        owned[manager] = owned[manager] - paths
    owned[me] = wanted
    _write(merged, owned, base, writer.time, row.api_version)
    return merged


def track(row: Kind, old: Obj | None, new: Obj, writer: Writer) -> None:
    """Records in ``new`` that ``writer`` set what differs from ``old`` (create, replace and patch)."""
    shape = shape_of(row.plural)
    base: Obj = old or {}
    before = fieldset.fields_of(_relevant(row, base, writer.subresource), shape)
    after = fieldset.fields_of(_relevant(row, new, writer.subresource), shape)
    changed = frozenset(
        path
        for path in after
        if path not in before
        or (
            not _is_item(path) and fieldset.value_at(base, path, shape) != fieldset.value_at(new, path, shape)
        )
    )
    if not changed and after == before:
        return
    owned = _read(new)
    me: Manager = (writer.name, "Update", writer.subresource)
    lost = before - after
    owned = {
        manager: paths - lost - (frozenset() if manager == me else changed)
        for manager, paths in owned.items()
    }
    owned[me] = (owned.get(me, frozenset()) | changed) & after
    _write(new, owned, base, writer.time, row.api_version)


def _relevant(row: Kind, obj: Obj, subresource: str) -> Obj:
    """What a request may speak of: the status through its subresource, the rest without."""
    if subresource == "status":
        return {
            key: value for key, value in obj.items() if key in ("apiVersion", "kind", "metadata", "status")
        }
    if row.has_status:
        return {key: value for key, value in obj.items() if key != "status"}
    return obj


def _is_key(path: Path) -> bool:
    """Whether a path is the key of a list's item: it goes with the item, never alone."""
    item = path[-2] if len(path) > 1 else ""
    return item.startswith("k:") and path[-1][2:] in json.loads(item[2:])


def _is_item(path: Path) -> bool:
    return not path[-1].startswith("f:")


def _disputed(
    live: Obj, config: Obj, wanted: FieldSet, owned: dict[Manager, FieldSet], me: Manager, shape: Shape
) -> dict[Manager, FieldSet]:
    """Fields that another manager owns with another value."""
    found: dict[Manager, FieldSet] = {}
    for manager, paths in owned.items():
        if manager == me:
            continue
        clash = frozenset(
            path
            for path in paths & wanted
            if not _is_item(path)
            and fieldset.value_at(live, path, shape) != fieldset.value_at(config, path, shape)
        )
        if clash:
            found[manager] = clash
    return found


def _drop(
    merged: Obj, gone: FieldSet, wanted: FieldSet, owned: dict[Manager, FieldSet], me: Manager, shape: Shape
) -> None:
    """Takes out what this manager applied before and no longer does, unless another owns it too."""
    others: set[Path] = set()
    for manager, paths in owned.items():
        if manager != me:
            others |= paths
    kept = others | wanted
    for path in sorted(gone - kept, key=len):
        if not _is_key(path) and not any(other[: len(path)] == path for other in kept):
            fieldset.remove_at(merged, path, shape)


def _conflicts(row: Kind, disputed: dict[Manager, FieldSet]) -> StoreError:
    causes = [
        (f"conflict with {_said(row, manager)}", fieldset.spell(path))
        for manager, paths in sorted(disputed.items())
        for path in sorted(paths)
    ]
    if len(causes) == 1:
        text = f"Apply failed with 1 conflict: {causes[0][0]}: {causes[0][1]}"
    else:
        text = f"Apply failed with {len(causes)} conflicts: " + _by_manager(causes)
    details = {
        "causes": [
            {"reason": "FieldManagerConflict", "message": message, "field": field}
            for message, field in causes
        ]
    }
    return StoreError(409, "Conflict", text, details)


def _said(row: Kind, manager: Manager) -> str:
    """A manager as conflicts name it: one that applies by its name, one that updates with its version too."""
    name, operation, subresource = manager
    through = f' with subresource "{subresource}"' if subresource else ""
    return f'"{name}"{through}' + (f" using {row.api_version}" if operation == "Update" else "")


def _by_manager(causes: list[tuple[str, str]]) -> str:
    grouped: dict[str, list[str]] = {}
    for message, field in causes:
        grouped.setdefault(message.replace("conflict ", "conflicts ", 1), []).append(f"- {field}")
    return "\n".join(f"{message}:\n" + "\n".join(fields) for message, fields in grouped.items())


def _read(obj: Obj) -> dict[Manager, FieldSet]:
    owned: dict[Manager, FieldSet] = {}
    for entry in _entries(obj):
        owned[_manager(entry)] = fieldset.from_tree(entry.get("fieldsV1"))
    return owned


def _entries(obj: Obj) -> list[dict[str, Any]]:
    entries = (obj.get("metadata") or {}).get("managedFields") or []
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _manager(entry: dict[str, Any]) -> Manager:
    return (str(entry.get("manager", "")), str(entry.get("operation", "")), str(entry.get("subresource", "")))


def _write(obj: Obj, owned: dict[Manager, FieldSet], old: Obj, time: str, api_version: str) -> None:
    """An entry whose fields are as before keeps its time, so that a re-apply changes nothing."""
    before = {_manager(entry): entry for entry in _entries(old)}
    entries: list[Obj] = []
    for manager, paths in sorted(owned.items()):
        if not paths:
            continue
        tree = fieldset.to_tree(paths)
        known = before.get(manager)
        same = known is not None and fieldset.from_tree(known.get("fieldsV1")) == paths
        entry: Obj = {
            "manager": manager[0],
            "operation": manager[1],
            "apiVersion": api_version,
            "time": known.get("time", time) if known is not None and same else time,
            "fieldsType": "FieldsV1",
            "fieldsV1": known["fieldsV1"] if known is not None and same else tree,
        }
        if manager[2]:
            entry["subresource"] = manager[2]
        entries.append(entry)
    obj.setdefault("metadata", {})["managedFields"] = entries
