"""Small tools for plain JSON objects and the times in them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeVar

T = TypeVar("T")


def clone(value: T) -> T:
    """A deep copy of JSON data (several times faster than ``copy.deepcopy``)."""
    copy: Any = value
    if isinstance(value, dict):
        copy = {key: clone(item) if isinstance(item, (dict, list)) else item for key, item in value.items()}
    elif isinstance(value, list):
        copy = [clone(item) if isinstance(item, (dict, list)) else item for item in value]
    return copy  # type: ignore[no-any-return]


def rfc3339(seconds: float) -> str:
    """A time in whole seconds, as ``creationTimestamp`` is written."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339_nano(seconds: float) -> str:
    """A time with nine digits, as the log of a container is written."""
    whole = int(seconds // 1)
    nanos = min(999_999_999, round((seconds - whole) * 1e6) * 1000)
    return datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{nanos:09d}Z"


def parse_time(text: str) -> float:
    """Seconds since the epoch of an RFC 3339 time. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment.timestamp()


def dig(obj: Any, *path: str) -> Any:
    """The value under a path of keys, or None where the path ends early."""
    for key in path:
        if not isinstance(obj, dict):
            return None
        obj = obj.get(key)
    return obj


def place(obj: Any) -> tuple[str, str]:
    """An object's namespace (``""`` without one) and name."""
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def deleted(obj: Any) -> bool:
    """Whether an object is on its way out."""
    return "deletionTimestamp" in obj["metadata"]
