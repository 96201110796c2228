"""What went wrong on the way to a server, in plain words, whichever HTTP library says so."""

from __future__ import annotations

import errno
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from releaseconsole.text import cut, duration, visible

_REFUSED_OURS = (
    "alert bad certificate", "certificate required", "alert certificate expired", "alert unknown ca",
    "alert certificate unknown",
)  # fmt: skip
"""How OpenSSL words what the server says to our certificate, or to its absence."""

Kind = Literal["slow", "refused", "name", "tls", "other"]


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why there was no answer: a kind, a sentence with the server's name in it, and a remedy."""

    kind: Kind
    message: str
    remedy: str = ""


def explain(error: BaseException, server: str, timeout: float) -> Trouble:
    """Read ``error`` and whatever it wraps. ``timeout`` (seconds) is the one that may have passed."""
    causes = list(_causes(error))
    text = " ".join(str(cause) for cause in causes)
    if any("Timeout" in type(cause).__name__ or isinstance(cause, TimeoutError) for cause in causes):
        return too_slow(server, timeout)
    if any(isinstance(cause, ssl.SSLError) for cause in causes) or "certificate" in text.lower():
        return _tls(server, text)
    if any(
        words in text for words in ("Name or service not known", "name resolution", "getaddrinfo", "nodename")
    ):
        return Trouble(
            "name", f"The host name of {server} is not known here.", "Check the address, and DNS or VPN."
        )
    if any(getattr(cause, "errno", None) == errno.ECONNREFUSED for cause in causes) or "refused" in text:
        return Trouble(
            "refused", f"{server} refused the connection.", "Look whether it runs, and on that port."
        )
    words = cut(visible(str(error)), 200).rstrip(". ") or type(error).__name__
    return Trouble("other", f"{server} gave no usable answer: {words}.", "Check the address and the network.")


def too_slow(server: str, timeout: float) -> Trouble:
    """No answer within ``timeout`` seconds."""
    return Trouble(
        "slow",
        f"{server} did not answer within {duration(timeout)}.",
        "Look whether it is overloaded, or raise the timeout in the plan.",
    )


def _tls(server: str, text: str) -> Trouble:
    lower = text.lower()
    if any(words in lower for words in _REFUSED_OURS):
        return Trouble(
            "tls",
            f"{server} wants a client certificate that it trusts, and got none such.",
            "Name one with its key (cert_file and key_file), or renew it.",
        )
    if "ca certificate bundle" in lower or "invalid path" in lower:
        return Trouble("tls", f"The ca_file for {server} cannot be read.", "Check its path in the plan.")
    if "hostname mismatch" in lower or "doesn't match" in lower or "ip address mismatch" in lower:
        return Trouble(
            "tls",
            f"The certificate of {server} is for another name.",
            "Use a name that the certificate holds.",
        )
    if "expired" in lower:
        return Trouble("tls", f"The certificate of {server} has expired.", "Have it renewed.")
    if "self-signed" in lower or "self signed" in lower or "local issuer" in lower:
        return Trouble(
            "tls",
            f"The certificate of {server} is signed by nobody who is trusted here.",
            "Trust its certificate authority on this machine, or name it (ca_file, SSL_CERT_FILE).",
        )
    if "wrong version number" in lower or "record layer" in lower:
        return Trouble(
            "tls", f"{server} does not speak TLS on that port.", "Use http:// or the port of https."
        )
    return Trouble(
        "tls",
        f"TLS with {server} failed: {cut(visible(text), 160)}.",
        "Check the address and its certificate.",
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and those within it; libraries hide the reason in several ways."""
    seen: list[BaseException] = []
    waiting = [error]
    while waiting and len(seen) < 20:
        one = waiting.pop(0)
        if any(one is other for other in seen):
            continue
        seen.append(one)
        yield one
        inner = (one.__cause__, one.__context__, getattr(one, "reason", None), *one.args)
        waiting += [cause for cause in inner if isinstance(cause, BaseException)]
