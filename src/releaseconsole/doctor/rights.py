"""The rights that a plan needs, derived from it. Pure.

Where they come from: the session lists and watches the kinds of ``outside.watched``; a rollback reads and patches
the workloads; logs are followed; a StatefulSet stuck on a broken pod is freed by deleting that pod; server-side
apply patches, and the API server asks for ``create`` besides when the object is new.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from releaseconsole.cluster.near import resource_of
from releaseconsole.outside.watched import around_kinds, checked_kinds, watched_kinds
from releaseconsole.plan.model import Plan, Target

TO_WATCH, TO_EXPLAIN = "to follow the release", "to explain what stands around the workloads"
TO_CHECK = "to verify an item of the plan"
TO_PLAN, TO_ROLL_BACK = "to pin and to plan a rollback", "to roll back"
TO_READ_LOGS = "to show logs"
TO_FREE = "to free a StatefulSet that is stuck on a broken pod"
TO_RECOGNISE = "to recognise the cluster"


@dataclass(frozen=True, slots=True)
class Right:
    """One verb on one resource. Two rights with the same ``key`` are one question to the API server."""

    verb: str
    group: str
    resource: str
    """Plural, with its subresource: ``pods/log``."""
    namespace: str
    """"" for what belongs to the whole cluster."""
    why: tuple[str, ...]
    names: tuple[str, ...] = ()
    """The objects it is needed for, when a right to these alone would do."""
    needed: bool = True
    """False when the plan works without it, only not as well."""

    @property
    def key(self) -> tuple[str, str, str, str, bool]:
        """What is merged: a right that is needed is not mixed with one that would only be nice to have."""
        return (self.verb, self.group, self.resource, self.namespace, self.needed)

    @property
    def what(self) -> str:
        """``deployments.apps``."""
        return f"{self.resource}.{self.group}" if self.group else self.resource


@dataclass(frozen=True, slots=True)
class Applied:
    """A kind that an ``apply`` action brings, as the API server names it."""

    group: str
    resource: str
    namespace: str
    name: str
    source: str
    """The action's path: ``deployment/k8s/``."""


def needed_rights(
    plan: Plan, environment: str, target: Target, applied: Iterable[Applied] = ()
) -> tuple[Right, ...]:
    """Every right that the environment's target needs, each once."""
    return merged(
        [
            *_watching(plan, environment, target.namespace),
            *_rolling_back(plan.environments[environment].workloads, target.namespace),
            Right("get", "", "pods/log", target.namespace, (TO_READ_LOGS,)),
            *_applying(applied),
            Right("get", "", "namespaces", "", (TO_RECOGNISE,), ("kube-system",), needed=False),
        ]
    )


def _watching(plan: Plan, environment: str, namespace: str) -> Iterator[Right]:
    """A 403 on what is only watched beside the workloads hurts nothing but the checks that look at it."""
    for resource in watched_kinds(plan.environments[environment].workloads).values():
        for verb in ("list", "watch"):
            yield Right(verb, resource.group, resource.plural, namespace, (TO_WATCH,))
    checked = checked_kinds(plan, environment)
    for resource in around_kinds(plan, environment).values():
        needed = resource.plural in checked
        why = (TO_CHECK,) if needed else (TO_EXPLAIN,)
        for verb in ("list", "watch"):
            yield Right(verb, resource.group, resource.plural, namespace, why, needed=needed)


def _rolling_back(workloads: Iterable[str], namespace: str) -> Iterator[Right]:
    for workload in workloads:
        kind, _, name = workload.partition("/")
        resource = resource_of(kind)
        if resource is None:
            continue
        yield Right("get", resource.group, resource.plural, namespace, (TO_PLAN,), (name,))
        yield Right("patch", resource.group, resource.plural, namespace, (TO_ROLL_BACK,), (name,))
        if kind == "statefulset":
            yield Right("delete", "", "pods", namespace, (TO_FREE,))


def _applying(applied: Iterable[Applied]) -> Iterator[Right]:
    for one in applied:
        why = (f"to apply {one.source}",)
        for verb in ("get", "patch"):
            yield Right(verb, one.group, one.resource, one.namespace, why, (one.name,))
        yield Right("create", one.group, one.resource, one.namespace, why)


def merged(rights: Iterable[Right]) -> tuple[Right, ...]:
    """Each question once: with every reason for it, and with every name, unless one reason needs it for all."""
    found: dict[tuple[str, str, str, str, bool], Right] = {}
    for one in rights:
        known = found.get(one.key)
        found[one.key] = one if known is None else _both(known, one)
    return tuple(found.values())


def _both(one: Right, other: Right) -> Right:
    return replace(
        one,
        why=tuple(dict.fromkeys((*one.why, *other.why))),
        names=tuple(dict.fromkeys((*one.names, *other.names))) if one.names and other.names else (),
    )
