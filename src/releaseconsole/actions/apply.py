"""``apply = "deployment/k8s/"``: manifests, server-side applied to every target."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from releaseconsole.actions.context import ActionContext
from releaseconsole.actions.outcome import Emit, Outcome, succeeded
from releaseconsole.actions.place import environment_of
from releaseconsole.errors import NotFound
from releaseconsole.plan.model import PlacedAction
from releaseconsole.plan.variables import substitute
from releaseconsole.text import visible

if TYPE_CHECKING:
    from releaseconsole.cluster.apply import Manifest
    from releaseconsole.cluster.connect import Client


async def apply_manifests(placed: PlacedAction, context: ActionContext, emit: Emit) -> Outcome:
    """Try everything first, then apply it: a bad manifest must not leave half of the others applied."""
    from releaseconsole.cluster.apply import load_manifests

    environment = environment_of(placed)
    assert placed.action.apply is not None
    place = substitute(placed.action.apply, context.values(environment))
    manifests = await asyncio.to_thread(load_manifests, context.folder / place)
    targets = [one.target for one in context.environment(environment).targets]
    clients = [await context.client(target) for target in targets]
    for target, client in zip(targets, clients, strict=True):
        await _try(client, manifests, target.namespace)
    changes: Counter[str] = Counter()
    for target, client in zip(targets, clients, strict=True):
        where = f" in {target}" if len(targets) > 1 else ""
        changes.update(await _apply(client, manifests, target.namespace, where, emit))
    return succeeded(
        ", ".join(f"{changes[one]} {one}" for one in _ORDER if changes[one]) or "nothing to apply"
    )


_ORDER = ("created", "configured", "unchanged")


async def _try(client: Client, manifests: Sequence[Manifest], namespace: str) -> None:
    """A dry run of all. What needs another manifest of the set first cannot be tried: no objection."""
    from releaseconsole.cluster.apply import apply

    for manifest in manifests:
        try:
            await apply(client, manifest, namespace, dry_run=True)
        except NotFound:
            continue


async def _apply(
    client: Client, manifests: Sequence[Manifest], namespace: str, where: str, emit: Emit
) -> list[str]:
    from releaseconsole.cluster.apply import apply

    changes = []
    for manifest in manifests:
        applied = await apply(client, manifest, namespace)
        elsewhere = f" (namespace {applied.namespace})" if applied.namespace not in ("", namespace) else ""
        emit(visible(f"{applied.kind} {applied.name}{elsewhere} {applied.change}{where}"))
        changes.append(applied.change)
    return changes
