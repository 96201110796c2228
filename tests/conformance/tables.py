"""The forms a list can be asked for: tables as kubectl shows them, and metadata alone."""

from __future__ import annotations

from typing import Any

from conformance.ground import TABLE, Ground, Obj
from conformance.manifests import DEPLOYMENTS, MAPS, SHOP, deployment, maps
from conformance.table import Theme

THEME = Theme("tables")
_PARTIAL = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"


def _names(body: Obj) -> list[str]:
    return [item["metadata"]["name"] for item in body["items"]]


@THEME.row(
    [
        "Table",
        "meta.k8s.io/v1",
        ["resourceVersion"],
        [["Name", "string", "name", 0], ["Data", "string", "", 0], ["Age", "string", "", 0]],
        [[["a", 1], "PartialObjectMetadata", "a"], [["b", 1], "PartialObjectMetadata", "b"]],
    ]
)
async def a_table_of_config_maps(ground: Ground) -> Any:
    await maps(ground, "a", "b")
    said = await ground.get(MAPS, accept=TABLE)
    columns = [
        [one["name"], one["type"], one["format"], one["priority"]] for one in said.body["columnDefinitions"]
    ]
    rows = [
        [row["cells"][:2], row["object"]["kind"], row["object"]["metadata"]["name"]]
        for row in said.body["rows"]
    ]
    return [said.body["kind"], said.body["apiVersion"], sorted(said.meta), columns, rows]


@THEME.row(
    {
        "deployments": (
            "Name:str Ready:str Up-to-date:str Available:str Age:str +Containers:str +Images:str "
            "+Selector:str"
        ),
        "replicasets": (
            "Name:str Desired:int Current:int Ready:int Age:str +Containers:str +Images:str +Selector:str"
        ),
        "pods": (
            "Name:str Ready:str Status:str Restarts:str Age:str +IP:str +Node:str "
            "+Nominated_Node:str +Readiness_Gates:str"
        ),
        "services": "Name:str Type:str Cluster-IP:str External-IP:str Port(s):str Age:str +Selector:str",
        "events": (
            "Last_Seen:str Type:str Reason:str Object:str +Subobject:str +Source:str Message:str "
            "+First_Seen:str +Count:str +Name:str"
        ),
    }
)
async def columns_of_the_tables(ground: Ground) -> Any:
    found = {}
    for kind in ("apps/v1 deployments", "apps/v1 replicasets", "v1 pods", "v1 services", "v1 events"):
        version, _, plural = kind.partition(" ")
        root = "/api" if "/" not in version else "/apis"
        said = await ground.get(f"{root}/{version}/namespaces/{{ns}}/{plural}", accept=TABLE)
        listed = said.body["columnDefinitions"]
        found[plural] = " ".join(
            f"{'+' * bool(one['priority'])}{one['name'].replace(' ', '_')}:{one['type'][:3]}"
            for one in listed
        )
    return found


@THEME.row([["shop", "0/0", 0, 0, "first", "shop:good-1", "app=shop"], ["cells", "object"]])
async def the_cells_of_a_deployment(ground: Ground) -> Any:
    await ground.made(DEPLOYMENTS, deployment())
    said = await ground.get(SHOP, accept=TABLE, includeObject="None")
    (row,) = said.body["rows"]
    return [[cell for index, cell in enumerate(row["cells"]) if index != 4], sorted(row)]


@THEME.row(["Table", [], 3])
async def an_empty_table(ground: Ground) -> Any:
    said = await ground.get(MAPS, accept=TABLE)
    return [said.body["kind"], said.body["rows"], len(said.body["columnDefinitions"])]


@THEME.row(["ConfigMap", {"said": "a"}])
async def a_table_with_whole_objects(ground: Ground) -> Any:
    await maps(ground, "a")
    said = await ground.get(MAPS, accept=TABLE, includeObject="Object")
    return [said.body["rows"][0]["object"]["kind"], said.body["rows"][0]["object"]["data"]]


@THEME.row(["PartialObjectMetadataList", "meta.k8s.io/v1", ["apiVersion", "kind", "metadata"], "a"])
async def metadata_alone(ground: Ground) -> Any:
    await maps(ground, "a")
    said = await ground.get(MAPS, accept=_PARTIAL)
    item = said.body["items"][0]
    return [said.body["kind"], said.body["apiVersion"], sorted(item), item["metadata"]["name"]]


@THEME.row(["ConfigMapList", ["a", "b"]])
async def all_namespaces_at_once(ground: Ground) -> Any:
    await maps(ground, "a", "b")
    said = await ground.get("/api/v1/configmaps", fieldSelector=f"metadata.namespace={ground.namespace}")
    return [said.body["kind"], _names(said.body)]
