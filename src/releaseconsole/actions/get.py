"""``get = "pods"`` and ``get = "services"``: a table of what is there now."""

from __future__ import annotations

from collections.abc import Sequence

from releaseconsole.actions.context import ActionContext
from releaseconsole.actions.outcome import Emit, Outcome, failed, succeeded
from releaseconsole.actions.place import environment_of
from releaseconsole.cluster.objects import Pod, seconds
from releaseconsole.cluster.pods import pod_phase, ready_containers, restarts
from releaseconsole.outside import workloads
from releaseconsole.outside.world import TargetData
from releaseconsole.plan.model import PlacedAction
from releaseconsole.text import age, cells, plural, visible

MOST_ROWS = 300
Row = tuple[str, ...]


async def get(placed: PlacedAction, context: ActionContext, emit: Emit) -> Outcome:
    """The namespace of every target, as it was last seen; stale data is said to be stale."""
    data = context.environment(environment_of(placed))
    what = placed.action.get
    stale = False
    count = 0
    for target in data.targets:
        emit(visible(f"{what} of {target.target}"))
        problem = target.stale or target.missing.get(what or "", "")
        if problem:
            stale = True
            emit(visible(f"  not live: {problem}"))
        rows = _pods(target, context.clock.now()) if what == "pods" else _services(target)
        count += len(rows) - 1
        for line in table(rows[: MOST_ROWS + 1]):
            emit(f"  {line}")
        if len(rows) > MOST_ROWS + 1:
            emit(f"  (and {len(rows) - MOST_ROWS - 1} more)")
    summary = plural(count, "pod" if what == "pods" else "service")
    return failed(f"{summary}, but the data is stale") if stale else succeeded(summary)


def table(rows: Sequence[Row]) -> list[str]:
    """Rows of equal length as aligned columns."""
    widths = [max(cells(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "   ".join(
            cell + " " * (width - cells(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def _pods(target: TargetData, now: float) -> list[Row]:
    pods = sorted(target.pods, key=lambda pod: pod.metadata.name)
    return [("NAME", "READY", "STATUS", "RESTARTS", "AGE"), *(_pod(pod, now) for pod in pods)]


def _pod(pod: Pod, now: float) -> Row:
    ready, total = ready_containers(pod)
    created = seconds(pod.metadata.creation_timestamp)
    since = age(now - created).replace(" ", "") if created else "–"
    return (visible(pod.metadata.name), f"{ready}/{total}", pod_phase(pod), str(restarts(pod)), since)


def _services(target: TargetData) -> list[Row]:
    rows: list[Row] = [("NAME", "TYPE", "PORTS", "READY ENDPOINTS")]
    for service in sorted(target.services, key=lambda one: one.metadata.name):
        ports = ",".join(f"{port.port}/{port.protocol or 'TCP'}" for port in service.spec.ports or ())
        ready = str(workloads.ready_endpoints(target, service)) if service.spec.selector else "–"
        rows.append(
            (visible(service.metadata.name), visible(service.spec.type or "ClusterIP"), ports or "–", ready)
        )
    return rows
