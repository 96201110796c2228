"""Kubeconfig files: found, merged and checked, so that what is wrong is said in a sentence.

Several files are merged as kubectl does it: the first file that names an entry wins. Relative paths are
relative to the file that holds them. The current context is not read: a plan names its contexts itself.

Inside of a pod there is one context more, ``in-cluster``: the API server that the kubelet names in the environment,
with the service account that it mounts. A context of that name in a file comes first.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from releaseconsole.cluster.text import clean
from releaseconsole.errors import KubeconfigError

MOST_BYTES = 16 * 1024 * 1024
IN_CLUSTER = "in-cluster"
IN_POD = {"cluster": IN_CLUSTER, "user": IN_CLUSTER}
"""The context that a pod has by itself."""
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where the kubelet mounts the token and the authority of a pod's service account."""
_PATH_KEYS = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
_SECTIONS = {"clusters": "cluster", "users": "user", "contexts": "context"}


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """The merged entries of all files, by name; paths in them are absolute."""

    paths: tuple[Path, ...]
    clusters: dict[str, dict[str, Any]] = field(default_factory=dict)
    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    contexts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def chosen(self, context: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Cluster and user of ``context``. Raises KubeconfigError, naming the contexts that do exist."""
        entry = self.contexts.get(context)
        if entry is None:
            known = ", ".join(sorted(self.contexts)) or "none"
            raise KubeconfigError(
                f"The kubeconfig has no context “{clean(context)}” ({self._where()}).",
                f"It has these: {clean(known)}.",
            )
        cluster_name, user_name = str(entry.get("cluster", "")), str(entry.get("user", ""))
        cluster = self.clusters.get(cluster_name)
        if cluster is None or not cluster.get("server"):
            raise KubeconfigError(
                f"Context “{clean(context)}” needs the cluster “{clean(cluster_name)}”, which {self._where()}"
                " does not describe.",
                "Add the cluster with its server address to the kubeconfig.",
            )
        if user_name and user_name not in self.users:
            raise KubeconfigError(
                f"Context “{clean(context)}” needs the user “{clean(user_name)}”, which {self._where()}"
                " does not describe.",
                "Add the user with its credentials to the kubeconfig.",
            )
        return cluster, self.users.get(user_name, {})

    def _where(self) -> str:
        return clean(", ".join(str(path) for path in self.paths))


def find(
    kubeconfig: Path | Sequence[Path] | None, environ: Mapping[str, str] = os.environ
) -> tuple[Path, ...]:
    """The files to read: those given, else those of ``KUBECONFIG``, else the default.

    Raises KubeconfigError when none of them exists.
    """
    if isinstance(kubeconfig, Path):
        wanted: tuple[Path, ...] = (kubeconfig,)
    elif kubeconfig is not None:
        wanted = tuple(kubeconfig)
    else:
        named = [Path(part) for part in environ.get("KUBECONFIG", "").split(os.pathsep) if part]
        wanted = tuple(named) or (Path("~/.kube/config"),)
    expanded = tuple(path.expanduser() for path in wanted)
    present = tuple(path for path in expanded if path.exists())
    if not present:
        raise KubeconfigError(
            f"There is no kubeconfig at {clean(', '.join(str(path) for path in expanded))}.",
            "Give one with --kubeconfig, or set KUBECONFIG.",
        )
    return present


def read(paths: Sequence[Path]) -> Kubeconfig:
    """Read and merge. Raises KubeconfigError for a file that cannot be used."""
    merged = Kubeconfig(tuple(paths))
    targets = {"clusters": merged.clusters, "users": merged.users, "contexts": merged.contexts}
    for path in paths:
        document = _parse(path)
        for section, target in targets.items():
            for name, entry in _entries(document, section, path):
                target.setdefault(name, entry)
    return merged


def load(kubeconfig: Path | Sequence[Path] | None, environ: Mapping[str, str] = os.environ) -> Kubeconfig:
    """The files that :func:`find` finds, merged, and the pod's own context inside of one. Raises KubeconfigError."""
    address = _address_in_pod(environ)
    try:
        config = read(find(kubeconfig, environ))
    except KubeconfigError:
        if not address or _named(kubeconfig, environ):
            raise
        config = Kubeconfig((ACCOUNT,))
    if address and IN_CLUSTER not in config.contexts:
        config.contexts[IN_CLUSTER] = dict(IN_POD)
        config.clusters[IN_CLUSTER] = {"server": address, "certificate-authority": str(ACCOUNT / "ca.crt")}
        config.users[IN_CLUSTER] = {"tokenFile": str(ACCOUNT / "token")}
    return config


def _named(kubeconfig: Path | Sequence[Path] | None, environ: Mapping[str, str]) -> bool:
    """Whether somebody has said which file to read."""
    return kubeconfig is not None or bool(environ.get("KUBECONFIG"))


def _address_in_pod(environ: Mapping[str, str]) -> str:
    """Where the API server is for a pod with a service account; "" for anybody else."""
    host, port = environ.get("KUBERNETES_SERVICE_HOST", ""), environ.get("KUBERNETES_SERVICE_PORT", "")
    if not host or not port.isdecimal() or not (ACCOUNT / "token").exists():
        return ""
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"


def contexts(kubeconfig: Path | Sequence[Path] | None = None) -> list[str]:
    """Names of the contexts, sorted. Raises KubeconfigError."""
    return sorted(load(kubeconfig).contexts)


def _parse(path: Path) -> dict[str, Any]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise _broken(path, f"it is larger than {MOST_BYTES // 2**20} MB")
        document = yaml.load(data.decode("utf-8"), Loader=loader)
    except OSError as error:
        raise KubeconfigError(
            f"The kubeconfig {clean(str(path))} cannot be read: {error.strerror}.",
            "Check the file's permissions.",
        ) from None
    except UnicodeDecodeError as error:
        raise _broken(path, f"it is not UTF-8 (byte {error.start})") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _broken(path, clean(str(error), 300)) from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise _broken(path, "it is not a mapping of clusters, users and contexts")
    return document


def _entries(document: dict[str, Any], section: str, path: Path) -> list[tuple[str, dict[str, Any]]]:
    listed = document.get(section) or []
    if not isinstance(listed, list):
        raise _broken(path, f"“{section}” is not a list")
    found = []
    for item in listed:
        body = item.get(_SECTIONS[section]) if isinstance(item, dict) else None
        if not isinstance(item, dict) or not isinstance(item.get("name"), str):
            raise _broken(path, f"an entry of “{section}” has no name")
        if body is not None and not isinstance(body, dict):
            raise _broken(path, f"“{clean(item['name'])}” in “{section}” is not a mapping")
        found.append((item["name"], _with_absolute_paths(body or {}, path.resolve().parent)))
    return found


def _with_absolute_paths(body: dict[str, Any], folder: Path) -> dict[str, Any]:
    entry = {key: value for key, value in body.items() if value is not None}
    for key in _PATH_KEYS:
        if isinstance(entry.get(key), str):
            entry[key] = str(folder / entry[key])
    plugin = entry.get("exec")
    if isinstance(plugin, dict) and isinstance(plugin.get("command"), str) and os.sep in plugin["command"]:
        entry["exec"] = {**plugin, "command": str(folder / plugin["command"])}
    return entry


def _broken(path: Path, why: str) -> KubeconfigError:
    return KubeconfigError(
        f"The kubeconfig {clean(str(path))} cannot be used: {why}.",
        "Mend the file; `kubectl config view` shows how kubectl reads it.",
    )
