"""From a request to its handler: access, faults, discovery and resources; every refusal is a ``Status``."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from releaseconsole.sandbox.api import access, discovery, openapi, protobuf, reads, writes
from releaseconsole.sandbox.api.call import Api, Call, decode, json_response, refusal
from releaseconsole.sandbox.api.faults import Fault
from releaseconsole.sandbox.api.logs import pod_log
from releaseconsole.sandbox.api.route import Target, parse, verb_of
from releaseconsole.sandbox.api.scaling import evict, scale
from releaseconsole.sandbox.api.watching import watch
from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.refusals import StoreError, bad_request, no_such_path, not_allowed

if TYPE_CHECKING:
    from aiohttp import web

_LOG = logging.getLogger(__name__)
_OPEN_TO_ALL = ("/healthz", "/livez", "/readyz", "/version")


async def answer(api: Api, request: web.BaseRequest) -> web.StreamResponse:
    """The answer to one request."""
    from aiohttp import web

    try:
        return await _answer(api, request)
    except StoreError as error:
        return refusal(error)
    except web.HTTPRequestEntityTooLarge:
        return refusal(StoreError(413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728"))
    except RecursionError:
        return refusal(StoreError(400, "BadRequest", "the request body is nested too deep"))
    except (ConnectionError, asyncio.CancelledError):
        raise
    except Exception as error:  # noqa: BLE001 - the edge: a client gets a Status whatever happens
        _LOG.exception("the practice cluster's API failed on %s %s", request.method, request.path)
        message = f"Internal error occurred: {type(error).__name__}"
        return refusal(StoreError(500, "InternalError", message))


async def _answer(api: Api, request: web.BaseRequest) -> web.StreamResponse:
    path = request.path.rstrip("/") or "/"
    if path == "/readyz":
        return _plain("ok")
    target = parse(request.path)
    watching = request.query.get("watch", "").lower() in ("1", "true") or _follows(request, target)
    fault = api.faults.decide(watch=watching)
    await _suffer(fault)
    if path in _OPEN_TO_ALL:
        return json_response(discovery.VERSION) if path == "/version" else _plain("ok")
    user = api.tokens.user(request.headers.get("Authorization", ""))
    if target is not None:
        return await _resource(Call(api, request, user, target, fault.drop_after), watching=watching)
    return await _other(request, user, path)


def _plain(text: str, status: int = 200) -> web.Response:
    from aiohttp import web

    return web.Response(text=text, status=status)


def _follows(request: web.BaseRequest, target: Target | None) -> bool:
    """A log that is followed can be dropped like a watch."""
    return target is not None and target.subresource == "log" and request.query.get("follow") == "true"


async def _suffer(fault: Fault) -> None:
    """Late first, then refused."""
    if fault.delay > 0:
        await asyncio.sleep(fault.delay)
    if fault.status == 429:
        message = "Too many requests, please try again later."
        raise StoreError(429, "TooManyRequests", message, {"retryAfterSeconds": fault.retry_after or 1})
    if fault.status:
        message = "Internal error occurred: etcdserver: request timed out"
        raise StoreError(fault.status, "InternalError", message)


async def _resource(call: Call, *, watching: bool) -> web.StreamResponse:
    target, method = call.target, call.request.method
    verb = verb_of(method, named=bool(target.name), watch=watching)
    if target.subresource == "eviction" and method == "POST":
        verb = "create"
    if not verb or (verb == "create" and not _creatable(target)):
        raise not_allowed()
    access.require(call.user, verb, target)
    if target.subresource in ("log", "scale", "eviction"):
        return await _subresource(call)
    if watching and verb in ("get", "watch"):
        return await _droppable(call)
    if verb == "get":
        return reads.get_one(call)
    if verb == "list":
        return reads.get_list(call)
    handlers = {
        "create": writes.create,
        "update": writes.replace,
        "patch": writes.patch,
        "delete": writes.delete,
        "deletecollection": writes.delete_collection,
    }
    if target.subresource and verb == "delete":
        raise not_allowed()
    return await handlers[verb](call)


def _creatable(target: Target) -> bool:
    """Objects are made in the collection of one namespace; an eviction is made below a pod."""
    if target.subresource:
        return target.subresource == "eviction"
    return not target.name and (bool(target.namespace) or not target.row.namespaced)


async def _subresource(call: Call) -> web.StreamResponse:
    method, name = call.request.method, call.target.subresource
    if name == "log" and method == "GET":
        return await _dropped(call, pod_log(call))
    if name == "scale" and method in ("GET", "PUT", "PATCH"):
        return await scale(call)
    if name == "eviction":
        return await evict(call)
    raise not_allowed()


async def _droppable(call: Call) -> web.StreamResponse:
    return await _dropped(call, watch(call, call.matcher()))


async def _dropped(call: Call, stream: Coroutine[Any, Any, web.StreamResponse]) -> web.StreamResponse:
    """A stream that a fault cuts off in the middle, without an end."""
    try:
        async with asyncio.timeout(call.drop_after):
            return await stream
    except TimeoutError:
        if call.request.transport is not None:
            call.request.transport.abort()
        raise asyncio.CancelledError from None


async def _other(request: web.BaseRequest, user: access.User, path: str) -> web.StreamResponse:
    access.require_path(user, path)
    review = discovery.find_review(path)
    if review is not None:
        return await _review(request, user, review)
    found = openapi.v2() if path == "/openapi/v2" else _document(request, path)
    if found is None and not discovery.knows(path):
        return _plain("404 page not found\n", 404)
    if found is None:
        raise no_such_path()
    if request.method not in ("GET", "HEAD"):
        raise not_allowed()
    if path == "/openapi/v2" and "protobuf" in request.headers.get("Accept", ""):
        return _openapi_v2()
    kind = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    if found.get("kind") == "APIGroupDiscoveryList":
        return json_response(found, content_type=kind)
    return json_response(found)


async def _review(
    request: web.BaseRequest, user: access.User, review: discovery.Review
) -> web.StreamResponse:
    if request.method != "POST":
        raise not_allowed()
    raw = await request.read()
    body = protobuf.decode(raw) if request.content_type == protobuf.CONTENT_TYPE else decode(raw)
    if not isinstance(body, dict):
        raise bad_request("the request body has to be a JSON object")
    answered: Obj = {**body, "kind": review.kind, "apiVersion": f"{review.group}/v1"}
    return json_response(access.review(user, review.plural, answered), 201)


def _openapi_v2() -> web.Response:
    from aiohttp import web

    return web.Response(body=openapi.v2_protobuf(), headers={"Content-Type": openapi.V2_PROTOBUF_TYPE})


def _wants_aggregated(accept: str) -> bool:
    """Whether one of the accepted types is the aggregated discovery of version v2."""
    wanted = {"g=apidiscovery.k8s.io", "v=v2", "as=APIGroupDiscoveryList"}
    return any(wanted <= set(media.replace(" ", "").split(";")) for media in accept.split(","))


def _document(request: web.BaseRequest, path: str) -> Obj | None:
    """Discovery and OpenAPI."""
    parts = path.strip("/").split("/")
    whole = _wants_aggregated(request.headers.get("Accept", ""))
    if path == "/api":
        return discovery.aggregated(core=True) if whole else discovery.api_versions(request.host)
    if path == "/apis":
        return discovery.aggregated(core=False) if whole else discovery.group_list()
    if parts[0] == "api" and len(parts) == 2:
        return discovery.resource_list("", parts[1])
    if parts[0] == "apis" and len(parts) in (2, 3):
        return discovery.api_group(parts[1]) if len(parts) == 2 else discovery.resource_list(*parts[1:])
    if parts[:2] == ["openapi", "v3"]:
        return openapi.v3_index() if len(parts) == 2 else openapi.v3_document("/".join(parts[2:]))
    return {"paths": ["/api", "/apis", "/openapi/v3", "/version"]} if path == "/" else None
