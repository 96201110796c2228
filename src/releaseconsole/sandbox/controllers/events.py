"""Events as the real components write them: repeated ones are counted, old ones go."""

from __future__ import annotations

from collections import OrderedDict

from releaseconsole.clock import Clock
from releaseconsole.sandbox.store.chance import hexadecimal
from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.objects import rfc3339, rfc3339_nano
from releaseconsole.sandbox.store.refusals import StoreError
from releaseconsole.sandbox.store.store import Store

_MOST = 1000
_LIFE = 3600.0
_LONGEST_MESSAGE = 1024

_Key = tuple[str, str, str, str]


class Recorder:
    """Writes events into the store of one context; keeps at most an hour and a thousand of them."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._written: OrderedDict[_Key, tuple[str, str, float]] = OrderedDict()
        self._count = 0
        self.muted = False
        """While the past is made up, nothing is written."""

    def normal(self, component: str, about: Obj, reason: str, message: str, *, path: str = "") -> None:
        """Something went as it should."""
        self._write("Normal", component, about, reason, message, path)

    def warning(self, component: str, about: Obj, reason: str, message: str, *, path: str = "") -> None:
        """Something did not."""
        self._write("Warning", component, about, reason, message, path)

    def _write(self, kind: str, component: str, about: Obj, reason: str, message: str, path: str) -> None:
        if self.muted:
            return
        message = message[:_LONGEST_MESSAGE]
        key = (str(about["metadata"]["uid"]), reason, message, path)
        self._forget_old()
        written = self._written.get(key)
        if written is None or not self._repeat(written[0], written[1]):
            written = self._create(kind, component, about, reason, message, path)
        self._written[key] = (written[0], written[1], self._clock.now())
        self._written.move_to_end(key)

    def _repeat(self, namespace: str, name: str) -> bool:
        now = rfc3339(self._clock.now())

        def again(event: Obj) -> None:
            event["count"] = event.get("count", 1) + 1
            event["lastTimestamp"] = now

        try:
            self._store.update("events", namespace, name, again)
        except StoreError:
            return False
        return True

    def _create(
        self, kind: str, component: str, about: Obj, reason: str, message: str, path: str
    ) -> tuple[str, str, float]:
        meta, now = about["metadata"], self._clock.now()
        namespace = meta.get("namespace", "default")
        self._count += 1
        name = f"{meta['name']}.{hexadecimal(16, meta['uid'], self._count)}"
        involved = {
            "kind": about["kind"],
            "namespace": namespace,
            "name": meta["name"],
            "uid": meta["uid"],
            "apiVersion": about["apiVersion"],
            "resourceVersion": meta.get("resourceVersion", ""),
        }
        event = {
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": involved | ({"fieldPath": path} if path else {}),
            "reason": reason,
            "message": message,
            "source": {"component": component},
            "firstTimestamp": rfc3339(now),
            "lastTimestamp": rfc3339(now),
            "count": 1,
            "type": kind,
            "eventTime": None,
            "reportingComponent": component,
            "reportingInstance": "",
        }
        if component == "default-scheduler":
            event.update(eventTime=_micro_time(now), action="Binding", source={})
        self._store.create("events", event)
        return namespace, name, now

    def _forget_old(self) -> None:
        oldest = self._clock.now() - _LIFE
        while self._written:
            key, (namespace, name, last) = next(iter(self._written.items()))
            if last >= oldest and len(self._written) < _MOST:
                return
            del self._written[key]
            if self._store.find("events", namespace, name) is not None:
                self._store.delete("events", namespace, name)


def _micro_time(seconds: float) -> str:
    """A time with exactly six digits, the only form in which clients read ``eventTime``."""
    return rfc3339_nano(seconds)[:-4] + "Z"
