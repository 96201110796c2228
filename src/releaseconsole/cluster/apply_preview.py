"""What an apply would do, before it does it: a server-side dry run of each manifest, beside the live object.

Nothing is written. Each change carries a ``mark``, which is another one as soon as the manifest is another, or
what it would overwrite is; so whoever has read a preview can be asked again before something else happens.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from releaseconsole.cluster.apply import (
    Attempt,
    FieldConflict,
    Kinds,
    attempt_by_hand,
    conflicts_of,
    in_words,
)
from releaseconsole.cluster.object_diff import comparable, object_diff, replaced
from releaseconsole.cluster.secret_values import masked
from releaseconsole.cluster.text import clean
from releaseconsole.errors import ClusterError, Conflict, KubeconfigError, NotFound, Unreachable
from releaseconsole.undisturbed import apart

if TYPE_CHECKING:
    from releaseconsole.cluster.connect import Client
    from releaseconsole.cluster.manifests import Manifest

__all__ = ["Change", "FieldConflict", "preview_manifests"]

AT_ONCE = 4
"""Dry runs under way at the same time, on one API server."""
MOST_DIFF_LINES = 4_000
"""Lines of all diffs together; later ones say only how long they are."""
_CHOSEN = ("clusterIP", "clusterIPs", "healthCheckNodePort")
_JOB_UID = "controller-uid"

What = Literal["created", "configured", "unchanged", "refused", "untried"]
Progress = Callable[[int, int], None]
"""Told how many manifests were tried, of how many."""


@dataclass(frozen=True, slots=True)
class Change:
    """What would become of one object. Every text is one line fit for a terminal, and holds no Secret's value."""

    kind: str
    name: str
    namespace: str
    change: What
    """``untried``: it needs something that an earlier manifest of the set brings."""
    source: str
    """``deployment/k8s/api.yaml, document 2``."""
    diff: tuple[str, ...] = ()
    """Lines that begin with ``-``, ``+`` or a space, and ``@@ path @@`` over each part."""
    conflicts: tuple[FieldConflict, ...] = ()
    """Fields that the manifest sets and somebody else manages."""
    taken_over_from: tuple[str, ...] = ()
    """Managers that would lose their fields to the console."""
    problem: str = ""
    """Why it is refused, or what has to exist first."""
    mark: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """Tells it from the other objects of the set."""
        return self.kind, self.namespace, self.name


async def preview_manifests(
    client: Client,
    manifests: Sequence[Manifest],
    namespace: str,
    *,
    diffs: bool = True,
    progress: Progress | None = None,
) -> tuple[Change, ...]:
    """Try every manifest, in their order; ``namespace`` is for those that name none.

    What is refused is in the change. Raises Unreachable and KubeconfigError, when nothing can be known at all.
    """
    trial = _Trial(client, manifests, namespace, diffs, progress)
    try:
        changes = await apart(_try_all(trial, manifests))
    except BaseExceptionGroup as several:
        raise _first(several) from None
    return tuple(_within_bounds(changes))


async def _try_all(trial: _Trial, manifests: Sequence[Manifest]) -> list[Change]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(trial.change(one), name=f"try {one.name[:60]}") for one in manifests]
    return [task.result() for task in tasks]


class _Trial:
    """The dry runs on one API server."""

    def __init__(
        self,
        client: Client,
        manifests: Sequence[Manifest],
        namespace: str,
        diffs: bool,
        progress: Progress | None,
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._diffs = diffs
        self._kinds = Kinds(client)
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._coming = _Coming(manifests)
        self._tell = progress or (lambda tried, of: None)
        self._tried, self._of = 0, len(manifests)

    async def change(self, manifest: Manifest) -> Change:
        async with self._gate:
            found = await self._outcome(manifest)
        self._tried += 1
        self._tell(self._tried, self._of)
        return found

    async def _outcome(self, manifest: Manifest) -> Change:
        try:
            tried = await self._attempt(manifest)
            # A large object takes its time to be compared; the console goes on meanwhile.
            return await asyncio.to_thread(_described, tried, diffs=self._diffs)
        except (Unreachable, KubeconfigError):
            raise
        except NotFound as error:
            needed = self._coming.needed_by(manifest, manifest.namespace or self._namespace)
            return self._untried(manifest, needed) if needed else self._refused(manifest, error)
        except ClusterError as error:
            return self._refused(manifest, error)

    async def _attempt(self, manifest: Manifest) -> Attempt:
        """A dry run may be sent twice: one connection that breaks off says nothing of all the others."""
        for more in (True, False):
            try:
                return await attempt_by_hand(
                    self._client, manifest, self._namespace, dry_run=True, kinds=self._kinds
                )
            except Unreachable:
                if not more:
                    raise
        raise AssertionError("unreachable")

    def _refused(self, manifest: Manifest, error: ClusterError) -> Change:
        conflicts = conflicts_of(error) if isinstance(error, Conflict) else ()
        said = in_words(manifest, error)
        mark = _mark("refused", manifest, said.message)
        return replace(
            self._bare(manifest, "refused", mark),
            conflicts=conflicts,
            problem=clean(f"{said.message} {said.remedy}"),
        )

    def _untried(self, manifest: Manifest, needed: str) -> Change:
        made = self._bare(manifest, "untried", _mark("untried", manifest, needed))
        return replace(made, problem=f"It cannot be tried until {needed} exists.")

    def _bare(self, manifest: Manifest, what: What, mark: str) -> Change:
        namespace = manifest.namespace or self._namespace
        return Change(
            clean(manifest.kind, 200),
            clean(manifest.name, 300),
            clean(namespace, 200),
            what,
            clean(manifest.source, 500),
            mark=mark,
        )


class _Coming:
    """The namespaces and kinds that the set itself brings."""

    def __init__(self, manifests: Iterable[Manifest]) -> None:
        self._namespaces: set[str] = set()
        self._kinds: dict[tuple[str, str], str] = {}
        for one in manifests:
            if one.kind == "Namespace":
                self._namespaces.add(one.name)
            elif one.kind == "CustomResourceDefinition":
                self._kinds[_defined(one.body)] = one.name

    def needed_by(self, manifest: Manifest, namespace: str) -> str:
        """Which manifest of the set has to be applied before this one can be tried; "" for none."""
        group = manifest.api_version.rpartition("/")[0]
        if (definition := self._kinds.get((group, manifest.kind))) is not None:
            return f"CustomResourceDefinition {clean(definition, 300)}"
        if manifest.kind != "Namespace" and namespace in self._namespaces:
            return f"Namespace {clean(namespace, 200)}"
        return ""


def _defined(body: dict[str, Any]) -> tuple[str, str]:
    """Group and kind that a definition defines."""
    spec = body.get("spec")
    names = spec.get("names") if isinstance(spec, dict) else None
    kind = names.get("kind") if isinstance(names, dict) else ""
    return str(spec.get("group", "") if isinstance(spec, dict) else ""), str(kind)


def _described(tried: Attempt, *, diffs: bool) -> Change:
    """The change, with its diff where something changes."""
    manifest = tried.manifest
    before = None if tried.before is None else comparable(tried.before)
    after = comparable(tried.after)
    if before is None:
        after = _without_chance(after, manifest)
    overwritten = [] if before is None else list(replaced(before, after))
    managers = tuple(dict.fromkeys(one.manager for one in tried.taken_over))
    return Change(
        clean(manifest.kind, 200),
        clean(manifest.name, 300),
        clean(tried.namespace, 200),
        _what(tried.change),
        clean(manifest.source, 500),
        diff=object_diff(*masked(before, after)) if diffs and tried.change != "unchanged" else (),
        conflicts=tried.taken_over,
        taken_over_from=managers,
        mark=_mark(tried.change, manifest, overwritten, managers),
    )


def _what(change: str) -> What:
    return "created" if change == "created" else "unchanged" if change == "unchanged" else "configured"


def _mark(what: str, manifest: Manifest, *about: Any) -> str:
    """A hash of the manifest and of what would be overwritten. What the server adds of its own is left out: an
    admission webhook may add another time of day at each try."""
    packed = msgspec.json.encode([what, manifest.body, *about])
    return hashlib.sha256(packed).hexdigest()


def _without_chance(after: dict[str, Any], manifest: Manifest) -> dict[str, Any]:
    """A new object without what the API server draws for it, and will draw anew when it is applied."""
    spec, wanted = after.get("spec"), manifest.body.get("spec")
    if manifest.kind == "Service" and isinstance(spec, dict):
        asked = wanted if isinstance(wanted, dict) else {}
        return {
            **after,
            "spec": {key: one for key, one in spec.items() if key in asked or key not in _CHOSEN},
        }
    return _without_uids(after) if manifest.kind == "Job" else after


def _without_uids(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_uids(one) for key, one in value.items() if not key.endswith(_JOB_UID)}
    return [_without_uids(one) for one in value] if isinstance(value, list) else value


def _within_bounds(changes: Iterable[Change]) -> Iterator[Change]:
    """All of them; from some number of lines on without their diffs."""
    room = MOST_DIFF_LINES
    for one in changes:
        if one.diff and len(one.diff) > room:
            counts = Counter(line[:1] for line in one.diff)
            left_out = f"@@ left out: {counts['-']:,} lines less, {counts['+']:,} more @@"
            yield replace(one, diff=(left_out,))
            continue
        room -= len(one.diff)
        yield one


def _first(several: BaseException) -> BaseException:
    while isinstance(several, BaseExceptionGroup):
        several = several.exceptions[0]
    return several
