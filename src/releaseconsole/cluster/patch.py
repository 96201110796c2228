"""The JSON patch that puts a workload back, and what to warn of before sending it. Pure.

One patch with preconditions: ``test`` on the UID and on the generation, which moves with the spec (and with a
Deployment's annotations). One on ``resourceVersion`` would fail at each status update of a rollout under way,
just when it matters. Where somebody moves the generation all the time, the template that was seen is tested
in its place: it says as well that nobody has deployed meanwhile.
Annotations are changed one by one: replacing the map could put back a revision number that the controller
has just renewed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from releaseconsole.cluster.objects import ObjectMeta
from releaseconsole.cluster.templates import Template, bare

Operation = dict[str, Any]

KEPT_ANNOTATIONS = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        "deployment.kubernetes.io/revision",
        "deployment.kubernetes.io/revision-history",
        "deployment.kubernetes.io/desired-replicas",
        "deployment.kubernetes.io/max-replicas",
        "deprecated.deployment.rollback.to",
    }
)
"""Annotations of which the Deployment keeps its own value."""

_ARGO_CD = ("argocd.argoproj.io/tracking-id", "argocd.argoproj.io/instance")
_FLUX = ("kustomize.toolkit.fluxcd.io/", "helm.toolkit.fluxcd.io/")
_MANAGED_BY = "app.kubernetes.io/managed-by"
_HELM = "meta.helm.sh/release-name"


def rollback_patch(
    metadata: ObjectMeta,
    template: Template,
    annotations: Mapping[str, str] | None,
    *,
    resume: bool = False,
    seen: Template | None = None,
) -> tuple[Operation, ...]:
    """Operations that bring the workload to ``template``, and to ``annotations`` unless None.

    They hold while the generation is that of ``metadata``, or with ``seen`` while the template is that one.
    """
    unchanged: Operation = {"op": "test", "path": "/metadata/generation", "value": metadata.generation}
    if seen is not None:
        unchanged = {"op": "test", "path": "/spec/template", "value": seen}
    operations: list[Operation] = [
        {"op": "test", "path": "/metadata/uid", "value": metadata.uid},
        unchanged,
        {"op": "replace", "path": "/spec/template", "value": bare(template)},
    ]
    if resume:
        operations.append({"op": "replace", "path": "/spec/paused", "value": False})
    if annotations is not None:
        operations += _annotation_changes(metadata.annotations, annotations)
    return tuple(operations)


def owners(metadata: ObjectMeta) -> tuple[str, ...]:
    """Sentences about whoever else writes this workload and would undo a rollback."""
    keys = [*metadata.annotations, *metadata.labels]
    managed_by = metadata.labels.get(_MANAGED_BY, "").lower()
    found = []
    if any(key in _ARGO_CD for key in keys) or managed_by in ("argocd", "argo-cd"):
        found.append("Argo CD owns it and will sync it forward again: pause its auto-sync.")
    if any(key.startswith(_FLUX) for key in keys) or managed_by == "flux":
        found.append("Flux owns it and will reconcile it forward again: suspend it.")
    if _HELM in keys or managed_by == "helm":
        found.append("Helm owns it: its next upgrade starts from the release that Helm remembers.")
    return tuple(found)


def _annotation_changes(present: Mapping[str, str], source: Mapping[str, str]) -> Iterator[Operation]:
    wanted = {key: value for key, value in source.items() if key not in KEPT_ANNOTATIONS}
    wanted |= {key: value for key, value in present.items() if key in KEPT_ANNOTATIONS}
    if not present and wanted:
        yield {"op": "add", "path": "/metadata/annotations", "value": wanted}
        return
    for key in sorted(present.keys() | wanted.keys()):
        path = "/metadata/annotations/" + key.replace("~", "~0").replace("/", "~1")
        if key not in wanted:
            yield {"op": "remove", "path": path}
        elif key not in present:
            yield {"op": "add", "path": path, "value": wanted[key]}
        elif present[key] != wanted[key]:
            yield {"op": "replace", "path": path, "value": wanted[key]}
