"""A connection to one context: raw requests and streams, with the console's errors.

How much of the Kubernetes client is used, and why (kubernetes 37, CPU of one import beyond Python's start):
``kubernetes.aio.config`` takes 0.27 s, of which aiohttp alone is 0.11 s. The package cannot be imported in
parts, because ``kubernetes/__init__`` brings the synchronous client along, but none of the generated API
modules and models come with it (those cost another 0.5 s). So its loader turns a kubeconfig into credentials,
imported in a thread on the first connection, and requests go through an aiohttp session of our own: its REST
client reads whole answers, retries by itself and has no stream with a time-out between bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import msgspec

from releaseconsole import __version__
from releaseconsole.clock import Clock, SystemClock
from releaseconsole.cluster import kubeconfig as files
from releaseconsole.cluster import replies
from releaseconsole.cluster.decode import NAMESPACES, decode, not_kubernetes
from releaseconsole.cluster.identity import Identity
from releaseconsole.cluster.login import Login, Tls, log_in
from releaseconsole.cluster.text import clean
from releaseconsole.errors import ApiRejected, Denied, NotFound, SignInRefused, Unreachable

if TYPE_CHECKING:
    import aiohttp

contexts = files.contexts

Params = Mapping[str, str | int | bool]
NO_PARAMS: Params = {}

CONNECT_TIMEOUT = 5.0
ANSWER_TIMEOUT = 20.0
IDLE_TIMEOUT = 90.0
KEPT_IDLE = 75.0
"""Seconds for which an idle connection is kept: longer than a minute, so that a rehearsed rollback finds the
connections of its rehearsals open, and less than the 90 s after which an API server drops it."""
MOST_BYTES = 256 * 1024 * 1024
TRIES = 4
LONGEST_WAIT = 5.0
_EARLY = 10.0
"""Seconds before their end at which credentials are renewed."""
_LONGEST_UID = 100
_TURNS = 20
"""Turns of the event loop in which a connection that was shut down can notice."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A request that the API server granted."""

    status: int
    body: bytes
    date: str = ""
    """The server's clock, as its ``Date`` header has it; "" without one."""


@dataclass(frozen=True, slots=True)
class _Patience:
    """How long to wait for an answer, and whether it may be asked for twice."""

    head: float = ANSWER_TIMEOUT
    """Seconds until the answer begins."""
    idle: float = ANSWER_TIMEOUT
    """Seconds between two bytes."""
    once: bool = False
    """aiohttp sends a GET again, as it was, when its connection breaks off before the answer begins. For a log
    that is wrong: its first line may be hours away, and ``tailLines`` means other lines by then."""

    def of_the_socket(self) -> aiohttp.ClientTimeout:
        import aiohttp

        return aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT, sock_read=self.idle)


async def connect(
    context: str,
    *,
    kubeconfig: Path | Sequence[Path] | None = None,
    clock: Clock | None = None,
    chance: Callable[[], float] = random.random,
) -> Client:
    """Read credentials for ``context``; the first request makes the connection.

    Several files are merged; None means ``KUBECONFIG``, else the default file. Raises KubeconfigError.
    """

    async def load() -> Login:
        return await log_in(files.load(kubeconfig), context)

    return Client(context, load, await load(), clock or SystemClock(), chance)


class Client:
    """Speaks with one API server as one user. Close it when done."""

    def __init__(
        self,
        context: str,
        load: Callable[[], Any],
        login: Login,
        clock: Clock,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.context = context
        self.clock = clock
        self.chance = chance
        self.in_doubt = asyncio.Event()
        """Set whenever another cluster may be behind the connection: it is new, it was lost, or credentials were read
        anew. Whoever then looks at the identity clears it before."""
        self.in_doubt.set()
        self.before_writing: Callable[[], Awaitable[None]] | None = None
        """Awaited before each request that is not a GET goes out; what it raises holds the request back."""
        self._closed = False
        self._load = load
        self._login = login
        self._renewing = asyncio.Lock()
        self._sessions: dict[tuple[Tls, str], aiohttp.ClientSession] = {}
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()

    @property
    def server(self) -> str:
        """Address of the API server."""
        return self._login.server

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Drop every connection; no other is made."""
        self._closed = True
        sessions, self._sessions = list(self._sessions.values()), {}
        for session in sessions:
            await session.close()
        await self._hang_up()

    async def _hang_up(self) -> None:
        """End connections that aiohttp does not know of: those cancelled around their TLS handshake, which asyncio
        leaves open or waiting for the server's farewell."""
        for _ in range(_TURNS):
            still = [one for one in self._sockets if one.fileno() >= 0]
            for one in still:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            if not still:
                break
            await asyncio.sleep(0)

    def _socket(self, address: Any) -> socket.socket:
        """A socket for one connection, which is remembered for as long as it is used. Raises OSError after the end:
        who asks while everything is being closed would leave it open."""
        if self._closed:
            raise ConnectionAbortedError("the connections of this client were dropped")
        family, kind, protocol, _, _ = address
        made = socket.socket(family=family, type=kind, proto=protocol)
        self._sockets.add(made)
        return made

    async def get(self, path: str, params: Params = NO_PARAMS) -> bytes:
        """The body of a GET. Raises ClusterError."""
        return (await self.exchange("GET", path, params)).body

    async def request(
        self,
        method: str,
        path: str,
        params: Params = NO_PARAMS,
        body: Any = None,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """The body of the answer. ``body`` is bytes, or what becomes JSON. Raises ClusterError."""
        return (await self.exchange(method, path, params, body, content_type, headers)).body

    async def exchange(
        self,
        method: str,
        path: str,
        params: Params = NO_PARAMS,
        body: Any = None,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Like ``request``, with the status.

        A 429 was not processed and is tried again after the pause that the server asks for; so is a GET that
        the server failed to answer. Nothing else is sent twice: only the caller knows whether that is safe.
        """
        data = body if body is None or isinstance(body, bytes) else msgspec.json.encode(body)
        sent = {"Content-Type": content_type, **(headers or {})} if data is not None else dict(headers or {})
        for attempt in range(TRIES):
            try:
                return await self._once(method, path, params, data, sent)
            except (ApiRejected, Unreachable) as error:
                if attempt == TRIES - 1 or not _again(method, error):
                    raise
                await self.clock.sleep(self._pause(error, attempt))
        raise AssertionError("unreachable")

    async def stream(
        self,
        path: str,
        params: Params = NO_PARAMS,
        *,
        idle: float = IDLE_TIMEOUT,
        head: float = ANSWER_TIMEOUT,
    ) -> AsyncGenerator[bytes, None]:
        """Chunks of a long answer as they come; the first is empty and says that the server has accepted.

        ``head`` is how many seconds the server may take to accept. Raises ClusterError; Unreachable when no
        byte came for ``idle`` seconds or the connection broke off. A clean end of the answer ends the
        iteration. Wrap it in ``contextlib.aclosing``.
        """
        import aiohttp

        async with self._answer("GET", path, params, None, {}, _Patience(head, idle, once=True)) as response:
            yield b""
            try:
                async for chunk in response.content.iter_any():
                    yield chunk
            except (aiohttp.ClientError, OSError) as error:
                raise self._lost(error, idle) from None

    async def identity(self) -> Identity:
        """What tells this cluster from others. Raises ClusterError when it cannot be asked now."""
        try:
            found = decode(NAMESPACES.type, await self.get(NAMESPACES.path(name="kube-system")))
        except SignInRefused:
            raise
        except (Denied, NotFound):
            return Identity(self.server)
        return Identity(self.server, clean(found.metadata.uid, _LONGEST_UID))

    async def _once(
        self, method: str, path: str, params: Params, data: bytes | None, headers: dict[str, str]
    ) -> Answer:
        import aiohttp

        async with self._answer(method, path, params, data, headers, _Patience()) as response:
            try:
                body = await _read(response)
            except (aiohttp.ClientError, OSError) as error:
                raise self._lost(error, ANSWER_TIMEOUT) from None
            if "html" in response.content_type:
                raise not_kubernetes(body, "answer")
            return Answer(response.status, body, response.headers.get("Date", ""))

    @asynccontextmanager
    async def _answer(
        self,
        method: str,
        path: str,
        params: Params,
        data: bytes | None,
        headers: dict[str, str],
        patience: _Patience,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """A granted answer; a 401 renews the credentials and is tried once more."""
        login = await self._login_for(method)
        response = await self._open(login, method, path, params, data, headers, patience)
        if response.status == 401:
            response.close()
            await self._renew(login)
            login = await self._login_for(method)
            response = await self._open(login, method, path, params, data, headers, patience)
        try:
            if response.status >= 300:
                raise await self._refusal(response)
            yield response
        finally:
            _leave(response)

    async def _open(
        self,
        login: Login,
        method: str,
        path: str,
        params: Params,
        data: bytes | None,
        headers: dict[str, str],
        patience: _Patience,
    ) -> aiohttp.ClientResponse:
        import aiohttp
        from yarl import URL

        sent = {**headers, "Authorization": login.authorization} if login.authorization else headers
        try:
            async with asyncio.timeout(patience.head):
                return await self._session(login).request(
                    method,
                    URL(login.server + path, encoded=True),
                    params={key: _text(value) for key, value in params.items()},
                    data=data,
                    headers=sent,
                    timeout=patience.of_the_socket(),
                    middlewares=(_never_again,) if patience.once else None,
                    allow_redirects=False,
                    server_hostname=login.server_name or None,
                    proxy=login.proxy or None,
                )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise self._lost(error, patience.head) from None

    def _lost(self, error: Exception, waited: float) -> Unreachable:
        self.in_doubt.set()
        return replies.failure(error, self.server, waited)

    async def _refusal(self, response: aiohttp.ClientResponse) -> Exception:
        import aiohttp

        try:
            body = await _read(response)
        except (aiohttp.ClientError, OSError) as error:
            return self._lost(error, ANSWER_TIMEOUT)
        return replies.refusal(response.status, body, response.headers, self.context)

    def _session(self, login: Login) -> aiohttp.ClientSession:
        import aiohttp

        if self._closed:
            raise Unreachable(
                f"The connection to {self.context} was closed.", "It is made again when it may be."
            )
        key = (login.tls, login.proxy)
        session = self._sessions.get(key)
        if session is None:
            connector = aiohttp.TCPConnector(
                limit=0,
                ssl=login.tls.context(),
                ttl_dns_cache=30,
                socket_factory=self._socket,
                keepalive_timeout=KEPT_IDLE,
            )
            session = aiohttp.ClientSession(
                connector=connector,
                trust_env=True,
                headers={"Accept": "application/json", "User-Agent": f"releaseconsole/{__version__}"},
                cookie_jar=aiohttp.DummyCookieJar(),
            )
            self._sessions[key] = session
        return session

    async def _login_for(self, method: str) -> Login:
        login = await self._good_login()
        if method == "GET" or self.before_writing is None:
            return login
        await self.before_writing()
        return self._login

    async def _good_login(self) -> Login:
        login = self._login
        if login.expires and self.clock.now() > login.expires - _EARLY:
            return await self._renew(login)
        return login

    async def _renew(self, used: Login) -> Login:
        """Credentials newer than ``used``; many requests that fail together load them once."""
        async with self._renewing:
            if self._login is used:
                self._login = await self._load()
                self.in_doubt.set()
            return self._login

    async def look_again(self) -> None:
        """Read the kubeconfig anew, and go where it leads now. Raises KubeconfigError."""
        async with self._renewing:
            found = await self._load()
            if (found.server, found.tls.authority) != (self._login.server, self._login.tls.authority):
                self._login = found
                self.in_doubt.set()

    def _pause(self, error: ApiRejected | Unreachable, attempt: int) -> float:
        asked = error.retry_after if isinstance(error, ApiRejected) else 0.0
        return min(LONGEST_WAIT, asked or 0.1 * 3**attempt * (0.5 + self.chance()))


async def _never_again(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Makes a broken connection an error that aiohttp does not answer with a second request."""
    import aiohttp

    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise aiohttp.ClientConnectionError(str(error)) from error


def _leave(response: aiohttp.ClientResponse) -> None:
    """Keep the connection of an answer that was read to its end; no other can be used again.

    That one is aborted: a polite end of TLS would wait for a server that may be the reason for leaving.
    """
    if response.content.at_eof():
        response.release()
        return
    if response.connection is not None and response.connection.transport is not None:
        response.connection.transport.abort()
    response.close()


async def _read(response: aiohttp.ClientResponse) -> bytes:
    chunks, size = [], 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > MOST_BYTES:
            raise ApiRejected(
                f"The API server's answer is larger than {MOST_BYTES // 2**20} MB.", "Narrow the namespace."
            )
        chunks.append(chunk)
    return b"".join(chunks)


def _again(method: str, error: ApiRejected | Unreachable) -> bool:
    if isinstance(error, ApiRejected):
        return error.status == 429 or (method == "GET" and error.status in replies.BUSY)
    return False


def _text(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
