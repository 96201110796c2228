"""The namespace and the workloads: that they exist, and what will make a rollback of them harder."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from releaseconsole.cluster.argo import Rollout
from releaseconsole.cluster.decode import NAMESPACES
from releaseconsole.cluster.near import kinds_with, missing_namespace, missing_workload
from releaseconsole.cluster.objects import Deployment
from releaseconsole.cluster.patch import owners
from releaseconsole.cluster.text import clean
from releaseconsole.cluster.workload import Place, Workload, place_of, read_workload
from releaseconsole.doctor.case import Visit
from releaseconsole.doctor.finding import Finding, State, broken, could_not_ask, failed, ok, warning
from releaseconsole.errors import ClusterError, Denied, NotFound, UsageError

AREA = "workload"
ROLLED_BACK = ("deployment", "statefulset", "daemonset", "rollout")


async def examine_contents(visit: Visit) -> list[Finding]:
    """The namespace, and in it every workload of the plan with remarks on those that exist."""
    namespace = await _examine_namespace(visit)
    if namespace.state is State.FAILED:
        return [namespace]
    workloads = visit.ward.environment.workloads
    found = await asyncio.gather(*(_examine(visit, workload) for workload in workloads))
    return [namespace, *(one for findings in found for one in findings)]


async def _examine_namespace(visit: Visit) -> Finding:
    name = visit.namespace
    try:
        async with visit.turns:
            await visit.client.get(NAMESPACES.path(name=name))
    except NotFound:
        return broken("namespace", name, missing_namespace(visit.client.context, name))
    except Denied:
        return warning("namespace", name, f"Whether namespace {name} exists may not be asked.")
    except ClusterError as error:
        return could_not_ask("namespace", name, error)
    return ok("namespace", name, f"namespace {name} exists")


async def _examine(visit: Visit, workload: str) -> list[Finding]:
    try:
        place = place_of(visit.namespace, workload)
        async with visit.turns:
            found = await read_workload(visit.client, place)
    except UsageError as error:
        return [broken(AREA, workload, error)]
    except NotFound:
        return [await _missing(visit, place)]
    except Denied:
        return []  # The missing right is a finding of its own.
    except ClusterError as error:
        return [could_not_ask(AREA, workload, error)]
    return [ok(AREA, workload, f"{workload} exists"), *remarks(workload, found)]


async def _missing(visit: Visit, place: Place) -> Finding:
    async with visit.turns:
        error = await missing_workload(visit.client, place)
    async with visit.turns:
        others = await kinds_with(visit.client, place)
    if not others:
        return broken(AREA, place.workload, error)
    usable = [kind for kind in others if kind in ROLLED_BACK]
    there = f"{error.message} There is a {' and a '.join(others)} of that name."
    if usable:
        return failed(AREA, place.workload, there, f"Write {usable[0]}/{place.name} in the plan.")
    remedy = f"A {others[0]} cannot be rolled back: take it out of the plan's workloads."
    return failed(AREA, place.workload, there, remedy)


def remarks(workload: str, found: Workload) -> Iterator[Finding]:
    """What somebody should know of a workload before it is released."""
    if isinstance(found, Rollout) and found.spec.workload_ref is not None:
        yield failed(
            AREA, workload, f"{workload} takes its template from {found.spec.workload_ref.name} (workloadRef).",
            "Such a Rollout cannot be rolled back here: name the workload that holds the template.",
        )  # fmt: skip
    if found.spec.paused:
        yield warning(
            AREA, workload, f"{workload} is paused: nothing is rolled out, forward or back.",
            "Set spec.paused to false; for a Deployment: kubectl rollout resume.",
        )  # fmt: skip
    if found.spec.replicas == 0:
        yield warning(AREA, workload, f"{workload} is scaled to zero: its release proves nothing.")
    if getattr(found.spec, "revision_history_limit", None) == 0:
        yield warning(
            AREA, workload, f"{workload} keeps no old revision (revisionHistoryLimit is 0).",
            "Pin it before each deploy, or raise the limit: only the pin can be returned to.",
        )  # fmt: skip
    if not isinstance(found, Deployment | Rollout) and found.spec.update_strategy.type == "OnDelete":
        yield warning(
            AREA, workload, f"{workload} replaces a pod only when somebody deletes it (strategy OnDelete).",
            "After a deploy or a rollback, delete its pods.",
        )  # fmt: skip
    for sentence in owners(found.metadata):
        yield warning(AREA, workload, clean(f"{workload}: {sentence}"))
