"""``apply = "deployment/k8s/"``: manifests, server-side applied to every target.

A field that somebody has changed with kubectl, or that a rollback of ours has put back, is taken over, as a plain
``kubectl apply`` does it. One that a controller or a GitOps tool owns is not: it would be fought over.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from releaseconsole.actions.context import ActionContext
from releaseconsole.actions.outcome import Emit, Outcome, succeeded
from releaseconsole.actions.place import environment_of
from releaseconsole.errors import ApiRejected, NotFound
from releaseconsole.plan.model import PlacedAction, Target
from releaseconsole.plan.variables import substitute
from releaseconsole.text import visible

if TYPE_CHECKING:
    from releaseconsole.cluster.apply import Applied, Kinds
    from releaseconsole.cluster.connect import Client
    from releaseconsole.cluster.manifests import Manifest

_ORDER = ("created", "configured", "unchanged")
_CONFLICT = re.compile(r'conflicts? with "([^"]+)"')
_HANDS = ("kubectl", "releaseconsole", "before-first-apply")
"""How the names of field managers begin that stand for a person's hand."""


async def apply_manifests(placed: PlacedAction, context: ActionContext, emit: Emit) -> Outcome:
    """Try everything first, then apply it: a bad manifest must not leave half of the others applied."""
    from releaseconsole.cluster.apply import Kinds
    from releaseconsole.cluster.manifests import load_manifests

    environment = environment_of(placed)
    assert placed.action.apply is not None
    path = substitute(placed.action.apply, context.values(environment))
    manifests = await asyncio.to_thread(load_manifests, context.folder / path)
    targets = [one.target for one in context.environment(environment).targets]
    places = []
    for target in targets:
        client = await context.client(target)
        where = f" in {target}" if len(targets) > 1 else ""
        places.append(_Place(client, target, Kinds(client), where))
    for place in places:
        for manifest in manifests:
            await _try(place, manifest)
    changes: Counter[str] = Counter()
    for place in places:
        for manifest in manifests:
            changes[await _apply(place, manifest, emit)] += 1
    return succeeded(", ".join(f"{changes[one]} {one}" for one in _ORDER if changes[one]))


@dataclass(frozen=True, slots=True)
class _Place:
    """One target."""

    client: Client
    target: Target
    kinds: Kinds
    where: str

    async def apply(self, manifest: Manifest, *, dry_run: bool) -> tuple[Applied, tuple[str, ...]]:
        """Apply it; with whose fields were taken over, if any were."""
        try:
            return await self._once(manifest, dry_run=dry_run, force=False), ()
        except ApiRejected as error:
            managers = _managers(error)
            if not managers or not all(one.startswith(_HANDS) for one in managers):
                raise
        return await self._once(manifest, dry_run=dry_run, force=True), managers

    async def _once(self, manifest: Manifest, *, dry_run: bool, force: bool) -> Applied:
        from releaseconsole.cluster.apply import apply

        namespace = self.target.namespace
        return await apply(self.client, manifest, namespace, dry_run=dry_run, force=force, kinds=self.kinds)


def _managers(error: ApiRejected) -> tuple[str, ...]:
    """Who owns the fields in dispute, by the API server's own words."""
    return tuple(dict.fromkeys(_CONFLICT.findall(error.message))) if error.reason == "Conflict" else ()


async def _try(place: _Place, manifest: Manifest) -> None:
    """A dry run. What needs another manifest of the set first cannot be tried: no objection."""
    try:
        await place.apply(manifest, dry_run=True)
    except NotFound:
        return


async def _apply(place: _Place, manifest: Manifest, emit: Emit) -> str:
    """Apply and tell; what has become of the object."""
    applied, managers = await place.apply(manifest, dry_run=False)
    elsewhere = (
        "" if applied.namespace in ("", place.target.namespace) else f" (namespace {applied.namespace})"
    )
    taken = f", taking over what {' and '.join(managers)} had set" if managers else ""
    emit(visible(f"{applied.kind} {applied.name}{elsewhere} {applied.change}{place.where}{taken}"))
    return applied.change
