"""Servers that are not the API server that was meant: each is told apart, with what to do about it."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme
from aiohttp import web
from api_stub import config, connected, serving, status, written
from cli_runner import Program

from releaseconsole.cluster.connect import connect
from releaseconsole.errors import ApiRejected, ClusterError, Denied, NotFound, Unreachable

PLAN = """
[release]
name = "r"
title = "R"
version = "1"
[environments.uat]
targets = [{ context = "uat", namespace = "shop" }]
workloads = ["deployment/api"]
[[phases]]
id = "p"
title = "P"
environment = "uat"
[[phases.steps]]
id = "s"
title = "S"
items = [{ id = "i", text = "I", check = { cluster = "reachable" } }]
"""


@asynccontextmanager
async def speaking(answer: bytes | None, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server that answers whatever comes with ``answer``, or keeps silent; yields its port."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read(10)
            if answer is not None:
                writer.write(answer)
                await writer.drain()
            else:
                await reader.read()
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1]


def _write(plan: Path) -> None:
    plan.write_text(PLAN, "utf-8")


async def trouble_at(folder: Path, server: str) -> ClusterError:
    async with await connect("uat", kubeconfig=written(folder, config(server))) as client:
        with pytest.raises(ClusterError) as caught:
            await client.get("/version")
    assert caught.value.remedy
    return caught.value


async def test_https_to_a_server_without_tls_names_http(tmp_path: Path) -> None:
    async with speaking(b"HTTP/1.0 400 Bad Request\r\n\r\n") as port:
        error = await trouble_at(tmp_path, f"https://127.0.0.1:{port}")
    assert isinstance(error, Unreachable)
    assert "does not speak TLS" in error.message
    assert "http://" in error.remedy


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n",
        b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"
        b"<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head>",
    ],
    ids=["Go", "nginx"],
)
async def test_http_to_a_server_with_tls_names_https(tmp_path: Path, answer: bytes) -> None:
    async with speaking(answer) as port:
        error = await trouble_at(tmp_path, f"http://127.0.0.1:{port}")
    assert isinstance(error, ApiRejected)
    assert "speaks TLS" in error.message
    assert "https://" in error.remedy


async def test_http_to_a_server_that_hangs_up_on_it_names_https_too(tmp_path: Path) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    async with speaking(b"", tls) as port:
        error = await trouble_at(tmp_path, f"http://127.0.0.1:{port}")
    assert "broke off" in error.message
    assert "https://" in error.remedy


async def test_a_port_of_another_protocol_is_no_http(tmp_path: Path) -> None:
    async with speaking(b"SSH-2.0-OpenSSH_9.2\r\n") as port:
        error = await trouble_at(tmp_path, f"http://127.0.0.1:{port}")
    assert "not HTTP" in error.message


@pytest.mark.parametrize("code", [200, 403, 404])
async def test_a_web_page_is_no_api_server_whatever_its_status(tmp_path: Path, code: int) -> None:
    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><p>hello", content_type="text/html", status=code)

    async with serving(page) as server:
        error = await trouble_at(tmp_path, server)
    assert isinstance(error, ApiRejected)
    assert error.reason == "NotKubernetes"
    assert "a web page" in error.message


@pytest.mark.parametrize(("code", "kind"), [(404, NotFound), (403, Denied), (401, Denied)])
async def test_the_api_servers_own_refusals_are_still_its_own(
    tmp_path: Path, code: int, kind: type[ClusterError]
) -> None:
    async def refuse(_: web.Request) -> web.Response:
        return status(code, "Reason", "pods is refused")

    async with connected(tmp_path, refuse) as client:
        with pytest.raises(kind):
            await client.get("/version")


async def test_every_command_says_what_the_server_is_and_ends_with_3(tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    _write(plan)
    commands = [("doctor",), ("check",), ("status",), ("rollback", "--dry-run")]
    async with speaking(b"HTTP/1.0 400 Bad Request\r\n\r\n") as port:
        path = written(tmp_path, config(f"https://127.0.0.1:{port}"))
        words = [(command, plan, "--kubeconfig", path, *more) for command, *more in commands]
        ended = await asyncio.gather(*(asyncio.to_thread(Program(tmp_path), *one) for one in words))
    for (command, *_), found in zip(commands, ended, strict=True):
        assert found.code == 3, (command, found.out, found.err)
        assert "does not speak TLS" in found.out + found.err, command
        assert "http://" in found.out + found.err, command


async def test_a_server_that_keeps_silent_costs_the_doctor_a_few_seconds(tmp_path: Path) -> None:
    _write(tmp_path / "plan.toml")
    loop = asyncio.get_running_loop()
    async with speaking(None) as port:
        path = written(tmp_path, config(f"http://127.0.0.1:{port}"))
        words = ("doctor", tmp_path / "plan.toml", "--kubeconfig", path, "--json")
        begun = loop.time()
        found = await asyncio.to_thread(Program(tmp_path), *words)
    assert found.code == 3
    (server,) = (one for one in found.document["groups"][0]["findings"] if one["area"] == "server")
    assert "gave no answer within 5 s" in server["sentence"]
    assert 5 <= loop.time() - begun < 15


@pytest.mark.parametrize(
    "document", [{"hello": 1}, [], "text", {"gitVersion": 5}], ids=["fields", "list", "text", "type"]
)
async def test_json_that_is_no_version_is_no_kubernetes(tmp_path: Path, document: object) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=json.dumps(document), content_type="application/json")

    _write(tmp_path / "plan.toml")
    async with serving(answer) as server:
        path = written(tmp_path, config(server))
        words = ("doctor", tmp_path / "plan.toml", "--kubeconfig", path)
        found = await asyncio.to_thread(Program(tmp_path), *words)
    assert found.code == 3
    assert "something else where a Kubernetes" in found.out
