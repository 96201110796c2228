"""From a context of a kubeconfig to what a connection needs: address, header, TLS.

Reading the entries is the Kubernetes client's work (``KubeConfigLoader``: certificates, tokens, the old auth
providers). Two things are done before it: exec plugins (see ``plugin``), and token files, whose trailing line
feed it would send along.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from releaseconsole import imports
from releaseconsole.cluster import kubeconfig
from releaseconsole.cluster.plugin import run_plugin
from releaseconsole.cluster.text import clean
from releaseconsole.errors import KubeconfigError


@dataclass(frozen=True, slots=True)
class Tls:
    """What a TLS connection is made of; compared to tell whether a connection can be kept."""

    authority: bytes | None
    certificate: bytes | None
    key_file: str | None
    certificate_file: str | None
    verify: bool

    def context(self) -> ssl.SSLContext:
        """Raises KubeconfigError for certificates that cannot be read."""
        try:
            made = ssl.create_default_context(cadata=self.authority.decode() if self.authority else None)
            if self.certificate_file:
                made.load_cert_chain(self.certificate_file, self.key_file)
        except (ssl.SSLError, ValueError, OSError) as error:
            raise KubeconfigError(
                f"A certificate in the kubeconfig cannot be used: {clean(str(error), 300)}.",
                "Check certificate-authority, client-certificate and client-key.",
            ) from None
        # Go's TLS, and so kubectl, accepts authorities without a key identifier; many clusters have one.
        made.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if not self.verify:
            made.check_hostname = False
            made.verify_mode = ssl.CERT_NONE
        return made


@dataclass(frozen=True, slots=True)
class Login:
    """One set of credentials for one server."""

    server: str
    authorization: str
    tls: Tls
    server_name: str = ""
    proxy: str = ""
    expires: float = 0.0
    """Seconds since the epoch; 0 when no end is known."""


async def log_in(config: kubeconfig.Kubeconfig, context: str) -> Login:
    """Raises KubeconfigError when no usable credential comes out."""
    cluster, user = config.chosen(context)
    expires = 0.0
    if isinstance(user.get("exec"), dict):
        credential = await run_plugin(context, user["exec"], cluster)
        user, expires = dict(credential.user), credential.expires
    elif "tokenFile" in user and not user.get("token"):
        user = {**user, "token": _token_of(user["tokenFile"])}
    user = {key: item for key, item in user.items() if key != "tokenFile"}
    configuration = await _load(context, cluster, user)
    authorization = str(configuration.api_key.get("BearerToken", ""))
    if user and not authorization and not configuration.cert_file:
        raise KubeconfigError(
            f"The user of context “{clean(context)}” has no credential that the console can use.",
            "It understands tokens, client certificates, passwords, exec plugins, gcp and oidc providers.",
        )
    tls = Tls(
        authority=_content(configuration.ssl_ca_cert),
        certificate=_content(configuration.cert_file),
        key_file=configuration.key_file,
        certificate_file=configuration.cert_file,
        verify=configuration.verify_ssl,
    )
    server_name, proxy = configuration.tls_server_name or "", configuration.proxy or ""
    return Login(configuration.host, authorization, tls, server_name, proxy, expires)


def preload() -> None:
    """Import what the first connection needs, for a caller who has nothing better to do meanwhile."""
    _library()


async def _load(context: str, cluster: dict[str, Any], user: dict[str, Any]) -> Any:
    loader_class, configuration_class, config_error = await asyncio.to_thread(_library)
    entry = {"context": {"cluster": "it", "user": "it"}, "name": context}
    document = {
        "contexts": [entry],
        "clusters": [{"name": "it", "cluster": cluster}],
        "users": [{"name": "it", "user": user}],
    }
    configuration = configuration_class()
    try:
        loader = loader_class(document, active_context=context, config_base_path="")
        await loader.load_and_set(configuration)
    except (config_error, TypeError, KeyError, ValueError, AttributeError, OSError, ImportError) as error:
        raise KubeconfigError(
            f"The kubeconfig's context “{clean(context)}” cannot be used: {clean(str(error), 300)}.",
            f"Compare `kubectl --context {clean(context)} config view --minify`.",
        ) from None
    return configuration


def _library() -> tuple[Any, Any, Any]:
    """The Kubernetes client's loader. Called in a thread: its import takes a quarter of a second of CPU."""
    with imports.ONE_AT_A_TIME:
        from kubernetes.aio.client.configuration import Configuration
        from kubernetes.aio.config.config_exception import ConfigException
        from kubernetes.aio.config.kube_config import KubeConfigLoader

    return KubeConfigLoader, Configuration, ConfigException


def _token_of(path: str) -> str:
    try:
        token = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise KubeconfigError(
            f"The token file {clean(path)} cannot be read: {clean(str(error), 200)}.",
            "Check its path and rights.",
        ) from None
    if not token:
        raise KubeconfigError(f"The token file {clean(path)} is empty.", "Sign in again.")
    return token


def _content(path: str | None) -> bytes | None:
    return Path(path).read_bytes() if path else None
