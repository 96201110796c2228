"""Where a session acts and on whose behalf."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from releaseconsole.clock import Clock
from releaseconsole.record.clusters import SeenCluster


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
    attended: bool = True
    """A console that stays open: it observes what is being released, guards rollbacks, and may roll back by itself."""
    practice: str = ""
    """The practice cluster's scenario; "" on real clusters."""
    accept_clusters: frozenset[str] = frozenset()
    """Contexts of which a person has said beforehand that they may lead to another cluster than before."""
    known_clusters: Mapping[str, SeenCluster] = field(default_factory=dict)
    """Context → cluster, from a journal that the session itself does not read."""
