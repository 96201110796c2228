"""The ``scale`` subresource: the replica count of a workload as an object of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from releaseconsole.sandbox.api.call import Call, decode, json_response, read_body, success
from releaseconsole.sandbox.api.writes import check_metadata, store_change
from releaseconsole.sandbox.patches.patch import apply_patch
from releaseconsole.sandbox.store.kinds import Kind, Obj
from releaseconsole.sandbox.store.objects import dig
from releaseconsole.sandbox.store.refusals import bad_request, invalid, not_allowed
from releaseconsole.sandbox.store.validate import check_replicas
from releaseconsole.sandbox.tables.cells import NONE, number, selector_text

if TYPE_CHECKING:
    from aiohttp import web

_SCALE = Kind("autoscaling", "v1", "Scale", "", "")


async def scale(call: Call) -> web.Response:
    """GET, PUT and PATCH of ``autoscaling/v1`` Scale."""
    target = call.target
    # The body first: nothing may change between reading the object and writing it.
    body = await read_body(call)
    current = call.store.get(target.plural, target.namespace, target.name)
    if call.request.method == "GET":
        return json_response(scale_of(current))
    wanted = _wanted(call, scale_of(current), decode(body))
    check_metadata(wanted)
    version = wanted["metadata"].get("resourceVersion")
    replicas = _replicas(call, wanted)

    def change(obj: Obj) -> Obj:
        return {**obj, "spec": {**(obj.get("spec") or {}), "replicas": replicas}}

    return json_response(scale_of(store_change(call, change, str(version) if version else None)))


def scale_of(obj: Obj) -> Obj:
    """The scale of a workload."""
    meta = obj["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    selector = selector_text(dig(obj, "spec", "selector"))
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: meta[key] for key in kept if key in meta},
        "spec": {"replicas": size} if (size := number(obj, "spec", "replicas")) else {},
        "status": {
            "replicas": number(obj, "status", "replicas"),
            "selector": "" if selector == NONE else selector,
        },
    }


def _wanted(call: Call, current: Obj, document: Any) -> Obj:
    if call.request.method == "PATCH":
        return apply_patch(call.request.content_type, current, document, "scale")
    if not isinstance(document, dict):
        raise bad_request("the request body has to be a Scale")
    return document


def _replicas(call: Call, wanted: Obj) -> int:
    replicas = dig(wanted, "spec", "replicas")
    if replicas is None:
        replicas = 0
    if not isinstance(replicas, int) or isinstance(replicas, bool):
        raise bad_request("Scale cannot be handled: spec.replicas has to be a whole number")
    problems = check_replicas("spec.replicas", replicas)
    if problems:
        raise invalid(_SCALE, call.target.name, problems)
    return replicas


async def evict(call: Call) -> web.Response:
    """POST of an eviction: deletes the pod with its grace period."""
    await read_body(call)
    target = call.target
    if call.request.method != "POST":
        raise not_allowed()
    call.store.delete("pods", target.namespace, target.name, grace=None, dry_run=call.dry_run())
    return json_response(success(code=201), 201)
