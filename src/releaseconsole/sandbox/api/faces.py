"""Kinds that are served in a second group or version: one object, shown in two ways."""

from __future__ import annotations

from releaseconsole.sandbox.api import autoscaling_v1, events_v1
from releaseconsole.sandbox.store.kinds import AUTOSCALERS_V1, EVENTS_V1, Kind, Obj


def shown(row: Kind, obj: Obj) -> Obj:
    """A stored object as its group and version show it."""
    if row is EVENTS_V1:
        return events_v1.to_v1(obj)
    return autoscaling_v1.to_v1(obj) if row is AUTOSCALERS_V1 else obj


def stored(row: Kind, obj: Obj) -> Obj:
    """An object of a group and version as it is stored."""
    if row is EVENTS_V1:
        return events_v1.to_core(obj)
    return autoscaling_v1.to_v2(obj) if row is AUTOSCALERS_V1 else obj
