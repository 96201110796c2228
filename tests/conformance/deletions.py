"""How objects go: alone, with what they own, after it, or not at all."""

from __future__ import annotations

from typing import Any

from conformance.ground import Ground
from conformance.manifests import (
    MAPS,
    maps,
)  # fmt: skip
from conformance.table import Theme

THEME = Theme("deletions")
_GHOST = "00000000-0000-4000-8000-000000000000"


@THEME.row(["409 Conflict", 200])
async def delete_with_an_old_version(ground: Ground) -> Any:
    (made,) = await maps(ground, "one")
    await ground.patch(f"{MAPS}/one", {"data": {"said": "changed"}})
    said = await ground.delete(
        f"{MAPS}/one", {"preconditions": {"resourceVersion": made["metadata"]["resourceVersion"]}}
    )
    return [said.reason, (await ground.get(f"{MAPS}/one")).status]


@THEME.row(
    '409 Conflict: Operation cannot be fulfilled on ConfigMap "one": the UID in the '
    "precondition (UID) does not match the UID in record (UID). The object might have been "
    "deleted and then recreated"
)
async def delete_with_the_uid_of_another(ground: Ground) -> Any:
    await maps(ground, "one")
    return (await ground.delete(f"{MAPS}/one", {"preconditions": {"uid": _GHOST}})).said


@THEME.row([200, "Status", "Success", {"name": "one", "kind": "configmaps", "uid": "UID"}])
async def delete_with_its_uid(ground: Ground) -> Any:
    (made,) = await maps(ground, "one")
    said = await ground.delete(f"{MAPS}/one", {"preconditions": {"uid": made["metadata"]["uid"]}})
    return [said.status, said.body["kind"], said.body["status"], said.details]


@THEME.row([200, "ConfigMapList", ["b"]])
async def delete_of_a_selection(ground: Ground) -> Any:
    await maps(ground, "a", "b", "c")
    said = await ground.delete(MAPS, labelSelector="is in (a,c)")
    left = await ground.found(MAPS)
    return [said.status, said.body["kind"], [item["metadata"]["name"] for item in left["items"]]]


@THEME.row("422 Invalid")
async def delete_with_an_unknown_propagation(ground: Ground) -> Any:
    await maps(ground, "one")
    return (await ground.delete(f"{MAPS}/one", {"propagationPolicy": "Sideways"})).reason
