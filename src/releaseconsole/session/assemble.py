"""From a target's caches to the rows of the panels. Pure: objects in, views out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from releaseconsole.cluster import objects
from releaseconsole.cluster.rollout import (
    RolloutState,
    Verdict,
    daemonset_verdict,
    deployment_verdict,
    new_replica_set,
    pod_phase,
    pod_problem,
    statefulset_verdict,
)
from releaseconsole.session.views import EventView, PodView, WorkloadView
from releaseconsole.text import visible

REVISION = "deployment.kubernetes.io/revision"
MOST_EVENTS = 200
MOST_PROBLEMS = 5


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the caches of one target hold, by name."""

    deployments: Mapping[str, objects.Deployment] = field(default_factory=dict)
    stateful_sets: Mapping[str, objects.StatefulSet] = field(default_factory=dict)
    daemon_sets: Mapping[str, objects.DaemonSet] = field(default_factory=dict)
    replica_sets: tuple[objects.ReplicaSet, ...] = ()
    pods: tuple[objects.Pod, ...] = ()


@dataclass(frozen=True, slots=True)
class Family:
    """One workload with the ReplicaSets and pods that it owns."""

    workload: str
    owner: objects.Deployment | objects.StatefulSet | objects.DaemonSet | None
    replica_sets: tuple[objects.ReplicaSet, ...]
    pods: tuple[objects.Pod, ...]

    @property
    def name(self) -> str:
        return self.workload.partition("/")[2]

    @property
    def newest(self) -> objects.ReplicaSet | None:
        """The ReplicaSet of the template that is wanted now; None for other kinds and before it exists."""
        if isinstance(self.owner, objects.Deployment):
            return new_replica_set(self.owner, self.replica_sets)
        return None

    def verdict(self) -> Verdict:
        """Where its rollout stands."""
        if isinstance(self.owner, objects.Deployment):
            return deployment_verdict(self.owner, self.replica_sets, self.pods)
        if isinstance(self.owner, objects.StatefulSet):
            return statefulset_verdict(self.owner, self.pods)
        if isinstance(self.owner, objects.DaemonSet):
            return daemonset_verdict(self.owner, self.pods)
        return Verdict(RolloutState.MISSING, f"there is no {self.workload}")


def families(snapshot: Snapshot, workloads: Iterable[str]) -> tuple[Family, ...]:
    """The workloads of the plan with what they own, in the plan's order. Pods are looked at once."""
    sets_of: dict[str, list[objects.ReplicaSet]] = {}
    for replica_set in snapshot.replica_sets:
        sets_of.setdefault(replica_set.metadata.controller_uid(), []).append(replica_set)
    pods_of: dict[str, list[objects.Pod]] = {}
    for pod in snapshot.pods:
        pods_of.setdefault(pod.metadata.controller_uid(), []).append(pod)
    return tuple(_family(snapshot, workload, sets_of, pods_of) for workload in workloads)


def _family(
    snapshot: Snapshot,
    workload: str,
    sets_of: Mapping[str, list[objects.ReplicaSet]],
    pods_of: Mapping[str, list[objects.Pod]],
) -> Family:
    kind, _, name = workload.partition("/")
    shelf: Mapping[str, Any] = {
        "deployment": snapshot.deployments,
        "statefulset": snapshot.stateful_sets,
        "daemonset": snapshot.daemon_sets,
    }.get(kind, {})
    owner = shelf.get(name)
    if owner is None:
        return Family(workload, None, (), ())
    replica_sets = tuple(sets_of.get(owner.metadata.uid, ()))
    owners = [owner.metadata.uid, *(one.metadata.uid for one in replica_sets)]
    pods = tuple(pod for uid in owners for pod in pods_of.get(uid, ()))
    return Family(workload, owner, replica_sets, pods)


def workload_view(target: str, family: Family, *, pinned: bool, previous: Any, problem: str) -> WorkloadView:
    """One row of the rollout panel; ``previous`` is the planned target of a rollback, if there is one."""
    verdict, newest = family.verdict(), family.newest
    status = family.owner.status if family.owner is not None else None
    new_pods = _new_pods(family, newest)
    return WorkloadView(
        key=f"{target}/{family.workload}",
        name=family.name,
        target=target,
        state=str(verdict.state),
        message=visible(verdict.message),
        revision=_revision(family, newest),
        previous_revision=previous.to_revision if previous else "",
        image=_images(family.owner.spec.template if family.owner else {}),
        previous_image=", ".join(previous.to_images) if previous else "",
        desired=_desired(family),
        updated=getattr(status, "updated_replicas", getattr(status, "updated_number_scheduled", 0)),
        ready=sum(_is_ready(pod) for pod in new_pods),
        old=len([pod for pod in family.pods if not _gone(pod)]) - len([p for p in new_pods if not _gone(p)]),
        problems=_problems(new_pods),
        pinned=pinned,
        rollback_ready=previous is not None and not problem,
        rollback_problem=problem,
    )


def _new_pods(family: Family, newest: objects.ReplicaSet | None) -> list[objects.Pod]:
    if isinstance(family.owner, objects.Deployment):
        uid = newest.metadata.uid if newest else None
        return [pod for pod in family.pods if pod.metadata.controller_uid() == uid]
    if isinstance(family.owner, objects.StatefulSet):
        wanted = family.owner.status.update_revision
        return [p for p in family.pods if p.metadata.labels.get("controller-revision-hash") == wanted]
    return list(family.pods)


def _problems(pods: Iterable[objects.Pod]) -> tuple[str, ...]:
    found = []
    for pod in pods:
        problem = pod_problem(pod)
        if problem and not _gone(pod):
            found.append(visible(f"{pod.metadata.name}  {problem}"))
    return tuple(found[:MOST_PROBLEMS])


def _revision(family: Family, newest: objects.ReplicaSet | None) -> str:
    if isinstance(family.owner, objects.Deployment):
        source = newest.metadata if newest else family.owner.metadata
        return visible(source.annotations.get(REVISION, "?"))
    if isinstance(family.owner, objects.StatefulSet):
        return visible(family.owner.status.update_revision)
    return ""


def _images(template: Mapping[str, Any]) -> str:
    containers = (template.get("spec") or {}).get("containers") or []
    images = [str(one.get("image", "")) for one in containers if isinstance(one, Mapping)]
    return visible(", ".join(images))


def _desired(family: Family) -> int:
    if isinstance(family.owner, objects.DaemonSet):
        return family.owner.status.desired_number_scheduled
    return family.owner.spec.desired if family.owner else 0


def _is_ready(pod: objects.Pod) -> bool:
    return not _gone(pod) and any(c.type == "Ready" and c.status == "True" for c in pod.status.conditions)


def _gone(pod: objects.Pod) -> bool:
    return pod.metadata.deletion_timestamp is not None


class PodRows:
    """Rows of the pods panel; a pod that did not change keeps its row, so that thousands cost little."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[objects.Pod, str, PodView]] = {}

    def of(self, target: str, all_families: Iterable[Family]) -> list[PodView]:
        """One row for each pod of the workloads."""
        rows: dict[str, tuple[objects.Pod, str, PodView]] = {}
        for family in all_families:
            new = {pod.metadata.uid for pod in _new_pods(family, family.newest)}
            for pod in family.pods:
                age = "new" if pod.metadata.uid in new else "old"
                known = self._rows.get(pod.metadata.uid)
                if known is None or known[0] is not pod or known[1] != age:
                    known = (pod, age, _pod_view(target, family.name, pod, age))
                rows[pod.metadata.uid] = known
        self._rows = rows
        return [row[2] for row in rows.values()]


def _pod_view(target: str, workload: str, pod: objects.Pod, revision: str) -> PodView:
    statuses = pod.status.container_statuses
    total = max(len(statuses), len(pod.spec.containers or ()))
    phase = pod_phase(pod)
    return PodView(
        uid=pod.metadata.uid,
        name=visible(pod.metadata.name),
        target=target,
        workload=visible(workload),
        revision=revision,
        ready=f"{sum(one.ready for one in statuses)}/{total}",
        status=visible(phase),
        healthy=_is_ready(pod) or phase in ("Completed", "Terminating"),
        restarts=sum(one.restart_count for one in statuses),
        created=objects.seconds(pod.metadata.creation_timestamp),
        node=visible(pod.spec.node_name),
        message=visible(pod_problem(pod) or ""),
    )


def event_views(events: Iterable[objects.Event]) -> tuple[EventView, ...]:
    """The newest events, the newest first."""
    newest = sorted(events, key=lambda event: event.at(), reverse=True)[:MOST_EVENTS]
    return tuple(
        EventView(
            uid=event.metadata.uid,
            at=event.at(),
            warning=event.type == "Warning",
            reason=visible(event.reason),
            object=visible(f"{event.involved_object.kind.lower()}/{event.involved_object.name}"),
            message=visible(event.message),
            count=event.times(),
        )
        for event in newest
    )
