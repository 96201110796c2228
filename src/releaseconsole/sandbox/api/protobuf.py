"""The few protobuf bodies that kubectl insists on: reviews of access, and what ``kubectl create`` makes.

Everything else speaks JSON. A body with a field that is not named here is refused, not cut short.
Field numbers are those of the published API types.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.refusals import StoreError, bad_request

CONTENT_TYPE = "application/vnd.kubernetes.protobuf"

_MAGIC = b"k8s\x00"
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    kind: str = "string"  # string, bytes, int, bool, map, skip or message
    fields: Mapping[int, _Field] = field(default_factory=lambda: MappingProxyType({}))
    repeated: bool = False


def _message(name: str, fields: Mapping[int, _Field], *, repeated: bool = False) -> _Field:
    return _Field(name, "message", MappingProxyType(dict(fields)), repeated)


def _strings(*names: str) -> dict[int, _Field]:
    return {number: _Field(name) for number, name in enumerate(names, 1)}


_SKIP = _Field("", "skip")
_METADATA = _message(
    "metadata",
    {
        **_strings("name", "generateName", "namespace"),
        5: _Field("uid"),
        6: _Field("resourceVersion"),
        8: _SKIP,
        11: _Field("labels", "map"),
        12: _Field("annotations", "map"),
    },
)
_CONTAINER = {
    **_strings("name", "image"),
    3: _Field("command", repeated=True),
    4: _Field("args", repeated=True),
    6: _message(
        "ports",
        {1: _Field("name"), 2: _SKIP, 3: _Field("containerPort", "int"), 4: _Field("protocol"), 5: _SKIP},
        repeated=True,
    ),
}
_TEMPLATE = _message(
    "template", {1: _METADATA, 2: _message("spec", {2: _message("containers", _CONTAINER, repeated=True)})}
)
_DEPLOYMENT_SPEC = {
    1: _Field("replicas", "int"),
    2: _message("selector", {1: _Field("matchLabels", "map")}),
    3: _TEMPLATE,
}
_ATTRIBUTES = _strings("namespace", "verb", "group", "version", "resource", "subresource", "name")
_ACCESS_SPEC = {
    1: _message("resourceAttributes", _ATTRIBUTES),
    2: _message("nonResourceAttributes", _strings("path", "verb")),
}

_KINDS: Mapping[str, Mapping[int, _Field]] = MappingProxyType(
    {
        "SelfSubjectAccessReview": {1: _METADATA, 2: _message("spec", _ACCESS_SPEC)},
        "SelfSubjectRulesReview": {1: _METADATA, 2: _message("spec", _strings("namespace"))},
        "SelfSubjectReview": {1: _METADATA},
        "ConfigMap": {1: _METADATA, 2: _Field("data", "map"), 3: _Field("binaryData", "bytes-map")},
        "Secret": {1: _METADATA, 2: _Field("data", "bytes-map"), 3: _Field("type")},
        "Namespace": {1: _METADATA},
        "ServiceAccount": {1: _METADATA},
        "Eviction": {1: _METADATA, 2: _SKIP},
        "Deployment": {1: _METADATA, 2: _message("spec", _DEPLOYMENT_SPEC)},
    }
)


def decode(body: bytes) -> Obj:
    """The object of a protobuf body. Raises StoreError: 400 for a broken one, 415 for one not known here."""
    if not body.startswith(_MAGIC):
        raise bad_request("the protobuf body does not begin as it has to")
    envelope = {number: value for number, value in _fields(body[len(_MAGIC) :]) if isinstance(value, bytes)}
    names = {number: value for number, value in _fields(envelope.get(1, b"")) if isinstance(value, bytes)}
    kind = _text(names.get(2, b""))
    known = _KINDS.get(kind)
    if known is None:
        raise _unknown(f"{kind[:100]!r}")
    return {
        "apiVersion": _text(names.get(1, b"")),
        "kind": kind,
        **_decode(envelope.get(2, b""), known, kind),
    }


def _decode(data: bytes, known: Mapping[int, _Field], place: str) -> Obj:
    obj: Obj = {}
    for number, value in _fields(data):
        entry = known.get(number)
        if entry is None:
            if _says_something(value):
                raise _unknown(f"field {number} of {place}")
            continue
        if entry.kind != "skip":
            _put(obj, entry, _value(entry, value, f"{place}.{entry.name}"))
    return obj


def _put(obj: Obj, entry: _Field, value: Any) -> None:
    if entry.kind in ("map", "bytes-map"):
        obj.setdefault(entry.name, {}).update(value)
    elif entry.repeated:
        obj.setdefault(entry.name, []).append(value)
    elif value != "":
        obj[entry.name] = value


def _value(entry: _Field, value: int | bytes, place: str) -> Any:
    if entry.kind in ("int", "bool"):
        if not isinstance(value, int):
            raise bad_request(f"{place} has to be a number")
        return bool(value) if entry.kind == "bool" else _signed(value)
    if not isinstance(value, bytes):
        raise bad_request(f"{place} has the wrong type")
    if entry.kind == "message":
        return _decode(value, entry.fields, place)
    if entry.kind == "map":
        return _pair(value, binary=False)
    if entry.kind == "bytes-map":
        return _pair(value, binary=True)
    return _text(value)


def _pair(data: bytes, *, binary: bool) -> dict[str, str]:
    import base64

    parts = {number: value for number, value in _fields(data) if isinstance(value, bytes)}
    raw = parts.get(2, b"")
    return {_text(parts.get(1, b"")): base64.b64encode(raw).decode("ascii") if binary else _text(raw)}


def _says_something(value: int | bytes, levels: int = 8) -> bool:
    """An empty message, 0 and "" are what an unset field looks like (a message of such fields, too)."""
    if not value:
        return False
    if isinstance(value, int) or not levels:
        return True
    try:
        return any(_says_something(part, levels - 1) for _, part in _fields(value))
    except StoreError:
        return True


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield tag >> 3, value
            continue
        if kind == _BYTES:
            size, at = _varint(data, at)
        else:
            size = {_FIXED64: 8, _FIXED32: 4}.get(kind, -1)
        if size < 0 or at + size > len(data):
            raise bad_request("the protobuf body is cut short or damaged")
        yield tag >> 3, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, at
    raise bad_request("the protobuf body is cut short or damaged")


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _unknown(what: str) -> StoreError:
    message = (
        "the body of the request was in an unknown format - accepted media types include: application/json "
        f"(the practice cluster does not read {what} in protobuf; apply a manifest instead)"
    )
    return StoreError(415, "UnsupportedMediaType", message)
