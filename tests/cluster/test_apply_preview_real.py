"""The preview of an apply on a real API server: what it says is what happens, and nothing happens by asking."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import yaml
from bench import Bench, workload
from control_plane import READER

from releaseconsole.cluster.apply import Kinds, apply, load_manifests
from releaseconsole.cluster.apply_preview import Change, FieldConflict, preview_manifests
from releaseconsole.cluster.connect import Client, connect

_NOISE = re.compile(r"^(generation|resourceVersion|uid|creationTimestamp):")


def _write(path: Path, *documents: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump_all(documents))
    return path


def _settings(name: str = "settings", **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def _secret(**values: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "stringData": values}


async def _apply_all(client: Client, bench: Bench, path: Path) -> list[str]:
    kinds = Kinds(client)
    done = [await apply(client, one, bench.namespace, kinds=kinds) for one in load_manifests(path)]
    return [one.change for one in done]


async def _preview(client: Client, bench: Bench, path: Path) -> tuple[Change, ...]:
    return await preview_manifests(client, load_manifests(path), bench.namespace)


def _changed(lines: list[str] | tuple[str, ...]) -> list[str]:
    """The lines that go and come, without their indentation and without noise."""
    found = [
        f"{one[0]}{one[1:].strip()}"
        for one in lines
        if one[:1] in ("-", "+") and one[:3] not in ("---", "+++")
    ]
    return sorted(one for one in found if not _NOISE.match(one[1:]))


async def _as_kubectl_sees_it(bench: Bench, path: Path) -> list[str]:
    said = await bench.kubectl(
        "diff", "--server-side", "--force-conflicts", "--field-manager=releaseconsole", "-f", str(path)
    )
    assert said.code == 1, said.err
    return _changed(said.out.splitlines())


def _versions(bench: Bench) -> dict[str, str]:
    found = [one for kind in ("deployment", "configmap", "service") for one in bench.list(kind)]
    return {one["metadata"]["name"]: one["metadata"]["resourceVersion"] for one in found}


async def test_the_same_fields_change_as_kubectl_says(bench: Bench, client: Client, tmp_path: Path) -> None:
    old = workload("Deployment", "shop", "shop:good-1", replicas=1, minReadySeconds=3)
    port = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "shop"}}
    service = {**port, "spec": {"selector": {"app": "shop"}, "ports": [{"port": 80}]}}
    path = _write(tmp_path / "app.yaml", _settings(colour="blue", size="large"), old, service)
    await _apply_all(client, bench, path)
    await bench.settled("deployment", "shop")
    new = workload("Deployment", "shop", "shop:good-2", replicas=2)
    new["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "LEVEL", "value": "debug"}]
    service["spec"]["ports"] = [{"port": 80}, {"port": 443, "name": "tls"}]
    service["spec"]["ports"][0]["name"] = "web"
    _write(path, _settings(colour="green"), new, service)
    changes = await _preview(client, bench, path)
    assert [(one.kind, one.change) for one in changes] == [
        ("ConfigMap", "configured"), ("Deployment", "configured"), ("Service", "configured"),
    ]  # fmt: skip
    ours = sorted(line for one in changes for line in _changed(one.diff))
    assert ours == await _as_kubectl_sees_it(bench, path)
    assert {"-colour: blue", "+colour: green", "-size: large", "-replicas: 1", "+replicas: 2"} <= set(ours)


async def test_asking_writes_nothing(bench: Bench, client: Client, tmp_path: Path) -> None:
    path = _write(tmp_path / "app.yaml", _settings(colour="blue"))
    await _apply_all(client, bench, path)
    before = _versions(bench)
    _write(path, _settings(colour="green"), _settings("more", size="large"), _settings("more-yet"))
    changes = await _preview(client, bench, path)
    assert [one.change for one in changes] == ["configured", "created", "created"]
    assert _versions(bench) == before
    assert bench.get("configmap", "settings")["data"] == {"colour": "blue"}


async def test_what_stays_the_same_has_no_diff(bench: Bench, client: Client, tmp_path: Path) -> None:
    path = _write(tmp_path / "app.yaml", workload("Deployment", "shop", "shop:good-1", replicas=1))
    await _apply_all(client, bench, path)
    await bench.settled("deployment", "shop")
    (change,) = await _preview(client, bench, path)
    assert (change.change, change.diff) == ("unchanged", ())


async def test_a_conflict_names_the_field_and_its_owner(bench: Bench, client: Client, tmp_path: Path) -> None:
    theirs = yaml.safe_dump(_settings(colour="red", size="small"))
    said = await bench.kubectl("apply", "--server-side", "--field-manager=ci-robot", "-f", "-", text=theirs)
    assert said.code == 0, said.err
    path = _write(tmp_path / "app.yaml", _settings(colour="blue", size="large"))
    (change,) = await _preview(client, bench, path)
    assert change.change == "refused"
    assert change.conflicts == (
        FieldConflict(".data.colour", "ci-robot"),
        FieldConflict(".data.size", "ci-robot"),
    )
    assert "ci-robot" in change.problem
    assert change.taken_over_from == ()


async def test_what_a_hand_has_set_is_taken_over_and_said(
    bench: Bench, client: Client, tmp_path: Path
) -> None:
    theirs = yaml.safe_dump(_settings(colour="red"))
    said = await bench.kubectl("apply", "--server-side", "-f", "-", text=theirs)
    assert said.code == 0, said.err
    path = _write(tmp_path / "app.yaml", _settings(colour="blue"))
    (change,) = await _preview(client, bench, path)
    assert (change.change, change.taken_over_from) == ("configured", ("kubectl",))
    assert change.conflicts == (FieldConflict(".data.colour", "kubectl"),)
    assert _changed(change.diff) == ["+colour: blue", "-colour: red"]


async def test_the_values_of_a_secret_are_not_shown(bench: Bench, client: Client, tmp_path: Path) -> None:
    said = await bench.kubectl(
        "apply", "-f", "-", text=yaml.safe_dump(_secret(password="hunter-22", user="amira"))
    )
    assert said.code == 0, said.err
    path = _write(tmp_path / "app.yaml", _secret(password="hunter-33", user="amira"))
    (change,) = await _preview(client, bench, path)
    assert change.change == "configured"
    assert "+password: (hidden, changed)" in _changed(change.diff)
    _write(path, {**_secret(), "stringData": {"password": 778899}})
    (refused,) = await _preview(client, bench, path)
    assert refused.change == "refused"
    everything = f"{change} {refused}"
    for word in ("hunter-22", "hunter-33", "amira", "778899"):
        assert word not in everything
        assert base64.b64encode(word.encode()).decode() not in everything


async def test_the_mark_moves_with_what_would_be_overwritten_and_with_nothing_else(
    bench: Bench, client: Client, tmp_path: Path
) -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}
    service["spec"] = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
    path = _write(tmp_path / "app.yaml", _settings(colour="blue"))
    await _apply_all(client, bench, path)
    _write(path, _settings(colour="green"), service)
    first = [one.mark for one in await _preview(client, bench, path)]
    bench.patch("configmap", "settings", {"data": {"theirs": "new"}, "metadata": {"labels": {"a": "b"}}})
    assert [one.mark for one in await _preview(client, bench, path)] == first
    bench.patch("configmap", "settings", {"data": {"colour": "red"}})
    again = [one.mark for one in await _preview(client, bench, path)]
    assert again[0] != first[0]
    assert again[1] == first[1], "the address that a new Service will get is drawn at each try"


async def test_what_needs_a_namespace_or_a_kind_of_the_same_set_says_what_it_waits_for(
    bench: Bench, client: Client, tmp_path: Path
) -> None:
    place = f"{bench.namespace}-new"
    inside = _settings(colour="blue")
    inside["metadata"]["namespace"] = place
    home = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": place}}
    kind = f"Tram{bench.namespace.replace('-', '')}"
    plural = f"{kind.lower()}s"
    tram = {"apiVersion": "trams.example.org/v1", "kind": kind, "metadata": {"name": "first"}}
    path = _write(tmp_path / "app.yaml", inside, tram, home, _definition(plural, kind))
    changes = await _preview(client, bench, path)
    assert [(one.kind, one.change) for one in changes] == [
        ("Namespace", "created"),
        ("CustomResourceDefinition", "created"),
        ("ConfigMap", "untried"),
        (kind, "untried"),
    ]
    assert changes[2].problem == f"It cannot be tried until Namespace {place} exists."
    assert "until CustomResourceDefinition" in changes[3].problem
    try:
        assert await _apply_all(client, bench, path) == ["created"] * 4
        assert [one.change for one in await _preview(client, bench, path)] == ["unchanged"] * 4
    finally:
        bench.plane.api.delete(f"/api/v1/namespaces/{place}")
        definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        bench.plane.api.delete(f"{definitions}/{plural}.trams.example.org")


async def test_what_nothing_in_the_set_will_bring_is_refused(
    bench: Bench, client: Client, tmp_path: Path
) -> None:
    lost = _settings(colour="blue")
    lost["metadata"]["namespace"] = "nowhere"
    unknown = {"apiVersion": "v1", "kind": "Trolley", "metadata": {"name": "one"}}
    wrong = workload("Deployment", "shop", "shop:good-1", replicas=-1)
    path = _write(tmp_path / "app.yaml", lost, unknown, wrong, _settings("fine", a="b"))
    changes = await _preview(client, bench, path)
    assert [one.change for one in changes] == ["refused", "refused", "refused", "created"]
    assert "nowhere" in changes[0].problem
    assert "does not know the kind Trolley" in changes[1].problem
    assert "spec.replicas" in changes[2].problem


async def test_somebody_without_rights_is_told_which_one_is_missing(
    bench: Bench, kubeconfig: Path, tmp_path: Path
) -> None:
    path = _write(tmp_path / "app.yaml", _settings(colour="blue"))
    async with await connect(READER, kubeconfig=kubeconfig) as reader:
        (change,) = await _preview(reader, bench, path)
    assert change.change == "refused"
    assert 'cannot get resource "configmaps"' in change.problem
    assert "Ask an administrator" in change.problem


def _definition(plural: str, kind: str) -> dict[str, Any]:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.trams.example.org"},
        "spec": {
            "group": "trams.example.org",
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind},
            "versions": [
                {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
            ],
        },
    }
