"""Manifests: all checked before anything is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from releaseconsole.cluster.manifests import load_manifests
from releaseconsole.errors import ActionError

SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n"
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"
CRD = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a.b.c}\n"


def write(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_several_documents_of_several_files_come_in_an_order_that_can_be_applied(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", f"{SERVICE}---\n---\n{CRD}")
    write(tmp_path, "sub/b.yml", NAMESPACE)
    write(tmp_path, "notes.txt", "not a manifest")
    found = load_manifests(tmp_path)
    assert [one.kind for one in found] == ["Namespace", "CustomResourceDefinition", "Service"]
    assert found[1].source.endswith("a.yaml, document 3")


def test_a_list_is_taken_apart(tmp_path: Path) -> None:
    path = write(
        tmp_path, "a.json", '{"kind":"List","items":[{"apiVersion":"v1","kind":"A","metadata":{"name":"x"}}]}'
    )
    assert [(one.kind, one.name) for one in load_manifests(path)] == [("A", "x")]


def test_a_date_stays_text_as_kubernetes_reads_it(tmp_path: Path) -> None:
    path = write(tmp_path, "a.yaml", SERVICE + "data: {released: 2026-01-01, at: 2026-01-01T00:00:00Z}\n")
    assert load_manifests(path)[0].body["data"] == {"released": "2026-01-01", "at": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{SERVICE}---\nkind: [", "document 2"),
        ("- a\n- b\n", "document 1 is not a Kubernetes object"),
        ("kind: Service\nmetadata: {name: a}\n", "no apiVersion"),
        ("apiVersion: v1\nmetadata: {name: a}\n", "no kind"),
        ("apiVersion: v1\nkind: Service\n", "no metadata.name"),
        ("apiVersion: v1\nkind: Job\nmetadata: {generateName: a-}\n", "generateName"),
        (b"\xff\xfe\x00", "UTF-8"),
        ("# nothing\n", "no manifest"),
        ("!!python/object/apply:os.system ['true']", "document 1"),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_a_remedy(
    tmp_path: Path, text: str | bytes, words: str
) -> None:
    path = write(tmp_path, "bad.yaml", text)
    with pytest.raises(ActionError) as caught:
        load_manifests(path)
    assert words in caught.value.message
    assert "bad.yaml" in caught.value.message
    assert caught.value.remedy


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(ActionError, match="nowhere"):
        load_manifests(tmp_path / "nowhere")


def test_aliases_that_stand_for_gigabytes_are_refused(tmp_path: Path) -> None:
    levels = "\n".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10))
    path = write(tmp_path, "bomb.yaml", f"{SERVICE}a0: &a0 [x, x]\n{levels}\n")
    with pytest.raises(ActionError, match="too large"):
        load_manifests(path)
