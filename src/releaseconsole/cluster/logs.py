"""The logs of all pods of a workload, merged into one buffer; pods that are born later join.

Streams of one tick are sorted by time before they are shown. Memory is bounded at every step: a stream that
brings more than the console can take is not read until there is room again, and the buffer lets old lines go,
counted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from releaseconsole.cluster.decode import PODS
from releaseconsole.cluster.logbuffer import GAP, LogBuffer, LogLine, level_of
from releaseconsole.cluster.logline import NANO, Splitter, Stamps, shown, split_stamp
from releaseconsole.cluster.logstream import LogStream
from releaseconsole.cluster.objects import ContainerStatus, Pod
from releaseconsole.cluster.text import clean

if TYPE_CHECKING:
    from releaseconsole.cluster.connect import Client

__all__ = ["GAP", "Coverage", "LogBuffer", "LogFollower", "LogLine", "read_recent"]

TAIL = 200
"""Lines shown of each container that was there before."""
MOST_STREAMS = 100
MOST_PENDING = 5_000
TICK = 0.4
"""Seconds between two batches of lines: each costs a repaint, and nobody reads faster."""
LOOK_EVERY = 1.0


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of the logs is being read: ``11/12 streams, 1 waiting``."""

    streams: int = 0
    total: int = 0
    waiting: tuple[str, ...] = ()
    """Containers without a running instance: ``pod/container: reason``."""


class LogFollower:
    """Follows every container of the pods that ``pods()`` yields at each look. Run it once at a time."""

    def __init__(
        self,
        client: Client,
        namespace: str,
        pods: Callable[[], Iterable[Pod]],
        buffer: LogBuffer,
        *,
        notify: Callable[[], None] | None = None,
        tail: int = TAIL,
        most_streams: int = MOST_STREAMS,
    ) -> None:
        self.buffer = buffer
        self._client = client
        self._clock = client.clock
        self._namespace = namespace
        self._pods = pods
        self._notify = notify
        self._tail = tail
        self._most_streams = most_streams
        self._streams: dict[tuple[str, str], LogStream] = {}
        self._waiting: tuple[str, ...] = ()
        self._expected: set[tuple[str, str]] = set()
        self._pending: list[LogLine] = []
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._look = asyncio.Event()
        self._began = 0.0

    @property
    def error(self) -> str:
        """Why a log cannot be read (a missing right, say); "" when all can."""
        return next((one.error for one in self._streams.values() if one.error), "")

    def coverage(self) -> Coverage:
        """What is being read now."""
        connected = sum(one.connected for key, one in self._streams.items() if key in self._expected)
        return Coverage(connected, len(self._expected), self._waiting)

    def wake(self) -> None:
        """The pods have changed: look at once and not only at the next second."""
        self._look.set()

    async def run(self) -> None:
        """Follow until cancelled. What cannot be read is tried again, and said in ``error``."""
        self._began = self._began or self._clock.now()
        running: dict[tuple[str, str], asyncio.Task[None]] = {}
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._show(), name="show logs")
                while True:
                    self._survey()
                    for key, stream in self._streams.items():
                        if key not in running:
                            running[key] = group.create_task(
                                stream.run(self._emit), name=f"log {stream.name}/{stream.container}"
                            )
                    self._forget_ended(running)
                    await self._wait_for_look()
        finally:
            self._hand_over()

    async def _wait_for_look(self) -> None:
        self._look.clear()
        try:
            async with asyncio.timeout(LOOK_EVERY):
                await self._look.wait()
        except TimeoutError:
            pass

    def _survey(self) -> None:
        """Bring the streams in line with the pods as they are now."""
        seen: set[tuple[str, str]] = set()
        expected: set[tuple[str, str]] = set()
        waiting = []
        for pod in self._pods():
            for status in _containers(pod):
                key = (pod.metadata.uid, status.name)
                seen.add(key)
                if status.state.terminated is None:
                    expected.add(key)
                    if status.state.running is None:
                        waiting.append(_waiting_for(pod, status))
                self._track(key, pod, status)
        for key, stream in self._streams.items():
            if key not in seen and not stream.gone:
                stream.gone = True
                stream.update(ContainerStatus(name=stream.container))
        self._waiting, self._expected = tuple(sorted(waiting)), expected

    def _track(self, key: tuple[str, str], pod: Pod, status: ContainerStatus) -> None:
        stream = self._streams.get(key)
        if stream is None:
            if not status.container_id or len(self._streams) >= self._most_streams:
                return
            stream = LogStream(self._client, pod, status.name, tail=self._tail, young_after=self._began)
            self._streams[key] = stream
        stream.gone = False
        stream.update(status)

    def _forget_ended(self, running: dict[tuple[str, str], asyncio.Task[None]]) -> None:
        for key in [key for key, task in running.items() if task.done() and self._streams[key].gone]:
            del running[key], self._streams[key]

    async def _emit(self, lines: list[LogLine]) -> None:
        while len(self._pending) >= MOST_PENDING:
            self._room.clear()
            await self._room.wait()
        self._pending += lines
        self._arrived.set()

    async def _show(self) -> None:
        """Hand over what has arrived, a few times a second."""
        while True:
            await self._arrived.wait()
            await self._clock.sleep(TICK)
            self._hand_over()

    def _hand_over(self) -> None:
        lines, self._pending = self._pending, []
        self._arrived.clear()
        self._room.set()
        if lines:
            lines.sort(key=_when)
            self.buffer.append(lines)
            if self._notify is not None:
                self._notify()


async def read_recent(
    client: Client,
    namespace: str,
    pod: str,
    container: str = "",
    since_seconds: int = 60,
    limit_bytes: int = 1024 * 1024,
) -> list[LogLine]:
    """What a container wrote lately, at most ``limit_bytes`` of it.

    The API server counts the limit from the oldest line: when it was reached, the newest lines are missing, and
    a last line of level ``gap`` says so. Raises ClusterError.
    """
    params: dict[str, str | int | bool] = {
        "timestamps": True,
        "sinceSeconds": max(1, since_seconds),
        "limitBytes": limit_bytes,
    }
    if container:
        params["container"] = container
    body = await client.get(PODS.path(namespace, pod) + "/log", params)
    splitter, stamps, lines, at = Splitter(), Stamps(), [], 0.0
    cut = len(body) >= limit_bytes
    raws = [*splitter.feed(body), None if cut else splitter.rest()]
    for raw in raws:
        if raw is not None:
            nanoseconds, text = split_stamp(raw, stamps)
            at = at if nanoseconds is None else nanoseconds / NANO
            line = shown(text, raw)
            lines.append(LogLine(at, pod, container, line, level_of(line)))
    if cut:
        lines.append(LogLine(at, pod, container, f"cut here: more than {limit_bytes:,} bytes", GAP))
    return lines


def _containers(pod: Pod) -> tuple[ContainerStatus, ...]:
    """Containers that have or will have a log; init containers only while they run."""
    running = tuple(one for one in pod.status.init_container_statuses if one.state.running is not None)
    ended = pod.status.phase in ("Succeeded", "Failed")
    return running + (() if ended else pod.status.container_statuses)


def _waiting_for(pod: Pod, status: ContainerStatus) -> str:
    reason = status.state.waiting.reason if status.state.waiting else ""
    return clean(f"{pod.metadata.name}/{status.name}: {reason or 'not started'}", 200)


def _when(line: LogLine) -> float:
    return line.at
