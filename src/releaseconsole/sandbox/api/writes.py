"""POST, PUT, PATCH and DELETE: the same for every kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from releaseconsole.sandbox.api import protobuf
from releaseconsole.sandbox.api.call import Call, decode, decode_yaml, json_response, read_body, success
from releaseconsole.sandbox.api.faces import stored as as_stored
from releaseconsole.sandbox.api.options import check_write, refused, unsupported
from releaseconsole.sandbox.api.reads import show
from releaseconsole.sandbox.patches.patch import APPLY_PATCH, OBJECT_TYPES, apply_patch, no_media_type
from releaseconsole.sandbox.patches.server_side_apply import Writer, apply, track
from releaseconsole.sandbox.store import fieldnames, validate
from releaseconsole.sandbox.store.kinds import Kind, Obj
from releaseconsole.sandbox.store.objects import clone, deleted, place
from releaseconsole.sandbox.store.refusals import (
    StoreError,
    bad_request,
    details,
    invalid,
    not_found,
    uid_conflict,
)
from releaseconsole.sandbox.store.skeletons import check_types

if TYPE_CHECKING:
    from aiohttp import web

_PROPAGATIONS = ("Background", "Foreground", "Orphan")


async def create(call: Call) -> web.Response:
    """POST of a new object."""
    check_write("CreateOptions", call.request.query)
    obj = await _object(call)
    _need_namespace(call, str(obj["metadata"].get("name") or ""))
    if obj["metadata"].get("resourceVersion"):
        raise StoreError(500, "", "resourceVersion should not be set on objects to be created")
    if call.target.row.has_status:
        obj.pop("status", None)
    obj["metadata"].pop("managedFields", None)
    validate.check(call.target.row, obj)
    track(call.target.row, None, obj, call.writer())
    return show(call, call.store.create(call.target.plural, obj, dry_run=call.dry_run()), 201)


async def replace(call: Call) -> web.Response:
    """PUT; 409 when the object carries a resourceVersion or uid that is not the current one."""
    check_write("UpdateOptions", call.request.query)
    obj = await _object(call)
    meta, target = obj["metadata"], call.target
    _check_name(call, obj)
    current = call.store.get(target.plural, target.namespace, target.name)["metadata"]
    if meta.get("uid") not in (None, "", current["uid"]):
        raise uid_conflict(target.row, place(obj), str(meta["uid"]), current["uid"])
    return show(call, store_change(call, lambda _: obj, meta.get("resourceVersion") or None))


async def patch(call: Call) -> web.Response:
    """PATCH with any of the four patch types."""
    content_type = call.request.content_type
    body = await read_body(call)
    check_write("PatchOptions", call.request.query, applies=content_type == APPLY_PATCH)
    if content_type == APPLY_PATCH:
        return _apply(call, decode_yaml(body))
    target = call.target
    current = call.store.get(target.plural, target.namespace, target.name)
    patched = apply_patch(content_type, call.present(clone(current)), _document(body), target.plural)
    check_metadata(patched)
    _check_types(call, patched)
    _check_name(call, patched)
    if patched["metadata"].get("uid") not in (None, "", current["metadata"]["uid"]):
        said = f'Invalid value: "{str(patched["metadata"]["uid"])[:253]}": field is immutable'
        raise invalid(target.row, target.name, [("metadata.uid", "FieldValueInvalid", said)])
    _check_names(call, patched, current)
    version = patched["metadata"].get("resourceVersion")
    expected = None if version == current["metadata"]["resourceVersion"] else str(version or "")
    patched = _stored(call, patched)
    return show(call, store_change(call, lambda _: patched, expected or None))


def _document(body: bytes) -> Any:
    """The body of a patch. Raises StoreError (400)."""
    try:
        return decode(body)
    except StoreError as error:
        raise bad_request(f"error decoding patch: {error.message}") from error


def _check_types(call: Call, patched: Obj) -> None:
    """What a patch makes of an object has to be one. Raises StoreError (422)."""
    try:
        check_types(call.target.row, _stored(call, patched))
    except StoreError as error:
        nothing = Kind("", "", "", "", "")
        raise invalid(
            nothing, "", [("patch", "FieldValueInvalid", f"Invalid value: {error.message}")]
        ) from error


def _check_name(call: Call, obj: Obj) -> None:
    """The name in an object is the name in the path. Raises StoreError (400)."""
    name = str(obj["metadata"].get("name"))[:253]
    if name != call.target.name:
        message = f"the name of the object ({name}) does not match the name on the URL ({call.target.name})"
        raise bad_request(message)


def _stored(call: Call, obj: Obj) -> Obj:
    return as_stored(call.target.row, obj)


def _apply(call: Call, config: Any) -> web.Response:
    """Server-side apply: makes the object when there is none."""
    if isinstance(config, dict) and not (config.get("apiVersion") and config.get("kind")):
        group, _, version = str(config.get("apiVersion") or "").rpartition("/")
        kind = str(config.get("kind") or "")[:100]
        raise bad_request(f"invalid object type: {group[:100]}/{version[:100]}, Kind={kind}")
    _check_declared(call, config)
    config = _checked(call, config)
    target, writer, force = call.target, call.writer(), call.flag("force")
    if config["metadata"].get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    config["metadata"].setdefault("name", target.name)
    _check_name(call, config)
    live = call.store.find(target.plural, target.namespace, target.name)
    if live is None:
        return _apply_new(call, config, writer, force=force)
    merged = apply(target.row, live, config, writer, force=force)
    expected = config["metadata"].get("resourceVersion") or None
    return show(call, store_change(call, lambda _: merged, expected, tracked=True))


def _check_declared(call: Call, config: Any) -> None:
    """An apply says nothing that the kind has not got. Raises StoreError (500, as the API server does)."""
    row = call.target.row
    if found := fieldnames.unknown_fields(row, config):
        named = "/".join(part for part in (call.target.namespace, call.target.name) if part)
        where = f"{named}; {row.api_version}, Kind={row.kind}"
        said = f".{found[0]}: field not declared in schema"
        raise StoreError(500, "", f"failed to create typed patch object ({where}): {said}")


def _apply_new(call: Call, config: Obj, writer: Writer, *, force: bool) -> web.Response:
    target = call.target
    if target.subresource:
        raise not_found(target.row, target.name)
    if config["metadata"].get("uid"):
        raise uid_conflict(target.row, place(config), str(config["metadata"]["uid"]), "")
    _need_namespace(call, target.name)
    obj = apply(target.row, None, config, writer, force=force)
    obj.update(apiVersion=target.row.api_version, kind=target.row.kind)
    validate.check(target.row, obj)
    return show(call, call.store.create(target.plural, obj, dry_run=call.dry_run()), 201)


def store_change(
    call: Call, make: Callable[[Obj], Obj], expected: str | None, *, tracked: bool = False
) -> Obj:
    """Stores what ``make`` makes of the current object, checked and with its manager recorded."""
    target, writer = call.target, call.writer()

    def change(obj: Obj) -> None:
        old = clone(obj)
        made = clone(make(obj))
        obj.clear()
        obj.update(made)
        if "managedFields" not in obj["metadata"] and "managedFields" in old["metadata"]:
            obj["metadata"]["managedFields"] = old["metadata"]["managedFields"]
        if target.subresource == "status":
            check_types(target.row, obj)
        else:
            validate.check(target.row, obj, old)
        if not tracked:
            track(target.row, old, obj, writer)

    return call.store.update(
        target.plural,
        target.namespace,
        target.name,
        change,
        subresource=target.subresource or None,
        expected_rv=expected,
        dry_run=call.dry_run(),
    )


async def delete(call: Call) -> web.Response:
    """DELETE of one object."""
    options = await _delete_options(call)
    target = call.target
    before = call.store.get(target.plural, target.namespace, target.name)
    gone = _delete_one(call, before, options)
    if target.plural in ("pods", "services", "namespaces") or (deleted(gone) and not call.dry_run()):
        return show(call, gone)
    about = {**details(target.row, target.name), "uid": gone["metadata"]["uid"]}
    return json_response(success(details=about))


async def delete_collection(call: Call) -> web.Response:
    """DELETE of all objects that the selectors match."""
    options = await _delete_options(call)
    row = call.target.row
    objects = call.store.list(row.plural, call.target.scope, call.matcher())
    items = [_delete_one(call, obj, options) for obj in objects]
    metadata = {"resourceVersion": str(call.store.resource_version)}
    listed = [call.present(item) for item in items]
    return json_response(
        {"kind": f"{row.kind}List", "apiVersion": row.api_version, "metadata": metadata, "items": listed}
    )


def _delete_one(call: Call, obj: Obj, options: Obj) -> Obj:
    conditions = options.get("preconditions") or {}
    try:
        return call.store.delete(
            call.target.plural,
            *place(obj),
            grace=options.get("gracePeriodSeconds"),
            propagation=options["propagationPolicy"],
            uid=conditions.get("uid"),
            expected_rv=conditions.get("resourceVersion"),
            dry_run=call.dry_run() or options.get("dryRun") == ["All"],
        )
    except StoreError as error:
        if error.status == 404 and not call.target.name:
            return obj  # its owner went first and took it along
        raise


async def _delete_options(call: Call) -> Obj:
    body = await read_body(call)
    check_write("DeleteOptions", call.request.query)
    given: Any = decode(body) if body.strip() else {}
    if not isinstance(given, dict) or not isinstance(given.get("preconditions") or {}, dict):
        raise bad_request("the body of a DELETE has to be DeleteOptions")
    options: Obj = dict(given)
    grace = call.count("gracePeriodSeconds")
    if grace is not None:
        options["gracePeriodSeconds"] = grace
    if not isinstance(options.get("gracePeriodSeconds", 0), (int, type(None))):
        raise bad_request("gracePeriodSeconds has to be a whole number")
    options["propagationPolicy"] = _propagation(call, options)
    return options


def _propagation(call: Call, options: Obj) -> str:
    policy = call.query("propagationPolicy") or options.get("propagationPolicy")
    if options.get("orphanDependents") is True:
        policy = "Orphan"
    chosen = str(policy or "Background")
    if chosen not in _PROPAGATIONS:
        known = ("Foreground", "Background", "Orphan", "nil")
        raise refused("DeleteOptions", [unsupported("propagationPolicy", f'"{chosen[:50]}"', known)])
    return chosen


async def _object(call: Call) -> Obj:
    content_type = call.request.content_type
    body = await read_body(call)
    if content_type in ("application/yaml", "application/x-yaml"):
        return _checked(call, decode_yaml(body))
    if content_type == protobuf.CONTENT_TYPE:
        return _checked(call, protobuf.decode(body))
    if content_type not in ("application/json", "application/octet-stream", "text/plain"):
        raise no_media_type(OBJECT_TYPES)
    return _checked(call, decode(body))


def _checked(call: Call, obj: Any) -> Obj:
    """An object of the kind and in the namespace that the URL names."""
    row = call.target.row
    if not isinstance(obj, dict):
        raise bad_request("the request body has to be a JSON object")
    said = (obj.get("apiVersion") or row.api_version, obj.get("kind") or row.kind)
    if said != (row.api_version, row.kind):
        version = str(said[0]).rpartition("/")[2][:100]
        raise bad_request(
            f'{str(said[1])[:100]} in version "{version}" cannot be handled as a {row.kind}: '
            f"it is not of {row.api_version}"
        )
    check_metadata(obj)
    _check_names(call, obj, {})
    stored: Obj = dict(_stored(call, obj))
    if row.namespaced:
        meta = stored["metadata"]
        meta["namespace"] = meta.get("namespace") or call.target.namespace
        if meta["namespace"] != call.target.namespace:
            raise bad_request(
                "the namespace of the provided object does not match the namespace sent on the request"
            )
    return stored


def _check_names(call: Call, obj: Obj, before: Obj) -> None:
    """Misspelt fields, unless they were there before. Raises StoreError (400) when asked to be strict."""
    directive, row = call.query("fieldValidation") or "Warn", call.target.row
    if call.target.subresource:
        return
    if directive == "Ignore":
        fieldnames.prune(row, obj)
        return
    known = fieldnames.unknown_fields(row, before)
    found = [name for name in fieldnames.unknown_fields(row, obj) if name not in known]
    if found and directive == "Strict":
        raise fieldnames.refused(row, found)
    call.warnings.extend(found)
    fieldnames.prune(row, obj)


def check_metadata(obj: Obj) -> None:
    """Every object has metadata that is an object. Raises StoreError (400)."""
    if obj.get("metadata") is None:
        obj["metadata"] = {}
    if not isinstance(obj["metadata"], dict):
        raise bad_request("metadata has to be a JSON object")


def _need_namespace(call: Call, name: str) -> None:
    namespace = call.target.namespace
    if namespace and deleted(call.store.get("namespaces", "", namespace)):
        row = call.target.row
        about = f'{row.group_resource} "{name}"' if name else row.group_resource
        message = (
            f"{about} is forbidden: unable to create new content in namespace {namespace} "
            "because it is being terminated"
        )
        cause = {"reason": "NamespaceTerminating", "message": f"namespace {namespace} is being terminated"}
        told = {**details(row, name), "causes": [{**cause, "field": "metadata.namespace"}]}
        raise StoreError(403, "Forbidden", message, told)
