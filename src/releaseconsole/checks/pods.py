"""``pods = "ready"``: every pod of the released workloads runs and takes traffic."""

from __future__ import annotations

from releaseconsole.checks.context import CheckContext
from releaseconsole.checks.data import CannotTell, first_few, live_data
from releaseconsole.checks.finding import Finding, failed, passed
from releaseconsole.cluster.objects import Pod
from releaseconsole.cluster.pods import is_ready, is_terminating, pod_phase, pod_problem
from releaseconsole.outside import workloads
from releaseconsole.outside.workloads import Owner
from releaseconsole.outside.world import TargetData
from releaseconsole.plan.model import Check, PlacedItem
from releaseconsole.text import plural

_ENDED = ("Failed", "Succeeded")


async def pods_ready(check: Check, placed: PlacedItem, context: CheckContext) -> Finding:
    """Fails for a pod that is missing, not ready, or of the new revision and terminating.

    While a rollout is under way as it should, pods that are not ready yet cannot be told.
    """
    data = live_data(placed, context, "pods")
    ready = total = 0
    problems: list[str] = []
    only_moving = True
    for target, workload in workloads.each(data):
        owner = workloads.find(target, workload)
        if owner is None:
            problems.append(f"{workload} does not exist in {target.target}")
            only_moving = False
            continue
        have, wanted, reasons = _count(target, workload, owner)
        ready, total = ready + have, total + wanted
        problems += reasons
        moving = workloads.verdict_of(target, workload).state in workloads.UNDER_WAY
        only_moving = only_moving and (moving or not reasons)
    counts = f"{ready} of {total}"
    if problems and only_moving:
        raise CannotTell(f"{counts} ready, the rollout is under way")
    if problems:
        return failed(f"{counts}; {first_few(problems)}" if total else first_few(problems))
    return passed(f"{counts} {plural(total, 'pod').split(' ', 1)[1]} ready")


def _count(target: TargetData, workload: str, owner: Owner) -> tuple[int, int, list[str]]:
    """Ready pods, all that count, and what is wrong."""
    desired = workloads.desired_of(owner)
    if desired == 0:
        return 0, 0, [f"{workloads.name_of(workload)} is scaled to zero"]
    newest = workloads.newest_set(target, owner)
    # A pod that has ended (evicted, say) is replaced by its controller; an old one that ends was asked to.
    pods = [
        pod
        for pod in workloads.pods_of(target, owner)
        if pod.status.phase not in _ENDED
        and not (is_terminating(pod) and newest and pod.metadata.controller_uid() != newest.metadata.uid)
    ]
    reasons = [f"{pod.metadata.name} {_why(pod)}" for pod in pods if not is_ready(pod)]
    if len(pods) < desired:
        missing = plural(desired - len(pods), "pod")
        reasons.append(f"{workloads.name_of(workload)} lacks {missing} of {desired}")
    return sum(is_ready(pod) for pod in pods), max(desired, len(pods)), reasons


def _why(pod: Pod) -> str:
    phase = pod_phase(pod)
    if phase == "Running":
        return pod_problem(pod) or "not ready"
    return phase
