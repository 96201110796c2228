"""Watches: what comes first, what follows, how they end, and the history that is gone."""

from __future__ import annotations

import base64
import json
from typing import Any

from conformance.ground import TABLE, Ground, Obj, brief
from conformance.manifests import DEPLOYMENTS, MAPS, config, deployment, maps
from conformance.table import Theme

THEME = Theme("watches")


async def _since(ground: Ground, path: str = MAPS) -> str:
    return str((await ground.found(path))["metadata"]["resourceVersion"])


@THEME.row(["ADDED a", "ADDED b"])
async def without_a_version_it_begins_with_what_is_there(ground: Ground) -> Any:
    await maps(ground, "a", "b")
    async with ground.watch(MAPS) as events:
        return sorted(await events.names(2))


@THEME.row(["ADDED a", "ADDED b"])
async def with_version_zero_it_begins_with_what_is_there(ground: Ground) -> Any:
    await maps(ground, "a", "b")
    await ground.found(MAPS)
    async with ground.watch(MAPS, resourceVersion="0") as events:
        return sorted(await events.names(2))


@THEME.row(["ADDED b", "MODIFIED a", "DELETED b"])
async def with_the_version_of_a_list_it_goes_on_from_there(ground: Ground) -> Any:
    await maps(ground, "a")
    async with ground.watch(MAPS, resourceVersion=await _since(ground)) as events:
        await maps(ground, "b")
        await ground.patch(f"{MAPS}/a", {"data": {"said": "changed"}})
        await ground.delete(f"{MAPS}/b")
        return await events.names(3)


@THEME.row(["ADDED a", "MODIFIED a", "DELETED a"])
async def every_change_since_an_earlier_version_is_told(ground: Ground) -> Any:
    start = await _since(ground)
    await maps(ground, "a")
    await ground.patch(f"{MAPS}/a", {"data": {"said": "changed"}})
    await ground.delete(f"{MAPS}/a")
    async with ground.watch(MAPS, resourceVersion=start) as events:
        return await events.names(3)


@THEME.row([["object", "type"], True])
async def an_event_holds_the_whole_object(ground: Ground) -> Any:
    start = await _since(ground)
    (made,) = await maps(ground, "a")
    async with ground.watch(MAPS, resourceVersion=start) as events:
        (event,) = await events.take(1)
    return [sorted(event), event["object"] == {**made, "kind": "ConfigMap", "apiVersion": "v1"}]


@THEME.row(["DELETED a", True, {"said": "a"}])
async def what_is_deleted_has_the_version_of_its_deletion(ground: Ground) -> Any:
    (made,) = await maps(ground, "a")
    async with ground.watch(MAPS, resourceVersion=await _since(ground)) as events:
        await ground.delete(f"{MAPS}/a")
        (event,) = await events.take(1)
    newer = int(event["object"]["metadata"]["resourceVersion"]) > int(made["metadata"]["resourceVersion"])
    return [brief(event), newer, event["object"]["data"]]


@THEME.row(
    [
        ["ADDED", "1", "yes"],
        ["MODIFIED", "2", "yes"],
        ["DELETED", "2", "yes"],
        ["ADDED", "4", "yes"],
        ["DELETED", "4", "yes"],
    ]
)
async def a_label_that_comes_and_goes_is_added_and_deleted(ground: Ground) -> Any:
    await maps(ground, "a")
    async with ground.watch(MAPS, resourceVersion=await _since(ground), labelSelector="on=yes") as events:
        for labels, said in (("yes", "1"), ("yes", "2"), ("no", "3"), ("yes", "4")):
            await ground.patch(f"{MAPS}/a", {"metadata": {"labels": {"on": labels}}, "data": {"said": said}})
        await ground.delete(f"{MAPS}/a")
        seen = await events.take(5)
    return [
        [event["type"], event["object"]["data"]["said"], event["object"]["metadata"]["labels"]["on"]]
        for event in seen
    ]


@THEME.row(["DELETED a", True])
async def what_leaves_the_selection_has_the_version_of_the_change(ground: Ground) -> Any:
    await ground.made(MAPS, config("a", {"on": "yes"}))
    async with ground.watch(MAPS, resourceVersion=await _since(ground), labelSelector="on=yes") as events:
        said = await ground.patch(f"{MAPS}/a", {"metadata": {"labels": {"on": None}}})
        (event,) = await events.take(1)
    return [brief(event), event["object"]["metadata"]["resourceVersion"] == said.version]


@THEME.row(["ADDED b"])
async def one_object_by_its_name(ground: Ground) -> Any:
    await maps(ground, "a", "b")
    async with ground.watch(MAPS, fieldSelector="metadata.name=b", timeoutSeconds="1") as events:
        return [brief(event) for event in await events.rest()]


@THEME.row([200, ["ADDED a"]])
async def it_ends_after_its_time(ground: Ground) -> Any:
    await maps(ground, "a")
    async with ground.watch(MAPS, timeoutSeconds="1") as events:
        return [events.answer.status_code, [brief(event) for event in await events.rest()]]


@THEME.row("application/json")
async def its_media_type(ground: Ground) -> Any:
    async with ground.watch(MAPS, timeoutSeconds="1") as events:
        return events.answer.headers["Content-Type"]


@THEME.row(
    [
        ["ADDED a", "ADDED b", "BOOKMARK"],
        "ConfigMap",
        "v1",
        {"k8s.io/initial-events-end": "true"},
        True,
        "ADDED c",
    ]
)
async def a_streaming_list(ground: Ground) -> Any:
    await maps(ground, "a", "b")
    options = {
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "allowWatchBookmarks": "true",
    }
    async with ground.watch(MAPS, **options) as events:
        first = await events.take(3)
        await maps(ground, "c")
        (later,) = await events.take(1)
    mark = first[2]["object"]
    return [
        [brief(event) for event in first],
        mark["kind"],
        mark["apiVersion"],
        mark["metadata"].get("annotations"),
        mark["metadata"]["resourceVersion"].isdigit(),
        brief(later),
    ]


@THEME.row(["ADDED a"])
async def a_streaming_list_without_bookmarks(ground: Ground) -> Any:
    await maps(ground, "a")
    options = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "timeoutSeconds": "1"}
    async with ground.watch(MAPS, **options) as events:
        return [brief(event) for event in await events.rest()]


@THEME.row(
    '422 Invalid: ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: '
    "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
)
async def a_streaming_list_needs_its_match(ground: Ground) -> Any:
    said = await ground.get(MAPS, watch="true", sendInitialEvents="true", allowWatchBookmarks="true")
    return said.said


@THEME.row(
    '422 Invalid: ListOptions.meta.k8s.io "" is invalid: [resourceVersionMatch: Forbidden: '
    "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided, "
    'resourceVersionMatch: Unsupported value: "Exact": supported values: "NotOlderThan"]'
)
async def a_watch_takes_no_match_of_versions(ground: Ground) -> Any:
    said = await ground.get(MAPS, watch="true", resourceVersion="1", resourceVersionMatch="Exact")
    return said.said


@THEME.row(
    '500 Failure: resourceVersion: Invalid value: "new": strconv.ParseUint: parsing "new": invalid syntax'
)
async def a_version_that_is_not_a_number(ground: Ground) -> Any:
    said = await ground.get(MAPS, watch="true", resourceVersion="new", timeoutSeconds="1")
    return said.said


@THEME.row(200)
async def a_version_from_the_future(ground: Ground) -> Any:
    async with ground.watch(MAPS, resourceVersion="99999999999", timeoutSeconds="1") as events:
        await events.rest()
        return events.answer.status_code


@THEME.row("400 BadRequest")
async def a_selector_that_cannot_be_read(ground: Ground) -> Any:
    return (await ground.get(MAPS, watch="true", labelSelector="a=b=c")).reason


@THEME.row(
    [
        200,
        "ERROR",
        {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Expired", "code": 410},
        "too old resource version",
    ],
    alone=True,
)
async def a_history_that_is_gone_is_an_error_event(ground: Ground) -> Any:
    await maps(ground, "a")
    await ground.server.forget()
    async with ground.watch(MAPS, resourceVersion="1", timeoutSeconds="5") as events:
        (event,) = await events.rest()
    told = event["object"]
    head = {key: told[key] for key in ("kind", "apiVersion", "status", "reason", "code")}
    return [events.answer.status_code, event["type"], head, told["message"].partition(":")[0]]


@THEME.row("410 Expired", alone=True)
async def an_exact_list_of_a_history_that_is_gone(ground: Ground) -> Any:
    await maps(ground, "a")
    await ground.server.forget()
    said = await ground.get(MAPS, resourceVersion="1", resourceVersionMatch="Exact")
    return said.said.partition(":")[0]


@THEME.row(
    [
        (
            "410 Expired: The provided continue parameter is too old to display a consistent list "
            "result. You can start a new list without the continue parameter, or use the continue "
            "token in this response to retrieve the remainder of the results. Continuing with the "
            "provided token results in an inconsistent list - objects that were created, modified, "
            "or deleted between the time the first chunk was returned and now may show up in the "
            "list."
        ),
        True,
    ],
    alone=True,
)
async def a_page_of_a_history_that_is_gone(ground: Ground) -> Any:
    await maps(ground, "a", "b", "c")
    first = await ground.get(MAPS, limit="1")
    await ground.server.forget()
    said = await ground.get(MAPS, limit="1", **{"continue": _of_the_first_version(first.meta["continue"])})
    return [said.said, "continue" in said.meta]


def _of_the_first_version(token: str) -> str:
    """The token, as if the list had been begun at version 1."""
    read = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    return base64.urlsafe_b64encode(json.dumps({**read, "rv": 1}).encode()).decode().rstrip("=")


@THEME.row("ADDED a")
async def it_lists_the_events_of_its_namespace_alone(ground: Ground) -> Any:
    start = await _since(ground)
    async with ground.watch("/api/v1/configmaps", resourceVersion=start) as everywhere:
        await maps(ground, "a")
        while (event := (await everywhere.take(1))[0])["object"]["metadata"]["namespace"] != ground.namespace:
            pass
    return brief(event)


@THEME.row([["Table", 3, 1], ["Table", 0, 1]])
async def events_as_tables(ground: Ground) -> Any:
    await maps(ground, "a", "b")
    async with ground.watch(MAPS, accept=TABLE) as events:
        seen = await events.take(2)
    tables: list[Obj] = [event["object"] for event in seen]
    return [[table["kind"], len(table["columnDefinitions"] or []), len(table["rows"])] for table in tables]


@THEME.row(["ADDED", 1])
async def a_status_that_changes_is_told(ground: Ground) -> Any:
    await ground.made(DEPLOYMENTS, deployment(paused=True))
    async with ground.watch(DEPLOYMENTS, fieldSelector="metadata.name=shop") as events:
        seen = []
        while not seen or not seen[-1]["object"]["status"].get("observedGeneration"):
            seen += await events.take(1)
    return [seen[0]["type"], seen[-1]["object"]["status"]["observedGeneration"]]
