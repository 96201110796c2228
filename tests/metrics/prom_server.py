"""A real Prometheus on loopback, with a data folder and a configuration of its own, for as long as a test wants.

All of them belong to the guardian of the cluster's tests (see there), which ends them when the run is killed.
"""

from __future__ import annotations

import json
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import yaml
from prom_programs import path
from prom_recording import Recording

from releaseconsole.metrics.client import PrometheusClient

T = TypeVar("T")
_GUARDIAN = Path(__file__).parents[1] / "cluster" / "guardian.py"
_PATIENCE = 60.0
_ATTEMPTS = 5
_GLOBAL = {"scrape_interval": "500ms", "scrape_timeout": "400ms", "evaluation_interval": "500ms"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a Prometheus is started with."""

    recording: Recording | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    """Beside ``global`` and ``rule_files``: ``scrape_configs``, ``remote_read``, …"""
    rules: Mapping[str, str] = field(default_factory=dict)
    """Rule files by name; more of them with :meth:`Prometheus.add_rules`."""
    web: Mapping[str, Any] = field(default_factory=dict)
    """The file of ``--web.config.file``; none when empty."""
    flags: tuple[str, ...] = ()
    prefix: str = ""
    """Path before ``/api/v1``."""
    scheme: str = "http"
    http: Mapping[str, Any] = field(default_factory=dict)
    """How the kit itself gets in: arguments of ``httpx.Client``."""


Start = Callable[..., "Prometheus"]
"""What the fixture ``start`` is."""
Connect = Callable[..., PrometheusClient]
"""What the fixture ``connect`` is."""


class Keeper:
    """Starts and ends every Prometheus of a test run; ``close`` leaves nothing behind."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="releaseconsole-prometheus-"))
        self._count = 0
        self._guardian = subprocess.Popen(
            [sys.executable, str(_GUARDIAN), str(self.folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    def order(self, *words: object) -> Any:
        """Tell the guardian; see there."""
        assert self._guardian.stdin is not None
        assert self._guardian.stdout is not None
        print(json.dumps(words), file=self._guardian.stdin, flush=True)
        return json.loads(self._guardian.stdout.readline())

    def start(self, wanted: Wanted) -> Prometheus:
        """Start one; returns when it answers queries. Raises RuntimeError with its log."""
        self._count += 1
        made = Prometheus(self, f"prometheus-{self._count}", wanted)
        made.start()
        return made

    def close(self) -> None:
        """End every process and remove the folder."""
        self._guardian.communicate()
        # The guardian has done this, unless somebody has killed it.
        shutil.rmtree(self.folder, ignore_errors=True)


class Prometheus:
    """One running Prometheus, and what a test does to it."""

    def __init__(self, keeper: Keeper, name: str, wanted: Wanted) -> None:
        self._keeper = keeper
        self._name = name
        self._wanted = wanted
        self.folder = keeper.folder / name
        self.port = free_port()
        self._write_files()
        self.http = httpx.Client(timeout=10.0, trust_env=False, **wanted.http)

    @property
    def url(self) -> str:
        """What stands before ``/api/v1``."""
        return f"{self._wanted.scheme}://localhost:{self.port}{self._wanted.prefix}"

    def start(self) -> None:
        """Start it, after a kill on the same port and data; returns when it is ready."""
        for _ in range(_ATTEMPTS):
            self.start_only()
            if self._comes_up():
                return
            # Somebody else took the port between the choice and the start.
            self.port = free_port()
        raise RuntimeError(self.log()[-3000:])

    def start_only(self) -> None:
        """Start it, and do not wait until it is ready."""
        self._keeper.order("start", self._name, self._command())

    def kill(self) -> None:
        """SIGKILL it."""
        self._keeper.order("kill", self._name)

    def close(self) -> None:
        """End it and remove its data."""
        self.http.close()
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        """What it has said so far."""
        return (self._keeper.folder / f"{self._name}.log").read_text()

    def ready(self) -> bool:
        """Whether it answers queries."""
        try:
            return self.http.get(f"{self.url}/-/ready").status_code == 200
        except httpx.TransportError:
            return False

    def add_rules(self, name: str, text: str) -> None:
        """One more rule file, read at once."""
        (self.folder / "rules" / f"{name}.yml").write_text(text)
        self.http.post(f"{self.url}/-/reload").raise_for_status()

    def query(self, text: str, at: float | None = None) -> list[dict[str, Any]]:
        """The result of an instant query, asked without the console's own code."""
        fields = {"query": text} | ({} if at is None else {"time": repr(at)})
        reply = self.http.get(f"{self.url}/api/v1/query", params=fields).raise_for_status()
        found: list[dict[str, Any]] = reply.json()["data"]["result"]
        return found

    def query_range(self, text: str, start: float, end: float, step: float) -> list[dict[str, Any]]:
        """The result of a range query, asked without the console's own code."""
        fields = {"query": text, "start": repr(start), "end": repr(end), "step": repr(step)}
        reply = self.http.get(f"{self.url}/api/v1/query_range", params=fields).raise_for_status()
        found: list[dict[str, Any]] = reply.json()["data"]["result"]
        return found

    def wait_for(self, text: str, timeout: float = _PATIENCE) -> list[dict[str, Any]]:
        """The result of an instant query, once it is not empty."""
        return wait_until(lambda: self.query(text), text, timeout)

    def _comes_up(self) -> bool:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            if self.ready():
                return True
            if self._keeper.order("ended", self._name) is not None:
                if "address already in use" in self.log():
                    return False
                break
            time.sleep(0.02)
        raise RuntimeError(f"Prometheus does not start:\n{self.log()[-3000:]}")

    def _command(self) -> list[str]:
        address = f"http://localhost:{self.port}{self._wanted.prefix}"
        web = [f"--web.config.file={self.folder / 'web.yml'}"] if self._wanted.web else []
        return [
            str(path("prometheus")),
            f"--config.file={self.folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            "--storage.tsdb.retention.time=100y",
            f"--web.listen-address=127.0.0.1:{self.port}",
            f"--web.external-url={address}",
            "--web.enable-lifecycle",
            "--scrape.discovery-reload-interval=100ms",
            "--log.level=warn",
            *web,
            *self._wanted.flags,
        ]

    def _write_files(self) -> None:
        wanted = self._wanted
        (self.folder / "rules").mkdir(parents=True)
        config = {"global": _GLOBAL, "rule_files": ["rules/*.yml"], **wanted.config}
        (self.folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        if wanted.web:
            (self.folder / "web.yml").write_text(yaml.safe_dump(dict(wanted.web)))
        for name, text in wanted.rules.items():
            (self.folder / "rules" / f"{name}.yml").write_text(text)
        if wanted.recording is not None:
            wanted.recording.write_blocks(self.folder / "data")


def free_port() -> int:
    """A free port below those that the system gives to outgoing connections, so that a restart finds it free."""
    while True:
        port = random.randint(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def wait_until(ask: Callable[[], T], what: str, timeout: float = _PATIENCE) -> T:
    """Ask until the answer is true. Raises TimeoutError saying what was waited for."""
    deadline = time.monotonic() + timeout
    while True:
        if found := ask():
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout:g} s for {what}")
        time.sleep(0.02)
