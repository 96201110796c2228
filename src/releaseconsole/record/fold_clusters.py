"""Folding what the journal says of clusters: the first sighting of a context counts until a person confirms another."""

from __future__ import annotations

from releaseconsole.record.clusters import SeenCluster
from releaseconsole.record.draft import Draft, Said


def seen(draft: Draft, entry: Said) -> bool:
    """A context led to a cluster; another one than before changes nothing by itself."""
    context, found = entry.id("context"), _sighting(entry)
    if not context or found is None:
        return False
    known = draft.clusters.get(context)
    if known is None:
        draft.clusters.put(context, found)
    elif known.is_same(found):
        draft.clusters.put(context, known.learning(found))
    return True


def accepted(draft: Draft, entry: Said) -> bool:
    """A person has confirmed the cluster that a context leads to now."""
    context, found = entry.id("context"), _sighting(entry)
    if not context or found is None:
        return False
    draft.clusters.put(context, found)
    return True


def _sighting(entry: Said) -> SeenCluster | None:
    identity = entry.id("identity")
    return SeenCluster.of(identity, entry.id("server"), entry.by, entry.at) if identity else None
