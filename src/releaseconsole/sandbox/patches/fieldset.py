"""Sets of field paths: which manager owns what, in the form of ``managedFields[].fieldsV1``.

A path is a tuple of elements: ``f:<field>``, ``k:<keys as JSON>`` for an item of a keyed list, ``v:<value>``
for a member of a set.
"""

from __future__ import annotations

import json
from typing import Any

from releaseconsole.sandbox.patches.shapes import Shape
from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.objects import clone

Path = tuple[str, ...]
FieldSet = frozenset[Path]

#: What no manager owns.
_UNOWNED = frozenset({("f:apiVersion",), ("f:kind",)})
_UNOWNED_METADATA = frozenset(
    {"name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"}
    | {"selfLink", "deletionTimestamp", "deletionGracePeriodSeconds", "generateName"}
)


def fields_of(obj: Obj, shape: Shape) -> FieldSet:
    """Every owned path of an object."""
    found: set[Path] = set()
    for key, value in obj.items():
        if key == "metadata" and isinstance(value, dict):
            value = {name: item for name, item in value.items() if name not in _UNOWNED_METADATA}
            if not value:
                continue
        _walk(value, shape.child(key), (f"f:{key}",), found)
    return frozenset(found - _UNOWNED)


def _walk(value: Any, shape: Shape, path: Path, found: set[Path]) -> None:
    if isinstance(value, dict) and value and not shape.atomic:
        for key, item in value.items():
            _walk(item, shape.child(key), (*path, f"f:{key}"), found)
    elif isinstance(value, list) and value and (shape.as_set or shape.map_keys):
        _walk_list(value, shape, path, found)
    else:
        found.add(path)


def _walk_list(items: list[Any], shape: Shape, path: Path, found: set[Path]) -> None:
    for item in items:
        element = item_element(item, shape)
        if element is None:
            continue
        found.add((*path, element))
        if isinstance(item, dict):
            for key, value in item.items():
                _walk(value, shape.child(key), (*path, element, f"f:{key}"), found)


def item_element(item: Any, shape: Shape) -> str | None:
    """The path element of a list's item, or None when it has not got the keys."""
    if shape.as_set:
        return "v:" + json.dumps(item, separators=(",", ":"))
    if not isinstance(item, dict):
        return None
    keys = {key: item.get(key, "TCP" if key == "protocol" else None) for key in sorted(shape.map_keys)}
    if any(value is None for value in keys.values()):
        return None
    return "k:" + json.dumps(keys, separators=(",", ":"))


def value_at(obj: Any, path: Path, shape: Shape) -> Any:
    """The value under a path, or None."""
    for element in path:
        obj, shape = _step(obj, element, shape)
        if obj is None:
            return None
    return obj


def _step(obj: Any, element: str, shape: Shape) -> tuple[Any, Shape]:
    if element.startswith("f:"):
        name = element[2:]
        return (obj.get(name) if isinstance(obj, dict) else None), shape.child(name)
    items = obj if isinstance(obj, list) else []
    return next((item for item in items if item_element(item, shape) == element), None), shape


def remove_at(obj: Any, path: Path, shape: Shape) -> None:
    """Takes a path out of an object, with the maps and lists that become empty by it."""
    if not path:
        return
    element, rest = path[0], path[1:]
    below, child_shape = _step(obj, element, shape)
    if rest:
        if below is None:
            return
        remove_at(below, rest, child_shape)
        if below:
            return
    if element.startswith("f:"):
        if isinstance(obj, dict):
            obj.pop(element[2:], None)
    elif isinstance(obj, list):
        obj[:] = [item for item in obj if item_element(item, shape) != element]


def merge(live: Any, config: Any, shape: Shape) -> Any:
    """The live value with everything the configuration says."""
    if isinstance(config, dict) and isinstance(live, dict) and not shape.atomic:
        merged = dict(live)
        for key, value in config.items():
            merged[key] = merge(live.get(key), value, shape.child(key))
        return merged
    if isinstance(config, list) and isinstance(live, list) and (shape.map_keys or shape.as_set):
        return _merge_items(live, config, shape)
    return clone(config)


def _merge_items(live: list[Any], config: list[Any], shape: Shape) -> list[Any]:
    merged = list(live)
    places = {item_element(item, shape): index for index, item in enumerate(live)}
    for item in config:
        index = places.get(item_element(item, shape))
        if index is None:
            merged.append(clone(item))
        else:
            merged[index] = merge(live[index], item, Shape(shape.fields))
    return merged


def to_tree(fields: FieldSet) -> Obj:
    """``fieldsV1`` of a set."""
    tree: Obj = {}
    for path in sorted(fields):
        node = tree
        for element in path:
            node = node.setdefault(element, {})
        if path[-1].startswith("k:"):
            node["."] = {}
    return tree


def from_tree(tree: Any, prefix: Path = ()) -> FieldSet:
    """The set of a ``fieldsV1``; what has another form is left out."""
    found: set[Path] = set()
    _collect(tree, prefix, found)
    return frozenset(found)


def _collect(tree: Any, path: Path, found: set[Path]) -> None:
    if not isinstance(tree, dict):
        return
    if path and (not tree or "." in tree or path[-1].startswith("k:")):
        found.add(path)
    for key, below in tree.items():
        if key != ".":
            _collect(below, (*path, key), found)


def spell(path: Path) -> str:
    """A path as the API server writes it: ``.spec.containers[name="web"].image``."""
    text = ""
    for element in path:
        kind, body = element[:2], element[2:]
        if kind == "f:":
            text += f".{body}"
        elif kind == "k:":
            keys = json.loads(body)
            text += "[" + ",".join(f"{key}={json.dumps(value)}" for key, value in keys.items()) + "]"
        else:
            text += f"[={body}]"
    return text
