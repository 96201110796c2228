"""The arithmetic of a rolling update, as the deployment controller does it; no state and no store."""

from __future__ import annotations

import math
from collections.abc import Iterable

from releaseconsole.sandbox.controllers.tools import counted, notes_of, replicas
from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.objects import dig

DESIRED = "deployment.kubernetes.io/desired-replicas"
MAX_REPLICAS = "deployment.kubernetes.io/max-replicas"


def is_rolling(deployment: Obj) -> bool:
    """Whether the strategy is RollingUpdate (the default)."""
    return dig(deployment, "spec", "strategy", "type") in (None, "RollingUpdate")


def fenceposts(deployment: Obj) -> tuple[int, int]:
    """(maxSurge, maxUnavailable) in pods: surge is rounded up, unavailable down, and never both 0."""
    rolling = dig(deployment, "spec", "strategy", "rollingUpdate") or {}
    wanted = replicas(deployment)
    surge = scaled_value(rolling.get("maxSurge", "25%"), wanted, up=True)
    unavailable = scaled_value(rolling.get("maxUnavailable", "25%"), wanted, up=False)
    return surge, unavailable if surge or unavailable else 1


def scaled_value(value: int | str, total: int, *, up: bool) -> int:
    """An absolute number, or a percentage of ``total``. Raises ValueError."""
    if isinstance(value, int):
        return max(0, value)
    if not value.endswith("%"):
        raise ValueError(f"invalid value for IntOrString: {value!r}")
    share = int(value[:-1]) * total / 100
    return max(0, math.ceil(share) if up else math.floor(share))


def max_surge(deployment: Obj) -> int:
    """Pods above the wanted number."""
    return fenceposts(deployment)[0] if is_rolling(deployment) else 0


def max_unavailable(deployment: Obj) -> int:
    """Pods that may be missing."""
    wanted = replicas(deployment)
    if not is_rolling(deployment) or wanted == 0:
        return 0
    return min(fenceposts(deployment)[1], wanted)


def total(replica_sets: Iterable[Obj]) -> int:
    """Sum of the wanted pods."""
    return sum(replicas(rs) for rs in replica_sets)


def available(replica_sets: Iterable[Obj]) -> int:
    """Sum of the available pods."""
    return sum(counted(rs, "availableReplicas") for rs in replica_sets)


def active(replica_sets: Iterable[Obj]) -> list[Obj]:
    """Those that want pods."""
    return [rs for rs in replica_sets if replicas(rs) > 0]


def by_creation(replica_sets: Iterable[Obj]) -> list[Obj]:
    """Oldest first."""
    return sorted(replica_sets, key=lambda rs: (rs["metadata"]["creationTimestamp"], rs["metadata"]["name"]))


def new_size(deployment: Obj, everyone: list[Obj], current: int) -> int:
    """How many pods the new ReplicaSet may want now, ``current`` being what it wants."""
    wanted = replicas(deployment)
    if not is_rolling(deployment):
        return wanted
    room = wanted + max_surge(deployment) - total(everyone)
    return current + min(room, wanted - current) if room > 0 else current


def saturated(deployment: Obj, new: Obj | None) -> bool:
    """Whether the new ReplicaSet does all the work."""
    if new is None:
        return False
    wanted = replicas(deployment)
    desired = notes_of(new).get(DESIRED)
    return replicas(new) == wanted and desired == str(wanted) and counted(new, "availableReplicas") == wanted


def proportional(deployment: Obj, replica_sets: list[Obj]) -> dict[str, int]:
    """New sizes by name when the wanted number changes in the middle of a rollout."""
    wanted = replicas(deployment)
    allowed = wanted + max_surge(deployment) if wanted > 0 else 0
    to_add = allowed - total(replica_sets)
    ordered = _biggest_first(replica_sets, newer_first=to_add > 0)
    sizes: dict[str, int] = {}
    added = 0
    for rs in ordered:
        part = _part(deployment, rs, to_add, added) if to_add else 0
        sizes[rs["metadata"]["name"]] = replicas(rs) + part
        added += part
    if ordered and to_add:
        first = ordered[0]["metadata"]["name"]
        sizes[first] = max(0, sizes[first] + to_add - added)
    return sizes


def _biggest_first(replica_sets: list[Obj], *, newer_first: bool) -> list[Obj]:
    ordered = by_creation(replica_sets)
    if newer_first:
        ordered.reverse()
    return sorted(ordered, key=replicas, reverse=True)


def _part(deployment: Obj, rs: Obj, to_add: int, added: int) -> int:
    left = to_add - added
    if replicas(rs) == 0 or left == 0:
        return 0
    fraction = _fraction(deployment, rs)
    return min(fraction, left) if to_add > 0 else max(fraction, left)


def _fraction(deployment: Obj, rs: Obj) -> int:
    wanted = replicas(deployment)
    if wanted == 0:
        return -replicas(rs)
    before = notes_of(rs).get(MAX_REPLICAS, "")
    size = int(before) if before.isdigit() and int(before) > 0 else counted(deployment, "replicas")
    if size <= 0:
        return 0
    share = replicas(rs) * (wanted + max_surge(deployment)) / size
    return math.floor(share + 0.5) - replicas(rs)
