"""The kubelet, with the scheduler in it: takes every pod through its life, and writes the timeline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from releaseconsole.sandbox.controllers.life import Life, Stage, pull_error, status_of
from releaseconsole.sandbox.controllers.nodes import target_of
from releaseconsole.sandbox.controllers.scheduling import SCHEDULER, fitting, is_told, unplaced, why_not
from releaseconsole.sandbox.controllers.tools import NEVER, Bench, uid
from releaseconsole.sandbox.release.manifests import NAMESPACE
from releaseconsole.sandbox.release.runs import LAST_WORDS, Run, RunBook
from releaseconsole.sandbox.release.timeline import PodState, Timeline
from releaseconsole.sandbox.scenario import CONTEXTS, Behaviour, Start, behaviour_of
from releaseconsole.sandbox.store.chance import unit
from releaseconsole.sandbox.store.kinds import Obj
from releaseconsole.sandbox.store.objects import deleted, dig, place

_PROBE_EVERY = 5.0
_STEP = 0.02
_PULL_BACK_OFF = (3.0, 6.0, 12.0, 20.0)
_CRASH_BACK_OFF = (2.0, 4.0, 8.0, 16.0, 30.0)


class Kubelet:
    """All the nodes' kubelets of one context."""

    def __init__(
        self,
        bench: Bench,
        scenario: Callable[[], str],
        runs: RunBook,
        timeline: Timeline,
        ready_seconds: float = 3.0,
    ) -> None:
        self._bench = bench
        self._store = bench.store
        self._scenario = scenario
        self._runs = runs
        self._timeline = timeline
        self._ready_seconds = ready_seconds
        self._lives: dict[str, Life] = {}
        self._places: dict[str, tuple[str, str]] = {}
        self._states: dict[str, PodState] = {}
        self._addresses = 0

    def reconcile(self, pod: Obj) -> float:
        """Takes a pod one stage on if it is time; returns when to come back (epoch seconds)."""
        life = self._lives.get(uid(pod))
        if life is None:
            return self._adopt(pod)
        now = self._bench.clock.now()
        if deleted(pod) and life.stage is not Stage.ENDING:
            self._begin_end(pod, life, now)
        elif now >= life.due:
            self._advance(pod, life, now)
        elif life.version == pod["metadata"]["resourceVersion"]:
            return life.due
        self._write(pod, life, now)
        return life.due

    def settle(self) -> None:
        """Forgets the pods that are gone and writes the timeline."""
        present = {uid(pod): pod for pod in self._store.list("pods")}
        now = self._bench.clock.now()
        for gone in self._lives.keys() - present.keys():
            self._end_runs(*self._places[gone], now)
            self._runs.forget(*self._places.pop(gone))
            self._states.pop(gone, None)
            del self._lives[gone]
        states = [
            self._pod_state(pod, self._lives[key]) for key, pod in present.items() if key in self._lives
        ]
        self._timeline.record(now, tuple(state for state in states if state is not None))

    def scenario_changed(self) -> None:
        """Running containers take up the new behaviour; what is waiting tries again at its time."""
        for key, life in self._lives.items():
            life.behaviour = self._behaviour(life)
            self._mark(self._places[key], life)
        self.settle()

    # Scheduling

    def _adopt(self, pod: Obj) -> float:
        now = self._bench.clock.now()
        if deleted(pod):
            self._store.delete("pods", *place(pod), grace=0)
            return NEVER
        node = self._node(pod)
        if node is None:
            self._tell_unplaced(pod, now)
            return NEVER
        life = self._new_life(pod, node, now)
        self._lives[uid(pod)] = life
        self._places[uid(pod)] = place(pod)
        if not dig(pod, "spec", "nodeName"):
            self._bind(pod, node["metadata"]["name"])
        self._write(self._store.get("pods", *place(pod)), life, now)
        return life.due

    def _new_life(self, pod: Obj, node: Obj, now: float) -> Life:
        container, image = self._main(pod)
        self._addresses += 1
        number = self._addresses - 1
        first = 40 + (CONTEXTS.index(self._bench.context) if self._bench.context in CONTEXTS else 9)
        return Life(
            uid=uid(pod),
            node=node["metadata"]["name"],
            host=_internal_address(node),
            address=f"10.{first}.{number // 250 % 250}.{number % 250 + 4}",
            behaviour=behaviour_of(image, self._scenario()),
            main=container,
            cpu_limit=_cores(pod),
            image=image,
            scheduled=now,
            due=now + self._wait(0.2 * self._ready_seconds, uid(pod), "create"),
        )

    def _main(self, pod: Obj) -> tuple[str, str]:
        """The container whose image says how the pod behaves: the first that is not plainly well."""
        found = [(str(spec["name"]), str(spec.get("image", ""))) for spec in pod["spec"]["containers"]]
        plain = behaviour_of("", "healthy")
        unwell = [item for item in found if behaviour_of(item[1], self._scenario()) != plain]
        return (unwell or found)[0]

    def _node(self, pod: Obj) -> Obj | None:
        nodes = self._store.list("nodes")
        wanted = target_of(pod)
        busy = Counter(life.node for life in self._lives.values())
        named = [node for node in nodes if node["metadata"]["name"] == wanted]
        usable = named or fitting(pod, nodes)
        return min(usable, key=lambda node: busy[node["metadata"]["name"]], default=None)

    def _tell_unplaced(self, pod: Obj, now: float) -> None:
        """Once: the pod is looked at again whenever something changes."""
        if is_told(pod):
            return
        count = len(self._store.list("nodes"))

        def change(obj: Obj) -> None:
            obj["status"] = unplaced(obj, count, now)

        self._store.update("pods", *place(pod), change, subresource="status")
        self._bench.events.warning(SCHEDULER, pod, "FailedScheduling", why_not(count))

    def _bind(self, pod: Obj, node: str) -> None:
        def change(obj: Obj) -> None:
            obj["spec"]["nodeName"] = node

        self._store.update("pods", *place(pod), change)
        message = f"Successfully assigned {'/'.join(place(pod))} to {node}"
        self._bench.events.normal(SCHEDULER, pod, "Scheduled", message)

    # Stages

    def _advance(self, pod: Obj, life: Life, now: float) -> None:
        match life.stage:
            case Stage.CREATING | Stage.PULL_BACK_OFF:
                self._create(pod, life, now)
            case Stage.PULL_FAILED:
                self._back_off_pull(pod, life, now)
            case Stage.RUNNING:
                self._probe(pod, life, now)
            case Stage.CRASHED:
                self._after_crash(pod, life, now)
            case Stage.CRASH_BACK_OFF:
                self._restart(pod, life, now)
            case Stage.ENDING:
                self._store.delete("pods", *place(pod), grace=0)
                life.due = NEVER
            case Stage.READY:
                life.due = NEVER

    def _create(self, pod: Obj, life: Life, now: float) -> None:
        life.behaviour = self._behaviour(life)
        self._normal(pod, life, "Pulling", f'Pulling image "{life.image}"')
        if life.behaviour.start is Start.NO_IMAGE:
            life.stage, life.failures = Stage.PULL_FAILED, life.failures + 1
            life.due = now + self._wait(1.0, life.uid, "pull", life.failures)
            self._warn(pod, life, "Failed", f'Failed to pull image "{life.image}": {pull_error(life.image)}')
            self._warn(pod, life, "Failed", "Error: ErrImagePull")
            return
        took = 200 + int(500 * unit(life.uid, "pull"))
        message = f'Successfully pulled image "{life.image}" in {took}ms ({took}ms including waiting)'
        self._normal(pod, life, "Pulled", f"{message}. Image size: {61_000_000 + 900 * took} bytes.")
        self._start(pod, life, now)

    def _back_off_pull(self, pod: Obj, life: Life, now: float) -> None:
        life.stage = Stage.PULL_BACK_OFF
        step = min(life.failures - 1, len(_PULL_BACK_OFF) - 1)
        life.due = now + self._wait(_PULL_BACK_OFF[step], life.uid, "back-off", life.failures)
        self._normal(pod, life, "BackOff", f'Back-off pulling image "{life.image}"')
        self._warn(pod, life, "Failed", "Error: ImagePullBackOff")

    def _start(self, pod: Obj, life: Life, now: float) -> None:
        namespace, name = place(pod)
        for spec in pod["spec"]["containers"]:
            container = str(spec["name"])
            if container != life.main and self._runs.current(namespace, name, container):
                continue
            path = _path(container)
            self._bench.events.normal("kubelet", pod, "Created", f"Created container: {container}", path=path)
            self._bench.events.normal("kubelet", pod, "Started", f"Started container {container}", path=path)
            self._runs.begin(namespace, self._run(pod, life, spec, now))
        life.stage, life.started = Stage.RUNNING, now
        life.due = now + self._first_due(life)
        self._mark((namespace, name), life)

    def _first_due(self, life: Life) -> float:
        if life.behaviour.start is Start.CRASH:
            return self._wait(0.9, life.uid, "crash", life.restarts)
        if life.behaviour.start is Start.STUCK:
            return self._wait(_PROBE_EVERY, life.uid, "probe")
        return self._wait(0.8 * self._ready_seconds, life.uid, "ready")

    def _run(self, pod: Obj, life: Life, spec: Obj, now: float) -> Run:
        name = str(spec["name"])
        return Run(
            pod=place(pod)[1],
            uid=life.uid,
            container=name,
            service=_service(pod) if name == life.main else "",
            image=str(spec.get("image", "")),
            restart=life.restarts if name == life.main else 0,
            started=now,
        )

    def _probe(self, pod: Obj, life: Life, now: float) -> None:
        if life.behaviour.start is Start.CRASH:
            self._crash(pod, life, now)
            return
        if life.behaviour.start is Start.STUCK:
            message = "Readiness probe failed: HTTP probe failed with statuscode: 503"
            self._warn(pod, life, "Unhealthy", message)
            life.due = now + self._bench.seconds(_PROBE_EVERY)
            return
        life.stage, life.ready_since, life.served, life.due = Stage.READY, now, True, NEVER
        self._mark(place(pod), life)

    def _crash(self, pod: Obj, life: Life, now: float) -> None:
        for run in self._runs.of(*place(pod)):
            if run.container == life.main:
                run.ended = now + LAST_WORDS
        life.last = (life.started, now, life.restarts)
        life.stage, life.due = Stage.CRASHED, now + self._wait(0.5, life.uid, "crashed", life.restarts)

    def _after_crash(self, pod: Obj, life: Life, now: float) -> None:
        """As the kubelet does: the first restart is at once, the later ones wait longer and longer."""
        if life.restarts == 0:
            self._restart(pod, life, now)
            return
        step = min(life.restarts - 1, len(_CRASH_BACK_OFF) - 1)
        life.stage, life.back_off = Stage.CRASH_BACK_OFF, _CRASH_BACK_OFF[step]
        life.due = now + self._bench.seconds(life.back_off)
        name = f"{place(pod)[1]}_{place(pod)[0]}({life.uid})"
        self._warn(pod, life, "BackOff", f"Back-off restarting failed container {life.main} in pod {name}")

    def _restart(self, pod: Obj, life: Life, now: float) -> None:
        life.behaviour = self._behaviour(life)
        life.restarts += 1
        message = f'Container image "{life.image}" already present on machine'
        self._normal(pod, life, "Pulled", message)
        self._start(pod, life, now)

    def _begin_end(self, pod: Obj, life: Life, now: float) -> None:
        life.was_ready = life.stage is Stage.READY
        running = life.running
        life.stage = Stage.ENDING
        if not running:
            life.started = 0.0
            life.due = now
            return
        grace = float(pod["metadata"].get("deletionGracePeriodSeconds", 30))
        life.due = now + min(grace, self._wait(1.5, life.uid, "end"))
        for spec in pod["spec"]["containers"]:
            message = f"Stopping container {spec['name']}"
            self._bench.events.normal("kubelet", pod, "Killing", message, path=_path(spec["name"]))

    # Writing

    def _write(self, pod: Obj, life: Life, now: float) -> None:
        current = self._store.find("pods", *place(pod))
        if current is None or uid(current) != life.uid:
            return

        def change(obj: Obj) -> None:
            obj["status"] = status_of(life, obj, now)

        written = self._store.update("pods", *place(pod), change, subresource="status")
        life.version = written["metadata"]["resourceVersion"]

    def _mark(self, where: tuple[str, str], life: Life) -> None:
        for run in self._runs.of(*where):
            if run.ended is None:
                run.mark(self._bench.clock.now(), life.behaviour, life.ready)

    def _end_runs(self, namespace: str, name: str, now: float) -> None:
        for run in self._runs.of(namespace, name):
            run.ended = now if run.ended is None else run.ended

    def _pod_state(self, pod: Obj, life: Life) -> PodState | None:
        if place(pod)[0] != NAMESPACE or not _service(pod):
            return None
        state = PodState(
            name=place(pod)[1],
            service=_service(pod),
            address=life.address,
            node=life.node,
            behaviour=life.behaviour,
            ready=life.ready and life.stage is not Stage.ENDING,
            running=life.running,
            served=life.served,
            cpu_limit=life.cpu_limit,
        )
        # The timeline keeps thousands of moments: equal states are one object in all of them.
        known = self._states.get(life.uid)
        if known != state:
            self._states[life.uid] = known = state
        return known

    # Small things

    def _behaviour(self, life: Life) -> Behaviour:
        return behaviour_of(life.image, self._scenario())

    def _wait(self, seconds: float, *names: str | int) -> float:
        """The span, give or take a fifth, in steps, so that what is nearly at once is done at once."""
        exact = seconds * (0.8 + 0.4 * unit(self._bench.seed, *names))
        return self._bench.seconds(max(_STEP, round(exact / _STEP) * _STEP))

    def _normal(self, pod: Obj, life: Life, reason: str, message: str) -> None:
        self._bench.events.normal("kubelet", pod, reason, message, path=_path(life.main))

    def _warn(self, pod: Obj, life: Life, reason: str, message: str) -> None:
        self._bench.events.warning("kubelet", pod, reason, message, path=_path(life.main))


def _path(container: str) -> str:
    """Where an event says that it belongs."""
    return f"spec.containers{{{container}}}"


def _service(pod: Obj) -> str:
    return str((pod["metadata"].get("labels") or {}).get("app", ""))


def _internal_address(node: Obj) -> str:
    for address in dig(node, "status", "addresses") or ():
        if address.get("type") == "InternalIP":
            return str(address["address"])
    return "127.0.0.1"


def _cores(pod: Obj) -> float:
    """Sum of the CPU limits."""
    limits = (dig(spec, "resources", "limits", "cpu") for spec in pod["spec"]["containers"])
    return sum(_quantity(str(limit)) for limit in limits if limit is not None)


def _quantity(text: str) -> float:
    try:
        return float(text[:-1]) / 1000 if text.endswith("m") else float(text)
    except ValueError:
        return 0.0
