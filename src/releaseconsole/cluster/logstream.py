"""Reading one container's log for as long as its pod lives."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING

from releaseconsole.cluster.decode import PODS, decode
from releaseconsole.cluster.logbuffer import GAP, LogLine, level_of
from releaseconsole.cluster.logline import NANO, RawLine, Splitter, Stamps, shown, split_stamp
from releaseconsole.cluster.logresume import Judged, Resume
from releaseconsole.cluster.objects import ContainerStatus, Pod, seconds
from releaseconsole.errors import ApiRejected, ClusterError, Denied, KubeconfigError, NotFound

if TYPE_CHECKING:
    from releaseconsole.cluster.connect import Client

IDLE = 180.0
"""Seconds of silence after which a stream is opened anew: a quiet log and a dead connection look the same."""
QUIET = 2.0
"""A container that has written nothing yet: the API server does not even begin its answer before the first line
is there. Seconds without a refusal after which the stream counts as open all the same."""
LONG_AWAY = 120.0
"""After this long without reading, catching up line by line is given up, and the gap is marked."""
FIRST_PAUSE, LONGEST_PAUSE, DENIED_PAUSE = 0.2, 10.0, 30.0
_BAD_REQUEST = 400

Emit = Callable[[list[LogLine]], Awaitable[None]]


class LogStream:
    """One container of one pod. ``run`` ends when the pod is gone."""

    def __init__(self, client: Client, pod: Pod, container: str, *, tail: int, young_after: float) -> None:
        self.name = pod.metadata.name
        self.container = container
        self.connected = False
        self.error = ""
        self.gone = False
        """Set from outside when the pod is no longer listed."""
        self._client = client
        self._clock = client.clock
        self._path = PODS.path(pod.metadata.namespace, pod.metadata.name) + "/log"
        self._pod = pod
        self._tail = tail
        self._young_after = young_after
        self._status = ContainerStatus()
        self._changed = asyncio.Event()
        self._resume = Resume()
        self._stamps = Stamps()
        self._reading = ""
        self._finished = ""
        self._left_off = 0.0
        self._followed_since: float | None = None
        self._last_at = 0.0

    @property
    def uid(self) -> str:
        return self._pod.metadata.uid

    def update(self, status: ContainerStatus) -> None:
        """What the pod's status says of the container now."""
        if status is not self._status:
            self._status = status
            self._changed.set()

    async def run(self, emit: Emit) -> None:
        """Follow every instance of the container, one after the other."""
        failures = 0
        while True:
            instance = self._status.container_id
            if not instance or instance == self._finished:
                if self.gone:
                    return
                self._changed.clear()
                await self._changed.wait()
                continue
            try:
                received = await self._read(instance, emit)
                failures = 0 if received else failures + 1
                if await self._ended(instance):
                    self._finished = instance
                    continue
                pause = FIRST_PAUSE * 2.0 ** min(failures, 6)
            except NotFound:
                return
            except ClusterError as error:
                failures += 1
                pause = self._pause(error, failures)
            finally:
                self.connected = False
            await self._clock.sleep(pause)

    def _pause(self, error: ClusterError, failures: int) -> float:
        # "is waiting to start" is no failure: the status will say when it has started.
        waiting = isinstance(error, ApiRejected) and error.status == _BAD_REQUEST
        self.error = "" if waiting else str(error)
        if isinstance(error, Denied | KubeconfigError):
            return DENIED_PAUSE
        grown = FIRST_PAUSE * 2.0 ** min(failures, 10)
        return min(LONGEST_PAUSE, grown) * (0.5 + self._client.chance())

    async def _read(self, instance: str, emit: Emit) -> bool:
        """Read one connection to its end; whether any line came. Raises ClusterError when it broke off."""
        splitter, received = Splitter(), False
        params = self._params(instance)
        stream = self._client.stream(self._path, params, idle=IDLE, head=IDLE)
        began = self._clock.monotonic()
        quiet = asyncio.get_running_loop().call_later(QUIET, self._is_open, began)
        try:
            async with aclosing(stream) as chunks:
                async for chunk in chunks:
                    self._is_open(began)
                    lines = [line for raw in splitter.feed(chunk) for line in self._lines(raw)]
                    if lines:
                        received = True
                        await emit(lines)
        finally:
            quiet.cancel()
            if self.connected:
                self._left_off = self._clock.monotonic()
        # Only a clean end gets here: what a broken connection left unfinished comes again on the resume.
        rest = splitter.rest()
        if rest is not None:
            await emit(self._lines(rest))
        return received

    def _is_open(self, began: float) -> None:
        self.connected, self.error = True, ""
        if self._followed_since is None:
            self._followed_since = began

    def _params(self, instance: str) -> dict[str, str | int | bool]:
        params: dict[str, str | int | bool] = {
            "container": self.container,
            "follow": True,
            "timestamps": True,
        }
        if self._left_off and self._clock.monotonic() - self._left_off > LONG_AWAY:
            self._resume.give_up()
        since = self._resume.since
        self._resume.begin(same_instance=instance == self._reading)
        self._reading = instance
        # tailLines is applied before sinceTime: sent on a resume, it would lose lines.
        if since:
            params["sinceTime"] = since
        elif self._followed_since is not None:
            # It was followed and had written nothing: all that has come since is wanted, and no more than that.
            params["sinceSeconds"] = int(self._clock.monotonic() - self._followed_since) + 2
        elif not self._is_young():
            params["tailLines"] = self._tail
        return params

    def _is_young(self) -> bool:
        """Whether the container began while somebody was looking, so that its whole log is wanted."""
        state = self._status.state
        began = state.running or state.terminated or self._status.last_state.terminated
        return began is not None and seconds(began.started_at) >= self._young_after

    def _lines(self, raw: RawLine) -> list[LogLine]:
        nanoseconds, text = split_stamp(raw, self._stamps)
        if nanoseconds is None:
            return [self._line(self._last_at or self._clock.now(), shown(text, raw))]
        judged = self._resume.judge(nanoseconds, hash((raw.data, raw.size)))
        if judged is Judged.DROP:
            return []
        self._last_at = nanoseconds / NANO
        line = self._line(self._last_at, shown(text, raw))
        if judged is Judged.KEEP:
            return [line]
        gap = "lines may be missing here: the log was interrupted"
        return [LogLine(self._last_at, self.name, self.container, gap, GAP), line]

    def _line(self, at: float, text: str) -> LogLine:
        return LogLine(at, self.name, self.container, text, level_of(text))

    async def _ended(self, instance: str) -> bool:
        """Whether this instance has terminated: a clean end of the stream alone does not say so."""
        pod = decode(PODS.type, await self._client.get(self._path.removesuffix("/log")))
        if pod.metadata.uid != self.uid:
            raise NotFound(f"Pod {self.name} is another one now.")
        found = (*pod.status.container_statuses, *pod.status.init_container_statuses)
        status = next((one for one in found if one.name == self.container), None)
        if status is None:
            return False
        self.update(status)
        return status.container_id != instance or status.state.running is None
