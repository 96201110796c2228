"""The manifests of the plan's ``apply`` actions: that they can be read, and which kinds they bring."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from releaseconsole.cluster.apply import Kinds
from releaseconsole.cluster.manifests import Manifest, load_manifests
from releaseconsole.doctor.case import Visit, Ward
from releaseconsole.doctor.finding import Finding, broken, could_not_ask, failed, ok, warning
from releaseconsole.doctor.rights import Applied
from releaseconsole.errors import ClusterError, NotFound, ReleaseConsoleError
from releaseconsole.plan.variables import substitute
from releaseconsole.text import plural

AREA = "manifests"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the ``apply`` actions of an environment bring."""

    findings: tuple[Finding, ...]
    manifests: Mapping[str, list[Manifest]]
    """By the action's path."""


async def load(ward: Ward) -> Loaded:
    """Read what every ``apply`` action of the environment names, each path once."""
    findings: list[Finding] = []
    manifests: dict[str, list[Manifest]] = {}
    for path in dict.fromkeys(_paths(ward)):
        try:
            named = substitute(path, ward.case.values(ward.name))
            manifests[path] = await asyncio.to_thread(load_manifests, ward.case.folder / named)
        except ReleaseConsoleError as error:
            findings.append(broken(AREA, path, error))
        else:
            findings.append(ok(AREA, path, _told(path, manifests[path])))
    return Loaded(tuple(findings), manifests)


def _paths(ward: Ward) -> Iterator[str]:
    for placed in ward.case.plan.actions.values():
        if placed.environment == ward.name and placed.action.apply is not None:
            yield placed.action.apply


def _told(path: str, manifests: list[Manifest]) -> str:
    kinds = Counter(one.kind for one in manifests)
    shown = ", ".join(f"{number} {kind}" for kind, number in kinds.most_common(6))
    more = f", {len(kinds) - 6} more kinds" if len(kinds) > 6 else ""
    return f"{path} holds {plural(len(manifests), 'object')}: {shown}{more}"


async def resolve(visit: Visit, loaded: Loaded) -> tuple[list[Applied], list[Finding]]:
    """Which resources the manifests are on this cluster; a kind that it does not know is a finding."""
    kinds = Kinds(visit.client)
    applied: list[Applied] = []
    unknown_kinds: dict[tuple[str, str], Finding] = {}
    for path, manifests in loaded.manifests.items():
        own = _defined(manifests)
        for one in manifests:
            if (one.api_version, one.kind) in unknown_kinds:
                continue
            try:
                applied.append(await _resolved(visit, kinds, path, one))
            except NotFound as error:
                unknown_kinds[one.api_version, one.kind] = _strange(one, error, own)
            except ClusterError as error:
                unknown_kinds[one.api_version, one.kind] = could_not_ask(AREA, one.kind, error)
    return applied, list(unknown_kinds.values())


async def _resolved(visit: Visit, kinds: Kinds, path: str, manifest: Manifest) -> Applied:
    namespace = manifest.namespace or visit.namespace
    async with visit.turns:
        url, place = await kinds.path(manifest, namespace)
    group = manifest.api_version.partition("/")[0] if "/" in manifest.api_version else ""
    return Applied(group, url.rsplit("/", 2)[1], place, manifest.name, path)


def _defined(manifests: list[Manifest]) -> set[str]:
    """Kinds that a custom resource definition of the same set brings along."""
    found = set()
    for one in manifests:
        spec = one.body.get("spec")
        names = (
            spec.get("names") if one.kind == "CustomResourceDefinition" and isinstance(spec, dict) else None
        )
        if isinstance(names, dict):
            found.add(str(names.get("kind")))
    return found


def _strange(manifest: Manifest, error: NotFound, own: set[str]) -> Finding:
    if manifest.kind in own:
        return warning(
            AREA,
            manifest.kind,
            f"The kind {manifest.kind} comes with the manifests; its rights are not known yet.",
        )
    return failed(AREA, manifest.kind, error.message, error.remedy)
