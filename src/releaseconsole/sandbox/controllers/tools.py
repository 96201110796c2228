"""What every controller works with, and small questions about objects."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from releaseconsole.clock import Clock
from releaseconsole.sandbox.controllers.events import Recorder
from releaseconsole.sandbox.store.chance import letters
from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.objects import clone, dig, parse_time
from releaseconsole.sandbox.store.store import Store

NEVER = math.inf
HASH_LABEL = "pod-template-hash"


@dataclass(frozen=True, slots=True)
class Bench:
    """Where the controllers of one context work. ``speed`` divides every waiting time."""

    store: Store
    clock: Clock
    events: Recorder
    seed: int
    context: str
    speed: float = 1.0

    def seconds(self, simulated: float) -> float:
        """A time span of the cluster's, in seconds of the clock."""
        return simulated / self.speed


def uid(obj: Obj) -> str:
    """The object's UID."""
    return str(obj["metadata"]["uid"])


def notes_of(obj: Obj) -> dict[str, str]:
    """Annotations for reading."""
    found: dict[str, str] = obj["metadata"].get("annotations") or {}
    return found


def controller_of(obj: Obj) -> str | None:
    """UID of the controlling owner."""
    for reference in obj["metadata"].get("ownerReferences") or ():
        if reference.get("controller"):
            return str(reference.get("uid"))
    return None


def owner_reference(owner: Obj) -> Obj:
    """A controlling reference to ``owner``."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def adopt(owner: Obj) -> Callable[[Obj], None]:
    """A change that makes ``owner`` the controller of an orphan."""

    def change(obj: Obj) -> None:
        obj["metadata"].setdefault("ownerReferences", []).append(owner_reference(owner))

    return change


def replicas(obj: Obj) -> int:
    """``spec.replicas``, 1 when unset."""
    wanted = dig(obj, "spec", "replicas")
    return 1 if wanted is None else int(wanted)


def counted(obj: Obj, field: str) -> int:
    """A number of the status, 0 when unset."""
    return int(dig(obj, "status", field) or 0)


def same_template(left: Obj, right: Obj) -> bool:
    """Equal but for the label that the controller adds."""
    return bool(_bare(left) == _bare(right))


def template_hash(template: Obj, collisions: int = 0) -> str:
    """The hash in a ReplicaSet's name: stable for equal templates."""
    text = json.dumps(_bare(template), sort_keys=True, separators=(",", ":"))
    return letters(10, text, *([collisions] if collisions else []))


def condition(obj: Obj, kind: str) -> Obj | None:
    """The condition of a type in an object's status."""
    for found in dig(obj, "status", "conditions") or ():
        if found.get("type") == kind:
            return dict(found)
    return None


def is_true(obj: Obj, kind: str) -> bool:
    """Whether a condition says True."""
    found = condition(obj, kind)
    return found is not None and found.get("status") == "True"


def when(text: Any) -> float:
    """Seconds of a time in an object; 0 when there is none."""
    try:
        return parse_time(text)
    except (TypeError, ValueError):
        return 0.0


def _bare(template: Obj) -> Any:
    bare: Obj = clone(template)
    labels = dig(bare, "metadata", "labels")
    if isinstance(labels, dict):
        labels.pop(HASH_LABEL, None)
    return _without_nothing(bare)


def _without_nothing(value: Any) -> Any:
    """Null and empty say the same as absent: clients written in Go send ``creationTimestamp: null``."""
    if isinstance(value, dict):
        kept = {key: _without_nothing(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item is not None and item != {} and item != []}
    return [_without_nothing(item) for item in value] if isinstance(value, list) else value
