"""The kubeconfig of the practice cluster: one cluster, user and context for each environment."""

from __future__ import annotations

import base64
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Access:
    """How one context is reached; ``server`` is the URL of its API."""

    context: str
    server: str
    ca_pem: bytes
    token: str
    namespace: str = "default"


def build(accesses: Sequence[Access], *, current: str) -> dict[str, object]:
    """The kubeconfig as plain data, with ``current`` as its current context."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {},
        "clusters": [{"name": item.context, "cluster": _cluster(item)} for item in accesses],
        "users": [{"name": item.context, "user": {"token": item.token}} for item in accesses],
        "contexts": [{"name": item.context, "context": _context(item)} for item in accesses],
        "current-context": current,
    }


def _cluster(access: Access) -> dict[str, str]:
    authority = base64.b64encode(access.ca_pem).decode("ascii")
    return {"server": access.server, "certificate-authority-data": authority}


def _context(access: Access) -> dict[str, str]:
    return {"cluster": access.context, "user": access.context, "namespace": access.namespace}


def write(config: dict[str, object], path: Path) -> None:
    """Writes it for its owner only (0600), replacing an older file in one step. Raises OSError."""
    import yaml

    text = yaml.safe_dump(config, sort_keys=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(name, 0o600)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
