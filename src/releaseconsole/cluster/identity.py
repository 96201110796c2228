"""What tells a cluster from others."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """A cluster as one user sees it."""

    server: str
    """Address of the API server."""
    uid: str = ""
    """UID of the namespace ``kube-system``; "" for a user who may not read it, or where it does not exist."""
