"""The status of a Deployment: its counts, and whether it progresses."""

from __future__ import annotations

from releaseconsole.sandbox.controllers.rolling import available, max_unavailable
from releaseconsole.sandbox.controllers.tools import condition, counted, replicas, when
from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.objects import clone, dig, rfc3339

COMPLETE = "NewReplicaSetAvailable"
TIMED_OUT = "ProgressDeadlineExceeded"
PAUSED = "DeploymentPaused"
RESUMED = "DeploymentResumed"
_NO_DEADLINE = 2**31 - 1


def make_condition(kind: str, status: str, reason: str, message: str, now: float) -> Obj:
    """A condition that changes now."""
    moment = rfc3339(now)
    return {
        "type": kind,
        "status": status,
        "lastUpdateTime": moment,
        "lastTransitionTime": moment,
        "reason": reason,
        "message": message,
    }


def set_condition(status: Obj, fresh: Obj) -> None:
    """Puts a condition in; one with the same status and reason stays as it is."""
    for known in status.get("conditions", ()):
        if known["type"] != fresh["type"]:
            continue
        if (known["status"], known["reason"]) == (fresh["status"], fresh["reason"]):
            return
        if known["status"] == fresh["status"]:
            fresh["lastTransitionTime"] = known["lastTransitionTime"]
    drop_condition(status, fresh["type"])
    status.setdefault("conditions", []).append(fresh)


def drop_condition(status: Obj, kind: str) -> None:
    """Takes a condition out."""
    left = [known for known in status.get("conditions", ()) if known["type"] != kind]
    status.pop("conditions", None)
    if left:
        status["conditions"] = left


def deadline_of(deployment: Obj) -> float | None:
    """``progressDeadlineSeconds``, or None when there is no deadline."""
    seconds = dig(deployment, "spec", "progressDeadlineSeconds")
    if seconds is None:
        seconds = 600
    return None if int(seconds) >= _NO_DEADLINE else float(seconds)


def calculate(deployment: Obj, everyone: list[Obj], new: Obj | None, now: float) -> Obj:
    """The counts, with the conditions of before and Available brought up to date."""
    total = sum(counted(rs, "replicas") for rs in everyone)
    ready_now = available(everyone)
    counts = {
        "replicas": total,
        "updatedReplicas": counted(new, "replicas") if new else 0,
        "readyReplicas": sum(counted(rs, "readyReplicas") for rs in everyone),
        "availableReplicas": ready_now,
        "unavailableReplicas": max(0, sum(replicas(rs) for rs in everyone) - ready_now),
        "collisionCount": counted(deployment, "collisionCount"),
    }
    status: Obj = {"observedGeneration": deployment["metadata"]["generation"]}
    status |= {name: count for name, count in counts.items() if count}
    status["terminatingReplicas"] = sum(counted(rs, "terminatingReplicas") for rs in everyone)
    status["conditions"] = clone(dig(deployment, "status", "conditions") or [])
    set_condition(status, _availability(deployment, ready_now, now))
    return status


def _availability(deployment: Obj, ready_now: int, now: float) -> Obj:
    if ready_now >= replicas(deployment) - max_unavailable(deployment):
        message = "Deployment has minimum availability."
        return make_condition("Available", "True", "MinimumReplicasAvailable", message, now)
    message = "Deployment does not have minimum availability."
    return make_condition("Available", "False", "MinimumReplicasUnavailable", message, now)


def complete(deployment: Obj, status: Obj) -> bool:
    """Every wanted pod is new and available, and no other is left."""
    wanted = replicas(deployment)
    return bool(
        status.get("updatedReplicas", 0) == wanted
        and status.get("replicas", 0) == wanted
        and status.get("availableReplicas", 0) == wanted
        and status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    )


def progressing(deployment: Obj, status: Obj) -> bool:
    """Whether ``status`` is better than the status of before."""

    def old(name: str) -> int:
        return counted(deployment, name)

    def new(name: str) -> int:
        return int(status.get(name, 0))

    return (
        new("updatedReplicas") > old("updatedReplicas")
        or new("replicas") - new("updatedReplicas") < old("replicas") - old("updatedReplicas")
        or new("readyReplicas") > old("readyReplicas")
        or new("availableReplicas") > old("availableReplicas")
    )


def timed_out(deployment: Obj, status: Obj, now: float, speed: float) -> bool:
    """Whether the deadline passed without progress; that stays so until progress is seen."""
    limit = deadline_of(deployment)
    current = condition({"status": status}, "Progressing")
    if limit is None or current is None or current["reason"] == COMPLETE:
        return False
    if current["reason"] == TIMED_OUT:
        return True
    return bool(when(current["lastUpdateTime"]) + limit / speed < now)


def judge(deployment: Obj, status: Obj, new: Obj | None, now: float, speed: float) -> None:
    """Brings the Progressing condition of ``status`` up to date."""
    if deadline_of(deployment) is None:
        drop_condition(status, "Progressing")
        return
    current = condition({"status": status}, "Progressing")
    settled = status.get("replicas", 0) == status.get("updatedReplicas", 0)
    if settled and current is not None and current["reason"] == COMPLETE:
        return
    what = (
        f'ReplicaSet "{new["metadata"]["name"]}"' if new else f'Deployment "{deployment["metadata"]["name"]}"'
    )
    if complete(deployment, status):
        _put(status, "True", COMPLETE, f"{what} has successfully progressed.", now)
    elif progressing(deployment, status):
        fresh = make_condition("Progressing", "True", "ReplicaSetUpdated", f"{what} is progressing.", now)
        if current is not None and current["status"] == "True":
            fresh["lastTransitionTime"] = current["lastTransitionTime"]
        drop_condition(status, "Progressing")
        set_condition(status, fresh)
    elif timed_out(deployment, status, now, speed):
        _put(status, "False", TIMED_OUT, f"{what} has timed out progressing.", now)


def _put(status: Obj, truth: str, reason: str, message: str, now: float) -> None:
    set_condition(status, make_condition("Progressing", truth, reason, message, now))
