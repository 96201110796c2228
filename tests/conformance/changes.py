"""Changing what is there: conflicts, dry runs, generations and the status."""

from __future__ import annotations

from typing import Any

from conformance.ground import Ground
from conformance.manifests import (
    BETTER,
    DEPLOYMENTS,
    MAPS,
    PODS,
    SERVICES,
    SHOP,
    config,
    deployment,
    maps,
    pod,
    shop,
    with_image,
)  # fmt: skip
from conformance.table import Theme

THEME = Theme("changes")
_GHOST = "00000000-0000-4000-8000-000000000000"


@THEME.row(
    [
        (
            '409 Conflict: Operation cannot be fulfilled on configmaps "one": the object has been '
            "modified; please apply your changes to the latest version and try again"
        ),
        {"name": "one", "kind": "configmaps"},
    ]
)
async def replace_with_an_old_version(ground: Ground) -> Any:
    (made,) = await maps(ground, "one")
    await ground.patch(f"{MAPS}/one", {"data": {"said": "changed"}})
    said = await ground.put(f"{MAPS}/one", made)
    return [said.said, said.details]


@THEME.row(
    '409 Conflict: Operation cannot be fulfilled on configmaps "one": StorageError: '
    "invalid object, Code: 4, Key: /registry/configmaps/NS/one, ResourceVersion: 0, "
    "AdditionalErrorMsg: Precondition failed: UID in precondition: UID, UID in object "
    "meta: UID"
)
async def replace_with_the_uid_of_another(ground: Ground) -> Any:
    (made,) = await maps(ground, "one")
    made["metadata"] |= {"uid": _GHOST, "resourceVersion": ""}
    return (await ground.put(f"{MAPS}/one", made)).said


@THEME.row([200, {"said": "new"}, None])
async def replace_without_a_version(ground: Ground) -> Any:
    await maps(ground, "one")
    said = await ground.put(f"{MAPS}/one", config(said="new"))
    return [said.status, said.body["data"], said.meta.get("labels")]


@THEME.row(
    '409 Conflict: Operation cannot be fulfilled on configmaps "one": the object has been '
    "modified; please apply your changes to the latest version and try again"
)
async def patch_with_an_old_version(ground: Ground) -> Any:
    (made,) = await maps(ground, "one")
    await ground.patch(f"{MAPS}/one", {"data": {"said": "changed"}})
    version = made["metadata"]["resourceVersion"]
    said = await ground.patch(
        f"{MAPS}/one", {"metadata": {"resourceVersion": version}, "data": {"said": "late"}}
    )
    return said.said


@THEME.row('422 Invalid: ConfigMap "one" is invalid: metadata.uid: Invalid value: "UID": field is immutable')
async def patch_with_the_uid_of_another(ground: Ground) -> Any:
    await maps(ground, "one")
    return (await ground.patch(f"{MAPS}/one", {"metadata": {"uid": _GHOST}})).said


@THEME.row("400 BadRequest: the name of the object (two) does not match the name on the URL (one)")
async def patch_that_renames(ground: Ground) -> Any:
    await maps(ground, "one")
    return (await ground.patch(f"{MAPS}/one", {"metadata": {"name": "two"}})).said


@THEME.row([True, True])
async def a_change_that_changes_nothing_keeps_the_version(ground: Ground) -> Any:
    (made,) = await maps(ground, "one")
    patched = await ground.patch(f"{MAPS}/one", {"data": {"said": "one"}})
    replaced = await ground.put(f"{MAPS}/one", made)
    return [one.version == made["metadata"]["resourceVersion"] for one in (patched, replaced)]


@THEME.row([201, ["creationTimestamp", "generation", "uid"], 404])
async def a_dry_run_creates_nothing(ground: Ground) -> Any:
    said = await ground.post(DEPLOYMENTS, deployment(), dryRun="All")
    shown = {key for key in ("uid", "creationTimestamp", "generation", "resourceVersion") if key in said.meta}
    return [said.status, sorted(shown), (await ground.get(SHOP)).status]


@THEME.row("409 AlreadyExists")
async def a_dry_run_is_refused_as_the_real_thing(ground: Ground) -> Any:
    await maps(ground, "one")
    return (await ground.post(MAPS, config(), dryRun="All")).reason


@THEME.row([3, 1, True, True])
async def a_dry_run_of_a_patch_changes_nothing(ground: Ground) -> Any:
    made = await ground.made(DEPLOYMENTS, deployment(paused=True))
    made = await ground.until(SHOP, lambda found: found["status"].get("observedGeneration"), "observed")
    said = await ground.patch(SHOP, {"spec": {"replicas": 3}}, dryRun="All")
    after = await ground.found(SHOP)
    return [
        said.body["spec"]["replicas"],
        said.meta["generation"] - made["metadata"]["generation"],
        said.version == made["metadata"]["resourceVersion"],
        after == made,
    ]


@THEME.row([200, "Success", 200])
async def a_dry_run_of_a_delete_deletes_nothing(ground: Ground) -> Any:
    await maps(ground, "one")
    said = await ground.delete(f"{MAPS}/one", dryRun="All")
    return [said.status, said.body["status"], (await ground.get(f"{MAPS}/one")).status]


@THEME.row([1, 2, 3, 3, 3, 4])
async def generation_counts_changes_of_the_spec_alone(ground: Ground) -> Any:
    await shop(ground)
    steps = (
        {"metadata": {"labels": {"tier": "web"}}},
        {"metadata": {"annotations": {"note": "x"}}},
        {"spec": {"minReadySeconds": 1}},
        {"spec": {"minReadySeconds": 1}},
        {"status": {"replicas": 9}},
        {"spec": {"replicas": 1}},
    )
    return [(await ground.patch(SHOP, step)).meta["generation"] for step in steps]


@THEME.row([3, 0, {"app": "shop"}, 1, 3])
async def the_status_is_written_through_its_own_door(ground: Ground) -> Any:
    await shop(ground)
    through = await ground.patch(
        f"{SHOP}/status",
        {"status": {"collisionCount": 3}, "spec": {"replicas": 5}, "metadata": {"labels": {"a": "b"}}},
    )
    around = await ground.patch(SHOP, {"status": {"collisionCount": 7}})
    return [
        through.body["status"]["collisionCount"], through.body["spec"]["replicas"], through.meta["labels"],
        through.meta["generation"], around.body["status"]["collisionCount"],
    ]  # fmt: skip


@THEME.row('404 NotFound: deployments.apps "shop" not found')
async def the_status_of_what_is_not_there(ground: Ground) -> Any:
    return (await ground.get(f"{SHOP}/status")).said


@THEME.row([2, 2])
async def generation_is_observed(ground: Ground) -> Any:
    await shop(ground)
    said = await with_image(ground, BETTER)
    seen = await ground.until(
        SHOP, lambda found: found["status"]["observedGeneration"] == said.meta["generation"], "observed"
    )
    return [said.meta["generation"], seen["status"]["observedGeneration"]]


@THEME.row([False, True, False])
async def a_config_map_has_no_generation(ground: Ground) -> Any:
    return [
        "generation" in (await ground.made(*one))["metadata"]
        for one in (
            (MAPS, config()),
            (PODS, pod()),
            (SERVICES, {"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}),
        )
    ]
