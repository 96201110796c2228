"""Which alerts and rules belong to a release: by their namespace, or else by the workload that they name. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_OWNERS = ("deployment", "statefulset", "daemonset", "rollout")
_MATCHER = re.compile(r"""(?<!\w)namespace\s*(=~?)\s*(?:"([^"]*)"|'([^']*)'|`([^`]*)`)""")
_LONGEST_QUERY = 20_000
_HASHED = re.compile(r"[a-z0-9]{1,10}-[a-z0-9]{5}")
_PODS = {
    "deployment": _HASHED,
    "rollout": _HASHED,
    "statefulset": re.compile(r"\d{1,10}"),
    "daemonset": re.compile(r"[a-z0-9]{5}"),
}
"""What stands behind the workload's name and a hyphen in the names of its pods."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a release consists of, as far as labels can tell."""

    namespaces: frozenset[str]
    workloads: tuple[str, ...] = ()
    """``deployment/api-gateway``."""
    services: frozenset[str] = frozenset()
    """Names of the Services that lead to its pods; a workload's own name counts as one."""

    def owns(self, labels: Mapping[str, str]) -> bool:
        """Whether an alert with these labels is about the release; a namespace label alone decides."""
        namespace = labels.get("namespace")
        if namespace:
            return namespace in self.namespaces
        return self._owns_object(labels)

    def _owns_object(self, labels: Mapping[str, str]) -> bool:
        if any(f"{kind}/{labels[kind]}" in self.workloads for kind in _OWNERS if kind in labels):
            return True
        service, pod = labels.get("service"), labels.get("pod")
        if service is not None and (service in self.services or service in self._names()):
            return True
        return pod is not None and any(_is_pod_of(workload, pod) for workload in self.workloads)

    def _names(self) -> Iterator[str]:
        return (workload.partition("/")[2] for workload in self.workloads)

    def named_in(self, query: str) -> bool:
        """Whether a query selects one of the namespaces by its name, alone or among others (``=~"shop|web"``).

        Patterns are not evaluated: ``=~".+"`` names nobody.
        """
        return any(name in self.namespaces for name in _namespaces(query[:_LONGEST_QUERY]))


def _namespaces(query: str) -> Iterator[str]:
    for operator, *quoted in _MATCHER.findall(query):
        text = "".join(quoted)
        yield from text.strip("^$()").split("|") if operator == "=~" else (text,)


def _is_pod_of(workload: str, pod: str) -> bool:
    kind, _, name = workload.partition("/")
    pattern = _PODS.get(kind)
    return pattern is not None and pod.startswith(f"{name}-") and bool(pattern.fullmatch(pod, len(name) + 1))
