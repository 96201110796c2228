"""Argo Rollouts' ``Rollout``, and what its controller writes into the templates of ReplicaSets. Pure.

Only the fields that are used, like in ``objects``, and every one with a default.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from releaseconsole.cluster.objects import Condition, LabelSelector, ObjectMeta, ObjectReference

HASH_LABEL = "rollouts-pod-template-hash"
REVISION = "rollout.argoproj.io/revision"
_INJECTED = "rollout.argoproj.io/ephemeral-metadata"


class _Object(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """Base of all: camel-case on the wire, immutable here."""


class CanaryStrategy(_Object, frozen=True):
    steps: tuple[dict[str, Any], ...] = ()


class BlueGreenStrategy(_Object, frozen=True):
    auto_promotion_enabled: bool | None = None
    auto_promotion_seconds: int = 0


class RolloutStrategy(_Object, frozen=True):
    canary: CanaryStrategy | None = None
    blue_green: BlueGreenStrategy | None = None


class RolloutSpec(_Object, frozen=True):
    """The spec of an Argo Rollout."""

    replicas: int | None = None
    paused: bool = False
    selector: LabelSelector | None = None
    template: dict[str, Any] = {}
    strategy: RolloutStrategy = RolloutStrategy()
    workload_ref: ObjectReference | None = None
    """The Deployment whose template is used in place of its own."""
    rollback_window: dict[str, Any] | None = None

    @property
    def desired(self) -> int:
        """Replicas wanted; the API's default is one."""
        return 1 if self.replicas is None else self.replicas


class PauseCondition(_Object, frozen=True):
    reason: str = ""


class RolloutStatus(_Object, frozen=True):
    seen: str | int = msgspec.field(default="", name="observedGeneration")
    """As it is on the wire: Argo Rollouts writes the number as text."""
    phase: str = ""
    message: str = ""
    abort: bool = False
    controller_pause: bool = False
    pause_conditions: tuple[PauseCondition, ...] = ()
    current_step_index: int | None = None
    current_pod_hash: str = ""
    stable_rs: str = msgspec.field(default="", name="stableRS")
    """Hash of the ReplicaSet that was promoted last; a name it is not."""
    replicas: int = 0
    updated_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    conditions: tuple[Condition, ...] = ()

    @property
    def observed_generation(self) -> int:
        """The generation that the controller has seen; 0 when it has seen none."""
        text = str(self.seen)
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


class Rollout(_Object, frozen=True):
    metadata: ObjectMeta = ObjectMeta()
    spec: RolloutSpec = RolloutSpec()
    status: RolloutStatus = RolloutStatus()

    @property
    def hash_known(self) -> bool:
        """Whether the controller has said which hash the present template has."""
        observed = self.status.observed_generation >= max(1, self.metadata.generation)
        return observed and bool(self.status.current_pod_hash)


def without_injected(template: Mapping[str, Any], annotations: Mapping[str, str]) -> dict[str, Any]:
    """A ReplicaSet's template without what the controller has put into it beside the hash label.

    That is the canary's or the stable pods' metadata (``annotations`` of the ReplicaSet say which), and the
    rule that keeps pods of two revisions apart. The Rollout's own template has neither: sent back there, both
    would stick to every later revision.
    """
    plain = dict(template)
    injected = _injected(annotations)
    metadata = dict(plain.get("metadata") or {})
    for part in ("labels", "annotations"):
        held, put_in = metadata.get(part), injected.get(part)
        if isinstance(held, dict) and isinstance(put_in, dict):
            metadata[part] = {key: value for key, value in held.items() if key not in put_in}
            if not metadata[part]:
                del metadata[part]
    if injected:
        plain["metadata"] = metadata
    return _without_rule(plain)


def as_kept(template: Mapping[str, Any]) -> dict[str, Any]:
    """A template as the controller itself would write it back: each container with its ``resources``.

    It adds them, when they are absent, and so moves the generation on; sent at once, that looks like nobody's
    change.
    """
    spec = template.get("spec")
    if not isinstance(spec, dict):
        return dict(template)
    completed = {
        part: [{"resources": {}, **one} if isinstance(one, dict) else one for one in spec[part]]
        for part in ("containers", "initContainers")
        if isinstance(spec.get(part), list)
    }
    return {**template, "spec": {**spec, **completed}}


def _injected(annotations: Mapping[str, str]) -> dict[str, Any]:
    try:
        found = json.loads(annotations.get(_INJECTED, "{}"))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _without_rule(template: dict[str, Any]) -> dict[str, Any]:
    """Leave out the anti-affinity terms that name the hash label; what is empty then goes with them."""
    spec = template.get("spec")
    affinity = spec.get("affinity") if isinstance(spec, dict) else None
    apart = affinity.get("podAntiAffinity") if isinstance(affinity, dict) else None
    if not isinstance(spec, dict) or not isinstance(affinity, dict) or not isinstance(apart, dict):
        return template
    kept = {
        key: [one for one in terms if HASH_LABEL not in str(one)]
        for key, terms in apart.items()
        if isinstance(terms, list)
    }
    if kept == apart:
        return template
    kept = {key: terms for key, terms in kept.items() if terms}
    others = {key: value for key, value in affinity.items() if key != "podAntiAffinity"}
    affinity = {**others, "podAntiAffinity": kept} if kept else others
    rest = {key: value for key, value in spec.items() if key != "affinity"}
    return {**template, "spec": {**rest, "affinity": affinity} if affinity else rest}
