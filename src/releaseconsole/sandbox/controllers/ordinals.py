"""The pods of a StatefulSet: their names, their identity and the volumes that stay with them."""

from __future__ import annotations

import re

from releaseconsole.sandbox.controllers.history import POD_HASH
from releaseconsole.sandbox.controllers.tools import owner_reference
from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.objects import clone, dig, place

_NAME_LABEL = "statefulset.kubernetes.io/pod-name"
_INDEX_LABEL = "apps.kubernetes.io/pod-index"
_MEMBER = re.compile(r"(.*)-(\d{1,9})\Z", re.DOTALL)


def is_member(stateful: Obj, pod: Obj) -> bool:
    """Whether a pod's name is one that the set would give."""
    found = _MEMBER.match(place(pod)[1])
    return found is not None and found[1] == place(stateful)[1]


def ordinal_of(pod: Obj) -> int:
    """The number at the end of a member's name."""
    return int(place(pod)[1].rpartition("-")[2])


def first_ordinal(stateful: Obj) -> int:
    """``spec.ordinals.start``."""
    return int(dig(stateful, "spec", "ordinals", "start") or 0)


def partition_of(stateful: Obj) -> int:
    """Pods with a lower place in the order stay at the old revision."""
    return max(0, int(dig(stateful, "spec", "updateStrategy", "rollingUpdate", "partition") or 0))


def build(stateful: Obj, template: Obj, revision: str, ordinal: int) -> Obj:
    """The pod of one ordinal, from the template that a revision holds."""
    meta = template.get("metadata") or {}
    namespace, parent = place(stateful)
    name = f"{parent}-{ordinal}"
    identity = {_NAME_LABEL: name, _INDEX_LABEL: str(ordinal), POD_HASH: revision}
    spec = clone(template["spec"])
    spec["hostname"] = name
    if dig(stateful, "spec", "serviceName"):
        spec["subdomain"] = stateful["spec"]["serviceName"]
    _mount_claims(spec, stateful, ordinal)
    return {
        "metadata": {
            "name": name,
            "generateName": f"{parent}-",
            "namespace": namespace,
            "labels": {**(meta.get("labels") or {}), **identity},
            "ownerReferences": [owner_reference(stateful)],
            **({"annotations": dict(meta["annotations"])} if meta.get("annotations") else {}),
        },
        "spec": spec,
        "status": {"phase": "Pending"},
    }


def claims_of(stateful: Obj, ordinal: int) -> list[Obj]:
    """The volume claims of one ordinal, bound at once: the practice cluster has every volume."""
    selected = dig(stateful, "spec", "selector", "matchLabels") or {}
    return [
        {
            "metadata": {
                "name": _claim_name(stateful, template, ordinal),
                "namespace": place(stateful)[0],
                "labels": {**(dig(template, "metadata", "labels") or {}), **selected},
                "annotations": dict(dig(template, "metadata", "annotations") or {}),
            },
            "spec": clone(template.get("spec") or {}),
            "status": {
                "phase": "Bound",
                "accessModes": list(dig(template, "spec", "accessModes") or ()),
                "capacity": dict(dig(template, "spec", "resources", "requests") or {}),
            },
        }
        for template in _claim_templates(stateful)
    ]


def _claim_templates(stateful: Obj) -> list[Obj]:
    found = dig(stateful, "spec", "volumeClaimTemplates")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _claim_name(stateful: Obj, template: Obj, ordinal: int) -> str:
    return f"{template['metadata']['name']}-{place(stateful)[1]}-{ordinal}"


def _mount_claims(spec: Obj, stateful: Obj, ordinal: int) -> None:
    claims = {
        str(template["metadata"]["name"]): _claim_name(stateful, template, ordinal)
        for template in _claim_templates(stateful)
    }
    if not claims:
        return
    own = [{"name": name, "persistentVolumeClaim": {"claimName": claim}} for name, claim in claims.items()]
    spec["volumes"] = [*own, *(one for one in spec.get("volumes") or () if one.get("name") not in claims)]
