"""Comparing pod templates and finding a workload's revisions. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from releaseconsole.cluster import argo
from releaseconsole.cluster.decode import without_nulls
from releaseconsole.cluster.defaults import completed_equal
from releaseconsole.cluster.objects import Deployment, LabelSelector, ReplicaSet
from releaseconsole.cluster.text import clean

HASH_LABEL = "pod-template-hash"
_HASH_LABELS = frozenset({HASH_LABEL, argo.HASH_LABEL})
REVISION = "deployment.kubernetes.io/revision"
MOST_DIFF_LINES = 400

Template = Mapping[str, Any]


def bare(template: Template) -> dict[str, Any]:
    """``template`` without the controller's hash label, ready to be sent back."""
    metadata = dict(template.get("metadata") or {})
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key not in _HASH_LABELS}
    if labels or "labels" in metadata:
        metadata["labels"] = labels
    return {**template, "metadata": metadata} if metadata else dict(template)


def same_template(one: Template, other: Template) -> bool:
    """Whether both would run the same pods: the hash label and nulls do not count."""
    left, right = _ready_to_compare(one), _ready_to_compare(other)
    return left == right or _equal(left, right)


def images(template: Template) -> tuple[str, ...]:
    """Images of the template's containers, init containers last; several of one kind are all named."""
    spec = template.get("spec") or {}
    listed = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    return tuple(clean(str(one.get("image", "")), 500) for one in listed if isinstance(one, dict))


def controlled_by(uid: str, replica_sets: Iterable[ReplicaSet]) -> list[ReplicaSet]:
    """Those of ``replica_sets`` that the object with ``uid`` controls."""
    return [one for one in replica_sets if uid and one.metadata.controller_uid() == uid]


def new_replica_set(
    owner: Deployment | argo.Rollout, replica_sets: Iterable[ReplicaSet]
) -> ReplicaSet | None:
    """The ReplicaSet of the owner's present template; the oldest of several, as the controller does."""
    owned = controlled_by(owner.metadata.uid, replica_sets)
    if isinstance(owner, argo.Rollout):
        return _new_of_rollout(owner, owned)
    template = owner.spec.template
    equal = [one for one in owned if same_template(one.spec.template, template)]
    return min(equal, key=_by_age, default=None)


def _new_of_rollout(rollout: argo.Rollout, owned: list[ReplicaSet]) -> ReplicaSet | None:
    """By the hash that the controller has told, since ReplicaSets have defaults that the Rollout lacks.

    While it has not yet told that of the present template, the ReplicaSet that it told last still counts when
    the template is the same, and otherwise one that was made or renumbered since.
    """
    told = [
        one for one in owned if one.metadata.labels.get(argo.HASH_LABEL) == rollout.status.current_pod_hash
    ]
    last = min(told, key=_by_age, default=None)
    if rollout.hash_known or (last is not None and _still_runs(rollout, last)):
        return last
    newest = max(owned, key=_argo_number, default=None)
    later = newest is not None and (last is None or _argo_number(newest) > _argo_number(last))
    return newest if later else None


def _still_runs(rollout: argo.Rollout, held: ReplicaSet) -> bool:
    template = bare(held_template(rollout, held))
    return completed_equal(bare(rollout.spec.template), template)


def _argo_number(replica_set: ReplicaSet) -> int:
    return revision(replica_set, argo.REVISION) or 0


def held_template(owner: object, replica_set: ReplicaSet) -> Template:
    """The template that a ReplicaSet keeps for its owner, without what the owner's controller put in."""
    template = replica_set.spec.template
    if isinstance(owner, argo.Rollout):
        return argo.without_injected(template, replica_set.metadata.annotations)
    return template


def revision_key(owner: object) -> str:
    """The annotation in which the owner's controller numbers its ReplicaSets."""
    return argo.REVISION if isinstance(owner, argo.Rollout) else REVISION


def revision(replica_set: ReplicaSet, key: str = REVISION) -> int | None:
    """Its revision number: 0 when it has none, None when it is not a number."""
    text = replica_set.metadata.annotations.get(key, "0")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def selector_text(selector: LabelSelector | None) -> str:
    """A label selector as the API takes it in a query."""
    if selector is None:
        return ""
    terms = [f"{key}={value}" for key, value in sorted(selector.match_labels.items())]
    for term in selector.match_expressions:
        if term.operator in ("In", "NotIn"):
            terms.append(f"{term.key} {term.operator.lower()} ({','.join(term.values or ())})")
        elif term.operator == "Exists":
            terms.append(term.key)
        elif term.operator == "DoesNotExist":
            terms.append(f"!{term.key}")
    return ",".join(terms)


def template_diff(old: Template, new: Template) -> tuple[str, ...]:
    """A unified diff of both templates as YAML; long ones are cut and say so."""
    lines = list(
        difflib.unified_diff(_yaml_lines(old), _yaml_lines(new), "running", "after the rollback", lineterm="")
    )
    if len(lines) > MOST_DIFF_LINES:
        left_out = len(lines) - MOST_DIFF_LINES
        lines = [*lines[:MOST_DIFF_LINES], f"… {left_out} more lines"]
    return tuple(clean(line, 500) for line in lines)


def _yaml_lines(template: Template) -> list[str]:
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    plain = without_nulls(_ready_to_compare(template))
    text: str = yaml.dump(plain, Dumper=dumper, sort_keys=True, allow_unicode=True, width=200)
    return text.splitlines()


def _ready_to_compare(template: Template) -> dict[str, Any]:
    plain = bare(template)
    plain.pop("$patch", None)
    metadata = {key: value for key, value in (plain.get("metadata") or {}).items() if value != {}}
    return {**plain, "metadata": metadata}


def _equal(one: Any, other: Any) -> bool:
    """Equal but for nulls; ends at the first difference, and copies nothing."""
    if isinstance(one, dict) and isinstance(other, dict):
        return all(_equal(one.get(key), other.get(key)) for key in one.keys() | other.keys())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    return bool(one == other)


def _by_age(replica_set: ReplicaSet) -> tuple[str, str]:
    # Timestamps of one server are all in one format, so their text sorts as their time does.
    return (replica_set.metadata.creation_timestamp or "", replica_set.metadata.name)
