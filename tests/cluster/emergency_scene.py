"""A release that has replaced a pinned one, the gate on the way to it, and who rolls it back and may die over it."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from bench import Bench
from control_plane import ADMIN
from emergency import (
    BACK,
    GOOD,
    NEXT,
    Program,
    generations,
    gone_bad,
    images,
    plan_of,
    plan_text,
    program,
    running,
    stages,
    through,
)
from gate import Gate
from session_bench import opened

from releaseconsole.record.model import RollbackState, Stage

NAMES = ("shop", "desk", "till")
KEYS = tuple(f"deployment/{name}" for name in NAMES)
ONE_BY_ONE: dict[str, Any] = {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
ALL_AT_ONCE: dict[str, Any] = {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "100%"}}
LINGERS = """
after = [{ title = "tell", timeout = "50s", shell = '''
for second in $(seq 250); do test -e told && exit; sleep 0.2; done
''' }]
"""
"""A hook that keeps a run from its end until the file is there."""
CONSOLE = Path(__file__).with_name("session_child.py")


class Scene:
    """Three Deployments."""

    def __init__(self, bench: Bench, gate: Gate, folder: Path) -> None:
        self.bench = bench
        self.gate = gate
        self.folder = folder
        self.state = folder / "state"
        self.file = folder / "plan.toml"
        self.kubeconfig = through(gate, bench.plane, folder)
        self.file.write_text(plan_text([(ADMIN, bench.namespace)], KEYS, LINGERS), "utf-8")
        self.plan = plan_of([(ADMIN, bench.namespace)], KEYS, LINGERS)
        self.before: dict[str, int] = {}

    async def set(self, strategy: dict[str, Any]) -> None:
        """Deploy the good version, pin it, and deploy the next one over it."""
        for name in NAMES:
            self.bench.deploy(name, strategy=strategy)
        for name in NAMES:
            await self.bench.settled("deployment", name)
        async with opened(self.plan, self.kubeconfig, self.folder) as session:
            self.before = await gone_bad(self.bench, session, KEYS, NEXT)
        for name in NAMES:
            await self.bench.settled("deployment", name)

    def fired(self, by: str) -> AbstractAsyncContextManager[Program]:
        """The ``command`` or a ``console`` in a process of its own that rolls everything back."""
        if by == "command":
            return program(self.file, self.kubeconfig, self.state)
        words = (self.file, self.kubeconfig, self.state, self.folder)
        return running([sys.executable, str(CONSOLE), *map(str, words)], self.file, self.state)

    def tell(self) -> None:
        """Let the hook come to its end."""
        (self.folder / "told").touch()

    async def goes_on(self, by: str, died_at: set[str]) -> None:
        """Start again, by the same command or by a console's key, and see everything back by one patch each."""
        self.tell()
        done = await (self._by_command() if by == "command" else self._by_key(died_at))
        assert (done.id, done.outcome) == ("real-1", "complete")
        self.is_back_by_one_patch_each(done)

    def is_back_by_one_patch_each(self, done: RollbackState) -> None:
        """By the API server's own counts."""
        assert done.outcome == "complete", done
        assert stages(done) <= {*BACK, Stage.SKIPPED}
        assert images(self.bench, *KEYS) == {GOOD}
        assert generations(self.bench, *KEYS) == {key: of + 1 for key, of in self.before.items()}

    async def _by_command(self) -> RollbackState:
        async with self.fired("command") as again:
            ended = await again.ended()
            assert ended.code == 0, ended
            assert "Going on with the rollback real-1" in ended.err
            done = again.last()
        assert done is not None
        return done

    async def _by_key(self, died_at: set[str]) -> RollbackState:
        async with opened(self.plan, self.kubeconfig, self.folder) as session:
            found = session.interrupted_rollback("real")
            assert found is not None
            assert {str(one.stage) for one in found.workloads.values()} <= died_at
            async with asyncio.timeout(60):
                return await session.resume_rollback("real")


async def at_stage(bench: Bench, run: Program, *wanted: str) -> None:
    """Wait until every workload is at one of these stages, by the journal of somebody who is alive."""

    def there() -> bool:
        last = run.last()
        assert run.process.returncode is None, "the program has ended"
        return last is not None and all(str(one.stage) in wanted for one in last.workloads.values())

    await bench.until(there, f"everything is {' or '.join(wanted)}")


async def killed(run: Program, how: signal.Signals) -> None:
    """End it before it has come to its own end."""
    run.kill(how)
    ended = await run.ended()
    assert ended.code != 0
    last = run.last()
    assert last is not None
    assert last.outcome in ("", "interrupted"), "it did not come to its end"
