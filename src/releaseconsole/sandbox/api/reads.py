"""GET of one object, and lists with selectors, pages and versions."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

import msgspec

from releaseconsole.sandbox.api.call import Call, form, json_response, whole_number
from releaseconsole.sandbox.api.options import check_list
from releaseconsole.sandbox.store.fieldnames import warning
from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.objects import place
from releaseconsole.sandbox.store.refusals import StoreError, bad_request
from releaseconsole.sandbox.tables.table import partial, table

if TYPE_CHECKING:
    from aiohttp import web


#: The version of a token that goes on with what there is now.
_AS_IT_IS = -1
_OUTLIVED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list "
    "without the continue parameter, or use the continue token in this response to retrieve the remainder of the "
    "results. Continuing with the provided token results in an inconsistent list - objects that were created, "
    "modified, or deleted between the time the first chunk was returned and now may show up in the list."
)


class _Token(msgspec.Struct):
    """The continue token: the version all pages show, and the last key of the page before."""

    rv: int
    namespace: str
    name: str


def get_one(call: Call) -> web.Response:
    """One object, also as a table with one row."""
    target = call.target
    check_not_future(call, parse_version(call))
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
    check_list(call.request.query)
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
    asked = parse_version(call)
    if token is not None and asked:
        raise bad_request("specifying resource version is not allowed when using continue")
    check_not_future(call, asked)
    if token is None and not (exact and asked):
        return store.list(target.plural, target.scope), store.resource_version, None
    if token is not None and token.rv == _AS_IT_IS:
        return store.list(target.plural, target.scope), store.resource_version, token
    version = token.rv if token is not None else asked
    try:
        objects = list(store.list_at(target.plural, version))
    except StoreError as error:
        raise error if token is None else _outlived(token) from error
    if target.scope is not None:
        objects = [obj for obj in objects if place(obj)[0] == target.scope]
    return objects, version, token


def _outlived(token: _Token) -> StoreError:
    """410 for a page of a list that is too old, with a token for the rest of what there is now."""
    error = StoreError(410, "Expired", _OUTLIVED)
    error.metadata["continue"] = _write_token(_Token(_AS_IT_IS, token.namespace, token.name))
    return error


def check_not_future(call: Call, asked: int) -> None:
    """Raises StoreError (504) for a version that is yet to come."""
    current = call.store.resource_version
    if asked > current:
        message = f"Timeout: Too large resource version: {asked}, current: {current}"
        cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
        raise StoreError(504, "Timeout", message, {"causes": [cause], "retryAfterSeconds": 1})


def parse_version(call: Call, *, watching: bool = False) -> int:
    """The resourceVersion of the query as a number, 0 without one. Raises StoreError (400; 500 for a watch)."""
    text = call.query("resourceVersion")
    version = whole_number(text)
    if text and version is None:
        said = f'resourceVersion: Invalid value: "{text[:50]}": '
        said += f'strconv.ParseUint: parsing "{text[:50]}": invalid syntax'
        raise StoreError(500, "", said) if watching else bad_request(f"invalid resource version: {said}")
    return version or 0


def _page(call: Call, objects: list[Obj], version: int, metadata: Obj, *, counted: bool) -> list[Obj]:
    limit = call.count("limit") or 0
    if limit <= 0 or len(objects) <= limit:
        return objects
    page = objects[:limit]
    namespace, name = place(page[-1])
    metadata["continue"] = _write_token(_Token(version, namespace, name))
    if counted:
        metadata["remainingItemCount"] = len(objects) - limit
    return page


def _write_token(token: _Token) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(token)).decode("ascii").rstrip("=")


def _read_token(text: str) -> _Token | None:
    if not text:
        return None
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=_Token)
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise bad_request(f"invalid continue token: continue key is not valid: {str(error)[:100]}") from error
