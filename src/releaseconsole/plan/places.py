"""Where a release acts: clusters and namespaces, the workloads there, and the metrics that tell of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from releaseconsole.plan.part import Part
from releaseconsole.plan.values import (
    Code,
    Duration,
    HttpRequest,
    Identifier,
    Line,
    SecretPlace,
    WorkloadName,
)

_WAYS_IN = ("token_env", "token_file", "password_env", "password_file")
_SECRET_HEADERS = ("authorization", "proxy-authorization", "cookie", "x-api-key")


class Target(Part):
    """One namespace of one cluster; the context is the plan's, never the shell's."""

    context: Line
    namespace: Line = "default"

    def __str__(self) -> str:
        return f"{self.context}/{self.namespace}"


class Prometheus(Part):
    """Where an environment's metrics come from: the address before ``/api/v1``, with the prefix that Thanos,
    Mimir or VictoriaMetrics have there. A secret is named here, never written."""

    url: Annotated[str, Field(pattern=r"^https?://[^/@\s]+(/[^\s]*)?$")]
    token_env: str | None = None
    """Name of the environment variable that holds a bearer token."""
    token_file: str | None = None
    username: str | None = None
    """For basic authentication, with one of the two below."""
    password_env: str | None = None
    password_file: str | None = None
    headers: dict[str, str] = {}
    """Sent with each request, such as a tenant's ``X-Scope-OrgID``."""
    secret_headers: dict[str, SecretPlace] = {}
    """Headers whose values are secret: ``{ X-Api-Key = "env:API_KEY" }``, or ``"file:…"``."""
    ca_file: str | None = None
    cert_file: str | None = None
    """A client certificate, with its key unless ``key_file`` holds that."""
    key_file: str | None = None
    timeout: Duration = 4.0

    @model_validator(mode="after")
    def _one_way_in(self) -> Prometheus:
        given = [name for name in _WAYS_IN if getattr(self, name) is not None]
        ways = {name.partition("_")[0] for name in given}
        if len(given) > 1:
            raise ValueError(f"expected one of {', '.join(_WAYS_IN)}; this has {' and '.join(given)}")
        if (self.username is not None) != ("password" in ways):
            raise ValueError("expected username together with password_env or password_file")
        if self.key_file is not None and self.cert_file is None:
            raise ValueError("expected cert_file together with key_file")
        written = [name for name in self.headers if name.lower() in _SECRET_HEADERS]
        if written:
            raise ValueError(f"expected no secret in a plan; name where {written[0]} is, in secret_headers")
        return self


class Hook(Part):
    """Something to do around a rollback: switch a flag, scale a worker, run a down migration."""

    title: Line
    shell: str | None = None
    """Run by ``sh -c`` in the plan's folder, with the environment's context as the current one."""
    http: HttpRequest | None = None
    body: str | None = None
    headers: dict[str, str] = {}
    expect: Code | tuple[Code, ...] | None = None
    timeout: Duration = 30.0
    blocks: bool = False
    """The patches wait for it, and are not sent when it fails. Without this, nothing waits for a hook."""

    @model_validator(mode="after")
    def _one_kind(self) -> Hook:
        if (self.shell is None) == (self.http is None):
            raise ValueError("expected exactly one of shell and http")
        return self


class RollbackRules(Part):
    """How an environment is rolled back."""

    confirm: Literal["letter", "name", "none"] = "letter"
    """What the second key is: a letter drawn afresh, the environment's name typed out, or nothing at all."""
    order: Literal["together", "plan"] = "together"
    """All workloads at once, or one after the other as the plan lists them."""
    before: tuple[Hook, ...] = ()
    after: tuple[Hook, ...] = ()


class Environment(Part):
    """Where a phase acts."""

    title: str = ""
    colour: Literal["green", "blue", "yellow", "magenta", "red", "cyan"] = "blue"
    targets: Annotated[tuple[Target, ...], Field(min_length=1)]
    workloads: Annotated[tuple[WorkloadName, ...], Field(min_length=1)]
    prometheus: Prometheus | None = None
    other_prometheus: dict[Identifier, Prometheus] = {}
    """More of them, by a name of the plan's own; an objective says which it is asked of."""
    rollback: RollbackRules = RollbackRules()
    links: dict[str, str] = {}
    variables: dict[str, str] = {}
    """Values for ``$name`` in the actions and checks of this environment."""
