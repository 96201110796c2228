"""Applying manifests on a real API server: what it changes, what it refuses, and who owns a field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from bench import Bench, workload

from releaseconsole.cluster.apply import Kinds, apply, load_manifests
from releaseconsole.cluster.connect import Client
from releaseconsole.errors import ApiRejected, NotFound

GROUP = "releases.example.org"


def _write(path: Path, *documents: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump_all(documents))
    return path


def _settings(**data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": data}


async def _apply_all(client: Client, bench: Bench, path: Path, **options: bool) -> list[str]:
    """What happened to each object of a file or folder, in the order in which it was applied."""
    kinds = Kinds(client)
    done = [await apply(client, one, bench.namespace, kinds=kinds, **options) for one in load_manifests(path)]
    return [f"{one.kind}/{one.name} {one.change}" for one in done]


async def test_what_is_applied_is_created_then_unchanged_then_configured(
    bench: Bench, client: Client, tmp_path: Path
) -> None:
    shop = workload("Deployment", "shop", "shop:good-1", replicas=1)
    path = _write(tmp_path / "app.yaml", _settings(colour="blue"), shop)
    assert await _apply_all(client, bench, path) == ["ConfigMap/settings created", "Deployment/shop created"]
    await bench.settled("deployment", "shop")
    assert await _apply_all(client, bench, path) == [
        "ConfigMap/settings unchanged",
        "Deployment/shop unchanged",
    ]
    _write(path, _settings(colour="green"), shop)
    assert (await _apply_all(client, bench, path))[0] == "ConfigMap/settings configured"
    assert bench.get("configmap", "settings")["data"] == {"colour": "green"}


async def test_a_field_that_the_manifest_no_longer_names_is_removed(
    bench: Bench, client: Client, tmp_path: Path
) -> None:
    path = _write(tmp_path / "app.yaml", _settings(colour="blue", size="large"))
    await _apply_all(client, bench, path)
    bench.patch("configmap", "settings", {"data": {"theirs": "stays"}})
    _write(path, _settings(colour="blue"))
    await _apply_all(client, bench, path)
    assert bench.get("configmap", "settings")["data"] == {"colour": "blue", "theirs": "stays"}


async def test_a_rehearsal_changes_nothing(bench: Bench, client: Client, tmp_path: Path) -> None:
    path = _write(tmp_path / "app.yaml", _settings(colour="blue"))
    assert await _apply_all(client, bench, path, dry_run=True) == ["ConfigMap/settings created"]
    assert "settings" not in {one["metadata"]["name"] for one in bench.list("configmap")}
    await _apply_all(client, bench, path)
    _write(path, _settings(colour="green"))
    assert await _apply_all(client, bench, path, dry_run=True) == ["ConfigMap/settings configured"]
    assert bench.get("configmap", "settings")["data"] == {"colour": "blue"}


async def test_a_field_of_somebody_else_is_named_with_its_owner_and_taken_only_by_force(
    bench: Bench, client: Client, tmp_path: Path
) -> None:
    theirs = yaml.safe_dump(_settings(colour="red"))
    said = await bench.kubectl("apply", "--server-side", "--field-manager=ci-robot", "-f", "-", text=theirs)
    assert said.code == 0, said.err
    path = _write(tmp_path / "app.yaml", _settings(colour="blue"))
    with pytest.raises(ApiRejected) as refused:
        await _apply_all(client, bench, path)
    assert "ci-robot" in refused.value.message
    assert ".data.colour" in refused.value.message
    assert bench.get("configmap", "settings")["data"] == {"colour": "red"}
    assert await _apply_all(client, bench, path, force=True) == ["ConfigMap/settings configured"]
    assert bench.get("configmap", "settings")["data"] == {"colour": "blue"}


async def test_a_new_kind_and_an_object_of_it_come_in_one_go_whatever_their_order(
    bench: Bench, client: Client, tmp_path: Path
) -> None:
    plural = f"train{bench.namespace.replace('-', '')}s"
    kind = plural.removesuffix("s").capitalize()
    train = {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": {"name": "first"}, "spec": {"cars": 3}}
    _write(tmp_path / "a-train.yaml", train)
    definition = _definition(plural, kind)
    _write(tmp_path / "b-definition.yaml", definition)
    try:
        done = await _apply_all(client, bench, tmp_path)
    finally:
        path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{plural}.{GROUP}"
        bench.plane.api.delete(path)
    assert done == [f"CustomResourceDefinition/{plural}.{GROUP} created", f"{kind}/first created"]


async def test_a_kind_that_the_cluster_does_not_have_is_said(
    bench: Bench, client: Client, tmp_path: Path
) -> None:
    unknown = {"apiVersion": "v1", "kind": "Trolley", "metadata": {"name": "one"}}
    with pytest.raises(NotFound, match="does not know the kind Trolley"):
        await _apply_all(client, bench, _write(tmp_path / "app.yaml", unknown))


async def test_what_the_server_finds_invalid_is_said_in_its_words(
    bench: Bench, client: Client, tmp_path: Path
) -> None:
    wrong = workload("Deployment", "shop", "shop:good-1", replicas=-1)
    with pytest.raises(ApiRejected, match=r"spec\.replicas"):
        await _apply_all(client, bench, _write(tmp_path / "app.yaml", wrong))
    misspelt = workload("Deployment", "shop", "shop:good-1", replica=2)
    with pytest.raises(ApiRejected, match="replica"):
        await _apply_all(client, bench, _write(tmp_path / "app.yaml", misspelt))
    assert bench.list("deployment") == []


async def test_a_namespace_that_does_not_exist_is_said(bench: Bench, client: Client, tmp_path: Path) -> None:
    lost = _settings(colour="blue")
    lost["metadata"]["namespace"] = "nowhere"
    with pytest.raises(NotFound, match="nowhere"):
        await _apply_all(client, bench, _write(tmp_path / "app.yaml", lost))


async def test_a_namespace_comes_before_what_lives_in_it(
    bench: Bench, client: Client, tmp_path: Path
) -> None:
    place = f"{bench.namespace}-more"
    home = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": place}}
    inside = _settings(colour="blue")
    inside["metadata"]["namespace"] = place
    path = _write(tmp_path / "app.yaml", inside, home)
    assert await _apply_all(client, bench, path) == [
        f"Namespace/{place} created",
        "ConfigMap/settings created",
    ]
    assert all(line.endswith("unchanged") for line in await _apply_all(client, bench, path))
    bench.plane.api.delete(f"/api/v1/namespaces/{place}")


def _definition(plural: str, kind: str) -> dict[str, Any]:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind},
            "versions": [version],
        },
    }
