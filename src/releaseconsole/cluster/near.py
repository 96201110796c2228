"""What somebody meant who named a workload that does not exist: names like it, and kinds that have one."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from releaseconsole.cluster import decode as wire
from releaseconsole.cluster.decode import Resource, decode_page
from releaseconsole.cluster.objects import ObjectMeta
from releaseconsole.cluster.text import clean
from releaseconsole.errors import ClusterError, NotFound

if TYPE_CHECKING:
    from releaseconsole.cluster.connect import Client
    from releaseconsole.cluster.workload import Place

MOST_NAMES = 2_000
"""Names that are compared; a namespace with more is compared in part."""
_PAGE = 500
_LIKENESS = 0.6
_ONLY_NAMES = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"


class Named(msgspec.Struct, frozen=True):
    """An object of any kind, of which only the metadata matter."""

    metadata: ObjectMeta = ObjectMeta()


OTHER_KINDS: tuple[tuple[str, Resource[Any]], ...] = (
    ("deployment", wire.DEPLOYMENTS),
    ("statefulset", wire.STATEFUL_SETS),
    ("daemonset", wire.DAEMON_SETS),
    ("job", Resource("batch", "v1", "jobs", Named)),
    ("cronjob", Resource("batch", "v1", "cronjobs", Named)),
    ("replicaset", wire.REPLICA_SETS),
    ("pod", wire.PODS),
    ("rollout", wire.ROLLOUTS),
)
"""Where else a name is looked for."""


def near_names(name: str, names: Iterable[str]) -> tuple[str, ...]:
    """At most three of ``names`` that ``name`` may stand for, the likeliest first."""
    pool = sorted(names)[:MOST_NAMES]
    exact = [one for one in pool if name and (name in one or one in name)]
    close = difflib.get_close_matches(name[:253], pool, n=3, cutoff=_LIKENESS)
    return tuple(dict.fromkeys([*close, *exact]))[:3]


def meant(name: str, names: Iterable[str]) -> str:
    """`` (is api-gateway meant?)``, to go behind the name that does not exist; "" when no name is near."""
    found = near_names(name, names)
    return clean(f" (is {' or '.join(found)} meant?)", 600) if found else ""


def did_you_mean(kind: str, name: str, names: Iterable[str]) -> str:
    """A sentence with the names that are near, else with those that exist; "" when there are none."""
    known = sorted(names)
    found = near_names(name, known)
    if found:
        return clean(f"Did you mean {' or '.join(f'{kind}/{one}' for one in found)}?", 600)
    if not known:
        return ""
    more = f" and {len(known) - 5} more" if len(known) > 5 else ""
    return clean(f"There are {', '.join(f'{kind}/{one}' for one in known[:5])}{more}.", 900)


async def names_of(client: Client, resource: Resource[Any], namespace: str) -> tuple[str, ...]:
    """Names of the objects in a namespace, as far as ``MOST_NAMES``. Raises ClusterError."""
    found: list[str] = []
    params: dict[str, str | int | bool] = {"limit": _PAGE}
    while len(found) < MOST_NAMES:
        answer = await client.request(
            "GET", resource.path(namespace), params, headers={"Accept": _ONLY_NAMES}
        )
        page = decode_page(Named, answer)
        found += [one.metadata.name for one in page.items]
        if not page.next:
            break
        params["continue"] = page.next
    return tuple(found[:MOST_NAMES])


async def missing_workload(client: Client, place: Place) -> NotFound:
    """The error for a workload that does not exist, with what may have been meant. Costs one or two requests."""
    try:
        try:
            names = await names_of(client, place.resource, place.namespace)
        except NotFound:
            if place.resource.custom:
                return unknown_kind(place.resource)
            raise
        hint = did_you_mean(place.kind, place.name, names)
        if not names and await _exists(client, wire.NAMESPACES.path(name=place.namespace)) is False:
            return missing_namespace(client.context, place.namespace)
        hint = hint or f"There is no {place.kind} in this namespace at all."
    except ClusterError:
        hint = ""
    message = f"There is no {place.workload} in namespace {place.namespace} of context {client.context}."
    return NotFound(
        clean(message, 900), f"{hint} Check the name in the plan, or apply its manifests.".strip()
    )


def unknown_kind(resource: Resource[Any]) -> NotFound:
    """The error for a custom resource of which the API server has not even a list."""
    kind = clean(resource.type.__name__, 100)
    return NotFound(
        f"The cluster does not know the kind {kind} of Argo Rollouts ({resource.plural}.{resource.group}).",
        "Install its CRD there, or name a Deployment in the plan.",
    )


def missing_namespace(context: str, namespace: str) -> NotFound:
    """The error for a namespace that does not exist."""
    message = f"There is no namespace {namespace} in the cluster of context {context}."
    return NotFound(clean(message, 900), "Create it, or mend the namespace or the context in the plan.")


async def kinds_with(client: Client, place: Place) -> tuple[str, ...]:
    """The other kinds of which an object of this name exists there; what cannot be asked does not count."""
    others = [(kind, resource) for kind, resource in OTHER_KINDS if kind != place.kind]
    found = await asyncio.gather(
        *(_exists(client, resource.path(place.namespace, place.name)) for _, resource in others)
    )
    return tuple(kind for (kind, _), there in zip(others, found, strict=True) if there)


async def _exists(client: Client, path: str) -> bool | None:
    """Whether there is something; None when that cannot be known."""
    try:
        await client.get(path)
    except NotFound:
        return False
    except ClusterError:
        return None
    return True


def resource_of(kind: str) -> Resource[Any] | None:
    """The resource of a kind as plans write it (``deployment``); None for one that is not known."""
    return next((resource for known, resource in OTHER_KINDS if known == kind), None)
