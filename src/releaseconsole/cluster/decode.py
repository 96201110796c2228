"""JSON of the API server into structs, without a step through dicts.

The fast way decodes straight into the struct. An answer that does not fit (a null where the Go types promise
none, a wrong type from an aggregated server) is taken apart once more: nulls are dropped, and an item that
still does not fit is counted and left out, so that one bad object never hides the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import msgspec

from releaseconsole.cluster import argo, neighbours, objects
from releaseconsole.errors import ApiRejected

T = TypeVar("T")

KEPT_AS_SENT = frozenset({"template", "data"})
"""Keys whose nulls are part of what a rollback sends back."""


@dataclass(frozen=True, slots=True)
class Resource(Generic[T]):
    """One kind of object and where the API serves it."""

    group: str
    version: str
    plural: str
    type: type[T]

    def path(self, namespace: str = "", name: str = "") -> str:
        """URL path of the list in ``namespace`` (of all, when ""), or of one object in it."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        scope = f"/namespaces/{segment(namespace)}" if namespace else ""
        return f"{root}{scope}/{self.plural}" + (f"/{segment(name)}" if name else "")

    @property
    def custom(self) -> bool:
        """Whether a cluster knows it only where somebody has installed its CustomResourceDefinition."""
        return "." in self.group and not self.group.endswith(".k8s.io")


PODS = Resource("", "v1", "pods", objects.Pod)
EVENTS = Resource("", "v1", "events", objects.Event)
SERVICES = Resource("", "v1", "services", objects.Service)
NAMESPACES = Resource("", "v1", "namespaces", objects.Namespace)
DEPLOYMENTS = Resource("apps", "v1", "deployments", objects.Deployment)
REPLICA_SETS = Resource("apps", "v1", "replicasets", objects.ReplicaSet)
STATEFUL_SETS = Resource("apps", "v1", "statefulsets", objects.StatefulSet)
DAEMON_SETS = Resource("apps", "v1", "daemonsets", objects.DaemonSet)
CONTROLLER_REVISIONS = Resource("apps", "v1", "controllerrevisions", objects.ControllerRevision)
ROLLOUTS = Resource("argoproj.io", "v1alpha1", "rollouts", argo.Rollout)
ENDPOINT_SLICES = Resource("discovery.k8s.io", "v1", "endpointslices", objects.EndpointSlice)
AUTOSCALERS = Resource("autoscaling", "v2", "horizontalpodautoscalers", neighbours.HorizontalPodAutoscaler)
DISRUPTION_BUDGETS = Resource("policy", "v1", "poddisruptionbudgets", neighbours.PodDisruptionBudget)
INGRESSES = Resource("networking.k8s.io", "v1", "ingresses", neighbours.Ingress)


def segment(text: str) -> str:
    """``text`` as one segment of a URL path, whatever it holds."""
    quoted = quote(text, safe="")
    return quoted.replace(".", "%2E") if set(text) == {"."} else quoted


class ListOf(msgspec.Struct, Generic[T], frozen=True):
    """One page of a list."""

    metadata: objects.ListMeta = objects.ListMeta()
    items: list[T] | None = None


class EventOf(msgspec.Struct, Generic[T], frozen=True):
    """One line of a watch."""

    type: str
    object: T


class _RawList(msgspec.Struct, frozen=True):
    metadata: objects.ListMeta = objects.ListMeta()
    items: list[msgspec.Raw] | None = None


class _RawEvent(msgspec.Struct, frozen=True):
    type: str
    object: msgspec.Raw


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A decoded page; ``unreadable`` counts the items that had to be left out."""

    items: list[T]
    resource_version: str
    next: str
    unreadable: int = 0


def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return _cached_decoder(kind)


@cache
def _cached_decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def decode(kind: type[T], data: bytes | msgspec.Raw) -> T:
    """One object. Raises ApiRejected when the bytes are not such an object."""
    try:
        return _decoder(kind).decode(data)  # type: ignore[no-any-return]
    except (msgspec.MsgspecError, UnicodeDecodeError):
        healed = _healed(kind, data)
        if healed is None:
            raise not_kubernetes(bytes(data), kind.__name__) from None
        return healed


def decode_page(kind: type[T], data: bytes) -> Page[T]:
    """One page of a list. Raises ApiRejected when the bytes are not a list of the API."""
    try:
        page = _decoder(ListOf[kind]).decode(data)  # type: ignore[valid-type]
        return Page(page.items or [], page.metadata.resource_version, page.metadata.continue_)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _careful_page(kind, data)


def decode_watch(kind: type[T], line: bytes | bytearray) -> EventOf[T] | objects.Status | None:
    """One line of a watch: a change, the Status of an ERROR event, or None for an object that cannot be read.

    Raises ApiRejected for a line that is not an event at all.
    """
    try:
        event: EventOf[T] = _decoder(EventOf[kind]).decode(line)  # type: ignore[valid-type]
        if event.type != "ERROR":
            return event
    except (msgspec.MsgspecError, UnicodeDecodeError):
        pass
    try:
        raw = _decoder(_RawEvent).decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise not_kubernetes(bytes(line), "watch event") from None
    if raw.type == "ERROR":
        return _healed(objects.Status, raw.object) or objects.Status(message="an error without a reason")
    healed = _healed(kind, raw.object)
    return None if healed is None else EventOf(raw.type, healed)


def decode_status(data: bytes) -> objects.Status:
    """The Status of a refusal; an empty one when the answer is something else (a proxy's page, say)."""
    return _healed(objects.Status, data) or objects.Status()


def not_kubernetes(data: bytes, wanted: str) -> ApiRejected:
    """The error for an answer that no API server gives."""
    start = data[:200].lstrip().lower()
    seen = "a web page" if start.startswith((b"<!doctype", b"<html", b"<")) else "something else"
    return ApiRejected(
        f"The server answered with {seen} where a Kubernetes {wanted} was expected.",
        "A proxy or a login page may stand between; check the server's address in the kubeconfig.",
        reason="NotKubernetes",
    )


def _careful_page(kind: type[T], data: bytes) -> Page[T]:
    try:
        raw = _decoder(_RawList).decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise not_kubernetes(data, "list") from None
    healed = [_healed(kind, item) for item in raw.items or ()]
    items = [item for item in healed if item is not None]
    lost = len(healed) - len(items)
    return Page(items, raw.metadata.resource_version, raw.metadata.continue_, lost)


def _healed(kind: type[T], data: bytes | bytearray | msgspec.Raw) -> T | None:
    """``data`` decoded without its nulls and broken characters, or None."""
    try:
        plain = msgspec.json.decode(bytes(data).decode("utf-8", "replace"))
        return msgspec.convert(without_nulls(plain), kind)
    except (msgspec.MsgspecError, RecursionError):
        return None


def without_nulls(value: Any) -> Any:
    """``value`` without the nulls in its objects, except below what must stay as it was sent."""
    if isinstance(value, dict):
        return {
            key: item if key in KEPT_AS_SENT else without_nulls(item)
            for key, item in value.items()
            if item is not None
        }
    return [without_nulls(item) for item in value] if isinstance(value, list) else value
