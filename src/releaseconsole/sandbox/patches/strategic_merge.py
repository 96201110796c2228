"""Strategic merge patch: lists are merged by key, with directives to delete, replace and reorder.

Rules of the API server's own patch type: ``$patch``, ``$retainKeys``, ``$setElementOrder/<list>`` and
``$deleteFromPrimitiveList/<list>``. Objects given in are not changed.
"""

from __future__ import annotations

from typing import Any

from releaseconsole.sandbox.patches.shapes import Shape
from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.objects import clone
from releaseconsole.sandbox.store.refusals import StoreError, bad_request

_ORDER = "$setElementOrder/"
_PRIMITIVES = "$deleteFromPrimitiveList/"
_PATCH, _RETAIN = "$patch", "$retainKeys"
#: Merging by key compares every item with every other.
_MOST_ITEMS = 4000


def strategic_merge(obj: Obj, patch: Obj, shape: Shape) -> Obj:
    """The object after the patch. Raises StoreError (400, 500) for directives that make no sense."""
    directive = patch.get(_PATCH, "merge")
    if directive == "replace":
        return clone({key: value for key, value in patch.items() if key != _PATCH})
    if directive == "delete":
        return {}
    if directive != "merge":
        raise StoreError(500, "", f"unknown patch type: {str(directive)[:100]}")
    merged = _retained(obj, patch)
    for key, value in patch.items():
        if key.startswith("$"):
            continue
        _merge_field(merged, key, value, shape.child(key))
    _apply_list_directives(merged, obj, patch, shape)
    return merged


def _retained(obj: Obj, patch: Obj) -> Obj:
    keep = patch.get(_RETAIN)
    if keep is None:
        return dict(obj)
    names = _list_of(keep, _RETAIN)
    return {key: value for key, value in obj.items() if key in names}


def _merge_field(merged: Obj, key: str, value: Any, shape: Shape) -> None:
    if value is None:
        merged.pop(key, None)
    elif isinstance(value, dict):
        before = merged.get(key)
        result = strategic_merge(before if isinstance(before, dict) else {}, value, shape)
        if result or value.get(_PATCH) != "delete":
            merged[key] = result
        else:
            merged.pop(key, None)
    elif isinstance(value, list):
        before = merged.get(key)
        merged[key] = _merge_list(before if isinstance(before, list) else [], value, shape)
    else:
        merged[key] = value


def _merge_list(before: list[Any], items: list[Any], shape: Shape) -> list[Any]:
    if len(before) + len(items) > _MOST_ITEMS:
        raise bad_request(f"a list in a strategic merge patch is longer than {_MOST_ITEMS} items")
    if shape.as_set:
        return [*before, *(item for item in items if item not in before)]
    if not shape.patch_key:
        return clone(items)
    return _merge_keyed(before, items, shape)


def _merge_keyed(before: list[Any], items: list[Any], shape: Shape) -> list[Any]:
    plain = [item for item in items if not (isinstance(item, dict) and _is_bare(item))]
    if len(plain) < len(items):
        directives = {item[_PATCH] for item in items if isinstance(item, dict) and _is_bare(item)}
        if "replace" in directives:
            return [strategic_merge({}, item, shape) for item in plain if isinstance(item, dict)]
    merged = list(before)
    for item in plain:
        _merge_item(merged, item, shape)
    return _ordered(merged, plain, shape.patch_key, before)


def _is_bare(item: Obj) -> bool:
    """``{"$patch": "replace"}`` alone speaks of the whole list."""
    return len(item) == 1 and _PATCH in item


def _merge_item(merged: list[Any], item: Any, shape: Shape) -> None:
    key = shape.patch_key
    if not isinstance(item, dict) or item.get(key) is None:
        raise StoreError(500, "", f"map: {str(item)[:200]} does not contain declared merge key: {key}")
    places = [index for index, old in enumerate(merged) if _keyed(old, key) == item[key]]
    if item.get(_PATCH) == "delete":
        for index in reversed(places):
            del merged[index]
    elif places:
        merged[places[0]] = strategic_merge(merged[places[0]], item, shape)
    else:
        merged.append(strategic_merge({}, item, shape))


def _keyed(item: Any, key: str) -> Any:
    return item.get(key) if isinstance(item, dict) else None


def _apply_list_directives(merged: Obj, obj: Obj, patch: Obj, shape: Shape) -> None:
    """Deletions from lists of values first, then the order of what is left."""
    for key, value in patch.items():
        if key.startswith(_PRIMITIVES):
            name = key.removeprefix(_PRIMITIVES)
            gone = _list_of(value, key)
            if isinstance(merged.get(name), list):
                merged[name] = [item for item in merged[name] if item not in gone]
    for key, value in patch.items():
        if key.startswith(_ORDER):
            name = key.removeprefix(_ORDER)
            if isinstance(merged.get(name), list):
                patch_key = shape.child(name).patch_key
                merged[name] = _ordered(merged[name], _list_of(value, key), patch_key, obj.get(name))


def _list_of(value: Any, directive: str) -> list[Any]:
    if not isinstance(value, list) or len(value) > _MOST_ITEMS:
        raise bad_request(f"the value of {directive[:100]} in a strategic merge patch must be a short list")
    return value


def _ordered(items: list[Any], order: list[Any], key: str, before: Any) -> list[Any]:
    """What the patch names comes in its order; the rest keeps its place relative to that.

    ``before`` is the list as it was: what is new in the patch comes in front of what it does not name.
    """
    wanted = [_keyed(entry, key) if key else entry for entry in order]
    identity = [_keyed(item, key) if key else item for item in items]
    named = [items[identity.index(name)] for name in wanted if name in identity]
    others = [item for item, name in zip(items, identity, strict=True) if name not in wanted]
    known = [_keyed(item, key) if key else item for item in before] if isinstance(before, list) else []
    result: list[Any] = []
    while named and others:
        here, there = (_keyed(one[0], key) if key else one[0] for one in (named, others))
        is_first = here in known and there in known and known.index(there) < known.index(here)
        result.append((others if is_first else named).pop(0))
    return [*result, *named, *others]
