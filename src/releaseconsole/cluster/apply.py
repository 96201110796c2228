"""Server-side apply: the API server merges, and says who else owns a field.

Everything is done with one field manager of our own. A field that somebody has changed with kubectl, or that a
rollback of ours has put back, may be taken over, as a plain ``kubectl apply`` does it. One that a controller or a
GitOps tool owns is not: it would be fought over. A conflict is reported with managers and fields.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec

from releaseconsole.cluster.decode import decode, segment
from releaseconsole.cluster.manifests import Manifest, load_manifests
from releaseconsole.cluster.secret_values import scrubbed
from releaseconsole.cluster.text import clean
from releaseconsole.errors import ApiRejected, ClusterError, Conflict, NotFound

if TYPE_CHECKING:
    from releaseconsole.cluster.connect import Client

__all__ = [
    "Applied",
    "Attempt",
    "FieldConflict",
    "Kinds",
    "Manifest",
    "apply",
    "attempt",
    "attempt_by_hand",
    "conflicts_of",
    "in_words",
    "load_manifests",
]

APPLY_PATCH = "application/apply-patch+yaml"
FIELD_MANAGER = "releaseconsole"
_CREATED = 201
_NEW_KIND_TRIES, _NEW_KIND_PAUSE = 10, 0.3
_VOLATILE = ("resourceVersion", "generation", "managedFields")
_HANDS = ("kubectl", "releaseconsole", "before-first-apply")
"""How the names of field managers begin that stand for a person's hand."""
_OWNER = re.compile(r'conflict with "((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class FieldConflict:
    """A field that the manifest sets and somebody else manages."""

    field: str
    """``.spec.replicas``"""
    manager: str


@dataclass(frozen=True, slots=True)
class Applied:
    """What one apply did."""

    kind: str
    name: str
    namespace: str
    change: str
    """``created``, ``configured`` or ``unchanged``."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One apply that the API server took, or would take: the object before and after."""

    manifest: Manifest
    namespace: str
    """Where the object is; "" for a cluster-wide kind."""
    before: dict[str, Any] | None
    after: dict[str, Any]
    change: str
    """``created``, ``configured`` or ``unchanged``."""
    taken_over: tuple[FieldConflict, ...] = ()


class _ApiResource(msgspec.Struct, frozen=True):
    name: str = ""
    kind: str = ""
    namespaced: bool = False


class _ApiResources(msgspec.Struct, frozen=True):
    resources: tuple[_ApiResource, ...] = ()


class Kinds:
    """Which path a kind has, as the server's discovery says; each group version is asked for once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[str, dict[str, _ApiResource]] = {}

    async def path(self, manifest: Manifest, namespace: str) -> tuple[str, str]:
        """URL path of the object, and its namespace ("" for a cluster-wide kind). Raises ClusterError."""
        version = manifest.api_version
        root = _root(version)
        found = await self._find(version, manifest.kind)
        if found is None:
            raise NotFound(
                f"The cluster does not know the kind {clean(manifest.kind)} of {clean(version)}"
                f" ({clean(manifest.source)}).",
                "Install its custom resource definition, or mend apiVersion and kind.",
            )
        place = namespace if found.namespaced else ""
        scope = f"/namespaces/{segment(place)}" if place else ""
        return f"{root}{scope}/{segment(found.name)}/{segment(manifest.name)}", place

    async def _find(self, version: str, kind: str) -> _ApiResource | None:
        if kind in self._known.get(version, {}):
            return self._known[version][kind]
        try:
            listed = decode(_ApiResources, await self._client.get(_root(version)))
        except NotFound:
            return None
        self._known[version] = {one.kind: one for one in listed.resources if "/" not in one.name}
        return self._known[version].get(kind)


async def apply(
    client: Client,
    manifest: Manifest,
    default_namespace: str,
    *,
    dry_run: bool = False,
    force: bool = False,
    kinds: Kinds | None = None,
) -> Applied:
    """Apply one manifest; ``default_namespace`` is for those that name none.

    Pass one ``kinds`` for a run of several. Raises ApiRejected, naming manager and fields, when somebody else
    owns a field and ``force`` is not given, other ClusterErrors.
    """
    try:
        done = await attempt(client, manifest, default_namespace, dry_run=dry_run, force=force, kinds=kinds)
    except Conflict as error:
        raise in_words(manifest, error) from None
    return Applied(manifest.kind, manifest.name, done.namespace, done.change)


async def attempt_by_hand(
    client: Client, manifest: Manifest, default_namespace: str, *, dry_run: bool, kinds: Kinds
) -> Attempt:
    """Apply one manifest, taking over what only people's hands have set. Raises ClusterError, a Conflict with
    its causes when somebody else owns a field."""
    try:
        return await attempt(client, manifest, default_namespace, dry_run=dry_run, kinds=kinds)
    except Conflict as error:
        disputed = conflicts_of(error)
        if not disputed or not all(one.manager.startswith(_HANDS) for one in disputed):
            raise
    done = await attempt(client, manifest, default_namespace, dry_run=dry_run, force=True, kinds=kinds)
    return replace(done, taken_over=disputed)


async def attempt(
    client: Client,
    manifest: Manifest,
    default_namespace: str,
    *,
    dry_run: bool = False,
    force: bool = False,
    kinds: Kinds | None = None,
) -> Attempt:
    """Apply one manifest. Raises ClusterError, a Conflict with its causes when somebody else owns a field."""
    namespace = manifest.namespace or default_namespace
    path, place = await _path(client, kinds or Kinds(client), manifest, namespace, patient=not dry_run)
    before = await _existing(client, path)
    body = {**manifest.body, "metadata": {**manifest.body["metadata"]}}
    if place:
        body["metadata"]["namespace"] = place
    params: dict[str, str | int | bool] = {"fieldManager": FIELD_MANAGER, "force": force}
    if dry_run:
        params["dryRun"] = "All"
    # JSON is YAML, and the type is the only one the server takes for an apply.
    answer = await client.exchange("PATCH", path, params, body, APPLY_PATCH)
    after = decode(dict[str, Any], answer.body)
    created = answer.status == _CREATED or before is None
    change = "created" if created else "unchanged" if _stable(before) == _stable(after) else "configured"
    return Attempt(manifest, place, None if created else before, after, change)


def conflicts_of(error: Conflict) -> tuple[FieldConflict, ...]:
    """The fields in dispute and their managers; none when the conflict is of another kind."""
    found = ((field, _OWNER.match(said)) for field, said in error.causes)
    return tuple(FieldConflict(field, owner[1]) for field, owner in found if owner)


def in_words(manifest: Manifest, error: ClusterError) -> ApiRejected:
    """A refusal that names the manifest, and no value of a Secret."""
    message = f"{clean(manifest.kind)} {clean(manifest.name)}: {scrubbed(error.message, manifest.body)}"
    if isinstance(error, Conflict) and conflicts_of(error):
        remedy = "Let the other manager give the fields up, or take them out of the manifest."
        return ApiRejected(message, remedy, 409, "Conflict")
    status, reason = (error.status, error.reason) if isinstance(error, ApiRejected) else (0, "")
    return ApiRejected(message, error.remedy, status, reason)


async def _path(
    client: Client, kinds: Kinds, manifest: Manifest, namespace: str, *, patient: bool
) -> tuple[str, str]:
    """Waits a little for a custom kind: an earlier manifest may have defined it just now."""
    custom = "." in manifest.api_version.partition("/")[0]
    for _ in range(_NEW_KIND_TRIES if patient and custom else 0):
        try:
            return await kinds.path(manifest, namespace)
        except NotFound:
            await client.clock.sleep(_NEW_KIND_PAUSE)
    return await kinds.path(manifest, namespace)


async def _existing(client: Client, path: str) -> dict[str, Any] | None:
    try:
        return decode(dict[str, Any], await client.get(path))
    except NotFound:
        return None


def _stable(body: dict[str, Any] | None) -> dict[str, Any]:
    """The object without what changes with every write, or without one."""
    if body is None:
        return {}
    metadata = {key: value for key, value in body.get("metadata", {}).items() if key not in _VOLATILE}
    return {**{key: value for key, value in body.items() if key != "status"}, "metadata": metadata}


def _root(version: str) -> str:
    group, slash, number = version.partition("/")
    if not slash:
        return f"/api/{segment(group)}"
    return f"/apis/{segment(group)}/{segment(number)}"
