"""Which cluster a context led to: what the journal remembers, and when two sightings are of the same cluster.

A cluster is told from others by the UID of its namespace ``kube-system``. Who may not read that sees only the
server's address; then addresses are compared, since a UID never equals an address.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class SeenCluster:
    """One sighting. ``uid`` or ``server`` may be "", never both."""

    uid: str
    """UID of the namespace ``kube-system``; "" when it could not be read."""
    server: str
    """Address of the API server."""
    by: str = ""
    at: float = 0.0
    """Seconds since the epoch at which the context was first seen to lead there, or confirmed to."""

    @classmethod
    def of(cls, identity: str, server: str, by: str = "", at: float = 0.0) -> SeenCluster:
        """From an entry of the journal, whose ``identity`` is either a UID or an address."""
        if "://" in identity:
            return cls("", server or identity, by, at)
        return cls(identity, server, by, at)

    @property
    def identity(self) -> str:
        """The UID, else the address."""
        return self.uid or self.server

    def is_same(self, other: SeenCluster) -> bool:
        """Whether both are of one cluster, as far as both tell."""
        if self.uid and other.uid:
            return self.uid == other.uid
        return _address(self.server) == _address(other.server)

    def knows_as_much_as(self, other: SeenCluster) -> bool:
        """Whether ``other``, which is of the same cluster, adds nothing."""
        return bool(self.uid or not other.uid) and _address(self.server) == _address(other.server)

    def learning(self, other: SeenCluster) -> SeenCluster:
        """With what a later sighting of the same cluster adds: its UID, and where it is now."""
        return replace(self, uid=self.uid or other.uid, server=other.server or self.server)

    def __str__(self) -> str:
        if self.uid and self.server:
            return f"{self.server}, kube-system {self.uid}"
        return self.server or f"kube-system {self.uid}"


def _address(server: str) -> str:
    return server.rstrip("/").lower()
