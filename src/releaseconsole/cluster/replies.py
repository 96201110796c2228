"""The API server's refusals and the network's failures in the console's own errors."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

from releaseconsole.cluster.decode import decode_status, not_kubernetes
from releaseconsole.cluster.objects import Status
from releaseconsole.cluster.text import clean
from releaseconsole.errors import (
    ApiRejected,
    ClusterError,
    Conflict,
    Denied,
    Gone,
    NotFound,
    SignInRefused,
    Unreachable,
)

BUSY = frozenset({429, 500, 502, 503, 504})
"""Statuses that may be different at the next try."""
MOST_CAUSES = 1_000
"""Fields in dispute that are kept of one refusal."""

_PLAIN_TO_TLS = (b"HTTP request to an HTTPS server", b"plain HTTP request was sent to HTTPS port")
"""What Go's TLS servers and nginx answer to somebody who does not speak TLS."""

_PROXY_REMEDY = "Check proxy-url in the kubeconfig, or the variables HTTPS_PROXY and NO_PROXY."


def refusal(status: int, body: bytes, headers: Mapping[str, str], context: str) -> ClusterError:
    """The error for an HTTP answer of 300 and above."""
    if (stranger := _stranger(status, body, headers)) is not None:
        return stranger
    said = decode_status(body)
    message = clean(said.message) or f"The API server answered with HTTP {status}"
    if not message.endswith((".", "!", "?")):
        message += "."
    message = message[:1].upper() + message[1:]
    if status == 409:
        return Conflict(message, "Look again at what is there now, then retry.", _causes(said))
    known = _known(status, message, context)
    return known or ApiRejected(
        message, _remedy(status), status, clean(said.reason, 100), _retry_after(headers, said)
    )


def gone(said: Status) -> bool:
    """Whether the Status of a watch's ERROR event means: list again."""
    return said.code == 410 or said.reason in ("Expired", "Gone")


def failure(error: BaseException, server: str, waited: float) -> Unreachable:
    """The error for a connection that failed; ``waited`` is the time-out in seconds."""
    import aiohttp

    where = clean(server, 200)
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return Unreachable(
            f"{where} took no connection in time.", "Check the network, the VPN and the server's address."
        )
    if isinstance(error, TimeoutError):
        return Unreachable(
            f"{where} gave no answer within {waited:.0f} s.",
            "Check the network, the VPN and the server's address.",
        )
    if isinstance(error, aiohttp.ClientConnectorSSLError) and _speaks_no_tls(error.os_error):
        return Unreachable(
            f"{where} does not speak TLS on that port.",
            "Check host and port of the server's address in the kubeconfig, or write http:// before it.",
        )
    if isinstance(error, aiohttp.ClientHttpProxyError):
        said = clean(error.message, 200) or "no reason"
        return Unreachable(f"The proxy does not lead to {where}: HTTP {error.status}, {said}.", _PROXY_REMEDY)
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        reason = clean(error.os_error.strerror or str(error.os_error), 300)
        proxy = clean(f"{error.host}:{error.port}", 200)
        return Unreachable(f"The proxy {proxy} before {where} cannot be reached: {reason}.", _PROXY_REMEDY)
    if isinstance(error, aiohttp.ClientResponseError):
        return Unreachable(
            f"{where} answered with something that is not HTTP.",
            "Check host and port of the server's address in the kubeconfig; an API server speaks https://.",
        )
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        return Unreachable(
            f"No trusted TLS connection to {where}: {clean(str(error.os_error), 300)}.",
            "Check certificate-authority in the kubeconfig, and the clock of this machine.",
        )
    if isinstance(error, aiohttp.ClientConnectorError):
        reason = _words(error.os_error)
        return Unreachable(
            f"{where} cannot be reached: {clean(reason, 300)}.",
            "Check the network, the VPN and the server's address.",
        )
    if isinstance(error, aiohttp.ClientPayloadError | aiohttp.ClientConnectionError | ConnectionError):
        hint = "; if the server speaks TLS, write https:// before its address" if _is_plain(server) else ""
        return Unreachable(f"The connection to {where} broke off.", f"It may work at the next try{hint}.")
    reason = clean(str(error), 300) or type(error).__name__
    return Unreachable(f"The request to {where} failed: {reason}.", "It may work at the next try.")


def _words(error: OSError) -> str:
    """The system's words; asyncio's own are "Connect call failed" and an address that was said already."""
    plain = os.strerror(error.errno) if error.errno and error.errno > 0 else ""
    return plain if plain and not isinstance(error, socket.gaierror) else error.strerror or str(error)


def _is_plain(server: str) -> bool:
    return server.startswith("http://")


def _speaks_no_tls(error: BaseException) -> bool:
    """Whether the handshake failed because the other side said something else than TLS."""
    return any(
        words in str(error).upper() for words in ("WRONG_VERSION_NUMBER", "RECORD_LAYER", "RECORD LAYER")
    )


def _stranger(status: int, body: bytes, headers: Mapping[str, str]) -> ApiRejected | None:
    """The error for a refusal that no API server writes. One that may pass (401, a busy gateway) is none of them."""
    if status == 400 and any(words in body[:4_000] for words in _PLAIN_TO_TLS):
        return ApiRejected(
            "The server speaks TLS, and was asked without it (its address begins with http://).",
            "Write https:// before the server's address in the kubeconfig.",
            status,
            "NotKubernetes",
        )
    page = "html" in headers.get("Content-Type", "").lower()
    if page and 400 < status < 500 and status not in (401, 429):
        error = not_kubernetes(body, "answer")
        return ApiRejected(f"{error.message[:-1]} (HTTP {status}).", error.remedy, status, error.reason)
    return None


def _known(status: int, message: str, context: str) -> ClusterError | None:
    if status == 401:
        return SignInRefused(
            f"The API server does not accept the credentials of context “{clean(context)}”.",
            f"Sign in again: run `kubectl --context {clean(context)} get namespaces` in another terminal.",
        )
    if status == 403:
        return Denied(message, "Ask an administrator of the cluster for this right.")
    if status == 404:
        return NotFound(message, "Check the name, the namespace and the context in the plan.")
    if status == 410:
        return Gone(message, "List again.")
    return None


def _causes(said: Status) -> tuple[tuple[str, str], ...]:
    listed = said.details.causes[:MOST_CAUSES] if said.details else ()
    return tuple((clean(one.field, 300), clean(one.message, 300)) for one in listed)


def _remedy(status: int) -> str:
    if status in BUSY:
        return "The API server is busy or failing; it may work at the next try."
    if 300 <= status < 400:
        return "The address in the kubeconfig is not that of an API server."
    return "See the message for what has to change."


def _retry_after(headers: Mapping[str, str], said: Status) -> float:
    text = headers.get("Retry-After", "")
    if text.isdecimal() and len(text) < 6:
        return float(text)
    return float(max(0, said.details.retry_after_seconds)) if said.details else 0.0
