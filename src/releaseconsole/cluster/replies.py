"""The API server's refusals and the network's failures in the console's own errors."""

from __future__ import annotations

from collections.abc import Mapping

from releaseconsole.cluster.decode import decode_status
from releaseconsole.cluster.objects import Status
from releaseconsole.cluster.text import clean
from releaseconsole.errors import ApiRejected, ClusterError, Conflict, Denied, Gone, NotFound, Unreachable

BUSY = frozenset({429, 500, 502, 503, 504})
"""Statuses that may be different at the next try."""


def refusal(status: int, body: bytes, headers: Mapping[str, str], context: str) -> ClusterError:
    """The error for an HTTP answer of 300 and above."""
    said = decode_status(body)
    message = clean(said.message) or f"The API server answered with HTTP {status}"
    if not message.endswith((".", "!", "?")):
        message += "."
    message = message[:1].upper() + message[1:]
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
    if isinstance(error, TimeoutError):
        return Unreachable(
            f"{where} gave no answer within {waited:.0f} s.",
            "Check the network, the VPN and the server's address.",
        )
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        return Unreachable(
            f"No trusted TLS connection to {where}: {clean(str(error.os_error), 300)}.",
            "Check certificate-authority in the kubeconfig, and the clock of this machine.",
        )
    if isinstance(error, aiohttp.ClientConnectorError):
        reason = error.os_error.strerror or str(error.os_error)
        return Unreachable(
            f"{where} cannot be reached: {clean(reason, 300)}.",
            "Check the network, the VPN and the server's address.",
        )
    if isinstance(error, aiohttp.ClientPayloadError | aiohttp.ClientConnectionError | ConnectionError):
        return Unreachable(f"The connection to {where} broke off.", "It may work at the next try.")
    reason = clean(str(error), 300) or type(error).__name__
    return Unreachable(f"The request to {where} failed: {reason}.", "It may work at the next try.")


def _known(status: int, message: str, context: str) -> ClusterError | None:
    if status == 401:
        return Denied(
            f"The API server does not accept the credentials of context “{clean(context)}”.",
            f"Sign in again: run `kubectl --context {clean(context)} get namespaces` in another terminal.",
        )
    if status == 403:
        return Denied(message, "Ask an administrator of the cluster for this right.")
    if status == 404:
        return NotFound(message, "Check the name, the namespace and the context in the plan.")
    if status == 409:
        return Conflict(message, "Look again at what is there now, then retry.")
    if status == 410:
        return Gone(message, "List again.")
    return None


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
