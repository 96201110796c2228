"""``pods/log``: which container, since when, how much, and the sentences for a container without a log."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from releaseconsole.sandbox.api.call import Call
from releaseconsole.sandbox.store.kinds import Kind, Obj
from releaseconsole.sandbox.store.log_source import LogLine, LogQuery
from releaseconsole.sandbox.store.objects import dig, parse_time, rfc3339_nano
from releaseconsole.sandbox.store.refusals import bad_request, invalid

if TYPE_CHECKING:
    from aiohttp import web

_HEADERS = {"Content-Type": "text/plain"}
_WAITING = {
    "ImagePullBackOff": "trying and failing to pull image",
    "ErrImagePull": "image can't be pulled",
    "InvalidImageName": "image name is not valid",
}


@dataclass(frozen=True, slots=True)
class _Options:
    query: LogQuery
    follow: bool
    timestamps: bool
    limit: int | None


async def pod_log(call: Call) -> web.StreamResponse:
    """The log of one container as text, whole or as it is written."""
    pod = call.store.get("pods", call.target.namespace, call.target.name)
    _check_options(call)
    options = _options(call, pod)
    if not dig(pod, "spec", "nodeName"):
        return _text(b"", 204)
    _need_log(pod, options.query)
    if options.follow and not options.query.previous:
        return await _follow(call, options)
    lines = call.api.pod_logs.read(options.query)
    return _text(b"".join(_line(line, options) for line in lines)[: options.limit])


def _text(body: bytes, status: int = 200) -> web.Response:
    from aiohttp import web

    return web.Response(body=body, status=status, headers=_HEADERS)


def _check_options(call: Call) -> None:
    """Raises StoreError (400, 422) for counts that cannot be."""
    problems = []
    for field, least in (("tailLines", 0), ("limitBytes", 1), ("sinceSeconds", 1)):
        count = call.count(field)
        if count is not None and count < least:
            what = "must be greater than 0" if least else "must be greater than or equal to 0"
            problems.append((field, "FieldValueInvalid", f"Invalid value: {count}: {what}"))
    if call.query("sinceSeconds") and call.query("sinceTime"):
        what = "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified"
        problems.append(("[]", "FieldValueForbidden", what))
    if problems:
        raise invalid(Kind("", "v1", "PodLogOptions", "", ""), call.target.name, problems)


async def _follow(call: Call, options: _Options) -> web.StreamResponse:
    from aiohttp import web

    response = web.StreamResponse(headers=_HEADERS)
    await response.prepare(call.request)
    left = math.inf if options.limit is None else options.limit
    lines = call.api.pod_logs.follow(options.query)
    try:
        async for line in lines:
            text = _line(line, options)
            await response.write(text if len(text) <= left else text[: int(left)])
            left -= len(text)
            if left <= 0:
                break
    finally:
        close = getattr(lines, "aclose", None)
        if close is not None:
            await close()
    return response


def _line(line: LogLine, options: _Options) -> bytes:
    moment, text = line
    stamp = f"{rfc3339_nano(moment)} " if options.timestamps else ""
    return f"{stamp}{text}\n".encode("utf-8", "replace")


def _options(call: Call, pod: Obj) -> _Options:
    query = LogQuery(
        call.target.namespace,
        call.target.name,
        container=_container(pod, call.query("container")),
        previous=call.flag("previous"),
        since=_since(call),
        tail=call.count("tailLines"),
    )
    return _Options(
        query,
        follow=call.flag("follow"),
        timestamps=call.flag("timestamps"),
        limit=call.count("limitBytes"),
    )


def _since(call: Call) -> float | None:
    """``sinceTime`` in whole seconds, as the API server cuts it. Raises StoreError (400)."""
    seconds, text = call.count("sinceSeconds"), call.query("sinceTime")
    if seconds is not None:
        return call.api.clock.now() - seconds
    if not text:
        return None
    try:
        return float(math.floor(parse_time(text)))
    except (ValueError, OverflowError) as error:
        said = f'parsing time "{text[:50]}" as "2006-01-02T15:04:05Z07:00"'
        raise bad_request(f"{said}: cannot parse it") from error


def _container(pod: Obj, asked: str) -> str:
    name, spec = pod["metadata"]["name"], pod.get("spec", {})
    known = [item["name"] for item in spec.get("containers") or ()]
    if not asked:
        if len(known) == 1:
            return str(known[0])
        choices = " ".join(known)
        raise bad_request(f"a container name must be specified for pod {name}, choose one of: [{choices}]")
    known += [item["name"] for item in spec.get("initContainers") or ()]
    if asked not in known:
        raise bad_request(f"container {asked[:253]} is not valid for pod {name}")
    return asked


def _need_log(pod: Obj, query: LogQuery) -> None:
    """Running, ended and restarted containers have a log; a waiting one says why it has none."""
    name, container = query.pod, query.container
    statuses = [
        *(dig(pod, "status", "containerStatuses") or ()),
        *(dig(pod, "status", "initContainerStatuses") or ()),
    ]
    status = next((item for item in statuses if item.get("name") == container), None)
    if status is None:
        if not statuses and dig(pod, "status", "phase") == "Pending":
            raise bad_request(
                f'container "{container}" in pod "{name}" is waiting to start: ContainerCreating'
            )
        raise bad_request(f'container "{container}" in pod "{name}" is not available')
    ended_before = dig(status, "lastState", "terminated") is not None
    if query.previous:
        if not ended_before:
            raise bad_request(f'previous terminated container "{container}" in pod "{name}" not found')
        return
    waiting = dig(status, "state", "waiting")
    if waiting is not None and not ended_before:
        reason = str(waiting.get("reason") or "ContainerCreating")
        why = _WAITING.get(reason, reason)
        raise bad_request(f'container "{container}" in pod "{name}" is waiting to start: {why}')
