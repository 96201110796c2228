"""The programs of a real control plane: where they are, and how they are built from Go modules.

``python tests/cluster/binaries.py`` (that is ``make control-plane``) builds what is missing. Each Go module has
a folder in the user's cache, named by the hash of all that decides what comes out, so that a second run builds
nothing and a new version never meets an old one. Programs in ``KUBEBUILDER_ASSETS`` are taken first.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import filelock
import platformdirs

HOW = "make control-plane"
MODULES = Path(__file__).with_name("go")
ASSETS = "KUBEBUILDER_ASSETS"
KUBERNETES = "v1.36.3"
_VERSION = "k8s.io/component-base/version"


@dataclass(frozen=True, slots=True)
class Module:
    """One Go module of ours, and which package becomes which program."""

    name: str
    programs: dict[str, str]
    link: str = "-s -w"
    """Flags of the linker."""
    files: dict[str, str] = field(default_factory=dict)
    """Files of other modules that are kept beside the programs: name → ``module path//path in it``."""

    @property
    def folder(self) -> Path:
        return MODULES / self.name

    def place(self) -> Path:
        """Its folder in the cache."""
        said = f"{self.link} {self.programs} {platform.system()} {platform.machine()}".encode()
        said += str(self.files).encode() if self.files else b""
        sums = b"".join((self.folder / file).read_bytes() for file in ("go.mod", "go.sum"))
        stamp = hashlib.sha256(sums + said).hexdigest()[:16]
        cache = platformdirs.user_cache_path("releaseconsole", appauthor=False)
        return cache / "control-plane" / f"{self.name}-{stamp}"


PARTS = (
    Module("etcd", {"etcd": "go.etcd.io/etcd/server/v3"}),
    Module("kwok", {"kwok": "sigs.k8s.io/kwok/cmd/kwok"}),
    Module(
        "kubernetes",
        {
            name: f"k8s.io/kubernetes/cmd/{name}"
            for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
        },
        # Without these the server says that it is version 0, and clients believe it.
        f"-s -w -X {_VERSION}.gitVersion={KUBERNETES} -X {_VERSION}.gitMajor=1 -X {_VERSION}.gitMinor=36",
    ),
)

ARGO = Module(
    "argo",
    {"rollouts-controller": "github.com/argoproj/argo-rollouts/cmd/rollouts-controller"},
    files={
        f"{kind}-crd.yaml": f"github.com/argoproj/argo-rollouts//manifests/crds/{kind}-crd.yaml"
        for kind in (
            "rollout",
            "experiment",
            "analysis-run",
            "analysis-template",
            "cluster-analysis-template",
        )
    },
)
"""Not part of every control plane: only the tests of Argo Rollouts start it."""
EVERYTHING = (*PARTS, ARGO)


def find() -> dict[str, Path]:
    """Every program and file that is there, by name."""
    found = {}
    for module in EVERYTHING:
        for name in (*module.programs, *module.files):
            program = _given(name) or module.place() / name
            if program.is_file():
                found[name] = program
    return found


def missing(modules: Iterable[Module] = PARTS) -> list[str]:
    """Names of the programs and files that are not there."""
    there = find()
    return [name for module in modules for name in (*module.programs, *module.files) if name not in there]


def build(modules: Iterable[Module] = PARTS) -> None:
    """Build what is missing. Raises CalledProcessError."""
    for module in modules:
        if missing([module]):
            _build(module)


def _given(name: str) -> Path | None:
    folder = os.environ.get(ASSETS)
    program = Path(folder, name) if folder else None
    return program if program is not None and program.is_file() else None


def _build(module: Module) -> None:
    place = module.place()
    place.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(f"{place}.lock"):
        if place.is_dir():
            return
        began = time.monotonic()
        print(f"building {', '.join(module.programs)} (some minutes, once) …", flush=True)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=".building-") as scratch:
            out = Path(scratch, module.name)
            _compile(module, out)
            # In one step, so that what is in the cache is always whole.
            out.rename(place)
        print(f"… built in {time.monotonic() - began:.0f} s", flush=True)


def _compile(module: Module, out: Path) -> None:
    command = ["go", "build", "-trimpath", "-buildvcs=false", "-mod=readonly", f"-ldflags={module.link}"]
    for name, package in module.programs.items():
        subprocess.run([*command, "-o", str(out / name), package], cwd=module.folder, check=True)
    for name, source in module.files.items():
        other, _, path = source.partition("//")
        ask = ["go", "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", other]
        found = subprocess.run(ask, cwd=module.folder, check=True, capture_output=True, text=True)
        shutil.copyfile(Path(found.stdout.strip(), path), out / name)


def main() -> int:
    if missing(EVERYTHING) and shutil.which("go") is None:
        print(
            f"Go 1.26 or later is needed to build {', '.join(missing(EVERYTHING))}; or set {ASSETS}.",
            file=sys.stderr,
        )
        return 2
    try:
        build(EVERYTHING)
    except subprocess.CalledProcessError as error:
        print(f"`{' '.join(error.cmd)}` failed.", file=sys.stderr)
        return 1
    for name, program in find().items():
        print(f"{name:24} {program}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
