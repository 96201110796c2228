"""Where a Prometheus is, and what to call it when something goes wrong with it."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from releaseconsole.errors import MetricsError
from releaseconsole.text import visible


def _no_secrets() -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class Source:
    """Where a Prometheus is and how to be let in."""

    url: str
    """What stands before ``/api/v1``, with the prefix that Thanos, Mimir or VictoriaMetrics have there."""
    token: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: Callable[[], Mapping[str, str]] = field(default=_no_secrets, repr=False)
    """Headers with secrets in them, asked for anew with each request, since files rotate. Raises MetricsError."""
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    timeout: float = 4.0
    """Seconds for one request, connecting included."""

    @property
    def base(self) -> str:
        """The address without a slash at its end."""
        return self.url.rstrip("/")

    @property
    def name(self) -> str:
        """Host and port for messages; never the user or password that an address can hold."""
        return visible(urlsplit(self.url).netloc.rpartition("@")[2]) or "Prometheus"

    def all_headers(self) -> dict[str, str]:
        """The headers of the plan, and those with secrets. Raises MetricsError when a secret is not there."""
        headers = {**self.headers, **self.secrets()}
        return {**headers, "Authorization": f"Bearer {self.token}"} if self.token else headers

    def trust(self) -> ssl.SSLContext:
        """Whom to trust, and the certificate to show. Raises MetricsError for files that cannot be used."""
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ValueError) as error:
            raise self._unusable("ca_file", error) from None
        if self.cert_file:
            try:
                context.load_cert_chain(self.cert_file, self.key_file, password=_no_password)
            except (OSError, ValueError) as error:
                raise self._unusable("cert_file or key_file", error) from None
        return context

    def _unusable(self, what: str, error: Exception) -> MetricsError:
        return MetricsError(
            f"The {what} for Prometheus at {self.name} cannot be used: {visible(str(error))[:200]}.",
            "Check its path in the plan, and that it holds certificates or a key in PEM, without a password.",
        )


def _no_password() -> str:
    """Else OpenSSL would ask the terminal for the password of a key."""
    return ""
