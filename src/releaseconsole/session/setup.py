"""Where a session acts and on whose behalf."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from releaseconsole.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Given once, when a session is opened."""

    kubeconfig: Path | None
    folder: Path
    """Where actions run and manifests are found."""
    environ: Mapping[str, str]
    user: str
    clock: Clock
    read_only: bool = False
    practice: str = ""
    """The practice cluster's scenario; "" on real clusters."""
