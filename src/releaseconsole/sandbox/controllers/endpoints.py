"""What follows the ready pods: Endpoints, EndpointSlices and the status of disruption budgets."""

from __future__ import annotations

from releaseconsole.sandbox.controllers.rolling import scaled_value
from releaseconsole.sandbox.controllers.tools import Bench, condition, is_true, owner_reference
from releaseconsole.sandbox.store.chance import letters
from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.objects import clone, deleted, dig, place, rfc3339
from releaseconsole.sandbox.store.selectors import of_label_selector

_MOST_ADDRESSES = 1000


class EndpointsController:
    """Reconciles Services and PodDisruptionBudgets."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._store = bench.store

    def reconcile(self, service: Obj) -> None:
        """Brings the endpoints of a service with a selector up to date."""
        selector = dig(service, "spec", "selector")
        if not isinstance(selector, dict) or not selector or deleted(service):
            return
        matches = of_label_selector({"matchLabels": selector})
        pods = self._store.list("pods", place(service)[0], matches)
        addressed = [pod for pod in pods if dig(pod, "status", "podIP")][:_MOST_ADDRESSES]
        self._put("endpoints", _endpoints(service, addressed))
        self._put("endpointslices", _slice(service, addressed, self._slice_name(service)))

    def reconcile_budget(self, budget: Obj) -> None:
        """Brings the status of a disruption budget up to date."""
        selector = dig(budget, "spec", "selector")
        matches = of_label_selector(selector)
        # A budget without a selector speaks of no pod, one with an empty selector of all.
        pods = [] if selector is None else self._store.list("pods", place(budget)[0], matches)
        expected = len([pod for pod in pods if not deleted(pod)])
        healthy = len([pod for pod in pods if is_true(pod, "Ready") and not deleted(pod)])
        wanted = _least_healthy(budget, expected)
        status: Obj = {
            "currentHealthy": healthy,
            "desiredHealthy": wanted,
            "disruptionsAllowed": max(0, healthy - wanted),
            "expectedPods": expected,
            "observedGeneration": budget["metadata"]["generation"],
        }
        status["conditions"] = [_allowed(budget, healthy > wanted, self._bench.clock.now())]

        def change(obj: Obj) -> None:
            obj["status"] = status

        if budget.get("status") != status:
            self._store.update("poddisruptionbudgets", *place(budget), change, subresource="status")

    def _slice_name(self, service: Obj) -> str:
        name = place(service)[1]
        return f"{name}-{letters(5, self._bench.seed, self._bench.context, service['metadata']['uid'])}"

    def _put(self, kind: str, wished: Obj) -> None:
        current = self._store.find(kind, *place(wished))
        if current is None:
            self._store.create(kind, wished)
            return
        facts = {key: value for key, value in wished.items() if key != "metadata"}
        if all(current.get(key) == value for key, value in facts.items()):
            return
        self._store.update(kind, *place(wished), lambda obj: obj.update(clone(facts)))


def _allowed(budget: Obj, allowed: bool, now: float) -> Obj:
    """Whether a pod may be evicted, as a condition; it keeps its time while it stays the same."""
    truth, reason = ("True", "SufficientPods") if allowed else ("False", "InsufficientPods")
    known = condition(budget, "DisruptionAllowed")
    since = known["lastTransitionTime"] if known and known["status"] == truth else rfc3339(now)
    return {
        "type": "DisruptionAllowed",
        "status": truth,
        "reason": reason,
        "message": "",
        "observedGeneration": budget["metadata"]["generation"],
        "lastTransitionTime": since,
    }


def _least_healthy(budget: Obj, expected: int) -> int:
    least = dig(budget, "spec", "minAvailable")
    if least is not None:
        return scaled_value(least, expected, up=True)
    most = dig(budget, "spec", "maxUnavailable")
    return expected if most is None else max(0, expected - scaled_value(most, expected, up=True))


def _endpoints(service: Obj, pods: list[Obj]) -> Obj:
    ready = [_address(pod) for pod in pods if is_true(pod, "Ready") and not deleted(pod)]
    others = [_address(pod) for pod in pods if not is_true(pod, "Ready") and not deleted(pod)]
    subset: Obj = {}
    if ready:
        subset["addresses"] = ready
    if others:
        subset["notReadyAddresses"] = others
    if subset:
        subset["ports"] = _ports(service, pods)
    meta = service["metadata"]
    return {
        "metadata": {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "labels": meta.get("labels") or {},
        },
        "subsets": [subset] if subset else [],
    }


def _address(pod: Obj) -> Obj:
    return {"ip": pod["status"]["podIP"], "nodeName": pod["spec"]["nodeName"], "targetRef": _reference(pod)}


def _reference(pod: Obj) -> Obj:
    meta = pod["metadata"]
    return {"kind": "Pod", "namespace": meta["namespace"], "name": meta["name"], "uid": meta["uid"]}


def _ports(service: Obj, pods: list[Obj]) -> list[Obj]:
    found = []
    for port in dig(service, "spec", "ports") or ():
        number = _target_port(port, pods)
        if number is not None:
            named = {"name": port["name"]} if port.get("name") else {}
            found.append({**named, "port": number, "protocol": port.get("protocol", "TCP")})
    return found


def _target_port(port: Obj, pods: list[Obj]) -> int | None:
    target = port.get("targetPort", port.get("port"))
    if isinstance(target, int):
        return target
    for pod in pods[:1]:
        for spec in pod["spec"]["containers"]:
            for known in spec.get("ports") or ():
                if known.get("name") == target:
                    return int(known["containerPort"])
    return None


def _slice(service: Obj, pods: list[Obj], name: str) -> Obj:
    meta = service["metadata"]
    labels = {
        "kubernetes.io/service-name": meta["name"],
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    }
    return {
        "metadata": {
            "name": name,
            "namespace": meta["namespace"],
            "labels": {**(meta.get("labels") or {}), **labels},
            "ownerReferences": [owner_reference(service)],
        },
        "addressType": "IPv4",
        "endpoints": [_endpoint(pod) for pod in pods],
        "ports": _ports(service, pods),
    }


def _endpoint(pod: Obj) -> Obj:
    serving = is_true(pod, "Ready")
    ending = deleted(pod)
    return {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": serving and not ending, "serving": serving, "terminating": ending},
        "nodeName": pod["spec"]["nodeName"],
        "targetRef": _reference(pod),
    }
