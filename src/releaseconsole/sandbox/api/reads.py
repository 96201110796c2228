"""GET of one object, and lists with selectors, pages and versions."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

import msgspec

from releaseconsole.sandbox.api.call import Call, form, json_response, whole_number
from releaseconsole.sandbox.store.fieldnames import warning
from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.objects import place
from releaseconsole.sandbox.store.refusals import StoreError, bad_request, invalid
from releaseconsole.sandbox.tables.table import partial, table

if TYPE_CHECKING:
    from aiohttp import web


class _Token(msgspec.Struct):
    """The continue token: the version all pages show, and the last key of the page before."""

    rv: int
    namespace: str
    name: str


def get_one(call: Call) -> web.Response:
    """One object, also as a table with one row."""
    target = call.target
    obj = call.store.get(target.plural, target.namespace, target.name)
    return show(call, obj)


def show(call: Call, obj: Obj, status: int = 200) -> web.Response:
    """An object in the form that is asked for."""
    wanted = form(call)
    if wanted == "table":
        metadata = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
        shown = as_table(call, [obj], metadata)
    else:
        shown = partial(obj) if wanted == "partial" else call.present(obj)
    return json_response(shown, status, {"Warning": warning(call.warnings)} if call.warnings else None)


def as_table(call: Call, objects: list[Obj], metadata: Obj, *, with_columns: bool = True) -> Obj:
    """Objects as the table that the query asks for."""
    include, now = call.query("includeObject", "Metadata"), call.api.clock.now()
    return table(call.target.plural, objects, metadata, now, include=include, with_columns=with_columns)


def get_list(call: Call) -> web.Response:
    """A list, or one page of it."""
    wanted = form(call)
    matches = call.matcher()
    objects, version, token = _stand(call)
    if matches is not None:
        objects = [obj for obj in objects if matches(obj)]
    if token is not None:
        after = (token.namespace, token.name)
        objects = [obj for obj in objects if place(obj) > after]
    metadata: Obj = {"resourceVersion": str(version)}
    objects = _page(call, objects, version, metadata, counted=matches is None)
    return json_response(_form(call, wanted, objects, metadata))


def _form(call: Call, wanted: str, objects: list[Obj], metadata: Obj) -> Obj:
    row = call.target.row
    if wanted == "table":
        return as_table(call, objects, metadata)
    if wanted == "partial":
        items: list[Any] = [partial(obj) for obj in objects]
        kind, version = "PartialObjectMetadataList", "meta.k8s.io/v1"
    else:
        items = [_item(call.present(obj)) for obj in objects]
        kind, version = f"{row.kind}List", row.api_version
    return {"kind": kind, "apiVersion": version, "metadata": metadata, "items": items}


def _item(obj: Obj) -> Obj:
    """The items of a list do not repeat its kind and version."""
    item = dict(obj)
    del item["apiVersion"], item["kind"]
    return item


def _stand(call: Call) -> tuple[list[Obj], int, _Token | None]:
    """The objects of the version that is asked for."""
    store, target = call.store, call.target
    token = _read_token(call.query("continue"))
    exact = call.query("resourceVersionMatch") == "Exact"
    asked = _version(call)
    if token is None and not (exact and asked):
        return store.list(target.plural, target.scope), store.resource_version, None
    version = token.rv if token is not None else asked
    try:
        objects = list(store.list_at(target.plural, version))
    except StoreError as error:
        message = (
            "The provided continue parameter is too old to display a consistent list result. "
            "You must start a new list without the continue parameter."
            if token is not None
            else error.message
        )
        raise StoreError(410, "Expired", message) from error
    if target.scope is not None:
        objects = [obj for obj in objects if place(obj)[0] == target.scope]
    return objects, version, token


def _version(call: Call) -> int:
    """The resourceVersion of the query, 0 without one. Raises StoreError (400, 422; 504 from the future)."""
    asked = parse_version(call)
    match = call.query("resourceVersionMatch")
    if match and (match not in ("Exact", "NotOlderThan") or (match == "Exact" and not asked)):
        problem = (
            "resourceVersionMatch",
            "FieldValueForbidden",
            f'Forbidden: "{match[:50]}" cannot be used here',
        )
        raise invalid(call.target.row, "", [problem])
    current = call.store.resource_version
    if asked > current:
        message = f"Too large resource version: {asked}, current: {current}"
        cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
        raise StoreError(504, "Timeout", message, {"causes": [cause], "retryAfterSeconds": 1})
    return asked


def parse_version(call: Call) -> int:
    """The resourceVersion of the query as a number, 0 without one. Raises StoreError (400)."""
    text = call.query("resourceVersion")
    version = whole_number(text)
    if text and version is None:
        raise bad_request(f"Invalid value: {text[:50]!r}: invalid resource version")
    return version or 0


def _page(call: Call, objects: list[Obj], version: int, metadata: Obj, *, counted: bool) -> list[Obj]:
    limit = call.count("limit") or 0
    if not limit or len(objects) <= limit:
        return objects
    page = objects[:limit]
    namespace, name = place(page[-1])
    token = msgspec.json.encode(_Token(version, namespace, name))
    metadata["continue"] = base64.urlsafe_b64encode(token).decode("ascii")
    if counted:
        metadata["remainingItemCount"] = len(objects) - limit
    return page


def _read_token(text: str) -> _Token | None:
    if not text:
        return None
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(text), type=_Token)
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise bad_request("continue key is not valid") from error
