"""The program as its users meet it: a process with arguments, two streams and an exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SAMPLES = Path(__file__).parents[2] / "sample_configs"
HEALTHPAY, SMALL = SAMPLES / "healthpay.toml", SAMPLES / "small.toml"
PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended. Whatever happens, no traceback and no colour is shown to anybody."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout; anything beside it is an error."""
        return json.loads(self.out)

    def refused(self, code: int, *words: str) -> None:
        """Nothing on stdout, the exit code, and a sentence on stderr that has all of ``words``."""
        assert (self.code, self.out) == (code, ""), (self.out, self.err)
        for word in words:
            assert word in self.err


class Program:
    """Runs commands with a home and a state folder of their own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.state = home / "state"

    def environ(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if key in ("PATH", "LANG", "COVERAGE_RCFILE")}
        ours = {
            "HOME": str(self.home),
            "RELEASECONSOLE_STATE": str(self.state),
            "RELEASECONSOLE_USER": "amira",
        }
        return {**kept, "PYTHONUTF8": "1", **ours, **(more or {})}

    def __call__(
        self,
        *words: str | Path,
        environ: Mapping[str, str] | None = None,
        text: bytes = b"",
        python: tuple[str, ...] = ("-m", "releaseconsole"),
    ) -> Result:
        done = subprocess.run(
            [sys.executable, *python, *map(str, words)],
            input=text,
            capture_output=True,
            env=self.environ(environ),
            cwd=self.home,
            timeout=PATIENCE,
            check=False,
        )
        result = Result(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert "Traceback" not in result.out + result.err, result.err
        assert "\x1b" not in result.out + result.err
        return result
