"""The arithmetic of a DaemonSet: which nodes get a pod, and which pods go; no store and no events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from releaseconsole.sandbox.controllers.history import POD_HASH
from releaseconsole.sandbox.controllers.nodes import may_start, may_stay, target_of
from releaseconsole.sandbox.controllers.readiness import active, available
from releaseconsole.sandbox.controllers.rolling import scaled_value
from releaseconsole.sandbox.controllers.tools import is_true
from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.objects import deleted, dig


@dataclass(frozen=True, slots=True)
class Daemons:
    """The pods of a DaemonSet, node by node. ``wait`` is its minReadySeconds in seconds of the clock."""

    daemon: Obj
    nodes: tuple[Obj, ...]
    by_node: Mapping[str, tuple[Obj, ...]]
    """The pods of each node that has any, the oldest first."""
    digest: str
    """The hash of the template of now."""
    wait: float
    now: float

    def on(self, node: Obj) -> tuple[Obj, ...]:
        """The pods of one node."""
        return self.by_node.get(str(node["metadata"]["name"]), ())

    def is_new(self, pod: Obj) -> bool:
        """Whether a pod was made from the template of now."""
        return bool((pod["metadata"].get("labels") or {}).get(POD_HASH) == self.digest)

    def well(self, pod: Obj) -> bool:
        """Whether a pod is available."""
        return available(pod, self.wait, self.now)

    def starts_on(self, node: Obj) -> bool:
        """Whether the node is to have a pod."""
        return may_start(self.daemon["spec"]["template"], node)

    def pair(self, pods: Iterable[Obj]) -> tuple[Obj | None, Obj | None] | None:
        """(new, old) of the pods of one node that stay, or None when there are several of one kind."""
        staying = [pod for pod in pods if not deleted(pod)]
        new = [pod for pod in staying if self.is_new(pod)]
        old = [pod for pod in staying if not self.is_new(pod)]
        if len(new) > 1 or len(old) > 1:
            return None
        return (new[0] if new else None), (old[0] if old else None)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do next: on which nodes a pod is made, and which pods are deleted."""

    create: tuple[str, ...] = ()
    delete: tuple[Obj, ...] = ()


def group(pods: Iterable[Obj]) -> dict[str, tuple[Obj, ...]]:
    """Pods by the node they are on or made for; those that ended and are on their way out do not count."""
    found: dict[str, list[Obj]] = {}
    for pod in sorted(pods, key=_age):
        ended = dig(pod, "status", "phase") in ("Succeeded", "Failed")
        if not (ended and deleted(pod)):
            found.setdefault(target_of(pod), []).append(pod)
    return {node: tuple(members) for node, members in found.items() if node}


def _age(pod: Obj) -> tuple[bool, str, str]:
    meta = pod["metadata"]
    return not dig(pod, "spec", "nodeName"), meta["creationTimestamp"], meta["name"]


def limits(look: Daemons) -> tuple[int, int]:
    """(maxSurge, maxUnavailable) in pods; both are rounded up, and never both 0."""
    rolling = dig(look.daemon, "spec", "updateStrategy", "rollingUpdate") or {}
    wanted = len([node for node in look.nodes if look.starts_on(node)])
    surge = scaled_value(rolling.get("maxSurge") or 0, wanted, up=True)
    unavailable = scaled_value(rolling.get("maxUnavailable", 1), wanted, up=True)
    return surge, unavailable if surge or unavailable else 1


def plan_pods(look: Daemons) -> Plan:
    """A pod for every node that lacks one; what is too much or in the wrong place goes."""
    surges = limits(look)[0] > 0
    create: list[str] = []
    delete: list[Obj] = []
    for node in look.nodes:
        pods, name = look.on(node), node["metadata"]["name"]
        standing = [pod for pod in pods if active(pod)]
        if not pods and look.starts_on(node):
            create.append(name)
        elif not may_stay(look.daemon["spec"]["template"], node):
            delete += [pod for pod in pods if not deleted(pod)]
        else:
            delete += [pod for pod in pods if not deleted(pod) and not active(pod)]
            delete += _surplus(look, standing) if surges else standing[1:]
            if surges and pods and not standing and look.starts_on(node):
                create.append(name)
    return Plan(tuple(create), tuple(delete))


def _surplus(look: Daemons, standing: list[Obj]) -> list[Obj]:
    """With surge a new pod and an old one may stand side by side, until one of them has to go."""
    new = [pod for pod in standing if look.is_new(pod)]
    old = [pod for pod in standing if not look.is_new(pod)]
    surplus = new[1:] + old[1:]
    if new and old and (not is_true(old[0], "Ready") or look.well(new[0])):
        surplus.append(old[0])
    return surplus


def plan_update(look: Daemons) -> Plan:
    """The next pods of an older template to replace, within the limits."""
    surge, unavailable = limits(look)
    return _surging(look, surge) if surge else _in_place(look, unavailable)


def _in_place(look: Daemons, most: int) -> Plan:
    missing = 0
    broken: list[Obj] = []
    candidates: list[Obj] = []
    for pods in _wanted(look):
        pair = look.pair(pods)
        if pair is None or pair == (None, None) or None not in pair:
            missing += 1
            continue
        new, old = pair
        if new is not None:
            missing += not look.well(new)
        elif old is not None and not look.well(old):
            missing += 1
            broken.append(old)
        elif old is not None:
            candidates.append(old)
    return Plan(delete=(*broken, *candidates[: max(0, most - missing)]))


def _wanted(look: Daemons) -> list[tuple[Obj, ...]]:
    """The pods of every node that has one or should have."""
    empty = [() for node in look.nodes if not look.on(node) and look.starts_on(node)]
    return [*(look.by_node[node] for node in sorted(look.by_node)), *empty]


def _surging(look: Daemons, most: int) -> Plan:
    allowed: list[str] = []
    candidates: list[str] = []
    done: list[Obj] = []
    surging = 0
    for node in look.nodes:
        pair = look.pair(look.on(node))
        if pair is None:
            surging += 1
            continue
        new, old = pair
        if old is not None and new is not None:
            if look.well(new):
                done.append(old)
            else:
                surging += 1
        elif old is not None and look.starts_on(node):
            (candidates if look.well(old) else allowed).append(str(node["metadata"]["name"]))
    return Plan((*allowed, *candidates[: max(0, most - surging)]), tuple(done))


def status_of(look: Daemons) -> Obj:
    """The counts of the status, of the oldest pod of each node."""
    wanted = [node for node in look.nodes if look.starts_on(node)]
    oldest = [look.on(node)[0] for node in wanted if look.on(node)]
    ready = [pod for pod in oldest if is_true(pod, "Ready")]
    well = len([pod for pod in ready if look.well(pod)])
    counts = {
        "updatedNumberScheduled": len([pod for pod in oldest if look.is_new(pod)]),
        "numberAvailable": well,
        "numberUnavailable": len(wanted) - well,
    }
    elsewhere = [node for node in look.nodes if node not in wanted and look.on(node)]
    return {
        "currentNumberScheduled": len(oldest),
        "numberMisscheduled": len(elsewhere),
        "desiredNumberScheduled": len(wanted),
        "numberReady": len(ready),
        "observedGeneration": look.daemon["metadata"]["generation"],
        **{name: count for name, count in counts.items() if count},
    }
