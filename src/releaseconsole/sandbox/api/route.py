"""What a path and a method of the API ask for."""

from __future__ import annotations

from dataclasses import dataclass

from releaseconsole.sandbox.store.kinds import Kind, find

_NAMESPACE_SUBRESOURCES = ("status", "finalize")


@dataclass(frozen=True, slots=True)
class Target:
    """One kind, in one namespace or in all (``""``), one object or all (``name`` empty), one subresource."""

    row: Kind
    namespace: str
    name: str
    subresource: str

    @property
    def plural(self) -> str:
        return self.row.plural

    @property
    def scope(self) -> str | None:
        """The namespace of a list: None means all of them."""
        return self.namespace or None


def parse(path: str) -> Target | None:
    """The target of a resource path, or None when no such resource is served."""
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["api"] and len(parts) > 2:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[:1] == ["apis"] and len(parts) > 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and not _of_namespace(group, rest):
        namespace, rest = rest[1], rest[2:]
    return _target(find(group, version, rest[0]), namespace, rest)


def _of_namespace(group: str, rest: list[str]) -> bool:
    """``namespaces/x/status`` is the namespace's own; ``namespaces/x/pods`` is not."""
    return group == "" and len(rest) == 3 and rest[2] in _NAMESPACE_SUBRESOURCES


def _target(row: Kind | None, namespace: str, rest: list[str]) -> Target | None:
    if row is None or len(rest) > 3 or (namespace and not row.namespaced):
        return None
    name = rest[1] if len(rest) > 1 else ""
    subresource = rest[2] if len(rest) > 2 else ""
    if subresource and subresource not in row.subresources:
        return None
    if name and row.namespaced and not namespace:
        return None
    return Target(row, namespace, name, subresource)


def verb_of(method: str, *, named: bool, watch: bool) -> str:
    """The verb that access is asked for, or ``""`` for a method that resources do not have."""
    if method in ("GET", "HEAD"):
        return "get" if named else ("watch" if watch else "list")
    if method == "DELETE":
        return "delete" if named else "deletecollection"
    if method == "POST":
        return "create"
    return {"PUT": "update", "PATCH": "patch"}.get(method, "") if named else ""
