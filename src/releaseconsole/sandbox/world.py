"""One context of the practice cluster: its store, the controllers over it, and what they make happen."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from releaseconsole.clock import Clock
from releaseconsole.sandbox import seed
from releaseconsole.sandbox.controllers.autoscaler import AutoscalerController
from releaseconsole.sandbox.controllers.daemonset import DaemonSetController
from releaseconsole.sandbox.controllers.deployment import DeploymentController
from releaseconsole.sandbox.controllers.endpoints import EndpointsController
from releaseconsole.sandbox.controllers.events import Recorder
from releaseconsole.sandbox.controllers.kubelet import Kubelet
from releaseconsole.sandbox.controllers.replicaset import ReplicaSetController
from releaseconsole.sandbox.controllers.stamps import Stamp, Stamps
from releaseconsole.sandbox.controllers.statefulset import StatefulSetController
from releaseconsole.sandbox.controllers.tools import NEVER, Bench
from releaseconsole.sandbox.release import manifests
from releaseconsole.sandbox.release.runs import RunBook
from releaseconsole.sandbox.release.timeline import Timeline
from releaseconsole.sandbox.release.traffic import Traffic
from releaseconsole.sandbox.store.chance import uid_source
from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.objects import dig, place
from releaseconsole.sandbox.store.refusals import StoreError
from releaseconsole.sandbox.store.store import Store

_LOG = logging.getLogger(__name__)
#: Passes over all objects at one moment; a rollout needs three or four to come to rest.
_MOST_PASSES = 40
_MOST_VISITED = 5000
_RETRY_SECONDS = 5.0
_SHORTEST_WAIT = 0.005
_WATCHED = frozenset(
    {"deployments", "replicasets", "statefulsets", "daemonsets", "controllerrevisions", "pods", "services"}
    | {"poddisruptionbudgets", "horizontalpodautoscalers", "nodes"}
)


class World:
    """Everything of one context but its servers."""

    def __init__(
        self,
        context: str,
        clock: Clock,
        scenario: Callable[[], str],
        *,
        random_seed: int = 1,
        speed: float = 1.0,
        ready_seconds: float = 3.0,
    ) -> None:
        self.context = context
        self._seed = random_seed
        self.clock = seed.ShiftedClock(clock)
        self.store = Store(self.clock, uid_source(random_seed, context))
        self.events = Recorder(self.store, self.clock)
        self.runs = RunBook()
        self.timeline = Timeline()
        self.traffic = Traffic(random_seed, context, self.timeline, manifests.replicas(context))
        bench = Bench(self.store, self.clock, self.events, random_seed, context, speed)
        self._deployments = DeploymentController(bench)
        self._replica_sets = ReplicaSetController(bench)
        self._stateful_sets = StatefulSetController(bench)
        self._daemon_sets = DaemonSetController(bench)
        self._endpoints = EndpointsController(bench)
        self._kubelet = Kubelet(bench, scenario, self.runs, self.timeline, ready_seconds)
        self._autoscaler = AutoscalerController(bench, self.traffic)
        self._changed = self.store.subscribe(_WATCHED)
        self._visited: dict[str, tuple[tuple[object, ...], float]] = {}
        self._failed: dict[str, float] = {}
        self._wake = asyncio.Event()
        self.traffic.on_load = self._wake.set

    def plant(self) -> None:
        """Fills the store with a release that has been running for days."""
        self.events.muted = self.timeline.muted = True
        seed.plant(self.store, self.clock, self.context, self.step, self._seed)
        self.events.muted = self.timeline.muted = False
        self._kubelet.settle()

    def step(self) -> float:
        """Lets every controller work until nothing changes; returns when to come back (epoch seconds)."""
        due = NEVER
        for _ in range(_MOST_PASSES):
            before = self.store.resource_version
            due = self._pass()
            if self.store.resource_version == before:
                break
        self._kubelet.settle()
        if len(self._visited) > _MOST_VISITED:
            self._visited.clear()
        return due

    async def run(self) -> None:
        """Steps whenever something changed or is due, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._wake_on_change())
            while True:
                self._wake.clear()
                await self._pause(max(_SHORTEST_WAIT, self._step_or_tell() - self.clock.now()))

    def _step_or_tell(self) -> float:
        """A defect in a controller is told and does not end the practice."""
        try:
            return self.step()
        except Exception:  # noqa: BLE001 - the edge of this worker
            _LOG.exception("the practice cluster's controllers failed in %s", self.context)
            return self.clock.now() + _RETRY_SECONDS

    def scenario_changed(self) -> None:
        """The scenario was switched while the cluster runs."""
        self._kubelet.scenario_changed()

    async def _wake_on_change(self) -> None:
        while True:
            await self._changed.wait()
            self._wake.set()

    async def _pause(self, seconds: float) -> None:
        """Until something changed, or the time is over."""
        if seconds == NEVER:
            await self._wake.wait()
            return
        sleeping = asyncio.ensure_future(self.clock.sleep(seconds))
        waking = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait((sleeping, waking), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            waking.cancel()
            await asyncio.gather(sleeping, waking, return_exceptions=True)

    def _pass(self) -> float:
        sets = Stamps(self.store.list("replicasets"))
        due = [
            self._visit(self._deployments.reconcile, obj, sets.around(obj), self._recreated(obj))
            for obj in self.store.list("deployments")
        ]
        pods = Stamps(self.store.list("pods"))
        due += [
            self._visit(self._replica_sets.reconcile, obj, pods.of_owner(obj))
            for obj in self.store.list("replicasets")
        ]
        due += self._visit_numbered(pods)
        due += [self._safely(self._kubelet.reconcile, obj) for obj in self.store.list("pods")]
        due += [
            self._safely(self._autoscaler.reconcile, obj)
            for obj in self.store.list("horizontalpodautoscalers")
        ]
        pods = Stamps(self.store.list("pods"))
        for service in self.store.list("services"):
            self._visit(self._endpoints.reconcile, service, pods.around(service))
        for budget in self.store.list("poddisruptionbudgets"):
            self._visit(self._endpoints.reconcile_budget, budget, pods.around(budget))
        return min(due, default=NEVER)

    def _visit_numbered(self, pods: Stamps) -> list[float]:
        """The sets whose templates are kept as ControllerRevisions."""
        revisions = Stamps(self.store.list("controllerrevisions"))
        nodes = Stamps(self.store.list("nodes")).everywhere()
        due = [
            self._visit(self._stateful_sets.reconcile, obj, pods.of_owner(obj), revisions.of_owner(obj))
            for obj in self.store.list("statefulsets")
        ]
        return due + [
            self._visit(self._daemon_sets.reconcile, obj, pods.of_owner(obj), revisions.of_owner(obj), nodes)
            for obj in self.store.list("daemonsets")
        ]

    def _recreated(self, deployment: Obj) -> Stamp:
        """Only the strategy Recreate waits for the pods themselves to be gone."""
        if dig(deployment, "spec", "strategy", "type") != "Recreate":
            return (0, 0)
        return Stamps(self.store.list("pods")).around(deployment)

    def _visit(self, reconcile: Callable[[Obj], float | None], obj: Obj, *seen: Stamp) -> float:
        """Reconciles an object if it, or what it depends on, changed since the last visit, or time is up."""
        key = obj["metadata"]["uid"]
        looks = (obj["metadata"]["resourceVersion"], *seen)
        known = self._visited.get(key)
        if known is not None and known[0] == looks and self.clock.now() < known[1]:
            return known[1]
        due = self._safely(reconcile, obj)
        self._visited[key] = (looks, due)
        return due

    def _safely(self, reconcile: Callable[[Obj], float | None], obj: Obj) -> float:
        """One object that makes no sense stops nothing else; an event on it says what is wrong."""
        current = self.store.find(_PLURALS[obj["kind"]], *place(obj))
        if current is None:
            return NEVER
        failed = self._failed.get(current["metadata"]["uid"])
        if failed is not None and self.clock.now() < failed:
            return failed
        try:
            return reconcile(current) or NEVER
        except (StoreError, LookupError, TypeError, ValueError, AttributeError) as problem:
            return self._set_aside(current, problem)

    def _set_aside(self, obj: Obj, problem: Exception) -> float:
        """Leaves an object alone for a while, and says why in an event."""
        if len(self._failed) >= _MOST_VISITED:
            self._failed.clear()
        again = self.clock.now() + _RETRY_SECONDS
        self._failed[obj["metadata"]["uid"]] = again
        message = f"The practice cluster cannot work with this object: {problem!r}"
        self.events.warning("practice-cluster", obj, "FailedSync", message)
        return again


_PLURALS = {
    "Deployment": "deployments",
    "ReplicaSet": "replicasets",
    "StatefulSet": "statefulsets",
    "DaemonSet": "daemonsets",
    "Pod": "pods",
    "Service": "services",
    "HorizontalPodAutoscaler": "horizontalpodautoscalers",
    "PodDisruptionBudget": "poddisruptionbudgets",
}
