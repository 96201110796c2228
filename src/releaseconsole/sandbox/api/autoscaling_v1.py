"""The two faces of a HorizontalPodAutoscaler: ``autoscaling/v2``, as it is stored, and ``autoscaling/v1``.

The older face knows one metric, the utilization of the CPU. The others stand in an annotation there, so that
nothing is lost when an object is read and written back through it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.objects import dig
from releaseconsole.sandbox.store.refusals import bad_request

_METRICS = "autoscaling.alpha.kubernetes.io/metrics"
_SHARE = "targetCPUUtilizationPercentage"
_SHARE_NOW = "currentCPUUtilizationPercentage"
_SAME_STATUS = ("observedGeneration", "lastScaleTime", "currentReplicas", "desiredReplicas")


def to_v1(autoscaler: Obj) -> Obj:
    """The stored autoscaler as ``autoscaling/v1`` shows it."""
    spec = dict(autoscaler.get("spec") or {})
    metrics = spec.pop("metrics", None) or []
    share = next((_share(one, "target") for one in metrics if _share(one, "target") is not None), None)
    others = [one for one in metrics if _share(one, "target") is None]
    if share is not None:
        spec[_SHARE] = share
    meta = dict(autoscaler["metadata"])
    if others:
        meta["annotations"] = {
            **(meta.get("annotations") or {}),
            _METRICS: msgspec.json.encode(others).decode(),
        }
    return {
        **autoscaler,
        "apiVersion": "autoscaling/v1",
        "metadata": meta,
        "spec": spec,
        "status": _status_v1(autoscaler.get("status") or {}),
    }


def to_v2(autoscaler: Obj) -> Obj:
    """An autoscaler of ``autoscaling/v1`` as it is stored. Raises StoreError (400) for a share of a wrong type.

    What else has a wrong type stays for the checks of the stored form to find.
    """
    stored = {**autoscaler, "apiVersion": "autoscaling/v2"}
    spec, meta = autoscaler.get("spec"), autoscaler.get("metadata")
    if not isinstance(spec, dict) or not isinstance(meta, dict):
        return stored
    spec, metrics = dict(spec), _kept_metrics(meta)
    share = spec.pop(_SHARE, None)
    if share is not None:
        if not isinstance(share, int) or isinstance(share, bool):
            raise bad_request(
                f"HorizontalPodAutoscaler cannot be handled: spec.{_SHARE} has to be a whole number"
            )
        target = {"type": "Utilization", "averageUtilization": share}
        metrics.insert(0, {"type": "Resource", "resource": {"name": "cpu", "target": target}})
    stored["spec"] = {**spec, **({"metrics": metrics} if metrics else {})}
    notes = meta.get("annotations")
    if isinstance(notes, dict) and _METRICS in notes:
        left = {key: note for key, note in notes.items() if key != _METRICS}
        stored["metadata"] = {**meta, "annotations": left}
    return stored


def _kept_metrics(meta: Obj) -> list[Any]:
    text = dig(meta, "annotations", _METRICS)
    try:
        found = msgspec.json.decode(text) if isinstance(text, str) else []
    except msgspec.DecodeError:
        return []
    return found if isinstance(found, list) else []


def _status_v1(status: Obj) -> Obj:
    shown = {key: status[key] for key in _SAME_STATUS if key in status}
    shown.setdefault("currentReplicas", 0)
    shown.setdefault("desiredReplicas", 0)
    for metric in status.get("currentMetrics") or ():
        if (share := _share(metric, "current")) is not None:
            shown[_SHARE_NOW] = share
    return shown


def _share(metric: Any, which: str) -> Any:
    """The utilization in percent, if the metric is that of the CPU."""
    if dig(metric, "resource", "name") != "cpu":
        return None
    return dig(metric, "resource", which, "averageUtilization")
