"""Which node a daemon's pod belongs on, and where daemons may run at all."""

from __future__ import annotations

from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.objects import clone, dig
from releaseconsole.sandbox.store.selectors import of_label_selector

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_BY_NAME = "metadata.name"
_TROUBLES = (
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
)


def target_of(pod: Obj) -> str:
    """The node a pod is on, or is made for; ``""`` when any will do."""
    named = dig(pod, "spec", "nodeName")
    if named:
        return str(named)
    for term in _terms(pod.get("spec")):
        for field in term.get("matchFields") or ():
            if field.get("key") == _BY_NAME and field.get("values"):
                return str(field["values"][0])
    return ""


def bound_to(spec: Obj, node: str) -> Obj:
    """A pod spec that the scheduler can only put on one node."""
    field = {"key": _BY_NAME, "operator": "In", "values": [node]}
    bound = clone(spec)
    affinity = bound["affinity"] = dict(bound.get("affinity") or {})
    nodes = affinity["nodeAffinity"] = dict(affinity.get("nodeAffinity") or {})
    nodes[_REQUIRED] = {"nodeSelectorTerms": [{"matchFields": [field]}]}
    bound["tolerations"] = _tolerations(spec)
    return bound


def may_start(template: Obj, node: Obj) -> bool:
    """Whether a daemon of this pod template is to be started on a node."""
    spec = template["spec"]
    return _chosen(spec, node) and not _untolerated(spec, node, ("NoSchedule", "NoExecute"))


def may_stay(template: Obj, node: Obj) -> bool:
    """Whether a daemon that is on a node already may go on."""
    spec = template["spec"]
    return _chosen(spec, node) and not _untolerated(spec, node, ("NoExecute",))


def _chosen(spec: Obj, node: Obj) -> bool:
    name = spec.get("nodeName")
    if name and name != node["metadata"]["name"]:
        return False
    if not of_label_selector({"matchLabels": spec.get("nodeSelector")})(node):
        return False
    terms = _terms(spec)
    return not terms or any(of_label_selector(term)(node) for term in terms)


def _terms(spec: Obj | None) -> list[Obj]:
    terms = dig(spec, "affinity", "nodeAffinity", _REQUIRED, "nodeSelectorTerms")
    return [term for term in terms or () if isinstance(term, dict)]


def _untolerated(spec: Obj, node: Obj, effects: tuple[str, ...]) -> bool:
    tolerations = _tolerations(spec)
    taints = [taint for taint in dig(node, "spec", "taints") or () if taint.get("effect") in effects]
    return any(not any(_tolerates(one, taint) for one in tolerations) for taint in taints)


def _tolerations(spec: Obj) -> list[Obj]:
    """The daemon's own, and those that the controller gives it against nodes in trouble."""
    added = [{"key": key, "operator": "Exists", "effect": effect} for key, effect in _TROUBLES]
    own = list(spec.get("tolerations") or ())
    return own + [one for one in added if one not in own]


def _tolerates(toleration: Obj, taint: Obj) -> bool:
    if toleration.get("effect") not in (None, "", taint.get("effect")):
        return False
    if toleration.get("key") not in (None, "", taint.get("key")):
        return False
    if toleration.get("operator") == "Exists":
        return True
    return bool(toleration.get("key")) and toleration.get("value", "") == taint.get("value", "")
