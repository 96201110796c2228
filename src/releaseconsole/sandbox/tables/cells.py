"""How the cells of a table are written: ages, lists, selectors, containers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.objects import dig, parse_time

NONE, UNKNOWN, UNSET = "<none>", "<unknown>", "<unset>"


@dataclass(frozen=True, slots=True)
class Column:
    """One column; ``wide`` ones are shown with ``-o wide`` only."""

    name: str
    wide: bool = False
    type: str = "string"

    def definition(self) -> Obj:
        """As it stands in ``columnDefinitions``."""
        return {
            "name": self.name,
            "type": self.type,
            "format": "name" if self.name == "Name" else "",
            "description": "",
            "priority": 1 if self.wide else 0,
        }


#: A kind's columns and the function that fills a row of them at a time in epoch seconds.
Printer = tuple[tuple[Column, ...], Callable[[Obj, float], list[Any]]]


def columns(text: str) -> tuple[Column, ...]:
    """``Name Ready Age +Images`` with ``+`` before wide columns, ``#`` before numbers, ``_`` for a space."""
    return tuple(_column(word) for word in text.split())


def _column(word: str) -> Column:
    name = word.lstrip("+#").replace("_", " ")
    return Column(name, "+" in word[:2], "integer" if "#" in word[:2] else "string")


def duration(seconds: float) -> str:
    """A span as kubectl writes it: two units while it is short, one when it is long."""
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    if whole < 120:
        return f"{max(0, whole)}s"
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if minutes < 10:
        return _two(minutes, "m", whole % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return _two(days, "d", hours % 24, "h")
    if days < 730:
        return f"{days}d"
    if days < 2920:
        return _two(days // 365, "y", days % 365, "d")
    return f"{days // 365}y"


def _two(first: int, unit: str, second: int, below: str) -> str:
    return f"{first}{unit}{second}{below}" if second else f"{first}{unit}"


def since(text: Any, now: float) -> str:
    """How long ago a time of an object is."""
    if not isinstance(text, str):
        return UNKNOWN
    try:
        return duration(now - parse_time(text))
    except ValueError:
        return UNKNOWN


def age(obj: Obj, now: float) -> str:
    """Time since creation."""
    return since(dig(obj, "metadata", "creationTimestamp"), now)


def name(obj: Obj) -> str:
    """The object's name."""
    return str(obj["metadata"]["name"])


def label_text(labels: Any, empty: str = NONE) -> str:
    """``a=b,c=d``."""
    if not isinstance(labels, dict) or not labels:
        return empty
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def selector_text(selector: Any) -> str:
    """A ``LabelSelector`` in the form of a query."""
    if not isinstance(selector, dict):
        return NONE
    labels = selector.get("matchLabels") or {}
    parts = [f"{key}={value}" for key, value in sorted(labels.items())]
    parts += [_expression(item) for item in selector.get("matchExpressions") or ()]
    return ",".join(parts) or NONE


def _expression(item: Obj) -> str:
    key, operator = item.get("key", ""), item.get("operator")
    if operator == "Exists":
        return str(key)
    if operator == "DoesNotExist":
        return f"!{key}"
    word = "in" if operator == "In" else "notin"
    return f"{key} {word} ({','.join(item.get('values') or ())})"


def container_cells(pod_spec: Any) -> tuple[str, str]:
    """Names and images of the containers."""
    containers: Sequence[Obj] = dig(pod_spec, "containers") or ()
    names = ",".join(str(item.get("name", "")) for item in containers)
    return names, ",".join(str(item.get("image", "")) for item in containers)


def number(obj: Obj, *path: str) -> int:
    """A count, 0 where it is not set."""
    value = dig(obj, *path)
    return value if isinstance(value, int) else 0
