"""Comparing a pod template that was written with one that the API server has completed. Pure.

The API server fills defaults into the template of a ReplicaSet, but not into that of a custom resource such as
an Argo Rollout (Kubernetes API reference, the defaults of PodSpec, Container, Probe and the volume sources).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_DEFAULTS: Mapping[str, tuple[Any, ...]] = {
    "apiVersion": ("v1",),
    "defaultMode": (420,),
    "dnsPolicy": ("ClusterFirst",),
    "failureThreshold": (3,),
    "fsType": ("ext4",),
    "imagePullPolicy": ("IfNotPresent", "Always"),
    "path": ("/",),
    "periodSeconds": (10,),
    "protocol": ("TCP",),
    "readOnly": (False,),
    "restartPolicy": ("Always",),
    "schedulerName": ("default-scheduler",),
    "scheme": ("HTTP",),
    "service": ("",),
    "successThreshold": (1,),
    "terminationGracePeriodSeconds": (30,),
    "terminationMessagePath": ("/dev/termination-log",),
    "terminationMessagePolicy": ("File",),
    "timeoutSeconds": (1,),
    "type": ("",),
    "expirationSeconds": (3600,),
    "nodeAffinityPolicy": ("Honor",),
    "nodeTaintsPolicy": ("Ignore",),
}
"""Name of a field → what the API server may have put there. One that is not listed here counts as a difference."""
_EMPTY: tuple[Any, ...] = (None, {}, [])


def completed_equal(written: Any, completed: Any) -> bool:
    """Whether ``completed`` is ``written`` with defaults filled in. In doubt it is not."""
    if isinstance(written, dict) and isinstance(completed, dict):
        return all(_field_equal(key, written, completed) for key in written.keys() | completed.keys())
    if isinstance(written, list) and isinstance(completed, list):
        return len(written) == len(completed) and all(map(completed_equal, written, completed))
    return bool(written == completed)


def _field_equal(key: str, written: dict[str, Any], completed: dict[str, Any]) -> bool:
    mine, theirs = written.get(key), completed.get(key)
    if mine in _EMPTY or theirs in _EMPTY:
        return (mine in _EMPTY and theirs in _EMPTY) or (
            mine in _EMPTY and _filled_in(key, theirs, completed)
        )
    return completed_equal(mine, theirs)


def _filled_in(key: str, value: Any, completed: dict[str, Any]) -> bool:
    """Whether the API server has put ``value`` there by itself."""
    if key == "requests":
        return bool(value == completed.get("limits"))
    if key == "serviceAccount":
        return bool(value == completed.get("serviceAccountName"))
    return value in _DEFAULTS.get(key, ())
