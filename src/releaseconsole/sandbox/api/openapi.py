"""As much of the OpenAPI documents as kubectl needs before it applies something.

kubectl looks whether PATCH of a kind takes ``fieldValidation`` and ``dryRun``. It finds that here, leaves
the checking of fields to the server and takes its own compiled-in rules for merging, as no schema is given.
"""

from __future__ import annotations

from releaseconsole.sandbox.store.kinds import SERVED, Kind, Obj, groups

#: What the protobuf form of version 2 is called (in the Accept header an ``@`` stands for one of its dots).
V2_PROTOBUF_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"

_PARAMETERS = ("dryRun", "fieldManager", "fieldValidation", "force", "pretty")


def v2() -> Obj:
    """``/openapi/v2`` as JSON."""
    return {"swagger": "2.0", "info": {"title": "Practice cluster", "version": "v1.36.3"}, "paths": {}}


def v2_protobuf() -> bytes:
    """``/openapi/v2`` in the only form kubectl reads: it asks it about ``kind: List``.

    The numbers are those of the fields in the published ``openapi.v2.Document`` message.
    """
    paths = b"".join(_proto(2, _v2_path(row)) for row in SERVED)
    return _proto(1, b"2.0") + _proto(8, paths)


def _v2_path(row: Kind) -> bytes:
    named = f'{{"group": "{row.group}", "version": "{row.version}", "kind": "{row.kind}"}}'
    kind = _proto(1, b"x-kubernetes-group-version-kind") + _proto(2, _proto(2, named.encode()))
    parameters = b"".join(_proto(8, _v2_parameter(name)) for name in _PARAMETERS)
    patch = parameters + _proto(13, kind)
    return _proto(1, _object_path(row).encode()) + _proto(2, _proto(8, patch))


def _v2_parameter(name: str) -> bytes:
    query = _proto(2, b"query") + _proto(4, name.encode())
    return _proto(1, _proto(2, _proto(3, query)))


def _proto(number: int, value: bytes) -> bytes:
    """One field of bytes, text or a message."""
    size, length = bytearray(), len(value)
    while length > 0x7F:
        size.append(length & 0x7F | 0x80)
        length >>= 7
    size.append(length)
    return bytes([number << 3 | 2]) + bytes(size) + value


def v3_index() -> Obj:
    """``/openapi/v3``: where the document of each group is."""
    names = [_path(group, version) for group, versions in groups().items() for version in versions]
    return {"paths": {name: {"serverRelativeURL": f"/openapi/v3/{name}?hash=1"} for name in names}}


def v3_document(name: str) -> Obj | None:
    """``/openapi/v3/<name>``, for example ``apis/apps/v1``, or None."""
    rows = [row for row in SERVED if _path(row.group, row.version) == name]
    if not rows:
        return None
    return {
        "openapi": "3.0.0",
        "info": {"title": "Practice cluster", "version": "v1.36.3"},
        "paths": {_object_path(row): {"patch": _patch(row)} for row in rows},
        "components": {"schemas": {}},
    }


def _path(group: str, version: str) -> str:
    return f"apis/{group}/{version}" if group else f"api/{version}"


def _object_path(row: Kind) -> str:
    scope = "/namespaces/{namespace}" if row.namespaced else ""
    return f"/{_path(row.group, row.version)}{scope}/{row.plural}/{{name}}"


def _patch(row: Kind) -> Obj:
    return {
        "parameters": [{"name": name, "in": "query", "schema": {"type": "string"}} for name in _PARAMETERS],
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": {"group": row.group, "version": row.version, "kind": row.kind},
    }
