"""What containers have said: which lines, in which form, and the sentences where there is none."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from conformance.ground import ADMIN, Ground, Obj, Said
from conformance.manifests import ABSENT, GOOD, PODS, pod
from conformance.table import Theme

THEME = Theme("logs")
_LOG = f"{PODS}/alone/log"
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(Z|[+-]\d\d:\d\d)\Z")
#: A pod of this name says four lines when it starts in the practice cluster.
_TALKER = {"app": "query-service"}


async def _talking(ground: Ground, *containers: str) -> None:
    """A pod whose container has said four lines or more."""
    await ground.made(PODS, pod("alone", GOOD, *containers, labels=_TALKER))
    await ground.until(f"{PODS}/alone", _runs, "it runs")
    ground.server.write_log(4)
    await ground.until_text(f"{_LOG}?container=first", lambda text: len(text.splitlines()) >= 4, "four lines")


def _runs(found: Obj) -> bool:
    return all(
        "running" in one["state"] for one in found["status"].get("containerStatuses") or [{"state": {}}]
    )


async def _log(ground: Ground, **query: Any) -> Said:
    return await ground.get(_LOG, **query)


async def _waiting(ground: Ground, image: str) -> None:
    def waits(found: Obj) -> bool:
        statuses = found["status"].get("containerStatuses") or [{}]
        return bool(
            statuses[0].get("state", {}).get("waiting", {}).get("reason")
            not in (None, "ContainerCreating", "ErrImagePull")
        )

    await ground.made(PODS, pod("alone", image))
    await ground.until(f"{PODS}/alone", waits, "it waits")


THEME.ask("of what is not there", "GET", _LOG, '404 NotFound: pods "alone" not found')
THEME.ask(
    "may not be written",
    "POST",
    _LOG,
    "405 MethodNotAllowed: the server does not allow this method on the requested resource",
    {},
)


@THEME.row([200, "text/plain", True, True])
async def its_form(ground: Ground) -> Any:
    await _talking(ground)
    said = await _log(ground)
    return [
        said.status,
        said.headers["content-type"],
        said.body.endswith("\n"),
        len(said.body.splitlines()) >= 4,
    ]


@THEME.row([[0, 1, 3], True])
async def the_last_lines(ground: Ground) -> Any:
    await _talking(ground)
    counts = [len((await _log(ground, tailLines=str(number))).body.splitlines()) for number in (0, 1, 3)]
    tail = (await _log(ground, tailLines="3")).body
    whole = (await _log(ground)).body
    return [counts, tail.splitlines()[0] in whole.splitlines()]


@THEME.row([True, True])
async def its_times(ground: Ground) -> Any:
    await _talking(ground)
    plain = (await _log(ground, tailLines="2")).body.splitlines()
    stamped = (await _log(ground, timestamps="true")).body.splitlines()
    pairs = [line.partition(" ")[::2] for line in stamped]
    return [all(_STAMP.match(stamp) for stamp, _ in pairs), plain[0] in [text for _, text in pairs]]


@THEME.row(["", True])
async def since_a_time(ground: Ground) -> Any:
    await _talking(ground)
    lines = (await _log(ground, timestamps="true")).body.splitlines()
    last = datetime.fromisoformat(lines[-1].partition(" ")[0])
    after = (last + timedelta(hours=1)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    before = last.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    ending = (await _log(ground, sinceTime=before)).body
    return [(await _log(ground, sinceTime=after)).body, lines[-1].partition(" ")[2] in ending.splitlines()]


@THEME.row(True)
async def since_some_seconds(ground: Ground) -> Any:
    await _talking(ground)
    return len((await _log(ground, sinceSeconds="3600")).body.splitlines()) >= 4


@THEME.row(1)
async def the_tail_comes_before_the_time(ground: Ground) -> Any:
    await _talking(ground)
    return len((await _log(ground, sinceSeconds="3600", tailLines="1")).body.splitlines())


@THEME.row([200, 7])
async def not_more_than_some_bytes(ground: Ground) -> Any:
    await _talking(ground)
    said = await _log(ground, limitBytes="7")
    return [said.status, len(said.body)]


@THEME.row(
    [
        (
            '422 Invalid: PodLogOptions "alone" is invalid: tailLines: Invalid value: -1: must be '
            "greater than or equal to 0"
        ),
        (
            '422 Invalid: PodLogOptions "alone" is invalid: limitBytes: Invalid value: 0: must be '
            "greater than 0"
        ),
        (
            '422 Invalid: PodLogOptions "alone" is invalid: sinceSeconds: Invalid value: 0: must '
            "be greater than 0"
        ),
        '400 BadRequest: strconv.ParseInt: parsing "all": invalid syntax',
        '400 BadRequest: parsing time "yesterday"',
        (
            '422 Invalid: PodLogOptions "alone" is invalid: []: Forbidden: at most one of '
            "`sinceTime` or `sinceSeconds` may be specified"
        ),
    ]
)
async def bad_parameters(ground: Ground) -> Any:
    await _talking(ground)
    asked: tuple[dict[str, str], ...] = (
        {"tailLines": "-1"}, {"limitBytes": "0"}, {"sinceSeconds": "0"}, {"tailLines": "all"},
        {"sinceTime": "yesterday"}, {"sinceSeconds": "5", "sinceTime": "2026-01-01T00:00:00Z"},
    )  # fmt: skip
    # What a time is measured by is in the server's own language.
    return [(await _log(ground, **query)).said.partition(" as ")[0] for query in asked]


@THEME.row([True, True, True, True, False, False, False])
async def anything_but_false_is_true(ground: Ground) -> Any:
    await _talking(ground)
    words = ("true", "1", "maybe", "", "false", "0", "False")
    bodies = [(await _log(ground, tailLines="1", timestamps=word)).body for word in words]
    return [bool(_STAMP.match(body.partition(" ")[0])) for body in bodies]


@THEME.row("400 BadRequest: container other is not valid for pod alone")
async def a_container_that_is_not_in_the_pod(ground: Ground) -> Any:
    await _talking(ground)
    return (await _log(ground, container="other")).said


@THEME.row(
    [("400 BadRequest: a container name must be specified for pod alone, choose one of: [first second]"), 200]
)
async def several_containers(ground: Ground) -> Any:
    await _talking(ground, "first", "second")
    named = await _log(ground, container="first")
    return [(await _log(ground)).said, named.status]


@THEME.row('400 BadRequest: failed to read log file ".": read .: is a directory')
async def a_container_without_an_earlier_run(ground: Ground) -> Any:
    await _talking(ground)
    return (await _log(ground, previous="true")).said


@THEME.row("200")
async def a_container_whose_image_is_absent(ground: Ground) -> Any:
    await _waiting(ground, ABSENT)
    said = await _log(ground)
    return said.said


@THEME.row(
    [
        204,
        "",
        [
            "Pending",
            "PodScheduled",
            "False",
            "Unschedulable",
            "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector",
        ],
    ]
)
async def a_pod_that_no_node_has(ground: Ground) -> Any:
    body = pod()
    body["spec"]["nodeSelector"] = {"example.com/none": "here"}
    await ground.made(PODS, body)
    found = await ground.until(
        f"{PODS}/alone", lambda found: found["status"].get("conditions"), "it is looked at"
    )
    said = await _log(ground)
    (told,) = found["status"]["conditions"]
    state = [
        found["status"]["phase"],
        told["type"],
        told["status"],
        told["reason"],
        told["message"].partition(".")[0],
    ]
    return [said.status, said.body, state]


@THEME.row([200, True, True])
async def as_it_is_written(ground: Ground) -> Any:
    await _talking(ground)
    headers = {"Authorization": f"Bearer {ground.server.tokens[ADMIN]}"}
    query = {"follow": "true", "tailLines": "2"}
    request = ground.server.http.stream("GET", ground.path(_LOG), headers=headers, params=query)
    async with request as answer, asyncio.timeout(10):
        lines = answer.aiter_lines()
        first = [await anext(lines) for _ in range(2)]
        ground.server.write_log(1)
        later = await anext(lines)
    return [answer.status_code, all(first), bool(later)]


@THEME.row(5)
async def following_ends_with_the_container(ground: Ground) -> Any:
    await _talking(ground)
    headers = {"Authorization": f"Bearer {ground.server.tokens[ADMIN]}"}
    request = ground.server.http.stream(
        "GET", ground.path(_LOG), headers=headers, params={"follow": "true", "limitBytes": "5"}
    )
    async with request as answer, asyncio.timeout(10):
        return len(await answer.aread())
