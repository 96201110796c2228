"""The subresource ``scale``, and evictions."""

from __future__ import annotations

from typing import Any

from conformance.ground import Ground
from conformance.manifests import DEPLOYMENTS, PODS, REPLICA_SETS, SHOP, deployment, pod, shop
from conformance.table import Theme

THEME = Theme("scaling")
_SCALE = f"{SHOP}/scale"
_TRIES = 20

THEME.ask("of what is not there", "GET", _SCALE, '404 NotFound: deployments.apps "shop" not found')
THEME.ask(
    "of a kind without one",
    "GET",
    "/api/v1/namespaces/{ns}/configmaps/one/scale",
    "404 NotFound: the server could not find the requested resource",
)


@THEME.row(
    [
        "Scale",
        "autoscaling/v1",
        ["creationTimestamp", "name", "namespace", "resourceVersion", "uid"],
        {},
        {"replicas": 0, "selector": "app=shop"},
    ]
)
async def its_form(ground: Ground) -> Any:
    await shop(ground)
    found = await ground.found(_SCALE)
    return [found["kind"], found["apiVersion"], sorted(found["metadata"]), found["spec"], found["status"]]


@THEME.row([200, "Scale", {"replicas": 2}, 2, 1])
async def by_patch(ground: Ground) -> Any:
    made = await ground.made(DEPLOYMENTS, deployment(paused=True))
    said = await ground.patch(_SCALE, {"spec": {"replicas": 2}})
    after = await ground.found(SHOP)
    return [
        said.status,
        said.body["kind"],
        said.body["spec"],
        after["spec"]["replicas"],
        after["metadata"]["generation"] - made["metadata"]["generation"],
    ]


@THEME.row(200)
async def by_strategic_patch(ground: Ground) -> Any:
    await ground.made(DEPLOYMENTS, deployment(paused=True))
    return (await ground.patch(_SCALE, {"spec": {"replicas": 2}}, "strategic")).status


@THEME.row([200, {}])
async def by_json_patch(ground: Ground) -> Any:
    await ground.made(DEPLOYMENTS, deployment(paused=True, replicas=1))
    said = await ground.patch(_SCALE, [{"op": "replace", "path": "/spec/replicas", "value": 0}], "json-patch")
    return [said.status, said.body["spec"]]


@THEME.row([200, {"replicas": 3}, "409 Conflict"])
async def by_replacing_it(ground: Ground) -> Any:
    await ground.made(DEPLOYMENTS, deployment(paused=True))
    for _ in range(_TRIES):
        found = await ground.found(_SCALE)
        found["spec"]["replicas"] = 3
        first = await ground.put(_SCALE, found)
        # The controller writes the status of what was just made, and may come between the two.
        if first.status != 409:
            break
    found["spec"]["replicas"] = 4
    second = await ground.put(_SCALE, found)
    return [first.status, first.body.get("spec"), second.reason]


@THEME.row(
    '422 Invalid: Scale.autoscaling "shop" is invalid: spec.replicas: Invalid value: -1: '
    "must be greater than or equal to 0"
)
async def below_nothing(ground: Ground) -> Any:
    await ground.made(DEPLOYMENTS, deployment(paused=True))
    return (await ground.patch(_SCALE, {"spec": {"replicas": -1}})).said


@THEME.row([{"replicas": 5}, 0])
async def a_dry_run(ground: Ground) -> Any:
    await ground.made(DEPLOYMENTS, deployment(paused=True))
    said = await ground.patch(_SCALE, {"spec": {"replicas": 5}}, dryRun="All")
    return [said.body["spec"], (await ground.found(SHOP))["spec"]["replicas"]]


@THEME.row(["Scale", {}, True])
async def of_a_replica_set(ground: Ground) -> Any:
    await shop(ground)
    (rs,) = (await ground.found(REPLICA_SETS))["items"]
    found = await ground.found(f"{REPLICA_SETS}/{rs['metadata']['name']}/scale")
    return [
        found["kind"],
        found["spec"],
        found["status"]["selector"].startswith("app=shop,pod-template-hash="),
    ]


@THEME.row([201, "Status", "Success"])
async def an_eviction(ground: Ground) -> Any:
    await ground.made(PODS, pod())
    await ground.until(f"{PODS}/alone", lambda found: found["status"].get("phase") == "Running", "it runs")
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "alone"}}
    said = await ground.post(f"{PODS}/alone/eviction", body)
    await ground.until(PODS, lambda found: not found["items"], "it is gone")
    return [said.status, said.body["kind"], said.body["status"]]


@THEME.row("404 NotFound")
async def an_eviction_of_what_is_not_there(ground: Ground) -> Any:
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "alone"}}
    return (await ground.post(f"{PODS}/alone/eviction", body)).reason
