"""Who undoes a rollback: what else owns a workload, how to suspend it, and who wrote its template last. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from releaseconsole.cluster.decode import decode
from releaseconsole.cluster.objects import ObjectMeta
from releaseconsole.cluster.text import clean
from releaseconsole.errors import ClusterError

TRACKING = "argocd.argoproj.io/tracking-id"
INSTANCE = "argocd.argoproj.io/instance"
_MANAGED_BY = "app.kubernetes.io/managed-by"
_APP = "app.kubernetes.io/instance"
_KUSTOMIZE, _HELM_RELEASE = "kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io"
_HELM, _HELM_NAMESPACE = "meta.helm.sh/release-name", "meta.helm.sh/release-namespace"
_LONGEST = 253


@dataclass(frozen=True, slots=True)
class Owner:
    """Something that brings a workload back to where it wants it."""

    name: str
    """``the Argo CD application “shop”``."""
    suspend: str
    """How to keep it from doing so, in a sentence."""

    def __str__(self) -> str:
        return f"{self.name} owns it. {self.suspend}"


class _Wrote(msgspec.Struct, frozen=True):
    manager: str = ""
    time: str | None = None
    fields: dict[str, Any] | None = msgspec.field(default=None, name="fieldsV1")


class _Metadata(msgspec.Struct, frozen=True):
    wrote: tuple[_Wrote, ...] | None = msgspec.field(default=None, name="managedFields")


class _Managed(msgspec.Struct, frozen=True):
    metadata: _Metadata = _Metadata()


def owner_of(metadata: ObjectMeta) -> Owner | None:
    """The owner that its labels and annotations name; the one that acts by itself before the one that does not."""
    return next(iter(_owners({**metadata.labels, **metadata.annotations})), None)


def _owners(marks: dict[str, str]) -> Iterator[Owner]:
    if (app := _argo_cd(marks)) is not None:
        how = f"argocd app set {app} --sync-policy none" if app else "pause its auto-sync in Argo CD"
        named = f"the Argo CD application “{app}”" if app else "Argo CD"
        yield Owner(named, f"Suspend it: {how}")
    for kind, what in ((_HELM_RELEASE, "helmrelease"), (_KUSTOMIZE, "kustomization")):
        if name := _name(marks.get(f"{kind}/name", "")):
            space = _name(marks.get(f"{kind}/namespace", ""))
            where = f" -n {space}" if space else ""
            yield Owner(f"the Flux {what} “{name}”", f"Suspend it: flux suspend {what} {name}{where}")
    if marks.get(_MANAGED_BY, "").lower() == "flux":
        yield Owner("Flux", "Suspend its kustomization or helmrelease: flux suspend …")
    if (release := _name(marks.get(_HELM, ""))) or marks.get(_MANAGED_BY, "").lower() == "helm":
        space = _name(marks.get(_HELM_NAMESPACE, ""))
        named = f"the Helm release “{release}”" if release else "a Helm release"
        where = f" in namespace {space}" if space else ""
        yield Owner(f"{named}{where}", "Stop the pipeline that upgrades it, and ask whoever runs that")


def _argo_cd(marks: dict[str, str]) -> str | None:
    """Name of the application as ``argocd app`` takes it; "" when it is not told, None when Argo CD owns nothing.

    A tracking id is ``APPLICATION:GROUP/KIND:NAMESPACE/NAME``, and of an application outside of Argo CD's own
    namespace ``NAMESPACE_APPLICATION:…``.
    """
    if TRACKING in marks:
        space, _, name = marks[TRACKING].partition(":")[0].rpartition("_")
        return _name(f"{space}/{name}" if space else name)
    if INSTANCE in marks:
        return _name(marks[INSTANCE])
    if marks.get(_MANAGED_BY, "").lower() in ("argocd", "argo-cd"):
        return _name(marks.get(_APP, ""))
    return None


def _name(found: str) -> str:
    """A name as Kubernetes allows it, for a command that people copy; "" for anything else."""
    plain = found.replace("/", "").replace("-", "").replace(".", "")
    return clean(found, _LONGEST) if plain.isascii() and plain.isalnum() and len(found) <= _LONGEST else ""


def last_writer(body: bytes) -> str:
    """The field manager that wrote the pod template of an object last, by its JSON; "" when nobody can tell."""
    try:
        wrote = decode(_Managed, body).metadata.wrote or ()
    except ClusterError:
        return ""
    found = [one for one in wrote if _has_template(one.fields or {})]
    return clean(max(found, key=lambda one: one.time or "").manager, _LONGEST) if found else ""


def _has_template(fields: dict[str, Any]) -> bool:
    spec = fields.get("f:spec")
    return isinstance(spec, dict) and "f:template" in spec
