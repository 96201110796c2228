"""``apply = "deployment/k8s/"``: manifests, server-side applied to every target.

Everything is tried first, then applied: a bad manifest must not leave half of the others applied.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from releaseconsole.actions.context import ActionContext
from releaseconsole.actions.outcome import Emit, Outcome, succeeded
from releaseconsole.actions.place import environment_of
from releaseconsole.errors import ActionError, ClusterError
from releaseconsole.outside.context import OutsideContext
from releaseconsole.plan.model import PlacedAction, Target
from releaseconsole.plan.variables import substitute
from releaseconsole.text import plural, visible

if TYPE_CHECKING:
    from releaseconsole.cluster.apply import Kinds
    from releaseconsole.cluster.connect import Client
    from releaseconsole.cluster.manifests import Manifest

_ORDER = ("created", "configured", "unchanged")


async def apply_manifests(placed: PlacedAction, context: ActionContext, emit: Emit) -> Outcome:
    """Try everything on every target, then apply it in its order. Raises ReleaseConsoleError."""
    from releaseconsole.cluster.apply import Kinds

    manifests = await manifests_of(placed, context)
    targets = [one.target for one in context.environment(environment_of(placed)).targets]
    places = []
    for target in targets:
        client = await context.client(target)
        where = f" in {target}" if len(targets) > 1 else ""
        places.append(_Place(client, target, Kinds(client), where))
    for place in places:
        await _try_all(place, manifests, emit)
    changes: Counter[str] = Counter()
    for place in places:
        for manifest in manifests:
            changes[await _apply(place, manifest, emit)] += 1
    return succeeded(", ".join(f"{changes[one]} {one}" for one in _ORDER if changes[one]))


async def manifests_of(placed: PlacedAction, context: OutsideContext) -> list[Manifest]:
    """What the action would apply, in the order in which it can be. Raises ActionError."""
    from releaseconsole.cluster.manifests import load_manifests

    assert placed.action.apply is not None
    path = substitute(placed.action.apply, context.values(environment_of(placed)))
    return await asyncio.to_thread(load_manifests, context.folder / path)


@dataclass(frozen=True, slots=True)
class _Place:
    """One target."""

    client: Client
    target: Target
    kinds: Kinds
    where: str


async def _try_all(place: _Place, manifests: list[Manifest], emit: Emit) -> None:
    """A dry run of everything. What needs another manifest of the set first cannot be tried: no objection.

    Raises ActionError when anything is refused.
    """
    from releaseconsole.cluster.apply_preview import preview_manifests

    tried = await preview_manifests(place.client, manifests, place.target.namespace, diffs=False)
    refused = [one for one in tried if one.change == "refused"]
    if len(refused) == 1:
        raise ActionError(refused[0].problem, f"Nothing was applied{place.where}.")
    for one in refused:
        emit(visible(one.problem))
    if refused:
        said = f"{len(refused):,} of {plural(len(tried), 'manifest')} are refused{place.where}."
        raise ActionError(said, "Nothing was applied.")


async def _apply(place: _Place, manifest: Manifest, emit: Emit) -> str:
    """Apply and tell; what has become of the object."""
    from releaseconsole.cluster.apply import attempt_by_hand, in_words

    namespace = place.target.namespace
    try:
        done = await attempt_by_hand(place.client, manifest, namespace, dry_run=False, kinds=place.kinds)
    except ClusterError as error:
        raise in_words(manifest, error) from None
    elsewhere = f" (namespace {done.namespace})" if done.namespace not in ("", namespace) else ""
    managers = dict.fromkeys(one.manager for one in done.taken_over)
    taken = f", taking over what {' and '.join(managers)} had set" if managers else ""
    emit(visible(f"{manifest.kind} {manifest.name}{elsewhere} {done.change}{place.where}{taken}"))
    return done.change
