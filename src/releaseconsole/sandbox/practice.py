"""The practice cluster: three contexts with API server, Prometheus and HealthPay's own API, on loopback."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from releaseconsole.clock import Clock, SystemClock
from releaseconsole.errors import ReleaseConsoleError, UsageError
from releaseconsole.sandbox import scenario
from releaseconsole.sandbox.api import kubeconfig
from releaseconsole.sandbox.api.faults import FlakyApi
from releaseconsole.sandbox.api.tls import LOOPBACK, Authority, make_authority
from releaseconsole.sandbox.release.loglines import LogWriter
from releaseconsole.sandbox.release.manifests import NAMESPACE
from releaseconsole.sandbox.release.podlogs import PracticeLogs
from releaseconsole.sandbox.store.chance import hexadecimal
from releaseconsole.sandbox.store.store import Store
from releaseconsole.sandbox.world import World

if TYPE_CHECKING:
    from aiohttp import web

T = TypeVar("T")

_PER_CONTEXT = 3


class PracticeError(ReleaseConsoleError):
    """The practice cluster could not be started."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to practise. ``speed`` divides every waiting time; ``port`` 0 lets the system choose.

    ``scenario`` is a name of SCENARIOS, or ``name@context`` for one context only.
    """

    scenario: str = "healthy"
    seed: int = 1
    speed: float = 1.0
    ready_seconds: float = 3.0
    host: str = "127.0.0.1"
    port: int = 0


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where one context is reached: URLs without a slash at the end."""

    server: str
    prometheus: str
    api: str


class PracticeCluster:
    """An async context manager: inside it the whole cluster runs, after it nothing is left.

    Raises UsageError for options that cannot work, PracticeError when a port cannot be had.
    """

    def __init__(self, options: Options | None = None, clock: Clock | None = None) -> None:
        self.options = options or Options()
        self._clock = clock or SystemClock()
        self._scenario = scenario.parse(self.options.scenario)
        _check(self.options)
        self._worlds = {context: self._world(context) for context in scenario.CONTEXTS}
        self._faults = {
            context: FlakyApi(self.options.seed + index, on=self._flaky(context))
            for index, context in enumerate(scenario.CONTEXTS)
        }
        self.stores: dict[str, Store] = {name: world.store for name, world in self._worlds.items()}
        self.endpoints: dict[str, Endpoints] = {}
        self.kubeconfig: dict[str, object] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> PracticeCluster:
        authority = make_authority()
        try:
            group = await self._stack.enter_async_context(_Workers())
            for index, (context, world) in enumerate(self._worlds.items()):
                world.plant()
                self.endpoints[context] = await self._serve(context, world, authority, index)
                group.start(world.run())
        except OSError as problem:
            await self._stack.aclose()
            reason = problem.strerror or problem
            raise PracticeError(
                f"The practice cluster could not listen on {self.options.host}: {reason}.",
                "Choose another port, or 0 for any that is free.",
            ) from problem
        except BaseException:
            await self._stack.aclose()
            raise
        self.kubeconfig = kubeconfig.build(
            [self._access(context, authority) for context in self._worlds], current=scenario.CONTEXTS[0]
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def write_kubeconfig(self, path: Path) -> None:
        """Writes the kubeconfig, for its owner's eyes only. Raises OSError."""
        kubeconfig.write(self.kubeconfig, path)

    def set_scenario(self, name: str) -> None:
        """Switches the scenario while the cluster runs. Raises UsageError."""
        self._scenario = scenario.parse(name)
        for context, world in self._worlds.items():
            self._faults[context].switch(self._flaky(context))
            world.scenario_changed()

    def token(self, context: str, *, viewer: bool = False) -> str:
        """The bearer token of a context's operator, or of the one who may only read."""
        role = "viewer" if viewer else "operator"
        return f"practice-{role}-{hexadecimal(32, self.options.seed, context, role)}"

    def _world(self, context: str) -> World:
        return World(
            context,
            self._clock,
            lambda: self._scenario.within(context),
            random_seed=self.options.seed,
            speed=self.options.speed,
            ready_seconds=self.options.ready_seconds,
        )

    def _flaky(self, context: str) -> bool:
        return self._scenario.within(context) == "flaky-api"

    def _access(self, context: str, authority: Authority) -> kubeconfig.Access:
        server = self.endpoints[context].server
        return kubeconfig.Access(context, server, authority.ca_pem, self.token(context), NAMESPACE)

    async def _serve(self, context: str, world: World, authority: Authority, index: int) -> Endpoints:
        from releaseconsole.sandbox.api.server import ApiServer
        from releaseconsole.sandbox.prometheus.server import Prometheus
        from releaseconsole.sandbox.release.healthpay import HealthPay

        options = self.options
        server = ApiServer(
            world.store,
            context=context,
            token=self.token(context),
            viewer_token=self.token(context, viewer=True),
            clock=self._clock,
            pod_logs=PracticeLogs(world.runs, LogWriter(options.seed, world.traffic), self._clock),
            faults=self._faults[context],
            ssl_context=authority.server,
        )
        self._stack.push_async_callback(server.stop)
        port = options.port + _PER_CONTEXT * index if options.port else 0
        url = await server.start(options.host, port)
        prometheus = Prometheus(world.traffic, context, self._clock)
        healthpay = HealthPay(world.traffic, context, self._clock, options.seed)
        return Endpoints(
            server=url,
            prometheus=await self._listen(prometheus.application(), port and port + 1),
            api=await self._listen(healthpay.application(), port and port + 2),
        )

    async def _listen(self, app: web.Application, port: int) -> str:
        from aiohttp import web

        from releaseconsole.sandbox.api.server import listen

        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2, handler_cancellation=True)
        self._stack.push_async_callback(runner.cleanup)
        return await listen(runner, self.options.host, port)


class _Workers:
    """A group of endless tasks that is cancelled, and waited for, when it is left."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> _Workers:
        return self

    def start(self, work: object) -> None:
        """Owns a coroutine from now on."""
        assert asyncio.iscoroutine(work)
        self._tasks.append(asyncio.ensure_future(work))

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class PracticeThread:
    """The practice cluster in a thread and an event loop of its own, so that it burdens no other."""

    def __init__(self, options: Options | None = None, clock: Clock | None = None) -> None:
        self._options = options or Options()
        self._clock = clock
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._error: BaseException | None = None
        self._cluster: PracticeCluster | None = None

    @property
    def cluster(self) -> PracticeCluster:
        """The running cluster: read its endpoints and kubeconfig; for anything else use :meth:`call`."""
        if self._cluster is None:
            raise PracticeError("The practice cluster is not running.", "Start it first.")
        return self._cluster

    def start(self) -> PracticeCluster:
        """Returns when the cluster answers. Raises what starting it raised."""
        if self._thread is not None:
            raise PracticeError("The practice cluster was started already.", "Stop it first.")
        self._ready.clear()
        self._error = None
        self._thread = threading.Thread(target=self._run, name="practice-cluster", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._error is not None:
            self._thread.join()
            self._thread = None
            raise self._error
        return self.cluster

    def call(self, work: Callable[[PracticeCluster], T], timeout: float = 10.0) -> T:
        """Does ``work`` in the cluster's own loop and returns what it returns. Raises TimeoutError."""

        async def in_loop() -> T:
            return work(self.cluster)

        if self._loop is None:
            raise PracticeError("The practice cluster is not running.", "Start it first.")
        return asyncio.run_coroutine_threadsafe(in_loop(), self._loop).result(timeout)

    def stop(self) -> None:
        """Stops the cluster and waits for the thread; harmless when it does not run."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        if self._loop is not None and self._stop is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(self._stop.set)
        thread.join()

    def __enter__(self) -> PracticeCluster:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as problem:  # noqa: BLE001 - handed to the thread that waits in start()
            self._error = problem
        finally:
            self._cluster = self._loop = None
            self._ready.set()

    async def _main(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with PracticeCluster(self._options, self._clock) as cluster:
            self._cluster = cluster
            self._ready.set()
            await self._stop.wait()


def _check(options: Options) -> None:
    if not 0.1 <= options.speed <= 100:
        raise UsageError(f"A speed of {options.speed:g} is not possible.", "Choose one from 0.1 to 100.")
    if not 0.05 <= options.ready_seconds <= 600:
        raise UsageError(
            f"Pods cannot become ready after {options.ready_seconds:g} s.", "Choose 0.05 to 600 seconds."
        )
    highest = 65535 - _PER_CONTEXT * len(scenario.CONTEXTS)
    if options.port and not 1024 <= options.port <= highest:
        raise UsageError(
            f"Port {options.port} cannot be used.", f"Choose 0 for any, or one from 1024 to {highest}."
        )
    if options.host not in LOOPBACK:
        raise UsageError(
            f"The practice cluster does not listen on {options.host!r}.", "It serves this machine only."
        )
