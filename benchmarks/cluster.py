"""A practice cluster in a process of its own, for what is measured against it."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import CONSOLE


@contextmanager
def practice(*options: str) -> Iterator[Path]:
    """Run `releaseconsole sandbox`; yields its kubeconfig once it is ready. Endpoints are in the file beside it."""
    with tempfile.TemporaryDirectory() as folder:
        kubeconfig = Path(folder) / "kubeconfig"
        command = [
            *(*CONSOLE, "sandbox", "--json", "--until-eof", *options),
            *("--kubeconfig", str(kubeconfig), "--endpoints", str(kubeconfig.with_name("endpoints.json"))),
        ]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            if not child.stdout.readline():
                raise ChildProcessError("the practice cluster did not start; its reason is above")
            yield kubeconfig
        finally:
            child.stdin.close()
            child.stdout.close()
            try:
                child.wait(timeout=10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
