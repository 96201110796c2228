"""Sessions on the practice cluster: the plan pointed at it, and waiting for what has to come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

from releaseconsole.commands.practice import endpoint_overrides
from releaseconsole.errors import GateClosed
from releaseconsole.paths import sample_configs_dir
from releaseconsole.plan.load import load_plan, parse_plan
from releaseconsole.plan.model import Plan
from releaseconsole.plan.variables import with_overrides
from releaseconsole.sandbox import Options, PracticeCluster
from releaseconsole.sandbox.release.manifests import NAMESPACE, SERVICES, deployment
from releaseconsole.session import Session, open_session

PATIENCE = 40.0
FAST = Options(speed=10, ready_seconds=1)
WORKLOADS = tuple(f"deployment/{name}" for name in SERVICES)

WALK = '''
[release]
name = "walk"
title = "Walk"
version = "1"

[environments.staging]
targets = [{ context = "staging", namespace = "healthpay" }]
workloads = ["deployment/api-gateway"]
prometheus = { url = "http://localhost:1" }
variables = { api = "http://localhost:1" }

[environments.production]
targets = [{ context = "production", namespace = "healthpay" }]
workloads = ["deployment/command-service", "deployment/api-gateway", "deployment/query-service"]
prometheus = { url = "http://localhost:1" }
variables = { api = "http://localhost:1" }

[[objectives]]
id = "error-rate"
query = """
100 * sum(rate(http_requests_total{namespace="$namespace",code=~"5.."}[1m]))
  / sum(rate(http_requests_total{namespace="$namespace"}[1m]))"""
traffic = 'sum(rate(http_requests_total{namespace="$namespace"}[1m]))'
unit = "%"
target = "< 0.1"
rollback = { when = "> 0.3", for = "1s" }

[[phases]]
id = "before"
title = "Before"
[[phases.steps]]
id = "read"
title = "Read"
actions = [
    { id = "hello", shell = "echo hello $version; echo oops >&2" },
    { id = "fails", shell = "exit 3" },
    { id = "long", shell = "echo $$ > long.pid; sleep 321 & echo begun; wait" },
]
items = [
    { id = "read-code", text = "The code was read" },
    { id = "coverage", text = "Tests cover enough", target = "> 80", unit = "%" },
]

[[phases]]
id = "deploy"
title = "Deploy"
kind = "deploy"
environment = "production"
needs = ["before"]
gate = "go/no-go"
[[phases.steps]]
id = "roll-out"
title = "Roll out"
actions = [
    { id = "pin", title = "pin", pin = "workloads" },
    { id = "apply", apply = "manifests/" },
    { id = "wait", wait = "rollout" },
    { id = "health", http = "GET $api/api/health" },
    { id = "pods", get = "pods" },
    { id = "script", shell = "sleep 300" },
]
items = [
    { id = "ready", text = "Pods are ready", check = { pods = "ready" } },
    { id = "complete", text = "The rollout is complete", check = { rollout = "complete" } },
    { id = "errors", text = "Few errors", check = { objective = "error-rate" } },
]

[[phases]]
id = "back"
title = "Back"
kind = "rollback"
environment = "production"
[[phases.steps]]
id = "back"
title = "Back"
actions = [{ id = "undo", title = "undo", rollback = "workloads" }]
items = [{ id = "report", text = "The report is written" }]

[[phases]]
id = "sign"
title = "Sign"
kind = "sign-off"
[[phases.steps]]
id = "sign"
title = "Sign"
items = [{ id = "lead", text = "The lead agrees", role = "Lead" }]
'''


@dataclass(frozen=True, slots=True)
class Place:
    """A practice cluster, what leads there, and a folder to work in."""

    cluster: PracticeCluster
    folder: Path
    healthpay: Plan
    walk: Plan

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @asynccontextmanager
    async def opened(
        self, *environments: str, plan: Plan | None = None, user: str = "amira", **how: Any
    ) -> AsyncIterator[Session]:
        """A session of the walk (or another plan), with the first data of some environments."""
        options = {"kubeconfig": self.kubeconfig, "state": self.state, "folder": self.folder, **how}
        async with open_session(plan or self.walk, user=user, **options) as session:
            if environments:
                await session.ready(environments, PATIENCE, metrics=False)
            yield session

    def write_manifests(self, tag: str) -> None:
        """What `apply = "manifests/"` brings: every service in the version ``tag``."""
        folder = self.folder / "manifests"
        folder.mkdir(exist_ok=True)
        for name in SERVICES:
            (folder / f"{name}.yaml").write_text(yaml.safe_dump(deployment(name, tag)), "utf-8")

    def image(self, service: str = "api-gateway", context: str = "production") -> str:
        """What the cluster itself says runs there."""
        obj = self.cluster.stores[context].get("deployments", NAMESPACE, service)
        image: str = obj["spec"]["template"]["spec"]["containers"][0]["image"]
        return image

    def images(self, context: str = "production") -> set[str]:
        """The tags of all three services."""
        return {self.image(name, context).partition(":")[2] for name in SERVICES}

    def set_tag(self, tag: str, *services: str, context: str = "production") -> None:
        """Somebody changes images behind the console's back."""
        for name in services or SERVICES:

            def change(obj: dict[str, Any], name: str = name) -> None:
                obj["spec"]["template"]["spec"]["containers"][0]["image"] = f"healthpay/{name}:{tag}"

            self.cluster.stores[context].update("deployments", NAMESPACE, name, change)


@asynccontextmanager
async def practice(folder: Path, options: Options = FAST) -> AsyncIterator[Place]:
    """A practice cluster in this very loop, and the plans that lead to it."""
    async with PracticeCluster(options) as cluster:
        cluster.write_kubeconfig(folder / "kubeconfig")
        yield place_of(cluster, folder)


def place_of(cluster: PracticeCluster, folder: Path) -> Place:
    """The plans pointed at a running cluster, and a folder of one's own with its kubeconfig."""
    if not (folder / "kubeconfig").exists():
        cluster.write_kubeconfig(folder / "kubeconfig")
    overrides = endpoint_overrides(cluster)
    walk = {name: overrides[name] for name in ("staging", "production")}
    place = Place(
        cluster,
        folder,
        with_overrides(load_plan(sample_configs_dir() / "healthpay.toml"), overrides),
        with_overrides(parse_plan(WALK, "walk.toml"), walk),
    )
    place.write_manifests("1.0.0")
    return place


async def until(session: Session, holds: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Wait for a change of the session after which ``holds``; no longer than ``seconds``."""
    async with asyncio.timeout(seconds):
        version = session.version
        while not holds():
            version = await session.changed(version)


def settle(session: Session, *phases: str) -> None:
    """Everything of some phases is ticked by hand."""
    for phase in phases:
        for step in session.plan.phase(phase).steps:
            for item in step.items:
                session.tick(item.id, value=f"{item.target.value + 1:g}" if item.target else "")


def allow_deploy(session: Session) -> None:
    """The way to the walk's deploy phase is free."""
    settle(session, "before")
    session.decide("deploy", go=True)


def refused(session: Session, action: str) -> str:
    """Why the gate does not let the action run."""
    try:
        session.start_action(action)
    except GateClosed as error:
        return str(error)
    raise AssertionError(f"{action} was started")


class Gate:
    """A TCP door before one API server, that can be shut: connections break, and new ones are refused."""

    def __init__(self, host: str, port: int) -> None:
        self._behind = (host, port)
        self._server: asyncio.Server | None = None
        self._pipes: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def __aenter__(self) -> Gate:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.shut()

    async def open(self) -> None:
        """Let connections through, on the same port as before."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Break every connection and refuse new ones."""
        if self._server is not None:
            # What was accepted a moment ago has its turn first: a server that is closed already leaves it open.
            for listener in self._server.sockets:
                asyncio.get_running_loop().remove_reader(listener.fileno())
            await asyncio.sleep(0.01)
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
        pipes, self._pipes = self._pipes, set()
        for pipe in pipes:
            pipe.cancel()
        await asyncio.gather(*pipes, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Not a coroutine: one that is cancelled before it begins would leave the connection open."""
        self._writers.add(writer)
        self._pipes.add(asyncio.ensure_future(self._pass(reader, writer)))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        try:
            there, back = await asyncio.open_connection(*self._behind)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(_copy(reader, back))
                    group.create_task(_copy(there, writer))
            finally:
                await _drop(back)
        except asyncio.CancelledError:
            pass
        finally:
            self._pipes.discard(task)
            self._writers.discard(writer)
            await _drop(writer)


async def _drop(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    with suppress(OSError):
        await writer.wait_closed()


@asynccontextmanager
async def gated(place: Place, context: str = "production") -> AsyncIterator[Gate]:
    """A door before one API server, put into the place's kubeconfig."""
    config = yaml.safe_load(place.kubeconfig.read_text("utf-8"))
    (entry,) = [one["cluster"] for one in config["clusters"] if one["name"] == context]
    host, port = entry["server"].removeprefix("https://").split(":")
    async with Gate(host, int(port)) as gate:
        entry["server"] = f"https://127.0.0.1:{gate.port}"
        place.kubeconfig.write_text(yaml.safe_dump(config), "utf-8")
        yield gate


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    target.close()
