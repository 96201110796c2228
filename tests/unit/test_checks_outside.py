"""Checks that ask somebody else: logs, requests and commands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web
from check_kit import GOOD, Api, Context, found, rolled
from cluster_objects import pod

from releaseconsole.checks.finding import Finding
from releaseconsole.errors import Denied


def log(*lines: str) -> bytes:
    return "".join(f"2026-01-01T00:00:0{n % 10}.000000000Z {line}\n" for n, line in enumerate(lines)).encode()


async def test_logs_without_errors() -> None:
    api = Api({"web-2-a/log": log("INFO started"), "web-2-b/log": log("INFO started", "WARN slow")})
    assert await found(Context((GOOD,), api=api), logs="no-errors") == Finding(
        "passed", "no error in 2 pods within 5 m"
    )


async def test_an_error_in_one_log_is_quoted() -> None:
    api = Api(
        {"web-2-a/log": log("INFO started"), "web-2-b/log": log("ERROR no \x1b[31mdatabase", "ERROR again")}
    )
    finding = await found(Context((GOOD,), api=api), logs="no-errors")
    assert finding == Finding("failed", "2 errors within 5 m: web-2-b: ERROR no database")


async def test_a_log_that_cannot_be_read_cannot_be_told_unless_another_has_errors() -> None:
    unreadable = {"web-2-a/log": Denied("get pods/log is forbidden.")}
    finding = await found(
        Context((GOOD,), api=Api({**unreadable, "web-2-b/log": log("fine")})), logs="no-errors"
    )
    assert finding.status == "unknown"
    assert "forbidden" in finding.reason
    finding = await found(
        Context((GOOD,), api=Api({**unreadable, "web-2-b/log": log("ERROR")})), logs="no-errors"
    )
    assert finding.status == "failed"


async def test_a_log_too_long_to_be_read_whole_cannot_be_told() -> None:
    api = Api({"web-2-a/log": log("x" * 2**20), "web-2-b/log": b""})
    api.answers["web-2-a/log"] = b"".join(log("x" * 1000) for _ in range(1024))
    finding = await found(Context((GOOD,), api=api), logs="no-errors")
    assert finding == Finding("unknown", "not every log could be read: web-2-a wrote more than 1 MB")


async def test_without_pods_there_are_no_logs_to_judge() -> None:
    assert (await found(Context((rolled(),)), logs="no-errors")).status == "unknown"


async def test_logs_of_the_revision_before_are_not_held_against_this_one() -> None:
    data = replace(GOOD, pods=(*GOOD.pods, pod("web-1-a", "web-1-uid")))
    api = Api({"web-1-a/log": log("ERROR old"), "web-2-a/log": log("fine"), "web-2-b/log": log("fine")})
    assert (await found(Context((data,), api=api), logs="no-errors")).status == "passed"


@pytest.fixture
async def server() -> AsyncIterator[str]:
    seen: list[int] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(1)
        if request.path == "/limited":
            return web.Response(status=200 if len(seen) <= 3 else 429)
        if request.path == "/away":
            raise web.HTTPFound("http://other.invalid/login")
        return web.json_response({"got": await request.text(), "type": request.content_type})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_a_request_is_answered(server: str) -> None:
    async with httpx.AsyncClient() as client:
        context = Context((GOOD,), http=client, variables={"api": server})
        assert await found(context, http="GET $api/health") == Finding("passed", "200 OK")
        finding = await found(context, http="GET ${api}/health", expect=401)
        assert finding == Finding("failed", f"200 OK, wanted 401 (GET {server}/health)")


async def test_the_last_of_several_requests_counts(server: str) -> None:
    async with httpx.AsyncClient() as client:
        context = Context((GOOD,), http=client, variables={"api": server})
        finding = await found(context, http="POST $api/limited", repeat=4, expect=429, body="{}")
        assert finding == Finding("passed", "answer 4 of 4: 429 Too Many Requests")


async def test_a_redirect_to_elsewhere_is_told_and_not_followed(server: str) -> None:
    async with httpx.AsyncClient() as client:
        context = Context((GOOD,), http=client, variables={"api": server})
        finding = await found(context, http="GET $api/away")
        assert finding.status == "failed"
        assert "302 Found, redirects to http://other.invalid/login" in finding.reason


async def test_no_answer_at_all_is_unknown(unused_tcp_port: int) -> None:
    async with httpx.AsyncClient() as client:
        context = Context((GOOD,), http=client, variables={"api": f"http://127.0.0.1:{unused_tcp_port}"})
        finding = await found(context, http="GET $api/health")
        assert finding == Finding("unknown", f"127.0.0.1:{unused_tcp_port} refused the connection.")


async def test_a_variable_without_a_value_is_unknown_and_named() -> None:
    finding = await found(Context((GOOD,)), http="GET $api/health")
    assert finding.status == "unknown"
    assert "$api" in finding.reason


async def test_a_command_that_succeeds_shows_its_last_line(tmp_path: Path) -> None:
    finding = await found(Context((GOOD,), folder=tmp_path), shell="echo one; echo version $version; echo")
    assert finding == Finding("passed", "exit code 0: version 1.1.0")


@pytest.mark.parametrize(
    ("command", "options", "status", "reason"),
    [
        ("echo no; exit 3", {}, "failed", "exit code 3, wanted 0: no"),
        ("exit 3", {"expect": 3}, "passed", "exit code 3"),
        ("exit 4", {"expect": (3, 4)}, "passed", "exit code 4"),
        ("no-such-command-here 2>/dev/null", {}, "unknown", "exit code 127"),
        ("kill -9 $$", {}, "unknown", "ended by signal 9"),
        ("sleep 60", {"timeout": 0.2}, "unknown", "not at its end after 0.2 s"),
    ],
)
async def test_how_a_command_ends(
    tmp_path: Path, command: str, options: dict[str, Any], status: str, reason: str
) -> None:
    finding = await found(Context((GOOD,), folder=tmp_path), shell=command, **options)
    assert finding == Finding(status, reason)  # type: ignore[arg-type]
