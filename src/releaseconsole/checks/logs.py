"""``logs = "no-errors"``: the pods of the release have written no error since they started."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from releaseconsole.checks.context import CheckContext
from releaseconsole.checks.data import CannotTell, first_few, live_data
from releaseconsole.checks.finding import Finding, failed, passed
from releaseconsole.cluster.objects import seconds
from releaseconsole.cluster.pods import is_terminating
from releaseconsole.errors import ReleaseConsoleError
from releaseconsole.outside import workloads
from releaseconsole.outside.world import EnvironmentData, TargetData
from releaseconsole.plan.model import Check, PlacedItem
from releaseconsole.text import cut, duration, plural, visible

if TYPE_CHECKING:
    from releaseconsole.cluster.objects import Pod

MOST_PODS = 20
AT_ONCE = 6
MOST_BYTES = 1024 * 1024
"""Of one container's log. The API server sends the oldest part, so a longer log was not read to its end."""
_STAMP = 32
"""Bytes before each line: its time."""
_ENDED = ("Failed", "Succeeded")


@dataclass(frozen=True, slots=True)
class _Stream:
    target: TargetData
    pod: Pod
    container: str
    since: int


@dataclass(frozen=True, slots=True)
class _Count:
    errors: int = 0
    first: str = ""
    unread: str = ""


async def no_errors(check: Check, placed: PlacedItem, context: CheckContext) -> Finding:
    """Fails for an error-level line within the window; a log that cannot be read cannot be told."""
    data = live_data(placed, context, "pods")
    pods = [(target, pod) for target, pod in _pods(data)]
    if not pods:
        raise CannotTell("no pod of the release runs")
    window = check.window
    streams = list(_streams(pods[:MOST_PODS], window, context.clock.now()))
    places = asyncio.Semaphore(AT_ONCE)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_read(stream, context, places)) for stream in streams]
    return _judge([task.result() for task in tasks], len(pods), window)


def _judge(counts: list[_Count], pods: int, window: float) -> Finding:
    errors = sum(one.errors for one in counts)
    if errors:
        first = next(one.first for one in counts if one.errors)
        return failed(f"{plural(errors, 'error')} within {duration(window)}: {first}")
    unread = [one.unread for one in counts if one.unread]
    if unread:
        raise CannotTell(f"not every log could be read: {first_few(unread)}")
    which = f"{MOST_PODS} of {pods} pods" if pods > MOST_PODS else plural(pods, "pod")
    return passed(f"no error in {which} within {duration(window)}")


def _pods(data: EnvironmentData) -> list[tuple[TargetData, Pod]]:
    """Pods of the newest revision, which are the ones that the release is answerable for."""
    found = []
    for target, workload in workloads.each(data):
        owner = workloads.find(target, workload)
        newest = workloads.newest_set(target, owner) if owner is not None else None
        for pod in workloads.pods_of(target, owner) if owner is not None else ():
            old = newest is not None and pod.metadata.controller_uid() != newest.metadata.uid
            if not old and not is_terminating(pod) and pod.status.phase not in _ENDED:
                found.append((target, pod))
    return found


def _streams(pods: list[tuple[TargetData, Pod]], window: float, now: float) -> list[_Stream]:
    found = []
    for target, pod in pods:
        age = now - seconds(pod.metadata.creation_timestamp)
        since = max(1, round(min(window, age) if age > 0 else window))
        found += [_Stream(target, pod, one.name, since) for one in pod.spec.containers or ()]
    return found


async def _read(stream: _Stream, context: CheckContext, places: asyncio.Semaphore) -> _Count:
    from releaseconsole.cluster.logs import read_recent

    name = stream.pod.metadata.name
    try:
        async with places:
            client = await context.client(stream.target.target)
            lines = await read_recent(
                client, stream.target.target.namespace, name, stream.container, stream.since, MOST_BYTES
            )
    except ReleaseConsoleError as error:
        return _Count(unread=f"{name}: {error.message}")
    errors = [line for line in lines if line.level == "error"]
    if errors:
        return _Count(len(errors), f"{name}: {cut(visible(errors[0].text), 160)}")
    read = sum(len(line.text.encode()) + _STAMP for line in lines)
    return _Count(unread=f"{name} wrote more than 1 MB" if read > 0.9 * MOST_BYTES else "")
