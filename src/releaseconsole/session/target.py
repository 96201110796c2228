"""One namespace of one cluster, watched."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from releaseconsole.cluster import decode, objects
from releaseconsole.cluster.argo import Rollout
from releaseconsole.cluster.connect import Client
from releaseconsole.cluster.logs import LogBuffer, LogFollower
from releaseconsole.cluster.progress import progress
from releaseconsole.cluster.rollout import RolloutState
from releaseconsole.cluster.templates import images, same_template
from releaseconsole.cluster.watch import Cache, Newest
from releaseconsole.errors import Conflict, NotFound
from releaseconsole.outside.watched import ASIDE, KINDS, watched_kinds
from releaseconsole.outside.world import TargetData
from releaseconsole.plan.model import Target
from releaseconsole.session.assemble import Family, Snapshot, families
from releaseconsole.session.eventrows import MOST_HELD
from releaseconsole.session.focus import Focus
from releaseconsole.session.identity import Clusters
from releaseconsole.session.link import SLOWEST_RETRY, Link
from releaseconsole.session.patience import trying, within
from releaseconsole.session.shelves import Shelves
from releaseconsole.session.stuck import stuck_in
from releaseconsole.session.views import Freshness, Liveness, LogCoverage, StuckPod

if TYPE_CHECKING:
    from releaseconsole.session.setup import Setup

RELIST_AT_MOST = 30.0
"""Seconds after which a cache tries again at the latest: its longest pause, with its jitter."""
ASIDE_PATIENCE = 5.0
"""Seconds after which the kinds that nothing waits for are read even while others are still missing."""

_CENTRAL = frozenset({"deployments", "replicasets", "statefulsets", "daemonsets", "rollouts", "pods"})
_AT_REST = (RolloutState.COMPLETE, RolloutState.SCALED_TO_ZERO)


class TargetObserver:
    """Connects, watches what the workloads need, and answers from memory."""

    def __init__(
        self,
        target: Target,
        workloads: tuple[str, ...],
        setup: Setup,
        touch: Callable[[], None],
        clusters: Clusters,
        around: Mapping[str, decode.Resource[Any]] = MappingProxyType({}),
    ) -> None:
        self.target = target
        self.name = str(target)
        self.namespace = target.namespace
        self._workloads = workloads
        self._shelves = Shelves(workloads)
        self._around = around
        self._setup = setup
        self._touch = touch
        self.link = Link(target, clusters, setup, touch)
        self._changed = asyncio.Event()
        self._held: dict[str, Cache[Any]] = {}
        self._follower: LogFollower | None = None

    async def run(self) -> None:
        """Connect, then watch until cancelled; a connection that cannot be made is tried again and again."""
        await self.link.hold(self._make_caches, self._watch)

    async def _watch(self, client: Client) -> None:
        """Keep the caches fresh; what they hold of a cluster that is refused meanwhile is forgotten."""
        try:
            async with asyncio.TaskGroup() as group:
                for plural, cache in self._held.items():
                    work = self._run_aside(cache) if plural in ASIDE else cache.run()
                    group.create_task(work, name=f"watch {self.name} {plural}")
        finally:
            if self.link.door.refusal is not None:
                self._held = {}
                self._notice()

    async def _run_aside(self, cache: Cache[Any]) -> None:
        """Nothing waits for these kinds, and they do not slow the first data of the others."""
        await within(ASIDE_PATIENCE, self.synced())
        await cache.run()

    @property
    def _caches(self) -> Mapping[str, Cache[Any]]:
        """None of a cluster that is refused."""
        return self._held if self.link.door.refusal is None else {}

    def _make_caches(self, client: Client) -> None:
        kinds = {**watched_kinds(self._workloads), **self._around}
        self._held = {
            plural: Cache(
                client,
                resource,
                self.namespace,
                notify=self._notice,
                newest=Newest(MOST_HELD, objects.Event.at) if resource is decode.EVENTS else None,
            )
            for plural, resource in kinds.items()
        }

    def _notice(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        self._touch()

    async def connected(self) -> Client:
        """A client of the cluster that is known. Raises OtherCluster when it is another, else the reason why there
        is none yet, after some patience."""
        return await self.link.connected()

    async def synced(self) -> None:
        """Wait until every kind was listed once or refused, but for those that nothing waits for."""
        await self.link.ready.wait()
        for plural, cache in self._caches.items():
            if plural not in ASIDE:
                await cache.wait_synced()

    async def changed(self, timeout: float) -> None:
        """Wait for a change, but no longer than ``timeout`` seconds."""
        await within(timeout, self._changed.wait())

    @property
    def was_synced(self) -> bool:
        """Whether the workloads were ever seen."""
        return any(
            self._caches[plural].synced
            for plural in ("deployments", "statefulsets", "daemonsets", "rollouts")
            if plural in self._caches
        )

    def freshness(self) -> Freshness:
        """How far the workloads and pods can be believed; events and services have panels of their own."""
        if not self._caches:
            return self._without_data()
        unknown = self._unknown_kinds()
        central = [
            cache for plural, cache in self._caches.items() if plural in _CENTRAL and plural not in unknown
        ]
        # Between a list and its watch a cache is not connected, and yet as fresh as can be.
        worst = next((one for one in central if not one.live and (one.error or not one.synced)), None)
        seen = min((cache.contact or 0.0 for cache in central), default=0.0)
        if worst is None:
            return Freshness(Liveness.LIVE, self._setup.clock.monotonic())
        if worst.denied:
            return Freshness(Liveness.DENIED, seen, worst.error)
        return self._troubled(seen, worst.error, RELIST_AT_MOST, worst.contact or self.link.since)

    def _unknown_kinds(self) -> dict[str, str]:
        """Plural → why, for custom resources that the cluster lacks or refuses: they hurt only their own rows."""
        return {
            plural: cache.error
            for plural, cache in self._caches.items()
            if cache.denied and cache.resource.custom
        }

    def _without_data(self) -> Freshness:
        """Before the first connection, and on a cluster that is refused."""
        if self.link.door.refusal is not None:
            return Freshness(Liveness.REFUSED, 0.0, str(self.link.door.refusal))
        return self._troubled(0.0, self.link.error, SLOWEST_RETRY, self.link.since)

    def _troubled(self, seen: float, error: str, every: float, since: float) -> Freshness:
        """Not live: with an error, that it is tried again at least ``every`` seconds, and since when."""
        if not error:
            return Freshness(Liveness.CONNECTING, seen)
        return Freshness(Liveness.STALE, seen, error, trying(every, self._setup.clock.monotonic() - since))

    def why_stale(self) -> str:
        """Why checks cannot believe the data; "" while they can."""
        refusal, client = self.link.door.refusal, self.link.client
        if refusal is not None:
            return refusal.message
        freshness = self.freshness()
        if freshness.liveness is not Liveness.LIVE:
            return freshness.error or "no data yet"
        sure = client is not None and self.link.door.sure_of == client.server
        return "" if sure else "it is not known yet whether this is the cluster that it was before"

    def panel_errors(self) -> list[tuple[str, str]]:
        """(panel, sentence) for each kind that this user may not see."""
        refused = [(plural, cache.error) for plural, cache in self._caches.items() if cache.denied]
        return refused + [(plural, error) for plural, error in self._unread_aside() if error]

    def _unread_aside(self) -> list[tuple[str, str]]:
        """(plural, why it was never read) of the kinds that may be missing; a server can lack them altogether."""
        return [
            (plural, f"Cannot list {plural}: {cache.error}" if cache.error else "")
            for plural, cache in self._caches.items()
            if plural in ASIDE and not cache.synced and not cache.denied
        ]

    def _objects(self, resource: decode.Resource[Any]) -> tuple[Any, ...]:
        cache = self._caches.get(resource.plural)
        return tuple(cache.objects.values()) if cache else ()

    def events(self) -> tuple[objects.Event, ...]:
        return self._objects(decode.EVENTS)

    def families(self) -> tuple[Family, ...]:
        """The workloads with what they own, as the caches hold them now; the same objects while they are the same."""
        return self._shelves.families(self._caches, self._rest())

    def _rest(self) -> Snapshot:
        """What the caches hold but for ReplicaSets and pods."""
        return Snapshot(
            deployments=self.held(decode.DEPLOYMENTS),
            stateful_sets=self.held(decode.STATEFUL_SETS),
            daemon_sets=self.held(decode.DAEMON_SETS),
            rollouts=self.held(decode.ROLLOUTS),
            autoscalers=self._objects(decode.AUTOSCALERS),
            budgets=self._objects(decode.DISRUPTION_BUDGETS),
            unread=tuple(sentence for plural, sentence in self.panel_errors() if plural in ASIDE),
            unknown={plural.removesuffix("s"): why for plural, why in self._unknown_kinds().items()},
        )

    def held(self, resource: decode.Resource[Any]) -> Mapping[str, Any]:
        """The live objects of one kind by name, for reading."""
        cache = self._caches.get(resource.plural)
        return cache.objects if cache else {}

    def data(self) -> TargetData:
        """The live objects, for checks and actions."""
        return TargetData(
            target=self.target,
            stale=self.why_stale(),
            missing={
                plural: cache.error or "not read yet"
                for plural, cache in self._caches.items()
                if cache.error or (plural in ASIDE and not cache.synced)
            },
            deployments=self._objects(decode.DEPLOYMENTS),
            replica_sets=self._objects(decode.REPLICA_SETS),
            stateful_sets=self._objects(decode.STATEFUL_SETS),
            daemon_sets=self._objects(decode.DAEMON_SETS),
            rollouts=self._objects(decode.ROLLOUTS),
            controller_revisions=self._objects(decode.CONTROLLER_REVISIONS),
            pods=self._objects(decode.PODS),
            services=self._objects(decode.SERVICES),
            endpoint_slices=self._objects(decode.ENDPOINT_SLICES),
            ingresses=self._objects(decode.INGRESSES),
            autoscalers=self._objects(decode.AUTOSCALERS),
            disruption_budgets=self._objects(decode.DISRUPTION_BUDGETS),
        )

    def uid_of(self, workload: str) -> str:
        """UID of a workload as last seen; "" when it was not."""
        owner = self.owner(workload)
        return owner.metadata.uid if owner is not None else ""

    def scaler(self, workload: str) -> str:
        """Name and bounds of the workload's autoscaler; "" when there is none, or nobody knows."""
        family = self._family(workload)
        return family.autoscaler.shown if family is not None and family.autoscaler is not None else ""

    def held_evictions(self, workload: str) -> tuple[str, ...]:
        """What disruption budgets of the workload hold back now, a sentence each."""
        family = self._family(workload)
        return family.held_evictions() if family is not None else ()

    def _family(self, workload: str) -> Family | None:
        return self._shelves.family(self._caches, self._rest(), workload)

    def stuck_pods(self, workload: str) -> tuple[StuckPod, ...]:
        """Broken pods that the workload waits for and will not replace by itself."""
        family = self._family(workload) if workload.startswith("statefulset/") else None
        return stuck_in(family, self.name) if family is not None else ()

    def unfinished(self, workload: str) -> bool:
        """Whether a rollout of the workload is under way."""
        family = self._family(workload)
        return family is not None and family.owner is not None and family.verdict().state not in _AT_REST

    def fingerprint(self, workload: str) -> object:
        """Changes when the workload's spec or its pause does, or what is known of a Rollout's revisions."""
        owner = self.owner(workload)
        return _fingerprint(owner) if owner else None

    def owner(self, workload: str) -> Any:
        """The workload as last seen; None when it was not."""
        kind, _, name = workload.partition("/")
        resources = KINDS.get(kind)
        cache = self._caches.get(resources[0].plural) if resources else None
        return cache.objects.get(name) if cache else None

    async def rollback_stage(self, workload: str, generation: int, template: Mapping[str, Any]) -> str:
        """How far the controller is with the patch that made ``generation``; asks the API server when the
        watch is not live. Raises ClusterError, Conflict when it is to run something else than ``template`` by now.
        """
        family = await self._family_now(workload)
        if family.owner is None:
            raise NotFound(f"{workload} is gone from {self.name}.", "Apply its manifests again.")
        wanted = family.owner.spec.template
        if family.owner.metadata.generation > generation and not same_template(wanted, template):
            raise Conflict(
                f"Somebody changed {workload} after it was rolled back; it is now {', '.join(images(wanted))}.",
                "See who deploys there (an apply, Argo CD, Flux, Helm), then retry the rollback.",
            )
        return progress(family.owner, family.replica_sets, family.pods, generation)

    async def _family_now(self, workload: str) -> Family:
        if self.freshness().liveness is not Liveness.LIVE:
            return await self._read_family(workload)
        family = self._family(workload)
        assert family is not None
        return family

    async def _read_family(self, workload: str) -> Family:
        """The workload and what it owns, read now."""
        client = await self.connected()
        resources = (*KINDS[workload.partition("/")[0]], decode.PODS)
        found: dict[str, tuple[Any, ...]] = {}
        for resource in resources:
            page = decode.decode_page(resource.type, await client.get(resource.path(self.namespace)))
            found[resource.plural] = tuple(page.items)
        snapshot = Snapshot(
            deployments={one.metadata.name: one for one in found.get("deployments", ())},
            stateful_sets={one.metadata.name: one for one in found.get("statefulsets", ())},
            daemon_sets={one.metadata.name: one for one in found.get("daemonsets", ())},
            rollouts={one.metadata.name: one for one in found.get("rollouts", ())},
            replica_sets=found.get("replicasets", ()),
            pods=found["pods"],
        )
        (family,) = families(snapshot, (workload,))
        return family

    async def follow_logs(self, buffer: LogBuffer, focus: Focus) -> None:
        """Follow the workloads' pods into ``buffer`` while the environment is on the screen.

        New lines do not count as a change of the view: who shows them looks at the buffer's end.
        """
        while True:
            client = await self.link.proven_client()
            self._follower = LogFollower(client, self.namespace, self._own_pods, buffer)
            while self.link.client is client:
                await focus.gained()
                if self.link.client is client:
                    await self._follow(self._follower, focus)

    async def _follow(self, follower: LogFollower, focus: Focus) -> None:
        """Until the environment leaves the screen, or the connection is given up."""
        following = asyncio.create_task(follower.run(), name=f"follow {self.name}")
        ends = [
            asyncio.create_task(focus.lost(), name=f"focus {self.name}"),
            asyncio.create_task(self.link.left(), name=f"left {self.name}"),
        ]
        try:
            await asyncio.wait({following, *ends}, return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                following.result()
        finally:
            for task in (following, *ends):
                task.cancel()
            await asyncio.gather(following, *ends, return_exceptions=True)

    def _own_pods(self) -> tuple[objects.Pod, ...]:
        return tuple(pod for family in self.families() for pod in family.pods)

    def log_coverage(self) -> LogCoverage:
        """Which log streams are open."""
        if self._follower is None:
            return LogCoverage()
        coverage = self._follower.coverage()
        return LogCoverage(coverage.streams, coverage.total, coverage.waiting)


def _fingerprint(owner: Any) -> tuple[object, ...]:
    metadata = owner.metadata
    told = (owner.hash_known, owner.status.stable_rs) if isinstance(owner, Rollout) else ()
    return (metadata.uid, metadata.generation, *told)
