"""``releaseconsole demo``: the console on a practice cluster that lives in a process of its own.

A process and not a thread: the cluster's work then never delays a key, and it starts while the screen's
libraries load. It ends when this process does, however that ends, since it holds the other end of a pipe.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from releaseconsole.errors import RecordError, ReleaseConsoleError, UsageError
from releaseconsole.paths import STATE_VARIABLE, make_private_folder, release_folder, sample_configs_dir

HURRY = 720.0
"""How many times shorter an observation window is in practice: two minutes stand for a day."""


@dataclass(frozen=True, slots=True)
class Practice:
    """A running practice cluster, seen from outside."""

    kubeconfig: Path
    endpoints: dict[str, Any]
    workspace: Path


def run_demo(
    *, scenario: str, seed: int, fresh: bool, speed: float, theme: str | None, read_only: bool
) -> None:
    """Start the practice cluster, open the console on it, and end both together."""
    from releaseconsole.commands.console import require_terminal, run_console

    require_terminal()
    folder = release_folder("healthpay", "practice", demo=True)
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
    make_private_folder(folder)
    with practice_cluster(folder, scenario=scenario, seed=seed, speed=speed) as starting:
        # All of this loads while the cluster starts on the other core.
        from releaseconsole.cluster.login import preload
        from releaseconsole.plan.load import load_plan
        from releaseconsole.plan.variables import with_overrides
        from releaseconsole.plan.watching import with_shorter_windows
        from releaseconsole.ui import app as _screen  # noqa: F401

        plan = load_plan(sample_configs_dir() / "healthpay.toml")
        preload()
        practice = starting()
        run_console(
            with_shorter_windows(with_overrides(plan, practice.endpoints), HURRY * speed),
            kubeconfig=practice.kubeconfig,
            state=folder / "journal",
            folder=practice.workspace,
            environ=practice_environ(practice),
            theme=theme,
            read_only=read_only,
            practice=scenario,
        )


def practice_environ(practice: Practice) -> dict[str, str]:
    """The environment of actions: the workspace's own commands come first on PATH."""
    path = os.pathsep.join([str(practice.workspace / "bin"), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "KUBECONFIG": str(practice.kubeconfig)}


@contextmanager
def practice_cluster(folder: Path, *, scenario: str, seed: int, speed: float) -> Iterator[Any]:
    """Start a practice cluster in a child process; yields a function that waits until it is ready."""
    kubeconfig, workspace = folder / "kubeconfig", folder / "workspace"
    command = [
        *(sys.executable, "-m", "releaseconsole", "sandbox", "--json", "--until-eof"),
        *("--scenario", scenario, "--seed", str(seed), "--speed", str(speed)),
        *("--kubeconfig", str(kubeconfig), "--workspace", str(workspace)),
    ]
    log = folder / "practice.log"
    with _opened(log) as errors:
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, start_new_session=True
        )

    def ready() -> Practice:
        assert child.stdout is not None
        line = child.stdout.readline()
        if not line:
            raise _failed_to_start(child, log)
        return Practice(kubeconfig, json.loads(line)["endpoints"], workspace)

    try:
        yield ready
    finally:
        _end(child)


def _opened(log: Path) -> IO[bytes]:
    try:
        return log.open("wb")
    except OSError as error:
        raise RecordError(
            f"{log} cannot be written: {error.strerror}.",
            f"Name a folder that can be written to with ${STATE_VARIABLE}.",
        ) from error


def _failed_to_start(child: subprocess.Popen[bytes], log: Path) -> ReleaseConsoleError:
    child.wait(timeout=5)
    words = log.read_text("utf-8", "replace").strip().splitlines()
    if child.returncode == UsageError.exit_code and words:
        return UsageError(" ".join(words).removeprefix("releaseconsole: "))
    last = words[-1] if words else f"exit code {child.returncode}"
    return ReleaseConsoleError(
        f"The practice cluster did not start: {last}",
        "Run `releaseconsole sandbox --kubeconfig FILE` to see why.",
    )


def _end(child: subprocess.Popen[bytes]) -> None:
    """Close the pipe, which ends it; kill what does not go."""
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            pipe.close()
    try:
        child.wait(timeout=3)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
