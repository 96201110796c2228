"""One namespace of one cluster, watched."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from releaseconsole.cluster import decode, objects
from releaseconsole.cluster.connect import Client, connect
from releaseconsole.cluster.logs import LogBuffer, LogFollower
from releaseconsole.cluster.progress import progress
from releaseconsole.cluster.rollout import RolloutState
from releaseconsole.cluster.templates import images, same_template
from releaseconsole.cluster.watch import Cache
from releaseconsole.errors import ClusterError, Conflict, NotFound, Unreachable
from releaseconsole.outside.world import TargetData
from releaseconsole.plan.model import Target
from releaseconsole.session.assemble import Family, Snapshot, families
from releaseconsole.session.focus import Focus
from releaseconsole.session.patience import within
from releaseconsole.session.views import Freshness, Liveness, LogCoverage

if TYPE_CHECKING:
    from releaseconsole.session.setup import Setup

FIRST_RETRY, SLOWEST_RETRY = 1.0, 15.0
CONNECT_PATIENCE = 10.0
"""Seconds that an intent waits for a connection which is being made."""

KINDS: dict[str, tuple[decode.Resource[Any], ...]] = {
    "deployment": (decode.DEPLOYMENTS, decode.REPLICA_SETS),
    "statefulset": (decode.STATEFUL_SETS, decode.CONTROLLER_REVISIONS),
    "daemonset": (decode.DAEMON_SETS, decode.CONTROLLER_REVISIONS),
}
_CENTRAL = frozenset({"deployments", "replicasets", "statefulsets", "daemonsets", "pods"})
_AT_REST = (RolloutState.COMPLETE, RolloutState.SCALED_TO_ZERO)
ALWAYS: tuple[decode.Resource[Any], ...] = (
    decode.PODS,
    decode.EVENTS,
    decode.SERVICES,
    decode.ENDPOINT_SLICES,
)


class TargetObserver:
    """Connects, watches what the workloads need, and answers from memory."""

    def __init__(
        self, target: Target, workloads: tuple[str, ...], setup: Setup, touch: Callable[[], None]
    ) -> None:
        self.target = target
        self.name = str(target)
        self.namespace = target.namespace
        self._workloads = workloads
        self._setup = setup
        self._touch = touch
        self._client: Client | None = None
        self._ready = asyncio.Event()
        self._changed = asyncio.Event()
        self._caches: dict[str, Cache[Any]] = {}
        self.error = ""
        self._follower: LogFollower | None = None

    async def run(self) -> None:
        """Connect, then watch until cancelled; a connection that cannot be made is tried again and again."""
        pause = FIRST_RETRY
        try:
            while self._client is None:
                try:
                    self._client = await connect(
                        self.target.context, kubeconfig=self._setup.kubeconfig, clock=self._setup.clock
                    )
                except ClusterError as error:
                    self.error = str(error)
                    self._touch()
                    await self._setup.clock.sleep(pause)
                    pause = min(SLOWEST_RETRY, pause * 2)
            self.error = ""
            self._caches = self._make_caches(self._client)
            self._ready.set()
            async with asyncio.TaskGroup() as group:
                for plural, cache in self._caches.items():
                    group.create_task(cache.run(), name=f"watch {self.name} {plural}")
        finally:
            self._ready.clear()
            client, self._client = self._client, None
            if client is not None:
                await client.close()

    def _make_caches(self, client: Client) -> dict[str, Cache[Any]]:
        kinds = {resource.plural: resource for resource in ALWAYS}
        for workload in self._workloads:
            kinds |= {resource.plural: resource for resource in KINDS.get(workload.partition("/")[0], ())}
        return {
            plural: Cache(client, resource, self.namespace, notify=self._notice)
            for plural, resource in kinds.items()
        }

    def _notice(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        self._touch()

    async def connected(self) -> Client:
        """The client. Raises the reason why there is none yet, after some patience."""
        try:
            async with asyncio.timeout(CONNECT_PATIENCE):
                await self._ready.wait()
        except TimeoutError:
            message = self.error or f"There is no connection to {self.name} yet."
            raise Unreachable(
                message, "It is tried again and again; see that the cluster can be reached."
            ) from None
        assert self._client is not None
        return self._client

    async def synced(self) -> None:
        """Wait until every kind was listed once or refused."""
        await self._ready.wait()
        for cache in self._caches.values():
            await cache.wait_synced()

    async def changed(self, timeout: float) -> None:
        """Wait for a change, but no longer than ``timeout`` seconds."""
        await within(timeout, self._changed.wait())

    @property
    def was_synced(self) -> bool:
        """Whether the workloads were ever seen."""
        return any(
            self._caches[plural].synced
            for plural in ("deployments", "statefulsets", "daemonsets")
            if plural in self._caches
        )

    def freshness(self) -> Freshness:
        """How far the workloads and pods can be believed; events and services have panels of their own."""
        if not self._caches:
            liveness = Liveness.STALE if self.error else Liveness.CONNECTING
            return Freshness(liveness, 0.0, self.error)
        central = [cache for plural, cache in self._caches.items() if plural in _CENTRAL]
        # Between a list and its watch a cache is not connected, and yet as fresh as can be.
        worst = next((one for one in central if not one.live and (one.error or not one.synced)), None)
        seen = min((cache.contact or 0.0 for cache in central), default=0.0)
        if worst is None:
            return Freshness(Liveness.LIVE, self._setup.clock.monotonic())
        if worst.denied:
            return Freshness(Liveness.DENIED, seen, worst.error)
        return Freshness(Liveness.STALE if worst.error else Liveness.CONNECTING, seen, worst.error)

    def panel_errors(self) -> list[tuple[str, str]]:
        """(panel, sentence) for each kind that this user may not see."""
        return [(plural, cache.error) for plural, cache in self._caches.items() if cache.denied]

    def _objects(self, resource: decode.Resource[Any]) -> tuple[Any, ...]:
        cache = self._caches.get(resource.plural)
        return tuple(cache.objects.values()) if cache else ()

    def events(self) -> tuple[objects.Event, ...]:
        return self._objects(decode.EVENTS)

    def families(self) -> tuple[Family, ...]:
        """The workloads with what they own, as the caches hold them now."""
        snapshot = Snapshot(
            deployments=self._by_name(decode.DEPLOYMENTS),
            stateful_sets=self._by_name(decode.STATEFUL_SETS),
            daemon_sets=self._by_name(decode.DAEMON_SETS),
            replica_sets=self._objects(decode.REPLICA_SETS),
            pods=self._objects(decode.PODS),
        )
        return families(snapshot, self._workloads)

    def _by_name(self, resource: decode.Resource[Any]) -> dict[str, Any]:
        cache = self._caches.get(resource.plural)
        return cache.objects if cache else {}

    def data(self) -> TargetData:
        """The live objects, for checks and actions."""
        freshness = self.freshness()
        return TargetData(
            target=self.target,
            stale="" if freshness.liveness is Liveness.LIVE else freshness.error or "no data yet",
            missing={plural: cache.error for plural, cache in self._caches.items() if cache.error},
            deployments=self._objects(decode.DEPLOYMENTS),
            replica_sets=self._objects(decode.REPLICA_SETS),
            stateful_sets=self._objects(decode.STATEFUL_SETS),
            daemon_sets=self._objects(decode.DAEMON_SETS),
            controller_revisions=self._objects(decode.CONTROLLER_REVISIONS),
            pods=self._objects(decode.PODS),
            services=self._objects(decode.SERVICES),
            endpoint_slices=self._objects(decode.ENDPOINT_SLICES),
        )

    def uid_of(self, workload: str) -> str:
        """UID of a workload as last seen; "" when it was not."""
        owner = self._owner(workload)
        return owner.metadata.uid if owner is not None else ""

    def unfinished(self, workload: str) -> bool:
        """Whether a rollout of the workload is under way."""
        family = next((one for one in self.families() if one.workload == workload), None)
        return family is not None and family.owner is not None and family.verdict().state not in _AT_REST

    def fingerprint(self) -> object:
        """Changes when a workload's spec or its pause does."""
        owners = [self._owner(workload) for workload in self._workloads]
        return tuple((one.metadata.uid, one.metadata.generation) if one else None for one in owners)

    def _owner(self, workload: str) -> Any:
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
        return next(one for one in self.families() if one.workload == workload)

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
            replica_sets=found.get("replicasets", ()),
            pods=found["pods"],
        )
        (family,) = families(snapshot, (workload,))
        return family

    async def follow_logs(self, buffer: LogBuffer, focus: Focus) -> None:
        """Follow the workloads' pods into ``buffer`` while the environment is on the screen.

        New lines do not count as a change of the view: who shows them looks at the buffer's end.
        """
        await self._ready.wait()
        assert self._client is not None
        follower = LogFollower(self._client, self.namespace, self._own_pods, buffer)
        self._follower = follower
        while True:
            await focus.gained()
            following = asyncio.create_task(follower.run(), name=f"follow {self.name}")
            losing = asyncio.create_task(focus.lost(), name=f"focus {self.name}")
            try:
                await asyncio.wait({following, losing}, return_when=asyncio.FIRST_COMPLETED)
                if following.done():
                    following.result()
            finally:
                following.cancel()
                losing.cancel()
                await asyncio.gather(following, losing, return_exceptions=True)

    def _own_pods(self) -> tuple[objects.Pod, ...]:
        return tuple(pod for family in self.families() for pod in family.pods)

    def log_coverage(self) -> LogCoverage:
        """Which log streams are open."""
        if self._follower is None:
            return LogCoverage()
        coverage = self._follower.coverage()
        return LogCoverage(coverage.streams, coverage.total, coverage.waiting)
