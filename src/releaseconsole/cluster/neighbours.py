"""What stands around a workload: autoscalers, disruption budgets and Ingresses. Structs and pure questions.

Only the fields that are used, like in ``objects``, and every one with a default.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from releaseconsole.cluster.objects import Condition, LabelSelector, ObjectMeta, SelectorTerm, Service
from releaseconsole.cluster.text import clean


class _Object(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """Base of all: camel-case on the wire, immutable here."""


class ScaleTarget(_Object, frozen=True):
    api_version: str = ""
    kind: str = ""
    name: str = ""


class AutoscalerSpec(_Object, frozen=True):
    scale_target_ref: ScaleTarget = ScaleTarget()
    min_replicas: int | None = None
    max_replicas: int = 0


class AutoscalerStatus(_Object, frozen=True):
    current_replicas: int = 0
    desired_replicas: int = 0
    conditions: tuple[Condition, ...] = ()


class HorizontalPodAutoscaler(_Object, frozen=True):
    metadata: ObjectMeta = ObjectMeta()
    spec: AutoscalerSpec = AutoscalerSpec()
    status: AutoscalerStatus = AutoscalerStatus()

    @property
    def least(self) -> int:
        """Fewest replicas; the API's default is one."""
        return 1 if self.spec.min_replicas is None else self.spec.min_replicas

    @property
    def bounds(self) -> str:
        """``2–6``."""
        return f"{self.least}–{self.spec.max_replicas}"

    @property
    def shown(self) -> str:
        """``HPA api-gateway 2–6``."""
        return f"HPA {clean(self.metadata.name, 100)} {self.bounds}"


class BudgetSpec(_Object, frozen=True):
    selector: LabelSelector | None = None


class BudgetStatus(_Object, frozen=True):
    observed_generation: int = 0
    disruptions_allowed: int = 0
    current_healthy: int = 0
    desired_healthy: int = 0
    expected_pods: int = 0


class PodDisruptionBudget(_Object, frozen=True):
    metadata: ObjectMeta = ObjectMeta()
    spec: BudgetSpec = BudgetSpec()
    status: BudgetStatus = BudgetStatus()

    @property
    def known(self) -> bool:
        """Whether its controller has counted for its present spec."""
        return self.status.observed_generation >= max(1, self.metadata.generation)


class BackendPort(_Object, frozen=True):
    name: str = ""
    number: int = 0

    def __str__(self) -> str:
        return clean(self.name, 100) or str(self.number)


class BackendService(_Object, frozen=True):
    name: str = ""
    port: BackendPort = BackendPort()


class Backend(_Object, frozen=True):
    service: BackendService | None = None


class IngressPath(_Object, frozen=True):
    path: str = ""
    backend: Backend = Backend()


class HttpRule(_Object, frozen=True):
    paths: tuple[IngressPath, ...] | None = None


class IngressRule(_Object, frozen=True):
    host: str = ""
    http: HttpRule | None = None


class IngressSpec(_Object, frozen=True):
    default_backend: Backend | None = None
    rules: tuple[IngressRule, ...] = ()


class Address(_Object, frozen=True):
    ip: str = ""
    hostname: str = ""


class LoadBalancer(_Object, frozen=True):
    ingress: tuple[Address, ...] = ()


class IngressStatus(_Object, frozen=True):
    load_balancer: LoadBalancer = LoadBalancer()


class Ingress(_Object, frozen=True):
    metadata: ObjectMeta = ObjectMeta()
    spec: IngressSpec = IngressSpec()
    status: IngressStatus = IngressStatus()

    def services(self) -> Iterator[BackendService]:
        """Every Service that it sends requests to, the default one last."""
        for rule in self.spec.rules:
            for path in (rule.http.paths if rule.http else None) or ():
                if path.backend.service is not None:
                    yield path.backend.service
        default = self.spec.default_backend
        if default is not None and default.service is not None:
            yield default.service

    @property
    def has_address(self) -> bool:
        """Whether its controller has given it one."""
        return any(one.ip or one.hostname for one in self.status.load_balancer.ingress)


def autoscaler_of(
    kind: str, name: str, autoscalers: Iterable[HorizontalPodAutoscaler]
) -> HorizontalPodAutoscaler | None:
    """The one that sets the replicas of a workload; ``kind`` as in the plan (``deployment``)."""
    for one in autoscalers:
        target = one.spec.scale_target_ref
        if target.name == name and target.kind.lower() == kind:
            return one
    return None


def budgets_of(
    labels: Mapping[str, str], budgets: Iterable[PodDisruptionBudget]
) -> tuple[PodDisruptionBudget, ...]:
    """Those that count pods with these labels."""
    return tuple(one for one in budgets if selects(one.spec.selector, labels))


def selects(selector: LabelSelector | None, labels: Mapping[str, str]) -> bool:
    """Whether a selector picks these labels: an empty one picks everything, none at all nothing."""
    if selector is None:
        return False
    exact = all(labels.get(key) == value for key, value in selector.match_labels.items())
    return exact and all(_holds(term, labels) for term in selector.match_expressions)


def _holds(term: SelectorTerm, labels: Mapping[str, str]) -> bool:
    value = labels.get(term.key)
    match term.operator:
        case "In":
            return value in (term.values or ())
        case "NotIn":
            return value not in (term.values or ())
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    return False


def pod_labels(template: Mapping[str, Any]) -> dict[str, str]:
    """Labels of the pods that a template makes."""
    labels = (template.get("metadata") or {}).get("labels") or {}
    return labels if isinstance(labels, dict) else {}


def has_port(service: Service, port: BackendPort) -> bool:
    """Whether the Service has the port, by name or by number."""
    ports = service.spec.ports or ()
    if port.name:
        return any(one.name == port.name for one in ports)
    return any(one.port == port.number for one in ports)


def scaling_note(autoscaler: HorizontalPodAutoscaler, replicas: int) -> str:
    """Who sets the replicas.

    At zero replicas an autoscaler whose minimum is above zero stops: Kubernetes, "Horizontal Pod Autoscaling",
    implicit maintenance-mode deactivation.
    """
    name = clean(autoscaler.metadata.name, 100)
    if replicas == 0 and autoscaler.least > 0:
        return (
            f"HPA {name} ({autoscaler.bounds}) rests while there are 0 replicas; scale up by hand to wake it"
        )
    return f"replicas are set by HPA {name} ({autoscaler.bounds})"


def budget_note(budget: PodDisruptionBudget) -> str:
    """What a budget that is used up means; "" while evictions are allowed or nobody has counted.

    Budgets hold back evictions only. Rolling updates delete pods without asking them (Kubernetes,
    "Disruptions": workload resources are not limited by budgets when doing rolling upgrades).
    """
    status = budget.status
    if not budget.known or status.disruptions_allowed > 0 or status.expected_pods == 0:
        return ""
    name = clean(budget.metadata.name, 100)
    return (
        f"PodDisruptionBudget {name} allows no eviction now ({status.current_healthy} healthy, "
        f"{status.desired_healthy} needed): node drains wait, rollouts and rollbacks do not"
    )
