"""Requests of a step: what is sent, what is shown, and what never is."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from action_kit import Context, ran
from aiohttp import web

from releaseconsole.actions.runner import Outcome

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def _echo(request: web.Request) -> web.StreamResponse:
    match request.path:
        case "/long":
            return web.Response(text="\n".join(["x" * 5000] * 100))
        case "/zipped":
            return web.Response(body=gzip.compress(b"\0" * 10_000_000), headers={"Content-Encoding": "gzip"})
        case "/cookie":
            had = "had" if request.cookies else "none"
            return web.Response(text=had, headers={"Set-Cookie": "session=abc"})
        case "/moved":
            raise web.HTTPFound("/here")
        case "/latin":
            return web.Response(
                body="Größe".encode("latin-1"), headers={"Content-Type": "text/plain; charset=latin-1"}
            )
        case "/escape":
            return web.Response(text="\x1b]0;owned\x07")
        case "/busy":
            return web.Response(status=429, text="slow down")
        case _:
            document = {
                "path": request.path_qs,
                "type": request.headers.get("Content-Type"),
                "auth": request.headers.get("Authorization"),
                "body": await request.text(),
            }
            return web.Response(text="\n".join(f"{key}={value}" for key, value in document.items()))


@pytest.fixture
async def online(tmp_path: Path) -> AsyncIterator[Context]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", _echo)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with httpx.AsyncClient() as client:
        yield Context(folder=tmp_path, http=client, variables={"api": url, "phone": "0100"})
    await runner.cleanup()


async def test_a_request_tells_verb_address_status_and_body(online: Context) -> None:
    outcome, lines = await ran(online, http="POST $api/otp", body='{"phone": "$phone"}')
    assert lines[0] == f"POST {online.variables['api']}/otp"
    assert lines[1] == "200 OK in 0 s"
    assert lines[2:] == ["  path=/otp", "  type=application/json", "  auth=None", '  body={"phone": "0100"}']
    assert outcome == Outcome("succeeded", "200 OK")


@pytest.mark.parametrize(
    ("body", "headers", "content_type"),
    [
        ("a=1", {}, "text/plain; charset=utf-8"),
        ("[1, 2]", {}, "application/json"),
        ("a=1", {"content-type": "application/x-www-form-urlencoded"}, "application/x-www-form-urlencoded"),
        (None, {}, "None"),
    ],
)
async def test_json_says_that_it_is_json(
    online: Context, body: str | None, headers: dict[str, str], content_type: str
) -> None:
    _, lines = await ran(online, http="POST $api/x", body=body, headers=headers)
    assert f"  type={content_type}" in lines


async def test_an_echoed_token_is_not_shown(online: Context) -> None:
    _, lines = await ran(
        online, http="GET $api/x?token=hunter22", headers={"Authorization": "Bearer s3cret-token"}
    )
    assert "  auth=…" in lines
    assert not any("s3cret" in line for line in lines)
    assert "hunter22" not in lines[0]


async def test_the_status_decides(online: Context) -> None:
    outcome, _ = await ran(online, http="GET $api/busy")
    assert outcome == Outcome("failed", "429 Too Many Requests, wanted any 2xx")
    outcome, lines = await ran(online, http="GET $api/busy", expect=429, repeat=3)
    assert outcome.status == "succeeded"
    assert [line[:6] for line in lines[1:4]] == ["1 of 3", "2 of 3", "3 of 3"]
    assert lines[4:] == ["  slow down"], "only the last body is shown"


async def test_a_long_answer_is_bounded(online: Context) -> None:
    _, lines = await ran(online, http="GET $api/long")
    assert max(map(len, lines)) < 1100
    assert lines[-1] == "  (the answer goes on; only its first 64 KB were read)"


async def test_a_compressed_answer_is_not_unpacked(online: Context) -> None:
    _, lines = await ran(online, http="GET $api/zipped")
    assert lines[2].endswith("bytes, compressed)")


async def test_a_redirect_on_the_same_host_is_followed(online: Context) -> None:
    outcome, lines = await ran(online, http="GET $api/moved")
    assert outcome.status == "succeeded"
    assert "  path=/here" in lines
    outcome, _ = await ran(online, http="POST $api/moved", body="{}")
    assert outcome.summary.startswith("302 Found, redirects to http://127.0.0.1")


async def test_no_cookie_is_carried_from_one_request_to_the_next(online: Context) -> None:
    _, lines = await ran(online, http="GET $api/cookie", repeat=2)
    assert lines[-1] == "  none"


async def test_the_answers_own_encoding_and_escapes(online: Context) -> None:
    assert (await ran(online, http="GET $api/latin"))[1][2] == "  Größe"
    assert (await ran(online, http="GET $api/escape"))[1][2] == "  ␛]0;owned␇"


@pytest.mark.parametrize(
    ("request_line", "words"),
    [
        ("GET http://127.0.0.1:1/x", "127.0.0.1:1 refused the connection"),
        ("GET http://amira:hunter22@127.0.0.1:1/x", "127.0.0.1:1 refused the connection"),
        ("GET $nowhere/x", "$nowhere"),
        ("GET $phone/x", "is not an http address"),
        ("GET http://[::1/x", "address"),
    ],
)
async def test_a_request_that_cannot_be_made(online: Context, request_line: str, words: str) -> None:
    outcome, lines = await ran(online, http=request_line)
    assert outcome.status == "failed"
    assert words in outcome.summary
    assert not any("hunter22" in line for line in [*lines, outcome.summary])


async def test_headers_that_no_request_can_have_are_an_error(online: Context) -> None:
    outcome, _ = await ran(online, http="GET $api/x", headers={"X-Bad": "a\nb: c"})
    assert outcome.status == "failed"
