"""Which pods are of the new revision and which of older ones, as patterns of their names.

A name is all that a metric knows of a pod, also of one that is long gone: ReplicaSets put the hash of their
template into it. Pods of a StatefulSet or a DaemonSet are called the same in every revision.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from releaseconsole.cluster.objects import ReplicaSet, seconds
from releaseconsole.cluster.templates import images, revision, revision_key
from releaseconsole.text import visible

if TYPE_CHECKING:
    from releaseconsole.session.assemble import Family

_LONGEST_BASE = 58
"""Characters that the API server keeps of what a pod's name is generated from."""
_MOST_SETS = 10
"""Older ReplicaSets of one workload: as many as a Deployment keeps unless it is told otherwise."""
_MOST_TAGS = 2


@dataclass(frozen=True, slots=True)
class Side:
    """The pods of one revision over all workloads."""

    pods: str
    """A regular expression that matches their names as a whole, as Prometheus reads it."""
    tags: str
    """Of their images: ``1.1.0``."""


@dataclass(frozen=True, slots=True)
class Revisions:
    """What a query can be split by."""

    new: Side | None = None
    old: Side | None = None
    apart: tuple[str, ...] = ()
    """Workloads whose pods do not show their revision in their names."""
    since: float = 0.0
    """When the newest ReplicaSet was made (seconds since the epoch); 0 when there is none."""


def revisions(families: Sequence[Family]) -> Revisions:
    """The revisions of some workloads, as the cluster has them now."""
    newest = [one.newest for one in families if one.newest is not None]
    older = [_older(one) for one in families]
    return Revisions(
        new=_side([[one] for one in newest]),
        old=_side(older),
        apart=tuple(one.workload for one in families if one.newest is None and one.owner is not None),
        since=max((seconds(one.metadata.creation_timestamp) for one in newest), default=0.0),
    )


def _older(family: Family) -> list[ReplicaSet]:
    """The newest of them first; none as long as it is not known which one is new."""
    newest = family.newest
    if newest is None:
        return []
    key = revision_key(family.owner)
    older = [one for one in family.replica_sets if one.metadata.uid != newest.metadata.uid]
    return sorted(older, key=lambda one: revision(one, key) or 0, reverse=True)[:_MOST_SETS]


def _side(of_workloads: Sequence[Sequence[ReplicaSet]]) -> Side | None:
    """Of each workload its ReplicaSets, the newest first."""
    names = [one.metadata.name for replica_sets in of_workloads for one in replica_sets]
    if not names:
        return None
    starts = dict.fromkeys(f"{name}-"[:_LONGEST_BASE].replace(".", "[.]") for name in names)
    return Side(f"({'|'.join(starts)}).*", _tags(of_workloads))


def _tags(of_workloads: Sequence[Sequence[ReplicaSet]]) -> str:
    """The newest of each workload by name, the rest as ``and older``."""
    first = _found(replica_sets[:1] for replica_sets in of_workloads)
    shown = ", ".join(first[:_MOST_TAGS]) + (" …" if len(first) > _MOST_TAGS else "")
    return f"{shown} and older" if set(_found(of_workloads)) - set(first) else shown


def _found(of_workloads: Iterable[Sequence[ReplicaSet]]) -> list[str]:
    sets = (one for replica_sets in of_workloads for one in replica_sets)
    return list(dict.fromkeys(tag(image) for one in sets for image in images(one.spec.template)[:1]))


def tag(image: str) -> str:
    """``1.1.0`` of ``registry.example/pay:1.1.0``; the beginning of a digest; ``latest`` without either."""
    path, _, digest = image.partition("@")
    named = path.rpartition("/")[2].partition(":")[2]
    return visible(named or digest[:15] or "latest")
