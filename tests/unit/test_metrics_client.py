"""Asking a Prometheus that is slow, wrong, hostile or gone; every server here is a real one on loopback."""

from __future__ import annotations

import asyncio
import math
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web

from releaseconsole.errors import MetricsError
from releaseconsole.metrics.client import PrometheusClient, Source

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http{'s' if context else ''}://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def asking(url: str, **options: Any) -> AsyncIterator[PrometheusClient]:
    client = PrometheusClient(Source(url, **{"timeout": 2.0, **options}))
    try:
        yield client
    finally:
        await client.close()


def answering(document: Any, status: int = 200) -> Handler:
    async def handler(_: web.Request) -> web.StreamResponse:
        return web.json_response(document, status=status)

    return handler


def text(body: str, status: int = 200, content_type: str = "text/html") -> Handler:
    async def handler(_: web.Request) -> web.StreamResponse:
        return web.Response(text=body, status=status, content_type=content_type)

    return handler


def vector(*results: Any, **more: Any) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": "vector", "result": list(results)}, **more}


async def failure_of(handler: Handler, **options: Any) -> MetricsError:
    async with serving(handler) as url, asking(url, **options) as client:
        with pytest.raises(MetricsError) as caught:
            await client.instant("up")
    assert caught.value.message.endswith(".")
    assert caught.value.remedy
    return caught.value


async def test_an_instant_query_brings_labels_times_and_values() -> None:
    seen: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append(f"{request.path}?{request.query['query']}")
        return web.json_response(vector({"metric": {"pod": "a"}, "value": [1700000000.5, "0.25"]}))

    async with serving(handler) as url, asking(url + "/prefix/") as client:
        answer = await client.instant('sum(rate(x{a="b"}[1m]))')
    assert seen == ['/prefix/api/v1/query?sum(rate(x{a="b"}[1m]))']
    (one,) = answer.series
    assert (dict(one.labels), one.at, one.value) == ({"pod": "a"}, 1700000000.5, 0.25)
    assert answer.warnings == ()


@pytest.mark.parametrize(
    ("raw", "value"), [("NaN", math.nan), ("+Inf", math.inf), ("-Inf", -math.inf), ("1e3", 1e3)]
)
async def test_values_that_json_has_no_numbers_for(raw: str, value: float) -> None:
    handler = answering(vector({"metric": {}, "value": [1, raw]}))
    async with serving(handler) as url, asking(url) as client:
        (one,) = (await client.instant("x")).series
    assert one.value == value or (math.isnan(value) and math.isnan(one.value))


async def test_a_scalar_is_a_series_without_labels() -> None:
    scalar = {"status": "success", "data": {"resultType": "scalar", "result": [5.0, "42"]}}
    async with serving(answering(scalar)) as url, asking(url) as client:
        (one,) = (await client.instant("42")).series
    assert (one.at, one.value, dict(one.labels)) == (5.0, 42.0, {})


async def test_an_empty_answer_is_not_an_error() -> None:
    async with serving(answering(vector())) as url, asking(url) as client:
        assert (await client.instant("absent")).series == ()


async def test_warnings_come_with_the_answer_they_belong_to() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        warned = {"warnings": ["partial \x1b[31mresponse"]} if request.query["query"] == "doubtful" else {}
        return web.json_response(vector({"metric": {}, "value": [1, "1"]}, infos=["style"], **warned))

    async with serving(handler) as url, asking(url) as client:
        queries = ["doubtful", "fine"] * 8
        answers = await asyncio.gather(*(client.instant(query) for query in queries))
    assert [one.warnings for one in answers] == [("partial response",), ()] * 8


async def test_a_range_query_brings_samples_in_order() -> None:
    seen: dict[str, str] = {}

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.update(request.query)
        series = {"metric": {"pod": "a"}, "values": [[100, "1"], [105, "NaN"], [110, "2"]]}
        return web.json_response({"status": "success", "data": {"resultType": "matrix", "result": [series]}})

    async with serving(handler) as url, asking(url) as client:
        answer = await client.range("x", 100.0, 110.0, 5.0)
    assert (seen["start"], seen["end"], seen["step"]) == ("100", "110", "5")
    assert [at for at, _ in answer.series[0].samples] == [100.0, 105.0, 110.0]
    assert math.isnan(answer.series[0].samples[1][1])


REFUSALS: dict[str, tuple[Handler, str]] = {
    "a parse error": (
        answering({"status": "error", "errorType": "bad_data", "error": "parse error: unexpected end"}, 400),
        "refused the query: parse error",
    ),
    "an error with status 200": (
        answering({"status": "error", "errorType": "timeout", "error": "query timed out"}), "timed out",
    ),
    "unavailable": (text("Service Unavailable", 503), "status 503"),
    "not allowed": (text("who are you", 401), "denied access"),
    "forbidden": (text("no", 403), "denied access"),
    "nothing there": (text("404 page not found", 404), "no Prometheus API"),
    "a login page": (text("<!doctype html><html>sign in</html>"), "web page"),
    "other text": (text("Prometheus is warming up", content_type="text/plain"), "no JSON"),
    "an empty body": (text("", content_type="application/json"), "no JSON"),
    "JSON of another program": (answering({"hello": "world"}), "not Prometheus"),
    "a JSON list": (answering([1, 2]), "no JSON"),
    "success without data": (answering({"status": "success"}), "not Prometheus"),
    "data that is a list": (answering({"status": "success", "data": []}), "without a result"),
    "data without a result": (answering({"status": "success", "data": {}}), "no usable answer"),
    "a result that is no list": (answering({"status": "success", "data": {"result": 5}}), "not numbers"),
    "series that are no objects": (answering(vector(1, 2, 3)), "not numbers"),
    "a native histogram": (answering(vector({"metric": {}, "histogram": [1, {}]})), "not numbers"),
    "a value that is a word": (answering(vector({"metric": {}, "value": [1, "much"]})), "not numbers"),
    "a value that is null": (answering(vector({"metric": {}, "value": None})), "not numbers"),
    "deeply nested JSON": (text("[" * 100_000, content_type="application/json"), "no JSON"),
    "too many series": (
        answering(vector(*({"metric": {}, "value": [1, "1"]} for _ in range(10_001)))), "10,001 series",
    ),
    "control characters in an error": (
        answering({"status": "error", "errorType": "bad_data", "error": "\x1b]0;owned\x07"}, 400), "␛]0;owned␇",
    ),
}  # fmt: skip


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_what_is_no_answer_is_said_in_a_sentence(refusal: str) -> None:
    handler, words = REFUSALS[refusal]
    error = await failure_of(handler)
    assert words in error.message
    assert "\x1b" not in str(error)


async def test_an_answer_without_end_is_cut_off() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(40):
            await response.write(b"x" * 2**20)
        return response

    assert "16 MB" in (await failure_of(handler, timeout=20.0)).message


async def test_a_server_that_says_nothing_is_given_up() -> None:
    never = asyncio.Event()

    async def handler(_: web.Request) -> web.StreamResponse:
        await never.wait()
        return web.Response()

    assert "did not answer within 0.3 s" in (await failure_of(handler, timeout=0.3)).message


async def test_a_server_that_trickles_is_given_up() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(600):
            await response.write(b" ")
            await asyncio.sleep(0.05)
        return response

    assert "did not answer within" in (await failure_of(handler, timeout=0.3)).message


async def test_a_closed_port_refuses(unused_tcp_port: int) -> None:
    async with asking(f"http://127.0.0.1:{unused_tcp_port}") as client:
        with pytest.raises(MetricsError, match=rf"Prometheus at 127.0.0.1:{unused_tcp_port} refused"):
            await client.instant("up")
        with pytest.raises(MetricsError, match="refused"):
            await client.ready()


async def test_an_unknown_host_is_said_to_be_unknown() -> None:
    async with asking("http://prometheus.invalid:9090") as client:
        with pytest.raises(MetricsError, match=r"host name|no usable answer|did not answer"):
            await client.instant("up")


async def test_a_user_and_password_in_the_address_are_never_told(unused_tcp_port: int) -> None:
    async with asking(f"http://amira:hunter22@127.0.0.1:{unused_tcp_port}") as client:
        with pytest.raises(MetricsError) as caught:
            await client.instant("up")
    assert "hunter22" not in str(caught.value)
    assert "hunter22" not in client.source.name


async def test_a_redirect_is_not_followed_so_no_token_leaves() -> None:
    tokens: list[str | None] = []

    async def elsewhere(request: web.Request) -> web.StreamResponse:
        tokens.append(request.headers.get("Authorization"))
        return web.json_response(vector())

    async with serving(elsewhere) as other:

        async def handler(_: web.Request) -> web.StreamResponse:
            raise web.HTTPFound(f"{other}/login")

        error = await failure_of(handler, token="s3cret-token")
    assert "sends us elsewhere" in error.message
    assert tokens == []


async def test_the_token_and_headers_of_the_plan_go_along_and_netrc_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login other password wrong\n")
    monkeypatch.setenv("NETRC", str(netrc))
    seen: list[tuple[str | None, str | None]] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append((request.headers.get("Authorization"), request.headers.get("X-Scope-OrgID")))
        return web.json_response(vector() if "query" in request.query else {"status": "success", "data": {}})

    async with serving(handler) as url, asking(url, token="t0ken", headers={"X-Scope-OrgID": "eu"}) as client:
        await client.instant("up")
        await client.alerts()
    assert seen == [("Bearer t0ken", "eu")] * 2
    assert "t0ken" not in repr(client.source)


async def test_a_certificate_nobody_knows_is_refused_in_plain_words() -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    async with serving(answering(vector()), context) as url, asking(url) as client:
        for asked in (client.instant("up"), client.ready()):
            with pytest.raises(MetricsError, match="signed by nobody who is trusted here"):
                await asked


async def test_the_ca_file_of_the_plan_is_trusted(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)
    async with serving(answering(vector()), context) as url, asking(url, ca_file=str(ca_file)) as client:
        assert (await client.instant("up")).series == ()
        assert await client.ready()


async def test_a_certificate_for_another_name_is_said_to_be_one(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("other.example").configure_cert(context)
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)
    async with serving(answering(vector()), context) as url, asking(url, ca_file=str(ca_file)) as client:
        for asked in (client.instant("up"), client.ready()):
            with pytest.raises(MetricsError, match="for another name"):
                await asked


async def test_a_missing_ca_file_is_said_to_be_missing() -> None:
    async with asking("https://127.0.0.1:1", ca_file="nowhere/ca.pem") as client:
        for asked in (client.instant("up"), client.ready()):
            with pytest.raises(MetricsError, match="ca_file"):
                await asked


async def test_http_on_a_port_of_https_is_said_to_be_that() -> None:
    async with serving(answering(vector())) as url, asking(url.replace("http:", "https:")) as client:
        with pytest.raises(MetricsError, match=r"does not speak TLS|TLS with"):
            await client.instant("up")


@pytest.mark.parametrize(("status", "ready"), [(200, True), (503, False), (500, False)])
async def test_readiness_is_what_the_probe_says(status: int, ready: bool) -> None:
    async with serving(text("probe", status)) as url, asking(url) as client:
        assert await client.ready() is ready


async def test_a_hosted_prometheus_without_probes_is_asked_for_its_version() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.json_response({}, status=200 if request.path.endswith("/buildinfo") else 404)

    async with serving(handler) as url, asking(url + "/api/prom") as client:
        assert await client.ready()


async def test_alerts_rules_and_targets_are_tables() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        data = {
            "/api/v1/alerts": {"alerts": [{"state": "firing"}, "nonsense"]},
            "/api/v1/rules": {"groups": [{"name": "slo"}]},
            "/api/v1/targets": {"activeTargets": [{"health": "up"}]},
        }[request.path]
        return web.json_response({"status": "success", "data": data})

    async with serving(handler) as url, asking(url) as client:
        assert await client.alerts() == ({"state": "firing"},)
        assert await client.rules() == ({"name": "slo"},)
        assert await client.targets() == ({"health": "up"},)


async def test_a_connection_that_the_server_closed_meanwhile_is_no_outage() -> None:
    closed = 0
    open_connections: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal closed
        task = asyncio.current_task()
        assert task is not None
        open_connections.add(task)
        await reader.readuntil(b"\r\n\r\n")
        body = b'{"status":"success","data":{"resultType":"vector","result":[]}}'
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        await reader.read(1)  # the next request on this connection is not answered
        closed += 1
        writer.transport.abort()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        async with asking(f"http://127.0.0.1:{port}") as client:
            for _ in range(3):
                assert (await client.instant("up")).series == ()
        await asyncio.wait(open_connections, timeout=2)
    assert closed == 3


async def test_a_query_can_be_given_up_at_once() -> None:
    started, never = asyncio.Event(), asyncio.Event()

    async def handler(_: web.Request) -> web.StreamResponse:
        started.set()
        await never.wait()
        return web.Response()

    async with serving(handler) as url, asking(url, timeout=0.5) as client:
        task = asyncio.create_task(client.instant("up"))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_closed_client_says_so() -> None:
    client = PrometheusClient(Source("http://prometheus.example"))
    await client.close()
    with pytest.raises(MetricsError, match="closed"):
        await client.instant("up")


async def test_the_libraries_are_loaded_only_when_something_is_asked() -> None:
    heavy = ("requests", "httpx", "pandas", "prometheus_api_client", "kubernetes", "psutil", "aiohttp")
    rooms = ("metrics.client", "checks.registry", "actions.runner")
    imports = ", ".join(f"releaseconsole.{room}" for room in rooms)
    script = f"import sys, {imports}; print([name for name in {heavy} if name in sys.modules])"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert out.decode().strip() == "[]"
