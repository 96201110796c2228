"""A real session on the real practice cluster, with the console driven over it, for tests of the whole program."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import ssl
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from frame_driver import Console
from textual import events
from textual.keys import _character_to_key

from releaseconsole.cli import cli
from releaseconsole.commands.demo import Practice, practice_environ
from releaseconsole.commands.practice import endpoint_overrides
from releaseconsole.paths import sample_configs_dir
from releaseconsole.plan.load import load_plan
from releaseconsole.plan.model import Plan
from releaseconsole.plan.variables import with_overrides
from releaseconsole.sandbox import Options, PracticeCluster, PracticeThread, make_workspace
from releaseconsole.session import Session, open_session
from releaseconsole.ui.app import ConsoleApp
from releaseconsole.ui.screens.apply import ApplyScreen
from releaseconsole.ui.screens.rollback import RollbackScreen

PLAN_FILE = sample_configs_dir() / "healthpay.toml"
SERVICES = ("command-service", "api-gateway", "query-service")
PATIENCE = 60.0
"""Real seconds that anything may take on a busy machine."""
_LETTER = re.compile(r"Press {2}([A-Z]) {2}to roll back now|^\W*([A-Z]) {2}rolls back", re.MULTILINE)


class FastClock:
    """The machine's clocks, several times as fast: a minute of metrics goes by in seconds."""

    def __init__(self, factor: float) -> None:
        self._factor = factor
        self._epoch, self._start = time.time(), time.monotonic()

    def now(self) -> float:
        return self._epoch + (time.monotonic() - self._start) * self._factor

    def monotonic(self) -> float:
        return self._start + (time.monotonic() - self._start) * self._factor

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._factor)


@dataclass(frozen=True, slots=True)
class Ground:
    """Where to practise: a running cluster, the plan that points to it, and folders for everything else."""

    thread: PracticeThread
    plan: Plan
    folder: Path
    clock: FastClock

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    @property
    def journal_folder(self) -> Path:
        return self.folder / "journal"

    @property
    def journal(self) -> Path:
        return self.journal_folder / "journal.jsonl"

    def session(self, *, read_only: bool = False) -> Session:
        """The real session, as `demo` makes it."""
        workspace = self.folder / "workspace"
        return open_session(
            self.plan,
            kubeconfig=self.kubeconfig,
            state=self.journal_folder,
            folder=workspace,
            environ=practice_environ(Practice(self.kubeconfig, {}, workspace)),
            user="amira",
            clock=self.clock,
            read_only=read_only,
            practice="healthy",
        )

    def journal_says(self, *options: str) -> str:
        """What `releaseconsole journal` prints of this release, once it has found every hash to fit."""
        command = ["journal", str(PLAN_FILE), "--state", str(self.journal_folder), *options]
        done = CliRunner().invoke(cli, command, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    def entries(self) -> list[dict[str, Any]]:
        """What is in the journal on disk now."""
        entries: list[dict[str, Any]] = json.loads(self.journal_says("--json"))["entries"]
        return entries

    def kinds(self) -> list[str]:
        """The kinds of the journal's entries."""
        return [entry["kind"] for entry in self.entries()]

    async def images(self) -> dict[str, str]:
        """What production's deployments are told to run, asked of the API server and not of the program."""
        found = (await self.ask("GET", "apis/apps/v1", "deployments"))["items"]
        return {
            one["metadata"]["name"]: one["spec"]["template"]["spec"]["containers"][0]["image"]
            for one in found
        }

    async def pod_images(self) -> set[str]:
        """What production's pods run, those that are being ended aside."""
        pods = (await self.ask("GET", "api/v1", "pods"))["items"]
        return {
            pod["spec"]["containers"][0]["image"]
            for pod in pods
            if "deletionTimestamp" not in pod["metadata"]
        }

    async def set_tag(self, tag: str, *services: str) -> None:
        """Somebody changes images behind the console's back."""
        for name in services or SERVICES:
            container = {"name": name, "image": f"healthpay/{name}:{tag}"}
            patch = {"spec": {"template": {"spec": {"containers": [container]}}}}
            await self.ask("PATCH", "apis/apps/v1", f"deployments/{name}", patch)

    async def ask(self, method: str, group: str, what: str, body: Any = None) -> Any:
        """One request to production's API server, by means of the standard library alone."""
        return await asyncio.to_thread(self._ask, method, group, what, body)

    def _ask(self, method: str, group: str, what: str, body: Any) -> Any:
        config: Any = self.thread.cluster.kubeconfig
        place = next(one["cluster"] for one in config["clusters"] if one["name"] == "production")
        token = next(one["user"]["token"] for one in config["users"] if one["name"] == "production")
        authority = base64.b64decode(place["certificate-authority-data"]).decode()
        request = urllib.request.Request(
            f"{place['server']}/{group}/namespaces/healthpay/{what}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/strategic-merge-patch+json",
            },
        )
        context = ssl.create_default_context(cadata=authority)
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:
            return json.loads(answer.read())


@contextmanager
def practice_ground(folder: Path, *, scenario: str = "healthy", factor: float = 20.0) -> Iterator[Ground]:
    """A practice cluster in its own thread, time ``factor`` times as fast for it and for the session alike."""
    clock = FastClock(factor)
    options = Options(scenario=scenario, speed=10.0 / factor, ready_seconds=1.0)
    thread = PracticeThread(options, clock)
    cluster: PracticeCluster = thread.start()
    try:
        cluster.write_kubeconfig(folder / "kubeconfig")
        make_workspace(folder / "workspace", options, cluster.endpoints)
        plan = with_overrides(load_plan(PLAN_FILE), endpoint_overrides(cluster))
        yield Ground(thread, plan, folder, clock)
    finally:
        thread.stop()


class LiveConsole(Console):
    """The console on a real session.

    Pilot's own waits last until the process is idle, which it never is with a live cluster in it: here a key press
    waits until every widget has seen what was queued, and everything else waits for a condition.
    """

    session: Any

    async def press(self, *keys: str) -> None:
        driver = self.app._driver
        assert driver is not None
        for key in keys:
            character = " " if key == "space" else key if len(key) == 1 else None
            name = key if len(key) > 1 or key.isalnum() else _character_to_key(key)
            event = events.Key(name, character)
            event.set_sender(self.app)
            driver.send_message(event)
            for _ in range(3):
                await self.pilot.pause(0)

    async def until(self, holds: Any, what: str = "") -> None:
        """Wait at most a minute until that holds."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if holds():
                return
            await self.pilot.pause(0.03)
        raise AssertionError(f"never happened: {what or holds}\n{self.text()}\n{self.toasts()}")

    async def told(self, *words: str) -> None:
        """Wait until a message says all of these."""
        await self.until(
            lambda: any(all(word in toast for word in words) for toast in self.toasts()),
            f"being told {words}",
        )

    async def go_to(self, key: str) -> None:
        """Walk the cursor down to an item (``i:ID``) or an action (``a:ID``)."""
        await self.press("C", "home")
        for _ in range(200):
            current = self.main.checklist.current
            if current is not None and current.key == key:
                return
            await self.press("down")
        raise AssertionError(f"there is no {key} on this tab\n{self.text()}")

    async def run(self, action_id: str, *, confirm: bool) -> None:
        """Run an action with enter, agree to the preview where there is one, and wait for its success."""
        await self.go_to(f"a:{action_id}")
        await self.press("enter")
        if confirm:
            await self.agree()
        await self.until(lambda: self.session.state.action(action_id).ended, f"{action_id} has ended")
        ended = self.session.state.action(action_id)
        assert ended.status == "succeeded", ended

    async def agree(self) -> None:
        """Wait until the preview of an apply has been seen for a moment, and press enter."""
        await self.sees("APPLY TO PRODUCTION")
        screen = self.app.screen
        assert isinstance(screen, ApplyScreen)
        await self.until(lambda: screen._was_read, "a preview that can be agreed to")
        await self.press("enter")

    async def decide_go(self, reason: str) -> None:
        await self.press("g")
        await self.sees("Go/no-go", "g GO")
        await self.press("g")
        await self.sees("GO", "enter accept")
        await self.type(reason)
        await self.press("enter")
        await self.until(lambda: self.dialog == "MainScreen")

    async def letter(self) -> str:
        """The letter of the preview, as a person reads it."""
        await self.until(lambda: _LETTER.search(self.text()), "a letter that fires")
        found = _LETTER.search(self.text())
        assert found is not None
        return (found[1] or found[2]).lower()

    async def roll_back(self) -> None:
        """ctrl+r and the letter."""
        await self.press("ctrl+r")
        await self.confirm()

    async def confirm(self) -> None:
        """Press the letter that is shown, and another one that was drawn meanwhile, until it has fired."""
        await self.letter()
        end = time.monotonic() + PATIENCE
        while not isinstance(self.app.screen, RollbackScreen):
            assert time.monotonic() < end, self.text()
            if (found := _LETTER.search(self.text())) is not None:
                await self.press((found[1] or found[2]).lower())
            await self.pilot.pause(0.03)

    async def rolled_back(self) -> None:
        """Wait until the rollback has ended."""
        await self.until(
            lambda: self.session.state.rollbacks and self.session.state.rollbacks[-1].outcome,
            "the rollback has ended",
        )

    async def live(self) -> None:
        """Wait for pods, metrics and an armed rollback."""
        await self.until(lambda: self.view.pods and self.view.armed.armed, "pods, and a rehearsed rollback")
        await self.until(lambda: all(one.seen for one in self.view.objectives), "metrics")

    @property
    def view(self) -> Any:
        return self.session.environment(self.main.environment_id)


@asynccontextmanager
async def console(
    ground: Ground, *, size: tuple[int, int] = (200, 50), read_only: bool = False
) -> AsyncIterator[LiveConsole]:
    """The console on a session of its own, opened, and closed at the end as `q` does it."""
    session = ground.session(read_only=read_only)
    app = ConsoleApp(session, clock=ground.clock)
    async with app.run_test(size=size, notifications=True) as pilot:
        driven = LiveConsole(app, pilot, session)  # type: ignore[arg-type]
        await driven.until(lambda: driven.main.ready and driven.main.checklist.current, "the release is open")
        yield driven
        app._leaving.set()
        await driven.until(app._session_closed.is_set, "the session has closed")
