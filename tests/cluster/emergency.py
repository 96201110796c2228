"""What the tests of the emergency rollback on the real control plane share: plans, a release gone bad, gates."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from bench import Bench
from control_plane import ADMIN, ControlPlane
from gate import Gate

from releaseconsole.plan.load import load_plan, parse_plan
from releaseconsole.plan.model import Plan
from releaseconsole.record.fold import fold
from releaseconsole.record.model import ReleaseState, RollbackState, Stage
from releaseconsole.session import Session
from releaseconsole.session.opening import read_journal

BACK = {Stage.AVAILABLE, Stage.RECOVERED}
GOOD, NEXT, BAD = "shop:good-1", "shop:good-2", "shop:crash-2"
_PATIENCE = 60.0


def plan_text(targets: Iterable[tuple[str, str]], workloads: Iterable[str], rules: str = "") -> str:
    """A plan with one environment; ``targets`` are (context, namespace), ``rules`` those of its rollback."""
    places = ", ".join(
        f'{{ context = "{context}", namespace = "{namespace}" }}' for context, namespace in targets
    )
    return f"""
[release]
name = "shop"
title = "Shop"
version = "1"
[environments.real]
targets = [{places}]
workloads = {json.dumps(list(workloads))}
[environments.real.rollback]
{rules}
[[phases]]
id = "deploy"
title = "Deploy"
environment = "real"
"""


def plan_of(targets: Iterable[tuple[str, str]], workloads: Iterable[str], rules: str = "") -> Plan:
    return parse_plan(plan_text(targets, workloads, rules), "plan.toml")


def generations(bench: Bench, *keys: str) -> dict[str, int]:
    """``kind/name`` → how often its spec was changed."""
    return {key: int(bench.get(*key.split("/"))["metadata"]["generation"]) for key in keys}


def images(bench: Bench, *keys: str) -> set[str]:
    return {bench.image(*key.split("/")) for key in keys}


def stages(done: RollbackState) -> set[Stage]:
    return {one.stage for one in done.workloads.values()}


def journal(plan: Plan, state: Path) -> ReleaseState:
    """What a journal that somebody else may be writing says."""
    return fold(read_journal(plan, state)[0])


def through(gate: Gate, plane: ControlPlane, folder: Path) -> Path:
    """A kubeconfig whose way leads through the gate."""
    return plane.kubeconfig(folder / "gated", {ADMIN: {"token": plane.tokens[ADMIN]}}, gate.server)


def writes(gate: Gate) -> list[tuple[str, str]]:
    """Requests that went to the API server to change something, or to ask how a change would be."""
    return [
        (method, path)
        for method, path in gate.seen
        if method not in ("GET", "HEAD") and "accessreview" not in path
    ]


def patches(gate: Gate) -> list[str]:
    """Paths of the patches that were meant."""
    return [path for method, path in gate.seen if method == "PATCH" and "dryRun" not in path]


@dataclass(slots=True)
class Door:
    """A hook that breaks every connection off while it is shut."""

    gate: Gate
    is_shut: bool = False

    def shut(self) -> None:
        self.is_shut = True
        self.gate.cut()

    def open(self) -> None:
        self.is_shut = False

    async def __call__(self, request: web.Request) -> web.StreamResponse | None:
        if not self.is_shut:
            return None
        assert request.transport is not None
        request.transport.abort()
        return web.Response()


@dataclass(slots=True)
class Held:
    """A hook that keeps the patches of a rollback from their sender: before or after the API server has them.

    When it is let go, nothing that it holds goes on its way any more.
    """

    gate: Gate
    after: bool = False
    """The API server has carried the patch out; only its answer is held."""
    came: asyncio.Event = field(default_factory=asyncio.Event)
    is_open: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, request: web.Request) -> web.StreamResponse | None:
        if request.method != "PATCH" or request.query.get("dryRun") or self.is_open.is_set():
            return None
        if self.after:
            async with self.gate.asking(request) as found:
                await found.read()
        self.came.set()
        await self.is_open.wait()
        if request.transport is not None:
            request.transport.abort()
        return web.Response()


@dataclass(slots=True)
class Ended:
    """How the program ended."""

    code: int
    out: str
    err: str


@dataclass(slots=True)
class Program:
    """Somebody who rolls back in a process of its own."""

    process: asyncio.subprocess.Process
    plan: Path
    state: Path

    def kill(self, how: signal.Signals) -> None:
        self.process.send_signal(how)

    async def says(self, words: str) -> None:
        """Wait for a line of its messages that holds these words."""
        assert self.process.stderr is not None
        async with asyncio.timeout(_PATIENCE):
            while line := (await self.process.stderr.readline()).decode():
                if words in line:
                    return
        raise AssertionError(f"it has ended, and did not say: {words}")

    async def ended(self) -> Ended:
        async with asyncio.timeout(_PATIENCE):
            out, err = await self.process.communicate()
        return Ended(self.process.returncode or 0, out.decode(), err.decode())

    def last(self) -> RollbackState | None:
        """Its rollback, by the journal."""
        rollbacks = journal(load_plan(self.plan), self.state).rollbacks
        return rollbacks[-1] if rollbacks else None


def program(
    plan: Path, kubeconfig: Path, state: Path, *options: str, limit: int = 0
) -> AbstractAsyncContextManager[Program]:
    """Run the command; ``limit`` is the largest size of a file, in blocks of 512 bytes, that it may write."""
    command = [sys.executable, "-m", "releaseconsole", "rollback", str(plan), "-e", "real", "--yes"]
    places = ["--kubeconfig", str(kubeconfig), "--state", str(state)]
    limited = ["sh", "-c", f'ulimit -f {limit}; exec "$@"', "sh"] if limit else []
    return running([*limited, *command, *places, *options], plan, state)


@asynccontextmanager
async def running(words: list[str], plan: Path, state: Path) -> AsyncIterator[Program]:
    """A process that writes the journal in ``state``; it is ended with the block."""
    child = await asyncio.create_subprocess_exec(
        *words,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        # Whoever runs the tests may ignore it, and that is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    )  # fmt: skip
    try:
        yield Program(child, plan, state)
    finally:
        if child.returncode is None:
            child.kill()
            await child.communicate()


async def gone_bad(bench: Bench, session: Session, keys: Iterable[str], image: str = BAD) -> dict[str, int]:
    """Pin what runs in the session's environment, release a bad version of everything; the generations then."""
    await session.pin("real")
    for key in keys:
        bench.set_image(*key.split("/"), image)
    return generations(bench, *keys)
