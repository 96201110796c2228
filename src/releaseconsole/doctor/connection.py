"""From a context's name to an API server that answers: the steps on which everything else stands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import msgspec

from releaseconsole.cluster import kubeconfig as files
from releaseconsole.cluster.connect import Client, connect
from releaseconsole.cluster.decode import decode, not_kubernetes
from releaseconsole.doctor.case import CREDENTIALS_PATIENCE, REACH_PATIENCE, Case
from releaseconsole.doctor.finding import Finding, could_not_ask, ok, unknown, warning
from releaseconsole.errors import ClusterError, Denied, KubeconfigError, NotFound, SignInRefused, Unreachable
from releaseconsole.text import duration

if TYPE_CHECKING:
    from releaseconsole.cluster.connect import Answer

MOST_SKEW = 30.0
"""Seconds between two clocks beyond which ages, tokens and certificates are judged wrongly."""


class _Version(msgspec.Struct, frozen=True):
    git_version: str = msgspec.field(default="", name="gitVersion")


@dataclass(frozen=True, slots=True)
class Connected:
    """A connection, and what was found on the way; without a client the way ended early."""

    findings: tuple[Finding, ...]
    client: Client | None = None


@asynccontextmanager
async def connection(case: Case, context: str) -> AsyncIterator[Connected]:
    """Connect, ask for the version, and close in the end."""
    reached = await _connect(case, context)
    if isinstance(reached, Finding):
        yield Connected((reached,))
        return
    async with reached:
        yield await _greet(reached)


async def _connect(case: Case, context: str) -> Client | Finding:
    """The client, or why there is none."""
    try:
        async with asyncio.timeout(CREDENTIALS_PATIENCE):
            return await connect(context, kubeconfig=case.kubeconfig, clock=case.clock)
    except (ClusterError, TimeoutError) as error:
        return await asyncio.to_thread(_no_credentials, case, context, error)


def _no_credentials(case: Case, context: str, error: ClusterError | TimeoutError) -> Finding:
    """The context is wrong when the kubeconfig does not have it; else its credentials are."""
    if isinstance(error, TimeoutError):
        return unknown(
            "credentials", context, f"No credentials came out within {CREDENTIALS_PATIENCE:.0f} s.",
            f"Sign in first: run `kubectl --context {context} get namespaces` in another terminal.",
        )  # fmt: skip
    try:
        files.load(case.kubeconfig).chosen(context)
    except KubeconfigError as wrong:
        return could_not_ask("context", context, wrong)
    return could_not_ask("credentials", context, error)


async def _greet(client: Client) -> Connected:
    begun = client.clock.monotonic()
    try:
        async with asyncio.timeout(REACH_PATIENCE):
            answer, version = await _version(client)
    except TimeoutError:
        error = Unreachable(
            f"{client.server} gave no answer within {REACH_PATIENCE:.0f} s.",
            "Check the network, the VPN and the server's address.",
        )
        return Connected((could_not_ask("server", client.server, error),))
    except SignInRefused as error:
        return Connected((could_not_ask("credentials", client.context, error),))
    except ClusterError as error:
        return Connected((could_not_ask("server", client.server, error),))
    took = client.clock.monotonic() - begun
    return Connected(tuple(_reached(client, answer, version, took)), client)


async def _version(client: Client) -> tuple[Answer | None, str]:
    """What the server says it is; a user who may not ask that is still spoken to by an API server."""
    try:
        answer = await client.exchange("GET", "/version")
    except SignInRefused:
        raise
    except Denied:
        return None, ""
    except NotFound as error:
        raise not_kubernetes(b"", "version") from error
    version = decode(_Version, answer.body).git_version
    if not version:
        raise not_kubernetes(answer.body, "version")
    return answer, version


def _reached(client: Client, answer: Answer | None, version: str, took: float) -> list[Finding]:
    if answer is None:
        return [ok("server", client.server, f"{client.server} answers; its version may not be read")]
    spoken = f"{client.server} answers in {took * 1000:.0f} ms, Kubernetes {version}"
    found = [ok("server", client.server, spoken)]
    skew = clock_skew(answer.date, client.clock.now(), took)
    if skew is not None and abs(skew) > MOST_SKEW:
        found.append(_skewed(client.server, skew))
    return found


def clock_skew(date: str, now: float, took: float) -> float | None:
    """Seconds by which the server's clock is ahead of ours; None when its ``Date`` header does not tell.

    The header has whole seconds and was written during the ``took`` seconds that ended ``now``.
    """
    try:
        theirs = parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
    if now - took - 1 <= theirs <= now + 1:
        return 0.0
    return theirs - now


def _skewed(server: str, skew: float) -> Finding:
    word = "ahead of" if skew > 0 else "behind"
    return warning(
        "clock", server, f"The server's clock is {duration(abs(skew))} {word} the one of this machine.",
        "Set the clock that is wrong: ages, tokens and certificates are judged by it.",
    )  # fmt: skip
