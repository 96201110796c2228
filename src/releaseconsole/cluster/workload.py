"""One workload as the API server has it, with the revisions it can go back to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from releaseconsole.cluster import decode as wire
from releaseconsole.cluster.argo import HASH_LABEL as ROLLOUT_HASH
from releaseconsole.cluster.argo import Rollout
from releaseconsole.cluster.decode import Resource, decode, decode_page
from releaseconsole.cluster.near import missing_workload
from releaseconsole.cluster.objects import ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet
from releaseconsole.cluster.templates import (
    HASH_LABEL,
    bare,
    controlled_by,
    held_template,
    images,
    new_replica_set,
    revision,
    revision_key,
    same_template,
    selector_text,
)
from releaseconsole.cluster.text import clean
from releaseconsole.errors import NotFound, UsageError

if TYPE_CHECKING:
    from releaseconsole.cluster.connect import Client

Workload = Deployment | StatefulSet | DaemonSet | Rollout

_KINDS: Mapping[str, tuple[str, Resource[Any]]] = {
    **dict.fromkeys(("deployment", "deployments", "deploy"), ("deployment", wire.DEPLOYMENTS)),
    **dict.fromkeys(("statefulset", "statefulsets", "sts"), ("statefulset", wire.STATEFUL_SETS)),
    **dict.fromkeys(("daemonset", "daemonsets", "ds"), ("daemonset", wire.DAEMON_SETS)),
    **dict.fromkeys(("rollout", "rollouts", "ro"), ("rollout", wire.ROLLOUTS)),
}
_REVISION_HASH = "controller-revision-hash"
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Place:
    """A workload's kind, name and URL path."""

    kind: str
    name: str
    namespace: str
    resource: Resource[Any]

    @property
    def path(self) -> str:
        return self.resource.path(self.namespace, self.name)

    @property
    def workload(self) -> str:
        """``deployment/api-gateway``."""
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True, slots=True)
class Revision:
    """A template the workload has had, and the object that remembers it."""

    number: int
    holder: str
    """Name of the ReplicaSet or ControllerRevision."""
    uid: str
    template_hash: str
    template: Mapping[str, Any]
    annotations: Mapping[str, str] | None = None
    """Those that a rollback puts back on the workload; None when it leaves them alone."""

    @property
    def images(self) -> tuple[str, ...]:
        return images(self.template)


@dataclass(frozen=True, slots=True)
class History:
    """A workload, its revisions from the newest to the oldest, and the one its template belongs to."""

    place: Place
    workload: Workload
    revisions: tuple[Revision, ...]
    current: Revision | None
    """None when the present template was never run: its ReplicaSet does not exist yet."""


def place_of(namespace: str, workload: str) -> Place:
    """Read ``deployment/api-gateway``. Raises UsageError for another kind."""
    kind, _, name = workload.partition("/")
    known = _KINDS.get(kind.lower())
    if known is None or not name or "/" in name:
        raise UsageError(
            f"“{clean(workload, 200)}” is not a workload that can be rolled back.",
            "Write deployment/NAME, statefulset/NAME, daemonset/NAME or rollout/NAME.",
        )
    return Place(known[0], name, namespace, known[1])


async def read_history(client: Client, namespace: str, workload: str) -> History:
    """The workload and its revisions as they are now. Raises ClusterError, UsageError."""
    place = place_of(namespace, workload)
    found = await find_workload(client, place)
    params = {"labelSelector": selector_text(found.spec.selector), "limit": _PAGE}
    if isinstance(found, Deployment | Rollout):
        sets = await _all(client, wire.REPLICA_SETS, namespace, params)
        return deployment_history(place, found, sets)
    held = await _all(client, wire.CONTROLLER_REVISIONS, namespace, params)
    return revision_history(place, found, held)


async def find_workload(client: Client, place: Place) -> Workload:
    """The workload alone; NotFound names those that may have been meant. Raises ClusterError."""
    try:
        return await read_workload(client, place)
    except NotFound:
        raise await missing_workload(client, place) from None


async def read_workload(client: Client, place: Place) -> Workload:
    """The workload alone, as it is now. Raises ClusterError."""
    found: Workload = decode(place.resource.type, await client.get(place.path))
    return found


def deployment_history(place: Place, owner: Deployment | Rollout, replica_sets: list[ReplicaSet]) -> History:
    """The history that the ReplicaSets of a Deployment or Rollout hold, without unreadable revisions."""
    owned = controlled_by(owner.metadata.uid, replica_sets)
    new = new_replica_set(owner, owned)
    key = revision_key(owner)
    numbered = [(number, one) for one in owned if (number := revision(one, key)) is not None]
    revisions = sorted((_of_set(owner, number, one) for number, one in numbered), key=_newest_first)
    current = next((one for one in revisions if new is not None and one.uid == new.metadata.uid), None)
    return History(place, owner, tuple(revisions), current)


def revision_history(place: Place, workload: Workload, held: list[ControllerRevision]) -> History:
    """The history that a StatefulSet's or DaemonSet's ControllerRevisions hold."""
    uid = workload.metadata.uid
    owned = [one for one in held if uid and one.metadata.controller_uid() == uid]
    revisions = sorted((_of_revision(one) for one in owned if _only_template(one)), key=_newest_first)
    template = workload.spec.template
    current = next((one for one in revisions if same_template(one.template, template)), None)
    return History(place, workload, tuple(revisions), current)


async def _all(client: Client, resource: Resource[Any], namespace: str, params: dict[str, Any]) -> list[Any]:
    found: list[Any] = []
    asked = dict(params)
    while True:
        page = decode_page(resource.type, await client.get(resource.path(namespace), asked))
        found += page.items
        if not page.next:
            return found
        asked["continue"] = page.next


def _of_set(owner: Deployment | Rollout, number: int, one: ReplicaSet) -> Revision:
    metadata = one.metadata
    template = bare(held_template(owner, one))
    if isinstance(owner, Rollout):
        return Revision(number, metadata.name, metadata.uid, metadata.labels.get(ROLLOUT_HASH, ""), template)
    template_hash = metadata.labels.get(HASH_LABEL, "")
    return Revision(number, metadata.name, metadata.uid, template_hash, template, metadata.annotations)


def _of_revision(one: ControllerRevision) -> Revision:
    metadata = one.metadata
    template = {key: value for key, value in one.data["spec"]["template"].items() if key != "$patch"}
    return Revision(
        one.revision, metadata.name, metadata.uid, metadata.labels.get(_REVISION_HASH, ""), template
    )


def _only_template(one: ControllerRevision) -> bool:
    """Whether it holds a pod template and nothing else, which is all that the controllers put in."""
    spec = one.data.get("spec")
    return (
        set(one.data) == {"spec"}
        and isinstance(spec, dict)
        and set(spec) == {"template"}
        and isinstance(spec["template"], dict)
    )


def _newest_first(one: Revision) -> tuple[int, str]:
    return (-one.number, one.holder)
