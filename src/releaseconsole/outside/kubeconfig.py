"""What a command of the plan finds in its environment: above all, the right cluster as the current one."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from releaseconsole.cluster import kubeconfig as files
from releaseconsole.errors import KubeconfigError
from releaseconsole.plan.model import Target
from releaseconsole.undisturbed import finish


@asynccontextmanager
async def command_environment(
    environ: Mapping[str, str],
    *,
    environment: str | None,
    targets: tuple[Target, ...],
    version: str,
    kubeconfig: Path | None,
) -> AsyncIterator[dict[str, str]]:
    """The environment of a child process that acts on the first of ``targets``.

    A file that only names the current context stands first in its ``KUBECONFIG`` and is removed afterwards.
    So the shell's own context never matters, and ``kubectl config use-context`` changes no other file.
    """
    own = {**environ, "RELEASECONSOLE_VERSION": version}
    if environment is None or not targets:
        yield own
        return
    target = targets[0]
    own |= {
        "RELEASECONSOLE_ENVIRONMENT": environment,
        "RELEASECONSOLE_CONTEXT": target.context,
        "RELEASECONSOLE_NAMESPACE": target.namespace,
        "RELEASECONSOLE_TARGETS": " ".join(str(one) for one in targets),
    }
    with tempfile.TemporaryDirectory(prefix="releaseconsole-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "config"
        await finish(asyncio.to_thread(_write, path, target, kubeconfig, environ))
        rest = [str(path) for path in _paths(kubeconfig, environ)]
        yield {**own, "KUBECONFIG": os.pathsep.join([str(path), *rest])}


def _paths(kubeconfig: Path | None, environ: Mapping[str, str]) -> tuple[Path, ...]:
    try:
        return tuple(path.absolute() for path in files.find(kubeconfig, environ))
    except KubeconfigError:
        return ()


def _write(path: Path, target: Target, kubeconfig: Path | None, environ: Mapping[str, str]) -> None:
    """The small file, which only this user can read. JSON is YAML; kubectl will say what the context lacks."""
    try:
        config = files.load(kubeconfig, environ)
    except KubeconfigError:
        config = files.Kubeconfig(())
    entry = {**config.contexts.get(target.context, {}), "namespace": target.namespace}
    document: dict[str, object] = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": target.context,
        "contexts": [{"name": target.context, "context": entry}],
        **_pods_own(config, target.context),
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(document), "utf-8")


def _pods_own(config: files.Kubeconfig, context: str) -> dict[str, object]:
    """What no file describes: the cluster and the user of the context that a pod has by itself."""
    if context != files.IN_CLUSTER or config.contexts.get(context) != files.IN_POD:
        return {}
    return {
        "clusters": [{"name": context, "cluster": config.clusters[context]}],
        "users": [{"name": context, "user": config.users[context]}],
    }
