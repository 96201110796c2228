"""A preview when the API server answers badly: told of what it is about, and never for longer than it must."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from api_stub import connected, status

from releaseconsole.cluster.apply_preview import FieldConflict, preview_manifests
from releaseconsole.cluster.manifests import Manifest
from releaseconsole.errors import Unreachable

CORE = {"resources": [{"name": "configmaps", "kind": "ConfigMap", "namespaced": True}]}


def settings(name: str) -> Manifest:
    body: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
    return Manifest(body, f"{name}.yaml, document 1")


async def answer(request: web.Request) -> web.StreamResponse:
    """An API server that knows ConfigMaps, has none, and takes every apply."""
    if request.path == "/api/v1":
        return web.json_response(CORE)
    if request.method == "GET":
        return status(404, "NotFound", "not found")
    assert request.query["dryRun"] == "All"
    return web.json_response(await request.json(), status=201)


async def test_a_connection_that_breaks_off_once_is_tried_again(tmp_path: Path) -> None:
    broken: set[str] = set()

    async def moody(request: web.Request) -> web.StreamResponse:
        if request.method == "PATCH" and request.path not in broken:
            broken.add(request.path)
            assert request.transport is not None
            request.transport.abort()
        return await answer(request)

    async with connected(tmp_path, moody) as client:
        changes = await preview_manifests(client, [settings("a"), settings("b")], "shop")
    assert [one.change for one in changes] == ["created", "created"]
    assert len(broken) == 2


async def test_a_server_that_is_away_is_an_error_of_the_whole(tmp_path: Path) -> None:
    async def gone(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with connected(tmp_path, gone) as client:
        with pytest.raises(Unreachable):
            await preview_manifests(client, [settings(f"n{n}") for n in range(20)], "shop")


async def test_hostile_managers_and_fields_are_shown_as_text(tmp_path: Path) -> None:
    causes = [
        {"field": ".data.a\x1b[31m\u202e", "message": 'conflict with "evil\x07 \\"kubectl\\"" using v1'},
        {"field": ".data.b", "message": "not a conflict at all"},
    ]

    async def refuse(request: web.Request) -> web.StreamResponse:
        if request.method != "PATCH":
            return await answer(request)
        assert request.query["force"] == "false", "nobody's fields are taken over"
        body = {
            "kind": "Status",
            "code": 409,
            "reason": "Conflict",
            "message": "x" * 9_000,
            "details": {"causes": causes},
        }
        return web.json_response(body, status=409)

    async with connected(tmp_path, refuse) as client:
        (change,) = await preview_manifests(client, [settings("a")], "shop")
    assert change.change == "refused"
    assert len(change.problem) < 2_300
    (conflict,) = change.conflicts
    assert isinstance(conflict, FieldConflict)
    assert not set(f"{conflict.field}{conflict.manager}") & set("\x1b\x07\u202e")
    assert conflict.manager.startswith("evil")


async def test_an_answer_that_is_no_object_refuses_that_manifest_alone(tmp_path: Path) -> None:
    async def odd(request: web.Request) -> web.StreamResponse:
        if request.method == "PATCH" and request.path.endswith("/odd"):
            return web.json_response([1, 2], status=200)
        return await answer(request)

    async with connected(tmp_path, odd) as client:
        changes = await preview_manifests(client, [settings("odd"), settings("fine")], "shop")
    assert [one.change for one in changes] == ["refused", "created"]
