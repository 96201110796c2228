"""One HTTP request of a check or an action: bounded in time and size, and it tells no secrets."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from releaseconsole.errors import ActionError
from releaseconsole.network import explain, too_slow
from releaseconsole.plan.variables import substitute
from releaseconsole.text import visible

if TYPE_CHECKING:
    import httpx

MOST_BYTES = 65_536
MOST_REDIRECTS = 5
_SECRET = re.compile(
    r"auth|cookie|token|secret|password|passwd|api-?key|credential|signature|session", re.IGNORECASE
)
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class Request:
    """What to send, with every variable in place."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: str | None = None

    @property
    def shown(self) -> str:
        """Verb and address for people: no password, and no value of a parameter that sounds like a secret."""
        return f"{self.method} {shown_url(self.url)}"

    @property
    def server(self) -> str:
        """Host and port."""
        return visible(urlsplit(self.url).netloc.rpartition("@")[2])


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; ``text`` is at most 64 KB of it."""

    status: int
    reason: str
    text: str = ""
    cut: bool = False
    location: str = ""
    """Where a redirect points that was not followed."""

    @property
    def shown(self) -> str:
        """``429 Too Many Requests``."""
        where = f", redirects to {shown_url(self.location)}" if self.location else ""
        return f"{self.status} {self.reason}".rstrip() + where


def prepare(
    request: str, *, headers: Mapping[str, str], body: str | None, values: Mapping[str, str]
) -> Request:
    """``"POST $api/otp"`` with its variables replaced. Raises PlanError for a variable without a value.

    A body that is JSON says so in its content type unless the plan names another.
    """
    method, _, address = request.partition(" ")
    url = substitute(address.strip(), values)
    if not _is_http(url):
        raise ActionError(
            f"“{shown_url(url)}” is not an http address.", "Check the address and its variables."
        )
    filled = {name: substitute(value, values) for name, value in headers.items()}
    text = substitute(body, values) if body is not None else None
    if text is not None and not any(name.lower() == "content-type" for name in filled):
        filled["Content-Type"] = "application/json" if _is_json(text) else "text/plain; charset=utf-8"
    return Request(method, url, filled, text)


def _is_http(url: str) -> bool:
    try:
        return urlsplit(url).scheme in ("http", "https") and bool(urlsplit(url).hostname)
    except ValueError:
        return False


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


async def send(client: httpx.AsyncClient, request: Request, timeout: float) -> Reply:
    """Send it and read the answer, all within ``timeout`` seconds.

    A GET or HEAD follows redirects on the same host; elsewhere its headers must not go. Raises ActionError
    when there was no answer.
    """
    import httpx

    try:
        async with asyncio.timeout(timeout):
            return await _follow(client, request, timeout)
    except TimeoutError:
        found = too_slow(request.server, timeout)
    except (httpx.HTTPError, httpx.StreamError, OSError) as error:
        found = explain(error, request.server, timeout)
    except (httpx.InvalidURL, ValueError) as error:
        raise ActionError(
            f"{request.shown} cannot be sent: {visible(str(error))}.", "Check its address, headers and body."
        ) from None
    raise ActionError(found.message, found.remedy)


async def _follow(client: httpx.AsyncClient, request: Request, timeout: float) -> Reply:
    url = request.url
    for _ in range(MOST_REDIRECTS):
        reply = await _once(client, request, url, timeout)
        if request.method not in ("GET", "HEAD") or not _same_host(url, reply.location):
            return reply
        url = reply.location
    return reply


def _same_host(one: str, other: str) -> bool:
    first, second = urlsplit(one), urlsplit(other)
    hosts = [parts.netloc.rpartition("@")[2] for parts in (first, second)]
    return first.scheme == second.scheme and hosts[0] == hosts[1]


async def _once(client: httpx.AsyncClient, request: Request, url: str, timeout: float) -> Reply:
    headers = {"Accept-Encoding": "identity", **request.headers}
    content = request.body.encode() if request.body is not None else None
    built = client.build_request(request.method, url, headers=headers, content=content, timeout=timeout)
    response = await client.send(built, stream=True, follow_redirects=False)
    try:
        body, whole = await _read(response)
    finally:
        await response.aclose()
        client.cookies.clear()
    location = response.headers.get("location", "") if response.status_code in _REDIRECTS else ""
    return Reply(
        response.status_code,
        visible(response.reason_phrase)[:100],
        _text(response, body, request),
        not whole,
        str(response.url.join(location)) if location else "",
    )


async def _read(response: httpx.Response) -> tuple[bytes, bool]:
    """The raw body up to the limit, and whether that was all: unpacked it could be of any size."""
    body = bytearray()
    async for chunk in response.aiter_raw(8192):
        body += chunk
        if len(body) > MOST_BYTES:
            return bytes(body[:MOST_BYTES]), False
    return bytes(body), True


def _text(response: httpx.Response, body: bytes, request: Request) -> str:
    if response.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
        return f"({len(body):,} bytes, compressed)"
    try:
        text = body.decode(response.charset_encoding or "utf-8", "replace")
    except LookupError:
        text = body.decode("utf-8", "replace")
    for secret in _secrets(request.headers):
        text = text.replace(secret, "…")
    return text


def _secrets(headers: Mapping[str, str]) -> list[str]:
    """Header values that an answer must not echo onto the screen, and the tokens in them."""
    found = [value for name, value in headers.items() if _SECRET.search(name)]
    return [part for value in found for part in (value, *value.split()[1:]) if len(part) >= 6]


def shown_url(url: str) -> str:
    """An address without its user and password, its secret-sounding parameters hidden, on one line."""
    try:
        parts = urlsplit(url)
        query = [
            (name, "…" if _SECRET.search(name) else value) for name, value in parse_qsl(parts.query, True)
        ]
        hidden = urlencode(query, safe="…/:,") if any(value == "…" for _, value in query) else parts.query
        return visible(urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=hidden)))
    except ValueError:
        return "the address"


def accepts(expect: int | tuple[int, ...] | None, status: int) -> bool:
    """Whether a status is one of those expected; any 2xx when the plan names none."""
    if expect is None:
        return 200 <= status <= 299
    return status in (expect if isinstance(expect, tuple) else (expect,))


def expected(expect: int | tuple[int, ...] | None) -> str:
    """The expectation in words: ``any 2xx``, ``429``, ``200 or 204``."""
    if expect is None:
        return "any 2xx"
    return " or ".join(map(str, expect)) if isinstance(expect, tuple) else str(expect)
