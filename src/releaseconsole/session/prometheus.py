"""The clients of an environment's Prometheus servers, with their secrets taken from where the plan says."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from releaseconsole.errors import MetricsError

if TYPE_CHECKING:
    from releaseconsole.metrics.client import PrometheusClient
    from releaseconsole.plan.model import Environment, Prometheus
    from releaseconsole.session.setup import Setup

MAIN = ""
"""The key of the environment's own Prometheus; the others go by their names in the plan."""
_LONGEST_SECRET = 65_536


def make_clients(environment: Environment, setup: Setup) -> dict[str, PrometheusClient]:
    """One client for each Prometheus of the environment; none is connected yet."""
    places = {MAIN: environment.prometheus} if environment.prometheus else {}
    return {name: _client(place, setup) for name, place in {**places, **environment.other_prometheus}.items()}


def _client(place: Prometheus, setup: Setup) -> PrometheusClient:
    from releaseconsole.metrics.client import PrometheusClient, Source

    return PrometheusClient(
        Source(
            url=place.url,
            headers=place.headers,
            secrets=partial(_secrets, place, setup),
            ca_file=_path(place.ca_file, setup),
            cert_file=_path(place.cert_file, setup),
            key_file=_path(place.key_file, setup),
            timeout=place.timeout,
        )
    )


def _path(name: str | None, setup: Setup) -> str | None:
    """A file of the plan, whose folder it is relative to."""
    return str(setup.folder / name) if name else None


def _secrets(place: Prometheus, setup: Setup) -> Mapping[str, str]:
    """The headers that let us in. Raises MetricsError when a secret is not where the plan says."""
    headers = {name: _secret(where, setup) for name, where in place.secret_headers.items()}
    if place.token_env or place.token_file:
        headers["Authorization"] = f"Bearer {_one_of(place.token_env, place.token_file, setup)}"
    if place.username is not None:
        password = _one_of(place.password_env, place.password_file, setup)
        pair = base64.b64encode(f"{place.username}:{password}".encode()).decode("ascii")
        headers["Authorization"] = f"Basic {pair}"
    return headers


def _one_of(variable: str | None, file: str | None, setup: Setup) -> str:
    return _secret(f"file:{file}" if file else f"env:{variable}", setup)


def _secret(where: str, setup: Setup) -> str:
    kind, _, name = where.partition(":")
    found = _from_file(name, setup) if kind == "file" else setup.environ.get(name, "")
    if not found:
        what = f"The file {name} is empty" if kind == "file" else f"The variable {name} is not set"
        raise MetricsError(f"{what}, and the plan takes a secret for Prometheus from it.", f"Set {name}.")
    if not (found.isascii() and found.isprintable()):
        raise MetricsError(
            f"The secret in {name} holds characters that no header can carry.",
            f"Mend {name}: one line of ASCII.",
        )
    return found


def _from_file(name: str, setup: Setup) -> str:
    try:
        with (setup.folder / name).open("rb") as file:
            return file.read(_LONGEST_SECRET).decode("utf-8").strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise MetricsError(
            f"The file {name} with the secret for Prometheus cannot be read: {reason or error}.",
            "Check its path in the plan and its rights.",
        ) from None
