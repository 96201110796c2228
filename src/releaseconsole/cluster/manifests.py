"""Manifests from files: every document checked before anything is sent, in an order that can be applied.

Namespaces and custom resource definitions come first, since others may need them; the rest keeps its order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from releaseconsole.cluster.text import clean
from releaseconsole.errors import ActionError

if TYPE_CHECKING:
    import yaml

SUFFIXES = (".yaml", ".yml", ".json")
MOST_BYTES = 8 * 1024 * 1024
MOST_FILES = 1_000
MOST_NODES = 200_000
"""Values in one document with its aliases written out: a small file of aliases can stand for gigabytes."""
_FIRST = {"Namespace": 0, "CustomResourceDefinition": 1}
_REMEDY = "Mend the file; nothing was sent."


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object to apply, and where it was read."""

    body: dict[str, Any]
    source: str
    """``deployment/k8s/api.yaml, document 2``."""

    @property
    def api_version(self) -> str:
        return str(self.body["apiVersion"])

    @property
    def kind(self) -> str:
        return str(self.body["kind"])

    @property
    def name(self) -> str:
        return str(self.body["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """As the manifest says it; "" when it does not."""
        return str(self.body["metadata"].get("namespace") or "")


def load_manifests(path: Path) -> list[Manifest]:
    """Every object of a file, or of the files of a folder and its folders, sorted by path.

    Raises ActionError naming file and document for the first that cannot be used.
    """
    found = [manifest for file in _files(path) for manifest in _read(file)]
    if not found:
        raise ActionError(f"There is no manifest in {clean(str(path))}.", "Check the path in the plan.")
    return sorted(found, key=lambda manifest: _FIRST.get(manifest.kind, 2))


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise ActionError(f"There is no file or folder {clean(str(path))}.", "Check the path in the plan.")
    files = sorted(one for one in path.rglob("*") if one.suffix in SUFFIXES and one.is_file())
    if len(files) > MOST_FILES:
        raise ActionError(
            f"{clean(str(path))} holds more than {MOST_FILES:,} manifest files.",
            "Name a folder further down.",
        )
    return files


def _read(path: Path) -> Iterator[Manifest]:
    text = _text(path)
    for number, document in enumerate(_documents(path, text), 1):
        source = f"{path}, document {number}"
        if document is None:
            continue
        _check_size(document, source)
        yield from _objects(document, source)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise ActionError(f"{clean(str(path))} is larger than {MOST_BYTES // 2**20} MB.", _REMEDY)
        return data.decode("utf-8-sig")
    except OSError as error:
        raise ActionError(
            f"{clean(str(path))} cannot be read: {error.strerror}.", "Check its permissions."
        ) from None
    except UnicodeDecodeError as error:
        raise ActionError(f"{clean(str(path))} is not UTF-8 (byte {error.start}).", _REMEDY) from None


def _documents(path: Path, text: str) -> Iterator[Any]:
    import yaml

    documents = yaml.load_all(text, Loader=_loader())
    number = 0
    while True:
        number += 1
        try:
            document = next(documents, _END)
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            why = clean(" ".join(str(error).split()), 300)
            raise ActionError(f"{clean(str(path))}, document {number}: {why}.", _REMEDY) from None
        if document is _END:
            return
        yield document


_END = object()


def _loader() -> type[yaml.SafeLoader]:
    """YAML as Kubernetes reads it: a date is text, for no field of the API is a date of YAML's."""
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    timestamp = "tag:yaml.org,2002:timestamp"

    class Loader(base):  # type: ignore[misc]
        yaml_implicit_resolvers = {  # noqa: RUF012  (PyYAML's own name and type)
            start: [pair for pair in pairs if pair[0] != timestamp]
            for start, pairs in base.yaml_implicit_resolvers.items()
        }

    return Loader


def _check_size(document: Any, source: str) -> None:
    count, waiting = 0, [document]
    while waiting:
        value = waiting.pop()
        count += 1
        if count > MOST_NODES:
            raise ActionError(f"{clean(source)} is too large with its aliases written out.", _REMEDY)
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _objects(document: Any, source: str) -> Iterator[Manifest]:
    if not isinstance(document, dict):
        raise ActionError(f"{clean(source)} is not a Kubernetes object.", _REMEDY)
    if str(document.get("kind", "")).endswith("List") and isinstance(document.get("items"), list):
        for index, item in enumerate(document["items"], 1):
            yield from _objects(item, f"{source}, item {index}")
        return
    metadata = document.get("metadata")
    for key in ("apiVersion", "kind"):
        if not isinstance(document.get(key), str) or not document[key]:
            raise ActionError(f"{clean(source)} has no {key}.", _REMEDY)
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str) or not metadata["name"]:
        hint = " (generateName cannot be applied)" if isinstance(metadata, dict) and metadata else ""
        raise ActionError(f"{clean(source)} has no metadata.name{hint}.", _REMEDY)
    yield Manifest(document, source)
