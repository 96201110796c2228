"""Where a Prometheus is, and what to call it when something goes wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from releaseconsole.text import visible


@dataclass(frozen=True, slots=True)
class Source:
    """Where a Prometheus is and how to be let in."""

    url: str
    token: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca_file: str | None = None
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
        """The headers of the plan, and the bearer token when there is one."""
        return {**self.headers, "Authorization": f"Bearer {self.token}"} if self.token else dict(self.headers)
