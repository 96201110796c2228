"""A working folder to practise in: manifests, a git repository, and stand-ins for the document's tools."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from releaseconsole.errors import ReleaseConsoleError
from releaseconsole.sandbox.release.manifests import NEW_TAG, SERVICES, config_map, deployment, image, service

if TYPE_CHECKING:
    from releaseconsole.sandbox.practice import Endpoints, Options

_GIT_SECONDS = 10.0
_README = """# HealthPay practice workspace

Everything in this folder was made for practice: the manifests under `deployment/k8s/` belong to the
practice cluster, and the commands in `bin/` are stand-ins that only pretend to build and to test. Change what
you like; the folder is made again when practice starts afresh.
"""


class WorkspaceError(ReleaseConsoleError):
    """The practice workspace could not be made."""


def make_workspace(folder: Path, options: Options, endpoints: Mapping[str, Endpoints] | None = None) -> Path:
    """Makes (or makes again) the workspace and returns its folder; ``bin/`` in it belongs first on PATH.

    ``endpoints`` lets the load test's stand-in drive the practice cluster. With git on PATH the folder is a
    repository on branch ``develop`` with a bare origin beside it. Raises WorkspaceError.
    """
    try:
        _write_files(folder, options, endpoints or {})
        if shutil.which("git") and not (folder / ".git").exists():
            _make_repository(folder)
    except (OSError, subprocess.SubprocessError) as problem:
        raise WorkspaceError(
            f"The practice workspace {folder} could not be made: {problem}.",
            "Choose a folder that can be written, with some space left.",
        ) from problem
    return folder


def _write_files(folder: Path, options: Options, endpoints: Mapping[str, Endpoints]) -> None:
    for name in SERVICES:
        _write_yaml(
            folder / "deployment/k8s" / f"{name}.yaml",
            (deployment(name, NEW_TAG), service(name)),
        )
    _write_yaml(folder / "deployment/k8s" / "api-config.yaml", (config_map(),))
    _write(folder / "README.md", _README)
    _write(folder / "docker-compose.yml", _compose())
    _write(folder / ".gitignore", "bin/\nload-test-results.txt\n")
    _write(folder / "tests/load/package.json", _package())
    _write_commands(folder / "bin", options, endpoints)


def _write_yaml(path: Path, documents: Sequence[Any]) -> None:
    import yaml

    _write(path, yaml.safe_dump_all(documents, sort_keys=False))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _compose() -> str:
    services = "".join(f"  {name}:\n    image: {image(name, NEW_TAG)}\n" for name in SERVICES)
    return f"services:\n{services}"


def _package() -> str:
    package = {
        "name": "healthpay-load-tests",
        "version": NEW_TAG,
        "private": True,
        "scripts": {"load-test": "practice stand-in, see bin/npm"},
    }
    return json.dumps(package, indent=2) + "\n"


def _write_commands(folder: Path, options: Options, endpoints: Mapping[str, Endpoints]) -> None:
    """Small Python programs that run this package's stand-ins with the interpreter of this process."""
    known = {
        context: {"prometheus": found.prometheus, "api": found.api} for context, found in endpoints.items()
    }
    _write(
        folder / "practice.json", json.dumps({"speed": options.speed, "endpoints": known}, indent=2) + "\n"
    )
    for name in ("docker-compose", "npm"):
        script = folder / name
        _write(script, _script(name))
        script.chmod(0o755)


def _script(name: str) -> str:
    """A shell script, so that a long path of the interpreter is no problem in its first line."""
    interpreter = sys.executable.replace("'", "'\\''")
    module = "releaseconsole.sandbox.standins"
    return (
        "#!/bin/sh\n# A practice stand-in: it builds and tests nothing.\n"
        f'exec \'{interpreter}\' -m {module} {name} "$(dirname "$0")/practice.json" "$@"\n'
    )


def _make_repository(folder: Path) -> None:
    """One commit on ``develop``, and an origin that has it too."""
    origin = folder.parent / f"{folder.name}-origin.git"
    if origin.exists():
        shutil.rmtree(origin)
    _git(folder, "init", "--quiet", "--initial-branch=develop")
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--no-verify", "--message", f"Release {NEW_TAG}")
    _git(folder, "clone", "--quiet", "--bare", ".", str(origin))
    _git(folder, "remote", "add", "origin", str(origin))
    _git(folder, "fetch", "--quiet", "origin")
    _git(folder, "branch", "--quiet", "--set-upstream-to=origin/develop", "develop")


def _git(folder: Path, *arguments: str) -> None:
    identity = {"NAME": "Practice", "EMAIL": "practice@healthpay.example", "DATE": "2025-12-17T09:00:00Z"}
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    for field, value in identity.items():
        environment |= {f"GIT_AUTHOR_{field}": value, f"GIT_COMMITTER_{field}": value}
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
    subprocess.run(
        ("git", *arguments),
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=_GIT_SECONDS,
    )
