"""A whole session of the console on the real control plane, and what stands around a workload there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bench import Bench, Obj
from control_plane import ADMIN

from releaseconsole.plan.load import parse_plan
from releaseconsole.plan.model import Plan
from releaseconsole.session import Session, open_session
from releaseconsole.session.views import EnvironmentView, Liveness, WorkloadView

PLACES = {
    "horizontalpodautoscalers": ("autoscaling/v2", "HorizontalPodAutoscaler"),
    "poddisruptionbudgets": ("policy/v1", "PodDisruptionBudget"),
    "ingresses": ("networking.k8s.io/v1", "Ingress"),
}
_MERGE = {"Content-Type": "application/merge-patch+json"}
_PATIENCE = 30.0


def plan_for(bench: Bench, *workloads: str, context: str = ADMIN) -> Plan:
    """A plan that releases some workloads of the namespace; its one step has a check of each kind."""
    return parse_plan(
        f"""
[release]
name = "shop"
title = "Shop"
version = "1"
[environments.real]
targets = [{{ context = "{context}", namespace = "{bench.namespace}" }}]
workloads = {json.dumps(list(workloads or ("deployment/shop",)))}
[[phases]]
id = "deploy"
title = "Deploy"
kind = "deploy"
environment = "real"
[[phases.steps]]
id = "look"
title = "Look"
items = [
    {{ id = "pods", text = "Pods are ready", check = {{ pods = "ready" }} }},
    {{ id = "ingress", text = "Ingress is configured", check = {{ ingress = "configured" }} }},
    {{ id = "scaled", text = "It is autoscaled", check = {{ workloads = "autoscaled" }} }},
    {{ id = "budget", text = "It has a budget", check = {{ workloads = "disruption-budget" }} }},
]
""",
        "plan.toml",
    )


@asynccontextmanager
async def opened(plan: Plan, kubeconfig: Path, folder: Path, **how: Any) -> AsyncIterator[Session]:
    """A session with its first data."""
    options = {"state": folder / "state", "folder": folder, "user": "amira", **how}
    async with open_session(plan, kubeconfig=kubeconfig, **options) as session:
        await session.ready(("real",), _PATIENCE, metrics=False)
        yield session


def seen(session: Session) -> EnvironmentView:
    return session.environment("real")


def row(session: Session, name: str = "shop") -> WorkloadView:
    return next(one for one in seen(session).workloads if one.name == name)


def refusals(session: Session) -> dict[str, str]:
    """What the panels say that this user may not see, by kind."""
    return dict(seen(session).panel_errors)


def is_live(session: Session) -> bool:
    return seen(session).cluster.liveness is Liveness.LIVE


async def until(session: Session, holds: Callable[[], object], what: str, seconds: float = _PATIENCE) -> None:
    """Wait for a change of the session after which ``holds``."""
    try:
        async with asyncio.timeout(seconds):
            version = session.version
            while not holds():
                version = await session.changed(version)
    except TimeoutError:
        raise AssertionError(f"not within {seconds:.0f} s: {what}; it shows {seen(session)}") from None


async def equal_to_fresh_lists(bench: Bench, session: Session) -> None:
    """Wait until what the session holds is what plain lists say, in the same versions."""

    def equal() -> bool:
        (data,) = session.observer("real").data().targets
        held = {"deployment": data.deployments, "replicaset": data.replica_sets, "pod": data.pods}
        return all(_versions_of(ours) == _versions(bench.list(kind)) for kind, ours in held.items())

    await bench.until(equal, "the session holds what a fresh list says")


def create(bench: Bench, plural: str, name: str, spec: Obj) -> None:
    """Create an autoscaler, a budget or an Ingress."""
    api_version, kind = PLACES[plural]
    body = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec}
    bench.plane.api.post(_path(bench, plural), json=body).raise_for_status()


def set_status(bench: Bench, plural: str, name: str, status: Obj) -> None:
    """Say what the kind's controller, which does not run here, would say."""
    path = f"{_path(bench, plural)}/{name}/status"
    bench.plane.api.patch(path, content=json.dumps({"status": status}), headers=_MERGE).raise_for_status()


def _path(bench: Bench, plural: str) -> str:
    return f"/apis/{PLACES[plural][0]}/namespaces/{bench.namespace}/{plural}"


def _versions_of(held: Any) -> dict[str, str]:
    return {one.metadata.name: one.metadata.resource_version for one in held}


def _versions(listed: list[Obj]) -> dict[str, str]:
    return {one["metadata"]["name"]: one["metadata"]["resourceVersion"] for one in listed}
