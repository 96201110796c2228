"""One request as the handlers see it, and the forms an answer can have."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from releaseconsole.clock import Clock
from releaseconsole.sandbox.api.access import Tokens, User
from releaseconsole.sandbox.api.events_v1 import core_fields
from releaseconsole.sandbox.api.faces import shown
from releaseconsole.sandbox.api.faults import Faults
from releaseconsole.sandbox.api.route import Target
from releaseconsole.sandbox.patches.server_side_apply import Writer
from releaseconsole.sandbox.store.kinds import EVENTS_V1, Obj
from releaseconsole.sandbox.store.log_source import PodLogs
from releaseconsole.sandbox.store.objects import rfc3339
from releaseconsole.sandbox.store.refusals import StoreError, bad_request
from releaseconsole.sandbox.store.selectors import Matcher, matcher
from releaseconsole.sandbox.store.store import Store

if TYPE_CHECKING:
    from aiohttp import web

_MOST_DEPTH = 64
_LONGEST_MANAGER = 128


@dataclass(frozen=True, slots=True)
class Api:
    """What all requests to one server share; times in seconds."""

    store: Store
    context: str
    tokens: Tokens
    clock: Clock
    pod_logs: PodLogs
    faults: Faults
    bookmark_every: float = 15.0
    watch_at_most: float = 3600.0


@dataclass(frozen=True, slots=True)
class Call:
    """One request for a resource by a known user."""

    api: Api
    request: web.BaseRequest
    user: User
    target: Target
    drop_after: float | None = None
    #: What the answer warns of.
    warnings: list[str] = field(default_factory=list)

    @property
    def store(self) -> Store:
        return self.api.store

    def query(self, name: str, default: str = "") -> str:
        """A parameter of the query."""
        return self.request.query.get(name, default)

    def flag(self, name: str) -> bool:
        """A boolean parameter: as in the API, anything but ``false`` and ``0`` is true."""
        return self.query(name, "false").lower() not in ("0", "false")

    def count(self, name: str) -> int | None:
        """A whole number of the query, None without it. Raises StoreError (400)."""
        value = self.query(name)
        number = whole_number(value.removeprefix("-"))
        if value and number is None:
            raise bad_request(f'strconv.ParseInt: parsing "{value[:50]}": invalid syntax')
        return -number if number is not None and value.startswith("-") else number

    def dry_run(self) -> bool:
        """Whether nothing is to be stored."""
        return self.query("dryRun") == "All"

    def matcher(self) -> Matcher | None:
        """The selectors of the query as one test."""
        fields = self.query("fieldSelector")
        if self.target.row is EVENTS_V1:
            fields = core_fields(fields)
        return matcher(self.target.plural, self.query("labelSelector"), fields)

    def writer(self) -> Writer:
        """Who writes, from the query or the user agent."""
        agent = self.request.headers.get("User-Agent", "").partition("/")[0]
        name = (self.query("fieldManager") or agent or "unknown")[:_LONGEST_MANAGER]
        return Writer(name, self.target.subresource, rfc3339(self.api.clock.now()))

    def present(self, obj: Obj) -> Obj:
        """An object as its group and version show it."""
        return shown(self.target.row, obj)


def whole_number(text: str) -> int | None:
    """A count or version from outside, None when it is neither."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def encode(value: Any) -> bytes:
    """JSON."""
    return msgspec.json.encode(value)


def decode(body: bytes) -> Any:
    """JSON from outside. Raises StoreError (400)."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise bad_request(f"the request body is not valid JSON: {error}") from error
    check_depth(value)
    return value


def decode_yaml(body: bytes) -> Any:
    """YAML (or JSON) from outside, without aliases, as JSON data. Raises StoreError (400)."""
    if body.lstrip()[:1] == b"{":
        return decode(body)
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(body, Loader=loader)):
            raise bad_request("aliases are not allowed in a YAML body")
        value = yaml.load(body, Loader=loader)
        return decode(msgspec.json.encode(value))
    except (yaml.YAMLError, RecursionError, UnicodeDecodeError, TypeError, ValueError) as error:
        raise bad_request(f"the request body is not valid YAML: {str(error)[:300]}") from error


def check_depth(value: Any) -> None:
    """Raises StoreError (400) when JSON data is nested too deep to be walked safely."""
    level = [value]
    for _ in range(_MOST_DEPTH):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below += [child for child in item.values() if isinstance(child, (dict, list))]
            elif isinstance(item, list):
                below += [child for child in item if isinstance(child, (dict, list))]
        if not below:
            return
        level = below
    raise bad_request(f"the request body is nested deeper than {_MOST_DEPTH} levels")


async def read_body(call: Call) -> bytes:
    """The whole body; the server limits its size."""
    return await call.request.read()


def form(call: Call) -> str:
    """``json``, ``table`` or ``partial``, from the Accept header. Raises StoreError (406)."""
    accept = call.request.headers.get("Accept", "")
    if not accept:
        return "json"
    for media in accept.split(","):
        kind, _, parameters = media.strip().partition(";")
        if kind.strip() not in ("application/json", "*/*", "application/*"):
            continue
        wanted = dict(part.strip().partition("=")[::2] for part in parameters.split(";"))
        if "as" not in wanted:
            return "json"
        if wanted.get("g") == "meta.k8s.io" and wanted.get("v") == "v1":
            found = {"Table": "table", "PartialObjectMetadata": "partial"}.get(
                wanted["as"].removesuffix("List")
            )
            if found:
                return found
    message = "only the following media types are accepted: application/json"
    raise StoreError(406, "NotAcceptable", message)


def json_response(
    value: Any,
    status: int = 200,
    headers: dict[str, str] | None = None,
    content_type: str = "application/json",
) -> web.Response:
    """An answer in JSON."""
    from aiohttp import web

    sent = {"Content-Type": content_type, **(headers or {})}
    return web.Response(body=encode(value), status=status, headers=sent)


def success(**more: Any) -> Obj:
    """The ``Status`` of what was done."""
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", **more}


def refusal(error: StoreError) -> web.Response:
    """An error as a ``Status``."""
    retry = error.details.get("retryAfterSeconds")
    return json_response(error.body(), error.status, {"Retry-After": str(retry)} if retry else None)
