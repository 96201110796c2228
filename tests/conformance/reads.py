"""Lists and single objects: pages, versions, selectors, tables, and what is not there."""

from __future__ import annotations

from typing import Any

from conformance.ground import Ground, Obj
from conformance.manifests import DEPLOYMENTS, MAPS, PODS, SHOP, config, maps, pod
from conformance.table import Theme

THEME = Theme("reads")
_ASK = THEME.ask
_PARTIAL = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"


def _names(body: Obj) -> list[str]:
    return [item["metadata"]["name"] for item in body["items"]]


_ASK("no such object", "GET", SHOP, '404 NotFound: deployments.apps "shop" not found')
_ASK("no such object of the core group", "GET", f"{MAPS}/one", '404 NotFound: configmaps "one" not found')
_ASK(
    "no such resource",
    "GET",
    "/api/v1/namespaces/{ns}/nothings",
    "404 NotFound: the server could not find the requested resource",
)
_ASK(
    "no such resource of a named group",
    "GET",
    "/apis/apps/v1/namespaces/{ns}/nothings",
    "404 NotFound: the server could not find the requested resource",
)
_ASK(
    "no such version",
    "GET",
    "/apis/apps/v9/deployments",
    "404 NotFound: the server could not find the requested resource",
)
_ASK("no such group", "GET", "/apis/nothing.example/v1/things", "404")
_ASK(
    "no such subresource",
    "GET",
    f"{SHOP}/nothing",
    "404 NotFound: the server could not find the requested resource",
)
_ASK(
    "an object of a namespaced kind without its namespace",
    "GET",
    "/api/v1/configmaps/one",
    "404 NotFound: the server could not find the requested resource",
)
_ASK("a namespace that is not there is an empty list", "GET", "/api/v1/namespaces/no-such/configmaps", "200")
_ASK("no such namespace", "GET", "/api/v1/namespaces/no-such", '404 NotFound: namespaces "no-such" not found')
_ASK(
    "a limit that is not a number",
    "GET",
    MAPS,
    '400 BadRequest: strconv.ParseInt: parsing "many": invalid syntax',
    limit="many",
)
_ASK("a limit below nothing", "GET", MAPS, "200", limit="-1")
_ASK(
    "a token that is none",
    "GET",
    MAPS,
    "400 BadRequest: invalid continue token: continue key is not valid",
    limit="1",
    **{"continue": "nonsense"},
    upto="is not valid",
)
_ASK(
    "a version that is not a number",
    "GET",
    MAPS,
    (
        '400 BadRequest: invalid resource version: resourceVersion: Invalid value: "new": '
        'strconv.ParseUint: parsing "new": invalid syntax'
    ),
    resourceVersion="new",
)
_ASK(
    "a version from the future",
    "GET",
    MAPS,
    "504 Timeout: Timeout: Too large resource version",
    resourceVersion="99999999999",
    timeoutSeconds="1",
    upto="resource version",
)
_ASK(
    "an exact version without a version",
    "GET",
    MAPS,
    (
        '422 Invalid: ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: '
        "resourceVersionMatch is forbidden unless resourceVersion is provided"
    ),
    resourceVersionMatch="Exact",
)
_ASK(
    "an unknown match of versions",
    "GET",
    MAPS,
    (
        '422 Invalid: ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Unsupported '
        'value: "About": supported values: "Exact", "NotOlderThan", ""'
    ),
    resourceVersion="1",
    resourceVersionMatch="About",
)
_ASK(
    "not older than without a version",
    "GET",
    MAPS,
    (
        '422 Invalid: ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: '
        "resourceVersionMatch is forbidden unless resourceVersion is provided"
    ),
    resourceVersionMatch="NotOlderThan",
)
_ASK(
    "an exact version of zero",
    "GET",
    MAPS,
    (
        '422 Invalid: ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: '
        'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
    ),
    resourceVersion="0",
    resourceVersionMatch="Exact",
)
_ASK(
    "a label selector that cannot be read",
    "GET",
    MAPS,
    "400 BadRequest",
    labelSelector="a=b=c",
    upto="400 BadRequest",
)
_ASK(
    "a label selector with an open bracket",
    "GET",
    MAPS,
    "400 BadRequest",
    labelSelector="a in (b",
    upto="400 BadRequest",
)
_ASK(
    "a label selector with a bad key",
    "GET",
    MAPS,
    "400 BadRequest",
    labelSelector="_a=b",
    upto="400 BadRequest",
)
_ASK(
    "a field that cannot be selected by",
    "GET",
    MAPS,
    ('400 BadRequest: "data.said" is not a known field selector: only "metadata.name", "metadata.namespace"'),
    fieldSelector="data.said=1",
)
_ASK(
    "a field that pods cannot be selected by",
    "GET",
    PODS,
    "400 BadRequest: field label not supported: data.said",
    fieldSelector="data.said=1",
)
_ASK(
    "a field selector that cannot be read",
    "GET",
    MAPS,
    "400 BadRequest: invalid selector: 'metadata.name'; can't understand 'metadata.name'",
    fieldSelector="metadata.name",
)
_ASK(
    "a form that is not served",
    "GET",
    MAPS,
    "406 NotAcceptable",
    accept="image/png",
    upto="406 NotAcceptable",
)


@THEME.row({"name": "shop", "group": "apps", "kind": "deployments"})
async def details_of_a_missing_object(ground: Ground) -> Any:
    return (await ground.get(SHOP)).details


@THEME.row({"name": "one", "kind": "configmaps"})
async def details_of_a_missing_object_of_the_core_group(ground: Ground) -> Any:
    return (await ground.get(f"{MAPS}/one")).details


@THEME.row(
    {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "the server could not find the requested resource",
        "reason": "NotFound",
        "details": {},
        "code": 404,
    }
)
async def details_of_an_unknown_resource(ground: Ground) -> Any:
    said = await ground.get("/api/v1/namespaces/{ns}/nothings")
    return said.body if isinstance(said.body, dict) else said.body.strip()


@THEME.row({"kind": "DeploymentList", "apiVersion": "apps/v1", "metadata": ["resourceVersion"], "items": []})
async def an_empty_list(ground: Ground) -> Any:
    found = await ground.found(DEPLOYMENTS)
    found["metadata"] = sorted(found["metadata"])
    return found


@THEME.row(["one", "three", "two"])
async def a_list_is_in_the_order_of_its_names(ground: Ground) -> Any:
    await maps(ground, "two", "one", "three")
    return _names(await ground.found(MAPS))


@THEME.row(["ConfigMapList", "v1", ["data", "metadata"], ["resourceVersion"]])
async def the_items_of_a_list_do_not_say_their_kind(ground: Ground) -> Any:
    await maps(ground, "one")
    found = await ground.found(MAPS)
    return [found["kind"], found["apiVersion"], sorted(found["items"][0]), sorted(found["metadata"])]


@THEME.row(
    [
        "ConfigMap",
        "v1",
        ["creationTimestamp", "labels", "managedFields", "name", "namespace", "resourceVersion", "uid"],
        {"said": "one"},
    ]
)
async def an_object_says_its_kind(ground: Ground) -> Any:
    await maps(ground, "one")
    found = await ground.found(f"{MAPS}/one")
    return [found["kind"], found["apiVersion"], sorted(found["metadata"]), found["data"]]


@THEME.row([True, True])
async def the_version_of_a_list_is_at_least_that_of_its_items(ground: Ground) -> Any:
    (made,) = await maps(ground, "one")
    found = await ground.found(MAPS)
    newest = int(found["metadata"]["resourceVersion"])
    return [
        newest >= int(made["metadata"]["resourceVersion"]),
        found["items"][0]["metadata"] == made["metadata"],
    ]


@THEME.row([[["a", "b"], True, 3], [["c", "d"], True, 1], [["e"], False, None]])
async def a_list_in_pages(ground: Ground) -> Any:
    await maps(ground, "a", "b", "c", "d", "e")
    seen, token = [], ""
    for _ in range(4):
        said = await ground.get(MAPS, limit="2", **({"continue": token} if token else {}))
        token = said.meta.get("continue", "")
        seen.append([_names(said.body), bool(token), said.meta.get("remainingItemCount")])
        if not token:
            break
    return seen


@THEME.row([["a"], ["b", "c"], True])
async def the_pages_of_a_list_are_of_one_moment(ground: Ground) -> Any:
    await maps(ground, "a", "b", "c")
    first = await ground.get(MAPS, limit="1")
    await maps(ground, "bb")
    await ground.delete(f"{MAPS}/c")
    second = await ground.get(MAPS, limit="5", **{"continue": first.meta["continue"]})
    return [_names(first.body), _names(second.body), first.version == second.version]


@THEME.row([["a"], True, None])
async def a_page_with_a_selector_does_not_count_the_rest(ground: Ground) -> Any:
    await maps(ground, "a", "b", "c")
    said = await ground.get(MAPS, limit="1", labelSelector="is")
    return [_names(said.body), "continue" in said.meta, said.meta.get("remainingItemCount")]


@THEME.row([["a", "b"], ["resourceVersion"]])
async def a_limit_above_the_count_is_one_page(ground: Ground) -> Any:
    await maps(ground, "a", "b")
    said = await ground.get(MAPS, limit="2")
    return [_names(said.body), sorted(said.meta)]


@THEME.row("400 BadRequest: specifying resource version is not allowed when using continue")
async def a_continued_list_takes_no_version(ground: Ground) -> Any:
    await maps(ground, "a", "b")
    first = await ground.get(MAPS, limit="1")
    said = await ground.get(
        MAPS, limit="1", resourceVersion=first.version, **{"continue": first.meta["continue"]}
    )
    return said.said


@THEME.row([200, True])
async def a_list_of_version_zero_may_be_any(ground: Ground) -> Any:
    said = await ground.get(MAPS, resourceVersion="0")
    return [said.status, said.version.isdigit()]


@THEME.row([["a"], True, {"said": "a"}])
async def a_list_at_an_exact_earlier_version(ground: Ground) -> Any:
    await maps(ground, "a")
    before = await ground.get(MAPS)
    await maps(ground, "b")
    await ground.patch(f"{MAPS}/a", {"data": {"said": "changed"}})
    said = await ground.get(MAPS, resourceVersion=before.version, resourceVersionMatch="Exact")
    return [_names(said.body), said.version == before.version, said.body["items"][0]["data"]]


@THEME.row([True, True])
async def a_list_not_older_than_a_version(ground: Ground) -> Any:
    made = (await maps(ground, "a", "b"))[0]
    version = made["metadata"]["resourceVersion"]
    await ground.found(MAPS)
    said = await ground.get(MAPS, resourceVersion=version, resourceVersionMatch="NotOlderThan")
    return ["a" in _names(said.body), int(said.version) >= int(version)]


@THEME.row("504 Timeout")
async def reading_one_object_of_the_future(ground: Ground) -> Any:
    await maps(ground, "a")
    said = await ground.get(f"{MAPS}/a", resourceVersion="99999999999")
    return said.reason


@THEME.row(
    {
        "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
        "retryAfterSeconds": 1,
    }
)
async def details_of_a_version_from_the_future(ground: Ground) -> Any:
    said = await ground.get(MAPS, resourceVersion="99999999999")
    return said.details


@THEME.row(
    {
        "app=shop": ["a", "b"],
        "app==shop,tier=db": ["b"],
        "app!=shop": ["c"],
        "app": ["a", "b"],
        "!app": ["c"],
        "tier in (web,db)": ["a", "b"],
        "tier notin (web)": ["b", "c"],
        "size>5": ["b"],
        "size<5": [],
        "app=": [],
        "app in (shop),!size": ["a"],
        "": ["a", "b", "c"],
        "  ": ["a", "b", "c"],
        "app = shop": ["a", "b"],
    }
)
async def label_selectors(ground: Ground) -> Any:
    await ground.made(MAPS, config("a", {"app": "shop", "tier": "web"}))
    await ground.made(MAPS, config("b", {"app": "shop", "tier": "db", "size": "7"}))
    await ground.made(MAPS, config("c", {"other": "yes"}))
    selectors = (
        "app=shop", "app==shop,tier=db", "app!=shop", "app", "!app", "tier in (web,db)", "tier notin (web)",
        "size>5", "size<5", "app=", "app in (shop),!size", "", "  ", "app = shop",
    )  # fmt: skip
    return {one: _names((await ground.get(MAPS, labelSelector=one)).body) for one in selectors}


@THEME.row(
    {
        "metadata.name=a": ["a"],
        "metadata.name!=a": ["b"],
        "metadata.name=a,metadata.name=b": [],
        "metadata.name==b": ["b"],
        "namespace": ["b"],
    }
)
async def field_selectors(ground: Ground) -> Any:
    await maps(ground, "a", "b")
    selectors = ("metadata.name=a", "metadata.name!=a", "metadata.name=a,metadata.name=b", "metadata.name==b")
    found = {one: _names((await ground.get(MAPS, fieldSelector=one)).body) for one in selectors}
    inside = await ground.get(MAPS, fieldSelector=f"metadata.namespace={ground.namespace},metadata.name=b")
    return found | {"namespace": _names(inside.body)}


@THEME.row(
    {
        "status.phase=Running": ["a"],
        "status.phase!=Running": [],
        "spec.restartPolicy=Always": ["a"],
        "spec.nodeName=": [],
    }
)
async def pods_by_their_fields(ground: Ground) -> Any:
    await ground.made(PODS, pod("a"))
    await ground.until(f"{PODS}/a", lambda found: found["status"].get("phase") == "Running", "a runs")
    selectors = (
        "status.phase=Running",
        "status.phase!=Running",
        "spec.restartPolicy=Always",
        "spec.nodeName=",
    )
    return {one: _names((await ground.get(PODS, fieldSelector=one)).body) for one in selectors}
