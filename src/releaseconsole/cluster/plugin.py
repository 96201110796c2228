"""Exec credential plugins: run here and not by the Kubernetes client, which swallows their failures.

The client also lets a plugin read the terminal, which belongs to the console's screen, and hangs when a
plugin writes more to stderr than a pipe holds. Protocol: ExecCredential of ``client.authentication.k8s.io``.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import signal
from dataclasses import dataclass
from typing import Any

from releaseconsole.cluster.objects import seconds
from releaseconsole.cluster.text import clean
from releaseconsole.errors import KubeconfigError

TIMEOUT = 60.0
_GROUP = "client.authentication.k8s.io/"


@dataclass(frozen=True, slots=True)
class Credential:
    """What a plugin gave: a user section of a kubeconfig, and until when it is good (0: no end named)."""

    user: dict[str, str]
    expires: float = 0.0


async def run_plugin(
    context: str, plugin: dict[str, Any], cluster: dict[str, Any], *, timeout: float = TIMEOUT
) -> Credential:
    """Run the ``exec`` section of a user. Raises KubeconfigError with what the plugin wrote to stderr."""
    command, version = plugin.get("command"), plugin.get("apiVersion")
    if not isinstance(command, str) or not command or not isinstance(version, str):
        raise _failed(context, "its exec section names no command or no apiVersion", "Mend the kubeconfig.")
    if plugin.get("interactiveMode") == "Always":
        raise _failed(context, f"“{clean(command)}” asks to use the terminal", _sign_in(context))
    output, errors, code = await _run(context, plugin, command, _info(plugin, version, cluster), timeout)
    if code != 0:
        said = clean(errors.decode("utf-8", "replace").strip(), 500) or "it said nothing"
        raise _failed(context, f"“{clean(command)}” ended with code {code}: {said}", _sign_in(context))
    return _credential(context, command, output)


async def _run(
    context: str, plugin: dict[str, Any], command: str, info: dict[str, Any], timeout: float
) -> tuple[bytes, bytes, int]:
    arguments = [str(argument) for argument in plugin.get("args") or ()]
    try:
        process = await asyncio.create_subprocess_exec(
            command,
            *arguments,
            env=_environment(plugin, info),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        hint = clean(str(plugin.get("installHint") or "")) or "Install it, or mend the kubeconfig."
        raise _failed(context, f"“{clean(command)}” could not be started: {reason}", hint) from None
    try:
        async with asyncio.timeout(timeout):
            output, errors = await process.communicate()
    except TimeoutError:
        raise _failed(
            context, f"“{clean(command)}” gave nothing within {timeout:.0f} s", _sign_in(context)
        ) from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return output, errors, process.returncode or 0


def _environment(plugin: dict[str, Any], info: dict[str, Any]) -> dict[str, str]:
    added = {
        str(item["name"]): str(item.get("value", ""))
        for item in plugin.get("env") or ()
        if isinstance(item, dict) and "name" in item
    }
    return {**os.environ, **added, "KUBERNETES_EXEC_INFO": json.dumps(info)}


def _info(plugin: dict[str, Any], version: str, cluster: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = {"interactive": False}
    if plugin.get("provideClusterInfo"):
        shown = ("server", "tls-server-name", "insecure-skip-tls-verify", "certificate-authority-data")
        spec["cluster"] = {key: cluster[key] for key in shown if key in cluster}
    return {"apiVersion": version, "kind": "ExecCredential", "spec": spec}


def _credential(context: str, command: str, output: bytes) -> Credential:
    try:
        answer = json.loads(output)
        status = answer["status"]
        known = str(answer["apiVersion"]).startswith(_GROUP) and isinstance(status, dict)
    except (ValueError, KeyError, TypeError, RecursionError):
        known = False
    if not known:
        raise _failed(
            context, f"“{clean(command)}” did not print an ExecCredential", "Run it by hand to see."
        )
    user: dict[str, str] = {}
    if status.get("token"):
        user["token"] = str(status["token"]).strip()
    if status.get("clientCertificateData") and status.get("clientKeyData"):
        user["client-certificate-data"] = _base64(str(status["clientCertificateData"]))
        user["client-key-data"] = _base64(str(status["clientKeyData"]))
    if not user:
        raise _failed(
            context, f"“{clean(command)}” gave neither a token nor a certificate", _sign_in(context)
        )
    return Credential(user, seconds(str(status.get("expirationTimestamp") or "")))


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def _sign_in(context: str) -> str:
    return f"Sign in first: run `kubectl --context {clean(context)} get namespaces` in another terminal."


def _failed(context: str, why: str, remedy: str) -> KubeconfigError:
    return KubeconfigError(f"No credentials for context “{clean(context)}”: {why}.", remedy)
