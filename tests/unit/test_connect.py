"""Connecting: credentials from every kind of kubeconfig, and every failure in a sentence with a remedy."""

from __future__ import annotations

import asyncio
import json
import stat
import subprocess
import sys
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from api_stub import config, connected, serving, status, streaming, written

from releaseconsole.cluster.connect import connect, contexts
from releaseconsole.cluster.identity import Identity
from releaseconsole.errors import (
    ApiRejected,
    ClusterError,
    Conflict,
    Denied,
    Gone,
    KubeconfigError,
    NotFound,
    Unreachable,
)
from releaseconsole.session.rehearsal import REHEARSE_EVERY

NOWHERE = "http://127.0.0.1:1"


class SkippingClock:
    """Sleeps at once, and remembers for how long it was asked to."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.time = now
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)


def plugin(folder: Path, script: str, **section: Any) -> dict[str, Any]:
    """A user with an exec plugin written in shell."""
    path = folder / "plugin.sh"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "./plugin.sh", **section}}


def credential(**fields: str) -> str:
    body = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": fields}
    return f"echo '{json.dumps(body)}'"


async def authorization(folder: Path, user: dict[str, Any]) -> str:
    """The header that the server sees."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=request.headers.get("Authorization", "").encode())

    async with serving(answer) as server:
        path = written(folder, config(server, user))
        async with await connect("uat", kubeconfig=path) as client:
            return (await client.get("/")).decode()


class TestKubeconfig:
    async def test_an_unknown_context_names_those_that_exist(self, tmp_path: Path) -> None:
        path = written(tmp_path, config(NOWHERE))
        with pytest.raises(KubeconfigError) as caught:
            await connect("production", kubeconfig=path)
        assert "production" in caught.value.message
        assert "uat" in caught.value.remedy

    async def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(KubeconfigError) as caught:
            await connect("uat", kubeconfig=tmp_path / "gone")
        assert "gone" in caught.value.message
        assert caught.value.remedy

    @pytest.mark.parametrize(
        "text",
        [
            b"clusters: [",
            b"\xff\xfe\x00\x01",
            b"just text",
            b"- a list",
            b"contexts: 3",
            b"contexts: [{context: {}}]",
            b"contexts: [{name: uat, context: 5}]",
            b"contexts: [{name: uat}]",
            b"contexts: [{name: uat, context: {cluster: c}}]\nclusters: [{name: c, cluster: {}}]",
            b"contexts: [{name: uat, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: x}}]",
            b"",
        ],
    )
    async def test_a_file_that_cannot_be_used_is_an_error_with_a_remedy(
        self, tmp_path: Path, text: bytes
    ) -> None:
        path = tmp_path / "config"
        path.write_bytes(text)
        with pytest.raises(KubeconfigError) as caught:
            await connect("uat", kubeconfig=path)
        assert caught.value.remedy

    async def test_the_first_of_several_files_wins(self, tmp_path: Path) -> None:
        first = written(tmp_path, {"users": [{"name": "u", "user": {"token": "first"}}]}, "first")
        second = written(tmp_path, config("https://second.example"), "second")
        missing = tmp_path / "missing"
        async with await connect("uat", kubeconfig=[missing, first, second]) as client:
            assert client.server == "https://second.example"

    async def test_the_environment_names_several_files(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = {"contexts": [{"name": "staging", "context": {"cluster": "c"}}]}
        paths = [written(tmp_path, config(NOWHERE), "a"), written(tmp_path, other, "b")]
        monkeypatch.setenv("KUBECONFIG", ":".join(map(str, paths)))
        assert contexts(None) == ["staging", "uat"]


class TestCredentials:
    async def test_a_token(self, tmp_path: Path) -> None:
        assert await authorization(tmp_path, {"token": "abc"}) == "Bearer abc"

    async def test_a_token_file_is_found_beside_the_kubeconfig_and_its_line_feed_is_not_sent(
        self, tmp_path: Path
    ) -> None:
        (tmp_path / "token").write_text("abc\n")
        assert await authorization(tmp_path, {"tokenFile": "token"}) == "Bearer abc"

    async def test_a_password(self, tmp_path: Path) -> None:
        assert await authorization(tmp_path, {"username": "u", "password": "p"}) == "Basic dTpw"

    async def test_a_plugins_token(self, tmp_path: Path) -> None:
        user = plugin(tmp_path, credential(token="from-plugin"))
        assert await authorization(tmp_path, user) == "Bearer from-plugin"

    async def test_a_user_without_any_credential_is_anonymous(self, tmp_path: Path) -> None:
        assert await authorization(tmp_path, {}) == ""

    @pytest.mark.parametrize(
        ("script", "section", "words"),
        [
            ("echo 'token expired, run login' >&2; exit 3", {}, "token expired, run login"),
            ("echo not json", {}, "ExecCredential"),
            (credential(), {}, "neither a token nor a certificate"),
            ("true", {"command": "no-such-plugin", "installHint": "get it from us"}, "get it from us"),
            ("true", {"interactiveMode": "Always"}, "terminal"),
            ("head -c 200000 /dev/zero >&2; exit 1", {}, "code 1"),
        ],
    )
    async def test_a_plugin_that_fails_says_why_and_what_to_do(
        self, tmp_path: Path, script: str, section: dict[str, Any], words: str
    ) -> None:
        path = written(tmp_path, config(NOWHERE, plugin(tmp_path, script, **section)))
        with pytest.raises(KubeconfigError) as caught:
            await connect("uat", kubeconfig=path)
        assert words in str(caught.value)
        assert "uat" in caught.value.message

    async def test_a_plugin_cannot_read_the_terminal(self, tmp_path: Path) -> None:
        user = plugin(tmp_path, f"read answer && exit 9\n{credential(token='alone')}")
        assert await authorization(tmp_path, user) == "Bearer alone"

    async def test_a_certificate_that_is_none_is_said(self, tmp_path: Path) -> None:
        (tmp_path / "ca.crt").write_text("not a certificate")
        body = config("https://127.0.0.1:1", **{"certificate-authority": "ca.crt"})
        async with await connect("uat", kubeconfig=written(tmp_path, body)) as client:
            with pytest.raises(KubeconfigError, match="certificate"):
                await client.get("/")

    async def test_a_missing_certificate_file_is_said(self, tmp_path: Path) -> None:
        body = config("https://127.0.0.1:1", **{"certificate-authority": "gone.crt"})
        with pytest.raises(KubeconfigError, match=r"gone\.crt"):
            await connect("uat", kubeconfig=written(tmp_path, body))

    async def test_after_a_401_the_credentials_are_read_again_once(self, tmp_path: Path) -> None:
        (tmp_path / "token").write_text("old")
        seen = []

        async def answer(request: web.Request) -> web.Response:
            seen.append(request.headers["Authorization"])
            if seen[-1] != "Bearer new":
                return status(401, "Unauthorized", "Unauthorized")
            return web.Response(body=b"in")

        async with serving(answer) as server:
            path = written(tmp_path, config(server, {"tokenFile": "token"}))
            async with await connect("uat", kubeconfig=path) as client:
                with pytest.raises(Denied) as caught:
                    await client.get("/")
                (tmp_path / "token").write_text("new")
                assert await client.get("/") == b"in"
        assert "uat" in caught.value.message
        assert seen == ["Bearer old", "Bearer old", "Bearer old", "Bearer new"]

    async def test_a_token_that_is_about_to_end_is_renewed_before_it_does(self, tmp_path: Path) -> None:
        clock = SkippingClock()
        count = tmp_path / "count"
        user = plugin(
            tmp_path,
            f"echo x >> {count}\n{credential(token='t', expirationTimestamp='2027-01-15T08:01:00Z')}",
        )

        async def answer(request: web.Request) -> web.Response:
            return web.Response(body=b"{}")

        async with serving(answer) as server:
            path = written(tmp_path, config(server, user))
            async with await connect("uat", kubeconfig=path, clock=clock) as client:
                await client.get("/")
                assert count.read_text() == "x\n"
                clock.time += 55
                await client.get("/")
                assert count.read_text() == "x\nx\n"


class TestRefusals:
    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            (403, Denied),
            (404, NotFound),
            (409, Conflict),
            (410, Gone),
            (422, ApiRejected),
            (302, ApiRejected),
        ],
    )
    async def test_each_has_its_error_the_servers_words_and_a_remedy(
        self, tmp_path: Path, code: int, kind: type[ClusterError]
    ) -> None:
        async def answer(request: web.Request) -> web.Response:
            return status(code, "Because", "pods \x1b[31mis\x1b[0m\x07 forbidden")

        async with connected(tmp_path, answer) as client:
            with pytest.raises(kind) as caught:
                await client.request("PATCH", "/api", body={})
        assert caught.value.message == "Pods is\u2407 forbidden."
        assert caught.value.remedy

    async def test_an_answer_that_is_a_web_page_is_said_to_be_one(self, tmp_path: Path) -> None:
        async def answer(request: web.Request) -> web.Response:
            return web.Response(text="<html>please log in</html>", content_type="text/html")

        async with connected(tmp_path, answer) as client:
            with pytest.raises(ApiRejected, match="web page"):
                await client.get("/api")

    async def test_a_server_that_is_not_there_is_unreachable(self, tmp_path: Path) -> None:
        async with await connect("uat", kubeconfig=written(tmp_path, config(NOWHERE))) as client:
            with pytest.raises(Unreachable) as caught:
                await client.get("/api")
        assert "127.0.0.1:1" in caught.value.message
        assert caught.value.remedy

    async def test_a_busy_server_is_asked_again_after_the_pause_it_names(self, tmp_path: Path) -> None:
        clock, answers = SkippingClock(), [status(429, "TooManyRequests", "x", **{"Retry-After": "2"}), None]

        async def answer(request: web.Request) -> web.Response:
            return answers.pop(0) or web.Response(body=b"done")

        async with connected(tmp_path, answer, clock=clock) as client:
            assert await client.request("PATCH", "/api", body={}) == b"done"
        assert clock.slept == [2.0]

    async def test_a_failed_read_is_tried_again_and_a_failed_write_is_not(self, tmp_path: Path) -> None:
        asked: list[str] = []

        async def answer(request: web.Request) -> web.Response:
            asked.append(request.method)
            return status(500, "InternalError", "etcd is slow")

        async with connected(tmp_path, answer, clock=SkippingClock()) as client:
            for method in ("GET", "PATCH"):
                with pytest.raises(ApiRejected, match="slow"):
                    await client.request(method, "/api", body=None if method == "GET" else {})
        assert asked == ["GET"] * 4 + ["PATCH"]


async def test_a_stream_gives_chunks_and_ends_with_the_answer(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = await streaming(request)
        await response.write(b"one")
        return response

    async with connected(tmp_path, answer) as client, aclosing(client.stream("/")) as chunks:
        assert b"".join([chunk async for chunk in chunks]) == b"one"


async def test_a_silent_stream_is_given_up(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = await streaming(request)
        await asyncio.Event().wait()
        return response

    async with connected(tmp_path, answer) as client, aclosing(client.stream("/", idle=0.05)) as chunks:
        assert await anext(chunks) == b""
        with pytest.raises(Unreachable):
            await anext(chunks)


async def test_the_identity_is_that_of_kube_system_or_else_the_address(tmp_path: Path) -> None:
    replies = [web.json_response({"metadata": {"uid": "abc"}}), status(403, "Forbidden", "no")]

    async def answer(request: web.Request) -> web.Response:
        assert request.path == "/api/v1/namespaces/kube-system"
        return replies.pop(0)

    async with connected(tmp_path, answer) as client:
        assert await client.identity() == Identity(client.server, "abc")
        assert await client.identity() == Identity(client.server)


def test_importing_the_room_loads_neither_kubernetes_nor_aiohttp() -> None:
    names = "connect, watch, rollout, rollback, logs, apply, access"
    heavy = "('kubernetes', 'aiohttp', 'yaml')"
    code = f"import sys; from releaseconsole.cluster import {names}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_a_connection_that_rested_for_a_minute_is_used_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As those of a rehearsal are, which is made once a minute."""
    now, peers = [1000.0], set()
    monkeypatch.setattr("aiohttp.connector.monotonic", lambda: now[0])

    async def answer(request: web.Request) -> web.Response:
        peers.add(request.transport.get_extra_info("peername") if request.transport else None)
        return web.Response(body=b"{}")

    async with connected(tmp_path, answer) as client:
        for _ in range(3):
            await client.get("/")
            now[0] += REHEARSE_EVERY + 5
        assert len(peers) == 1
        now[0] += 30
        await client.get("/")
        assert len(peers) == 2
