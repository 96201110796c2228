"""The rows of workloads and of what belongs to them."""

from __future__ import annotations

from typing import Any

from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.objects import dig
from releaseconsole.sandbox.tables.cells import (
    NONE,
    UNKNOWN,
    Printer,
    age,
    columns,
    container_cells,
    label_text,
    name,
    number,
    selector_text,
)


def _pods_of(obj: Obj) -> tuple[str, str]:
    return container_cells(dig(obj, "spec", "template", "spec"))


def _selector(obj: Obj) -> str:
    return selector_text(dig(obj, "spec", "selector"))


def _ready(obj: Obj) -> str:
    return f"{number(obj, 'status', 'readyReplicas')}/{number(obj, 'spec', 'replicas')}"


def _deployment(obj: Obj, now: float) -> list[Any]:
    return [
        name(obj),
        _ready(obj),
        number(obj, "status", "updatedReplicas"),
        number(obj, "status", "availableReplicas"),
        age(obj, now),
        *_pods_of(obj),
        _selector(obj),
    ]


def _replicaset(obj: Obj, now: float) -> list[Any]:
    return [
        name(obj),
        number(obj, "spec", "replicas"),
        number(obj, "status", "replicas"),
        number(obj, "status", "readyReplicas"),
        age(obj, now),
        *_pods_of(obj),
        _selector(obj),
    ]


def _statefulset(obj: Obj, now: float) -> list[Any]:
    return [name(obj), _ready(obj), age(obj, now), *_pods_of(obj)]


def _daemonset(obj: Obj, now: float) -> list[Any]:
    counts = (
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    )
    return [
        name(obj),
        *(number(obj, "status", count) for count in counts),
        label_text(dig(obj, "spec", "template", "spec", "nodeSelector")),
        age(obj, now),
        *_pods_of(obj),
        _selector(obj),
    ]


def _revision(obj: Obj, now: float) -> list[Any]:
    owners = [owner for owner in obj["metadata"].get("ownerReferences") or () if owner.get("controller")]
    controller = NONE
    if owners:
        group = str(owners[0].get("apiVersion", "")).rpartition("/")[0]
        kind = str(owners[0].get("kind", "")).lower()
        controller = f"{kind}.{group}/{owners[0].get('name')}" if group else f"{kind}/{owners[0].get('name')}"
    return [name(obj), controller, number(obj, "revision"), age(obj, now)]


def _autoscaler(obj: Obj, now: float) -> list[Any]:
    target = dig(obj, "spec", "scaleTargetRef") or {}
    return [
        name(obj),
        f"{target.get('kind', '')}/{target.get('name', '')}",
        _targets(obj),
        str(dig(obj, "spec", "minReplicas") or UNKNOWN),
        number(obj, "spec", "maxReplicas"),
        number(obj, "status", "currentReplicas"),
        age(obj, now),
    ]


def _targets(obj: Obj) -> str:
    """``cpu: 40%/70%`` for each metric of a resource; others by their type only."""
    current = {
        dig(item, "resource", "name"): dig(item, "resource", "current", "averageUtilization")
        for item in dig(obj, "status", "currentMetrics") or ()
    }
    parts = []
    for metric in dig(obj, "spec", "metrics") or ():
        resource = dig(metric, "resource", "name")
        wanted = dig(metric, "resource", "target", "averageUtilization")
        found = current.get(resource)
        said = UNKNOWN if found is None else f"{found}%"
        parts.append(f"{resource}: {said}/{wanted}%" if resource else str(metric.get("type", UNKNOWN)))
    return ", ".join(parts) or NONE


def _budget(obj: Obj, now: float) -> list[Any]:
    spec = obj.get("spec", {})
    return [
        name(obj),
        str(spec.get("minAvailable", "N/A")),
        str(spec.get("maxUnavailable", "N/A")),
        number(obj, "status", "disruptionsAllowed"),
        age(obj, now),
    ]


WORKLOADS: dict[str, Printer] = {
    "deployments": (
        columns("Name Ready Up-to-date Available Age +Containers +Images +Selector"),
        _deployment,
    ),
    "replicasets": (columns("Name #Desired #Current #Ready Age +Containers +Images +Selector"), _replicaset),
    "replicationcontrollers": (
        columns("Name #Desired #Current #Ready Age +Containers +Images +Selector"),
        _replicaset,
    ),
    "statefulsets": (columns("Name Ready Age +Containers +Images"), _statefulset),
    "daemonsets": (
        columns(
            "Name #Desired #Current #Ready #Up-to-date #Available Node_Selector Age "
            "+Containers +Images +Selector"
        ),
        _daemonset,
    ),
    "controllerrevisions": (columns("Name Controller #Revision Age"), _revision),
    "horizontalpodautoscalers": (
        columns("Name Reference Targets MinPods #MaxPods #Replicas Age"),
        _autoscaler,
    ),
    "poddisruptionbudgets": (
        columns("Name Min_Available Max_Unavailable #Allowed_Disruptions Age"),
        _budget,
    ),
}
