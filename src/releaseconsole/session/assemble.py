"""From a target's caches to the rows of the panels. Pure: objects in, views out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from releaseconsole.cluster import neighbours, objects
from releaseconsole.cluster.argo import Rollout
from releaseconsole.cluster.argo_rollout import rollout_verdict
from releaseconsole.cluster.near import meant
from releaseconsole.cluster.rollout import (
    REVISION_LABEL,
    RolloutState,
    Verdict,
    daemonset_verdict,
    deployment_verdict,
    new_replica_set,
    pod_phase,
    statefulset_verdict,
)
from releaseconsole.cluster.templates import revision_key
from releaseconsole.session.facts import Facts, facts_of
from releaseconsole.session.views import PodView, WorkloadView
from releaseconsole.text import visible

MOST_PROBLEMS = 5


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the caches of one target hold, by name."""

    deployments: Mapping[str, objects.Deployment] = field(default_factory=dict)
    stateful_sets: Mapping[str, objects.StatefulSet] = field(default_factory=dict)
    daemon_sets: Mapping[str, objects.DaemonSet] = field(default_factory=dict)
    rollouts: Mapping[str, Rollout] = field(default_factory=dict)
    replica_sets: tuple[objects.ReplicaSet, ...] = ()
    pods: tuple[objects.Pod, ...] = ()
    autoscalers: tuple[neighbours.HorizontalPodAutoscaler, ...] = ()
    budgets: tuple[neighbours.PodDisruptionBudget, ...] = ()
    unread: tuple[str, ...] = ()
    """Why autoscalers or budgets are not known, a sentence each."""
    unknown: Mapping[str, str] = field(default_factory=dict)
    """Kind in the plan → why the cluster cannot be asked for it."""

    def shelf(self, kind: str) -> Mapping[str, Any]:
        """The workloads of one kind of the plan, by name."""
        shelves: dict[str, Mapping[str, Any]] = {
            "deployment": self.deployments,
            "statefulset": self.stateful_sets,
            "daemonset": self.daemon_sets,
            "rollout": self.rollouts,
        }
        return shelves.get(kind, {})

    def owner(self, workload: str) -> Any:
        """The object of ``kind/name``, or None."""
        kind, _, name = workload.partition("/")
        return self.shelf(kind).get(name) if kind not in self.unknown else None


@dataclass(frozen=True, slots=True)
class Family:
    """One workload with the ReplicaSets and pods that it owns."""

    workload: str
    owner: objects.Deployment | objects.StatefulSet | objects.DaemonSet | Rollout | None
    replica_sets: tuple[objects.ReplicaSet, ...]
    pods: tuple[objects.Pod, ...]
    autoscaler: neighbours.HorizontalPodAutoscaler | None = None
    budgets: tuple[neighbours.PodDisruptionBudget, ...] = ()
    unread: tuple[str, ...] = ()
    near: str = ""
    """Names that may be meant by a workload that does not exist, in words."""
    unknown: str = ""
    """Why the cluster cannot be asked for this kind."""
    known: tuple[Facts, ...] | None = field(default=None, compare=False)
    """What the pods mean, where that has been worked out already."""
    newest_uid: str | None = field(default=None, compare=False)
    """UID of the newest ReplicaSet, "" without one; None where templates have to be compared."""

    @property
    def facts(self) -> tuple[Facts, ...]:
        """What each of the pods means."""
        return self.known if self.known is not None else tuple(map(facts_of, self.pods))

    @property
    def name(self) -> str:
        return self.workload.partition("/")[2]

    @property
    def newest(self) -> objects.ReplicaSet | None:
        """The ReplicaSet of the template that is wanted now; None for other kinds and before it exists."""
        if self.newest_uid is not None:
            return next((one for one in self.replica_sets if one.metadata.uid == self.newest_uid), None)
        if isinstance(self.owner, objects.Deployment | Rollout):
            return new_replica_set(self.owner, self.replica_sets)
        return None

    def verdict(self) -> Verdict:
        """Where its rollout stands."""
        # Of the pods, a verdict asks only for those that cannot work.
        pods = self.pods if self.known is None else tuple(one.pod for one in self.known if one.problem)
        if isinstance(self.owner, objects.Deployment):
            return deployment_verdict(self.owner, self._candidates(), pods)
        if isinstance(self.owner, objects.StatefulSet):
            return statefulset_verdict(self.owner, pods)
        if isinstance(self.owner, objects.DaemonSet):
            return daemonset_verdict(self.owner, pods)
        if isinstance(self.owner, Rollout):
            return rollout_verdict(self.owner, self.replica_sets, pods)
        if self.unknown:
            return Verdict(RolloutState.UNKNOWN, f"cannot be followed: {self.unknown}")
        return Verdict(RolloutState.MISSING, f"there is no {self.workload}{self.near}")

    def _candidates(self) -> tuple[objects.ReplicaSet, ...]:
        """The ReplicaSets among which the newest is."""
        if self.newest_uid is None:
            return self.replica_sets
        newest = self.newest
        return (newest,) if newest is not None else ()

    def scaling(self) -> str:
        """Who sets its replicas, in words; "" when no autoscaler does."""
        if self.autoscaler is None or self.owner is None:
            return ""
        return neighbours.scaling_note(self.autoscaler, self.owner.spec.desired)

    def held_evictions(self) -> tuple[str, ...]:
        """What disruption budgets hold back now, a sentence each."""
        return tuple(note for one in self.budgets if (note := neighbours.budget_note(one)))


def families(snapshot: Snapshot, workloads: Iterable[str]) -> tuple[Family, ...]:
    """The workloads of the plan with what they own, in the plan's order. Pods are looked at once."""
    sets_of: dict[str, list[objects.ReplicaSet]] = {}
    for replica_set in snapshot.replica_sets:
        sets_of.setdefault(replica_set.metadata.controller_uid(), []).append(replica_set)
    pods_of: dict[str, list[Facts]] = {}
    for pod in snapshot.pods:
        pods_of.setdefault(pod.metadata.controller_uid(), []).append(facts_of(pod))
    return tuple(
        family_of(
            snapshot,
            workload,
            lambda uid: tuple(sets_of.get(uid, ())),
            lambda uid: tuple(pods_of.get(uid, ())),
        )
        for workload in workloads
    )


def family_of(
    rest: Snapshot,
    workload: str,
    sets_of: Callable[[str], tuple[objects.ReplicaSet, ...]],
    pods_of: Callable[[str], tuple[Facts, ...]],
    newest_of: Callable[[Any, tuple[objects.ReplicaSet, ...]], str | None] = lambda _owner, _sets: None,
) -> Family:
    """One workload. ReplicaSets and pods are asked for by the UID of what controls them, and so is the newest set."""
    kind, _, name = workload.partition("/")
    if unknown := rest.unknown.get(kind, ""):
        return Family(workload, None, (), (), unknown=unknown)
    owner = rest.owner(workload)
    if owner is None:
        return Family(workload, None, (), (), near=meant(name, rest.shelf(kind)))
    replica_sets = sets_of(owner.metadata.uid)
    owners = [owner.metadata.uid, *(one.metadata.uid for one in replica_sets)]
    facts = tuple(one for uid in owners for one in pods_of(uid))
    return Family(
        workload,
        owner,
        replica_sets,
        tuple(one.pod for one in facts),
        neighbours.autoscaler_of(kind, name, rest.autoscalers),
        neighbours.budgets_of(neighbours.pod_labels(owner.spec.template), rest.budgets),
        rest.unread,
        known=facts,
        newest_uid=newest_of(owner, replica_sets),
    )


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
        ready=sum(one.ready for one in new_pods),
        old=sum(not one.going for one in family.facts) - sum(not one.going for one in new_pods),
        problems=_problems(new_pods),
        pinned=pinned,
        rollback_ready=previous is not None and not problem,
        rollback_problem=problem,
        autoscaler=family.scaling(),
        notes=tuple(map(visible, (*family.held_evictions(), *family.unread))),
    )


def _new_pods(family: Family, newest: objects.ReplicaSet | None) -> list[Facts]:
    if isinstance(family.owner, objects.Deployment | Rollout):
        uid = newest.metadata.uid if newest else None
        return [one for one in family.facts if one.controller == uid]
    if isinstance(family.owner, objects.StatefulSet):
        wanted = family.owner.status.update_revision
        return [one for one in family.facts if one.pod.metadata.labels.get(REVISION_LABEL) == wanted]
    return list(family.facts)


def _problems(pods: Iterable[Facts]) -> tuple[str, ...]:
    broken = sorted(
        (one for one in pods if one.problem and not one.going), key=lambda one: one.pod.metadata.name
    )
    return tuple(visible(f"{one.pod.metadata.name}  {one.problem}") for one in broken[:MOST_PROBLEMS])


def _revision(family: Family, newest: objects.ReplicaSet | None) -> str:
    if isinstance(family.owner, objects.Deployment | Rollout):
        source = newest.metadata if newest else family.owner.metadata
        return visible(source.annotations.get(revision_key(family.owner), "?"))
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


class PodRows:
    """Rows of the pods panel; a pod that did not change keeps its row, so that thousands cost little."""

    def __init__(self) -> None:
        self._known: dict[str, _Rows] = {}
        self._all: tuple[PodView, ...] = ()

    def of(self, target: str, all_families: Iterable[Family]) -> tuple[PodView, ...]:
        """One row for each pod of the workloads; the same tuple as before when nothing has changed."""
        found = {family.workload: self._rows(target, family) for family in all_families}
        if found != self._known:
            self._known = found
            self._all = tuple(chain.from_iterable(one.views for one in found.values()))
        return self._all

    def _rows(self, target: str, family: Family) -> _Rows:
        known = self._known.get(family.workload)
        if known is not None and known.family is family:
            return known
        rows = _rows(target, family, known.rows if known else {})
        return _Rows(family, rows, tuple(view for _, _, view in rows.values()))


_Row = tuple[objects.Pod, str, PodView]


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """The pods of one workload, by UID: what their row was made of, and the row."""

    family: Family
    rows: dict[str, _Row]
    views: tuple[PodView, ...]


def _rows(target: str, family: Family, before: Mapping[str, _Row]) -> dict[str, _Row]:
    new = {one.pod.metadata.uid for one in _new_pods(family, family.newest)}
    rows: dict[str, _Row] = {}
    for one in family.facts:
        pod, uid = one.pod, one.pod.metadata.uid
        age = "new" if uid in new else "old"
        row = before.get(uid)
        if row is None or row[0] is not pod or row[1] != age:
            row = (pod, age, _pod_view(target, family.name, one, age))
        rows[uid] = row
    return rows


def _pod_view(target: str, workload: str, facts: Facts, revision: str) -> PodView:
    pod = facts.pod
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
        healthy=facts.ready or phase in ("Completed", "Terminating"),
        restarts=sum(one.restart_count for one in statuses),
        created=objects.seconds(pod.metadata.creation_timestamp),
        node=visible(pod.spec.node_name),
        message=visible(facts.problem),
    )
