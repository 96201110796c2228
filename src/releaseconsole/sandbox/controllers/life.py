"""The life of one pod on its node, and the status that tells of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from releaseconsole.sandbox.controllers.tools import condition
from releaseconsole.sandbox.scenario import Behaviour
from releaseconsole.sandbox.store.chance import hexadecimal
from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.objects import rfc3339


class Stage(StrEnum):
    """Where a pod stands."""

    CREATING = "creating"
    PULL_FAILED = "pull failed"
    PULL_BACK_OFF = "pull back-off"
    RUNNING = "running"
    READY = "ready"
    CRASHED = "crashed"
    CRASH_BACK_OFF = "crash back-off"
    ENDING = "ending"


@dataclass(slots=True)
class Life:
    """What the kubelet remembers of a pod. ``due`` is when it has to act again (epoch seconds)."""

    uid: str
    node: str
    host: str
    address: str
    behaviour: Behaviour
    main: str
    """The container that the behaviour shows in."""
    image: str
    cpu_limit: float
    """Cores of all containers."""
    scheduled: float
    due: float
    stage: Stage = Stage.CREATING
    started: float = 0.0
    ready_since: float = 0.0
    served: bool = False
    restarts: int = 0
    failures: int = 0
    back_off: float = 0.0
    last: tuple[float, float, int] | None = None
    """Start, end and restart number of the run before."""
    version: str = ""
    """resourceVersion of the pod when it was last looked after."""
    was_ready: bool = False

    @property
    def running(self) -> bool:
        """Whether the main container runs."""
        return self.stage in (Stage.RUNNING, Stage.READY) or (self.stage is Stage.ENDING and self.started > 0)

    @property
    def ready(self) -> bool:
        """Whether the pod is ready."""
        return self.stage is Stage.READY or (self.stage is Stage.ENDING and self.was_ready)


def status_of(life: Life, pod: Obj, now: float) -> Obj:
    """The whole ``status`` of a pod; the conditions keep their times while they stay the same."""
    started = life.stage not in (Stage.CREATING, Stage.PULL_FAILED, Stage.PULL_BACK_OFF)
    containers = [_container(life, pod, spec, now, started) for spec in pod["spec"].get("containers", ())]
    status: Obj = {
        "phase": "Running" if started else "Pending",
        "conditions": _conditions(life, pod, containers, now),
        "hostIP": life.host,
        "hostIPs": [{"ip": life.host}],
        "startTime": rfc3339(life.scheduled),
        "containerStatuses": containers,
        "qosClass": pod.get("status", {}).get("qosClass", "Burstable"),
    }
    if life.address:
        status |= {"podIP": life.address, "podIPs": [{"ip": life.address}]}
    return status


def container_id(life: Life, container: str, restart: int) -> str:
    """The id of one instance of a container."""
    return f"containerd://{hexadecimal(64, life.uid, container, restart)}"


def image_id(image: str) -> str:
    """The digest an image resolved to."""
    repository = image.partition("@")[0].rpartition("/")
    name = f"{repository[0]}{repository[1]}{repository[2].partition(':')[0]}"
    prefix = name if "." in name.partition("/")[0] else f"docker.io/{name}"
    return f"{prefix}@sha256:{hexadecimal(64, image)}"


def _container(life: Life, pod: Obj, spec: Obj, now: float, started: bool) -> Obj:
    name, image = spec["name"], spec.get("image", "")
    main = name == life.main
    restarts = life.restarts if main else 0
    alive = life.running or (started and not main)
    pulled = started or not main
    status: Obj = {
        "name": name,
        "state": _state(life, name) if main or not started else _running_state(life),
        "lastState": _last_state(life, name) if main else {},
        "ready": life.ready or (alive and not main),
        "restartCount": restarts,
        "image": image,
        "imageID": image_id(image) if pulled and started else "",
        "started": alive,
    }
    if started:
        status["containerID"] = container_id(life, name, restarts)
    return status


def _running_state(life: Life) -> Obj:
    return {"running": {"startedAt": rfc3339(life.started)}}


def _state(life: Life, container: str) -> Obj:
    match life.stage:
        case Stage.CREATING:
            return {"waiting": {"reason": "ContainerCreating"}}
        case Stage.PULL_FAILED | Stage.PULL_BACK_OFF:
            return {"waiting": _pull_problem(life)}
        case Stage.CRASHED:
            return {"terminated": _terminated(life, container)}
        case Stage.CRASH_BACK_OFF:
            message = (
                f"back-off {life.back_off:g}s restarting failed container={container} pod uid={life.uid}"
            )
            return {"waiting": {"reason": "CrashLoopBackOff", "message": message}}
        case Stage.ENDING if not life.started:
            return {"waiting": {"reason": "ContainerCreating"}}
        case _:
            return _running_state(life)


def _pull_problem(life: Life) -> Obj:
    if life.stage is Stage.PULL_FAILED:
        return {"reason": "ErrImagePull", "message": pull_error(life.image)}
    return {
        "reason": "ImagePullBackOff",
        "message": f'Back-off pulling image "{life.image}": ErrImagePull: {pull_error(life.image)}',
    }


def pull_error(image: str) -> str:
    """What the container runtime says of an image whose tag does not exist."""
    reference = image if "." in image.partition("/")[0] else f"docker.io/{image}"
    return (
        f'rpc error: code = NotFound desc = failed to pull and unpack image "{reference}": '
        f'failed to resolve reference "{reference}": {reference}: not found: manifest unknown'
    )


def _terminated(life: Life, container: str) -> Obj:
    started, ended, restart = life.last or (life.started, life.started, 0)
    return {
        "exitCode": 1,
        "reason": "Error",
        "startedAt": rfc3339(started),
        "finishedAt": rfc3339(ended),
        "containerID": container_id(life, container, restart),
    }


def _last_state(life: Life, container: str) -> Obj:
    if life.last is None or life.stage is Stage.CRASHED:
        return {}
    return {"terminated": _terminated(life, container)}


def _conditions(life: Life, pod: Obj, containers: list[Obj], now: float) -> list[Obj]:
    unready = [status["name"] for status in containers if not status["ready"]]
    created = life.stage is not Stage.CREATING
    return [
        _condition(pod, "PodReadyToStartContainers", created, now),
        _condition(pod, "Initialized", True, now),
        _condition(pod, "Ready", not unready, now, unready),
        _condition(pod, "ContainersReady", not unready, now, unready),
        _condition(pod, "PodScheduled", True, now),
    ]


def _condition(pod: Obj, kind: str, holds: bool, now: float, unready: list[str] | None = None) -> Obj:
    truth = "True" if holds else "False"
    known = condition(pod, kind)
    since = known["lastTransitionTime"] if known and known["status"] == truth else rfc3339(now)
    fresh: Obj = {"type": kind, "status": truth, "lastProbeTime": None, "lastTransitionTime": since}
    if unready:
        fresh["reason"] = "ContainersNotReady"
        fresh["message"] = f"containers with unready status: [{' '.join(unready)}]"
    return fresh
