"""Which ReplicaSet is the new one, and the numbers that make a rollout history."""

from __future__ import annotations

from collections.abc import Iterable

from releaseconsole.sandbox.controllers.rolling import DESIRED, MAX_REPLICAS, by_creation, max_surge
from releaseconsole.sandbox.controllers.tools import (
    HASH_LABEL,
    counted,
    notes_of,
    owner_reference,
    replicas,
    same_template,
    template_hash,
)
from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.objects import clone, deleted, dig

REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
_LONGEST_HISTORY = 2000
#: Annotations of a Deployment that are not passed on to its ReplicaSets.
_OWN = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        "deprecated.deployment.rollback.to",
        REVISION,
        HISTORY,
        DESIRED,
        MAX_REPLICAS,
    }
)


def find_new(deployment: Obj, replica_sets: Iterable[Obj]) -> Obj | None:
    """The oldest ReplicaSet with the Deployment's template."""
    for rs in by_creation(replica_sets):
        if same_template(rs["spec"]["template"], deployment["spec"]["template"]):
            return rs
    return None


def revision_of(obj: Obj) -> int:
    """Its revision; 0 when it has none or an unreadable one."""
    try:
        return int(notes_of(obj).get(REVISION, "0"))
    except ValueError:
        return 0


def next_revision(old: Iterable[Obj]) -> int:
    """One more than any old ReplicaSet has."""
    return max((revision_of(rs) for rs in old), default=0) + 1


def annotate(deployment: Obj, rs: Obj, revision: int) -> None:
    """Brings the annotations of the new ReplicaSet up to date, remembering its earlier revision."""
    notes = rs["metadata"].setdefault("annotations", {})
    notes.update({key: value for key, value in notes_of(deployment).items() if key not in _OWN})
    had = notes.get(REVISION)
    if revision_of(rs) >= revision:
        return
    notes[REVISION] = str(revision)
    if had is not None:
        earlier = [number for number in notes.get(HISTORY, "").split(",") if number]
        notes[HISTORY] = _joined([*earlier, had])


def _joined(numbers: list[str]) -> str:
    while len(numbers) > 1 and len(",".join(numbers)) > _LONGEST_HISTORY:
        numbers = numbers[1:]
    return ",".join(numbers)


def size_notes(deployment: Obj, rs: Obj) -> None:
    """Writes down for which size of the Deployment the ReplicaSet was scaled."""
    wanted = replicas(deployment)
    notes = rs["metadata"].setdefault("annotations", {})
    notes[DESIRED] = str(wanted)
    notes[MAX_REPLICAS] = str(wanted + max_surge(deployment))


def build(deployment: Obj, revision: int, size: int) -> Obj:
    """A new ReplicaSet for the Deployment's template."""
    spec, meta = deployment["spec"], deployment["metadata"]
    template = clone(spec["template"])
    digest = template_hash(template, counted(deployment, "collisionCount"))
    template.setdefault("metadata", {}).setdefault("labels", {})[HASH_LABEL] = digest
    selector = clone(spec["selector"])
    selector.setdefault("matchLabels", {})[HASH_LABEL] = digest
    rs: Obj = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{meta['name']}-{digest}",
            "namespace": meta["namespace"],
            "labels": dict(template["metadata"]["labels"]),
            "ownerReferences": [owner_reference(deployment)],
        },
        "spec": {"replicas": size, "selector": selector, "template": template},
    }
    if dig(deployment, "spec", "minReadySeconds"):
        rs["spec"]["minReadySeconds"] = spec["minReadySeconds"]
    annotate(deployment, rs, revision)
    size_notes(deployment, rs)
    return rs


def to_clean_up(deployment: Obj, old: list[Obj]) -> list[Obj]:
    """Old ReplicaSets beyond ``revisionHistoryLimit`` that hold no pods."""
    limit = dig(deployment, "spec", "revisionHistoryLimit")
    alive = [rs for rs in old if not deleted(rs)]
    surplus = len(alive) - (10 if limit is None else int(limit))
    oldest = sorted(alive, key=revision_of)[: max(0, surplus)]
    return [rs for rs in oldest if _empty(rs)]


def _empty(rs: Obj) -> bool:
    observed = counted(rs, "observedGeneration")
    return replicas(rs) == 0 and counted(rs, "replicas") == 0 and observed >= rs["metadata"]["generation"]
