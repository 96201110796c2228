"""The patch types of the API over plain objects: JSON patch, merge patch, strategic merge patch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from releaseconsole.sandbox.patches.shapes import shape_of
from releaseconsole.sandbox.patches.strategic_merge import strategic_merge
from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.objects import clone
from releaseconsole.sandbox.store.refusals import StoreError, bad_request

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

#: What the body of a POST or PUT may be.
OBJECT_TYPES = ("application/json", "application/yaml", "application/vnd.kubernetes.protobuf")

_MOST_OPERATIONS = 10_000
_MOST_BYTES = 3 * 1024 * 1024


def apply_patch(content_type: str, obj: Obj, patch: Any, kind: str) -> Obj:
    """The patched object. Raises StoreError: 400, 413, 415, or 422 Invalid for a failing JSON patch."""
    if content_type == JSON_PATCH:
        return json_patch(obj, patch)
    if not isinstance(patch, dict):
        raise bad_request("error decoding patch: it has to be a JSON object")
    if content_type == MERGE_PATCH:
        merged: Obj = merge_patch(obj, patch)
        return merged
    if content_type == STRATEGIC_PATCH:
        return strategic_merge(obj, patch, shape_of(kind))
    raise StoreError(415, "UnsupportedMediaType", "415: Unsupported Media Type")


def no_media_type(known: Iterable[str]) -> StoreError:
    """415, with the types that would do."""
    message = "the body of the request was in an unknown format - accepted media types include: "
    return StoreError(415, "UnsupportedMediaType", message + ", ".join(known))


def merge_patch(obj: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return clone(patch)
    merged = dict(obj) if isinstance(obj, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def json_patch(obj: Obj, operations: Any) -> Obj:
    """RFC 6902. A failing ``test``, or a path that is not there, is 422 Invalid without an explanation."""
    import jsonpatch

    _check_operations(operations)
    document: Any = clone(obj)
    for operation in operations:
        try:
            lenient = _as_the_server_reads(document, operation)
            document = jsonpatch.JsonPatch([lenient]).apply(document, in_place=True)
        except (
            jsonpatch.JsonPatchException,
            jsonpatch.JsonPointerException,
            TypeError,
            ValueError,
            LookupError,
            AttributeError,
        ) as error:
            raise _rejected() from error
        if operation.get("op") == "copy":
            document = clone(document)
            _check_size(document)
    if not isinstance(document, dict):
        raise _rejected()
    return document


def _as_the_server_reads(document: Any, operation: Obj) -> Obj:
    """Two leniences of the API server: it replaces what is not there, and what is not there tests as null."""
    import jsonpatch

    kind, path = operation.get("op"), operation.get("path")
    if kind not in ("replace", "test") or not isinstance(path, str) or not path.startswith("/"):
        return operation
    parent, last = jsonpatch.JsonPointer(path).to_last(document)
    if not isinstance(parent, dict) or last in parent:
        return operation
    if kind == "replace":
        return {**operation, "op": "add"}
    # A test that holds, whatever the document is.
    holds = operation.get("value") is None
    return {"op": "test", "path": "", "value": document} if holds else operation


def _check_operations(operations: Any) -> None:
    if not isinstance(operations, list) or not all(isinstance(item, dict) for item in operations):
        raise bad_request("error decoding patch: a JSON patch has to be a list of objects")
    if len(operations) > _MOST_OPERATIONS:
        message = (
            f"The allowed maximum operations in a JSON patch is {_MOST_OPERATIONS}, got {len(operations)}"
        )
        raise StoreError(413, "RequestEntityTooLarge", message)


def _check_size(document: Any) -> None:
    """A few ``copy`` operations can double an object again and again."""
    import msgspec

    if len(msgspec.json.encode(document)) > _MOST_BYTES:
        raise StoreError(413, "RequestEntityTooLarge", "the patched object is too large")


def _rejected() -> StoreError:
    message = "the server rejected our request due to an error in our request"
    return StoreError(422, "Invalid", message, {})
