"""The session's side of checks and actions: what they may see and what they may ask for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from releaseconsole.clock import Clock
from releaseconsole.errors import OtherCluster
from releaseconsole.outside.world import Armed, EnvironmentData, Metric
from releaseconsole.plan.model import Plan, Target
from releaseconsole.plan.variables import environment_values
from releaseconsole.record.model import Pin, RollbackState
from releaseconsole.record.watches import Standing, WatchState
from releaseconsole.undisturbed import finish

if TYPE_CHECKING:
    import httpx

    from releaseconsole.cluster.connect import Client
    from releaseconsole.metrics.client import PrometheusClient
    from releaseconsole.session.observer import Observer
    from releaseconsole.session.setup import Setup
    from releaseconsole.session.target import TargetObserver
    from releaseconsole.session.watching import Watching


class Outside:
    """Answers what checks and actions ask of the environments, through their observers.

    An observer is started by whoever first looks at it (``observe``).
    """

    def __init__(
        self, plan: Plan, setup: Setup, observe: Callable[[str], Observer], watching: Watching
    ) -> None:
        self._watching = watching
        self._plan = plan
        self._setup = setup
        self._observe = observe
        self._http: httpx.AsyncClient | None = None

    @property
    def clock(self) -> Clock:
        return self._setup.clock

    @property
    def folder(self) -> Path:
        return self._setup.folder

    @property
    def environ(self) -> Mapping[str, str]:
        return self._setup.environ

    @property
    def kubeconfig(self) -> Path | None:
        return self._setup.kubeconfig

    @property
    def http(self) -> httpx.AsyncClient:
        """One client for all; made on first use, since its library takes a tenth of a second to load."""
        if self._http is None:
            import httpx

            self._http = httpx.AsyncClient(follow_redirects=False, trust_env=True, timeout=10.0)
        return self._http

    async def close(self) -> None:
        if self._http is not None:
            await finish(self._http.aclose())

    def environment(self, environment: str) -> EnvironmentData:
        """The live objects. Raises OtherCluster while a context of the environment is refused."""
        observer = self._observe(environment)
        for refusal in observer.refusals():
            raise OtherCluster(refusal.message, refusal.remedy)
        return observer.data()

    async def client(self, target: Target) -> Client:
        return await self._target(target).connected()

    def _target(self, target: Target) -> TargetObserver:
        for name in self._plan.environments:
            if target in self._plan.environments[name].targets:
                return self._observe(name).target_of(str(target))
        raise KeyError(str(target))

    def metrics(self, environment: str) -> PrometheusClient | None:
        return self._observe(environment).feed.client

    def all_metrics(self, environment: str) -> tuple[PrometheusClient, ...]:
        return tuple(self._observe(environment).feed.clients.values())

    def values(self, environment: str | None) -> Mapping[str, str]:
        target = self._plan.environments[environment].targets[0] if environment else None
        return environment_values(self._plan, environment, target)

    def armed(self, environment: str) -> Armed:
        return self._observe(environment).rehearsal.armed()

    def metric(self, environment: str, objective: str) -> Metric | None:
        return self._observe(environment).feed.view(objective)

    def watched(self, environment: str) -> Standing | None:
        return self._watching.standing(environment)


class Acting(Outside):
    """What an action may do besides: pin, and roll back."""

    def __init__(
        self,
        plan: Plan,
        setup: Setup,
        observe: Callable[[str], Observer],
        pin: Callable[[str], Awaitable[tuple[Pin, ...]]],
        roll_back: Callable[[str], Awaitable[RollbackState]],
        watching: Watching,
    ) -> None:
        super().__init__(plan, setup, observe, watching)
        self._pin = pin
        self._roll_back = roll_back

    async def pin(self, environment: str) -> tuple[Pin, ...]:
        return await self._pin(environment)

    async def roll_back(self, environment: str) -> RollbackState:
        return await self._roll_back(environment)

    def watch(
        self, environment: str, seconds: float, objectives: tuple[str, ...], allow: float | None
    ) -> WatchState:
        return self._watching.begin(environment, seconds, objectives, allow)
