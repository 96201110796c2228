"""A practice release played on a clock of its own, and what its pods would have exported all the while."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from prom_recording import START, STEP, Recording

from releaseconsole.sandbox.release.manifests import NAMESPACE, SERVICES
from releaseconsole.sandbox.release.timeline import Moment, PodState
from releaseconsole.sandbox.release.traffic import BUCKETS, Traffic
from releaseconsole.sandbox.scenario import Behaviour
from releaseconsole.sandbox.world import World

CONTEXT = "staging"
BEGIN = START + 3900.0
"""The practice begins so late that an hour before it can be recorded."""
RELEASED, ROLLED_BACK, END = 30.0, 240.0, 390.0
"""Seconds after BEGIN."""
_BEFORE = 330.0
"""Seconds of counters before BEGIN: more than the longest window of the sample plan."""
_MEMORY_LIMIT = 512 * 2.0**20


class _Clock:
    """Time that only moves when told to."""

    at = BEGIN

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(f"nobody sleeps here, not for {seconds} s either")


class Play:
    """A planted context in a scenario."""

    def __init__(self, scenario: str) -> None:
        self._scenario = "healthy"
        self._clock = _Clock()
        self.world = World(CONTEXT, self._clock, lambda: self._scenario)
        self.world.plant()
        self._run_until(BEGIN + RELEASED)
        self._scenario = scenario

    @property
    def traffic(self) -> Traffic:
        return self.world.traffic

    def _run_until(self, end: float) -> None:
        while self._clock.at < end:
            due = self.world.step()
            self._clock.at = min(max(due, self._clock.at + 0.001), end)

    def change_all(self, change: Callable[[dict[str, Any]], None], until: float) -> None:
        """Change every service's Deployment, and let time pass until so many seconds after BEGIN."""
        for service in SERVICES:
            self.world.store.update("deployments", NAMESPACE, service, change)
        self._run_until(BEGIN + until)


def released_and_rolled_back(scenario: str) -> Play:
    """The new version comes, and goes again."""
    play = Play(scenario)
    before = play.world.store.get("deployments", NAMESPACE, SERVICES[0])["spec"]["template"]["spec"]
    old = before["containers"][0]["image"].rpartition(":")[2]
    play.change_all(lambda obj: _set_tag(obj, "1.0.0"), ROLLED_BACK)
    play.change_all(lambda obj: _set_tag(obj, old), END)
    return play


def scaled_to_nothing() -> Play:
    """Every pod goes, and they come back."""
    play = Play("healthy")
    play.change_all(lambda obj: obj["spec"].update(replicas=0), ROLLED_BACK)
    play.change_all(lambda obj: obj["spec"].update(replicas=2), END)
    return play


def _set_tag(obj: dict[str, Any], tag: str) -> None:
    container = obj["spec"]["template"]["spec"]["containers"][0]
    container["image"] = f"{container['image'].rpartition(':')[0]}:{tag}"


@dataclass(slots=True)
class _Counters:
    """What one pod counts."""

    answered: float = 0.0
    failed: float = 0.0
    below: list[float] | None = None
    """Answers within each of BUCKETS."""
    sms_sent: float = 0.0
    sms_delivered: float = 0.0
    cpu: float = 0.0


class Exports:
    """What the pods of a play export, scraped every STEP."""

    def __init__(self, play: Play, recording: Recording, namespace: str) -> None:
        self._traffic = play.traffic
        self._recording = recording
        self._namespace = namespace
        self._counters: dict[str, _Counters] = defaultdict(_Counters)

    def record(self) -> None:
        """Everything, from before BEGIN to the END."""
        for at in _times(BEGIN - 3600 - 60, BEGIN + END):
            for service in SERVICES:
                ready = self._traffic.timeline.at(at).ready(service) > 0
                self._sample("probe_success", at, float(ready), instance=service)
        for at in _times(BEGIN - _BEFORE, BEGIN + END):
            self._count(at - STEP, at)
            self._scrape(at)

    def _count(self, start: float, end: float) -> None:
        for begin, stop, moment in self._traffic.timeline.spans(start, end):
            middle, seconds = (begin + stop) / 2, stop - begin
            for service in SERVICES:
                self._serve(moment, service, middle, seconds)
            for pod in moment.pods:
                self._counters[pod.name].cpu += self._traffic.cpu_cores(pod, middle) * seconds
        self._send_messages(end)

    def _serve(self, moment: Moment, service: str, at: float, seconds: float) -> None:
        lost = self._traffic.lost_behind(moment, service)
        groups = moment.loads.get(service, ())
        loads = self._traffic.loads(moment, service)
        for (behaviour, count), (pressed, share) in zip(groups, loads, strict=True):
            requests = self._traffic.offered(service, at) * seconds * share / count
            for pod in moment.pods:
                if pod.service == service and pod.ready and pod.behaviour == behaviour:
                    failing = min(1.0, lost + self._traffic.error_share(pressed, at))
                    self._answer(self._counters[pod.name], pressed, requests, failing)

    def _answer(self, counters: _Counters, behaviour: Behaviour, requests: float, failing: float) -> None:
        counters.answered += requests * (1 - failing)
        counters.failed += requests * failing
        before = counters.below or [0.0] * len(BUCKETS)
        counters.below = [
            count + requests * _part_below(behaviour, bound)
            for count, bound in zip(before, BUCKETS, strict=True)
        ]

    def _send_messages(self, at: float) -> None:
        window = self._traffic.window(at, STEP)
        pods = self._traffic.timeline.at(at).pods
        senders = [pod for pod in pods if pod.ready and pod.service == "command-service"]
        for pod in senders:
            self._counters[pod.name].sms_sent += window.sms_sent * STEP / len(senders)
            self._counters[pod.name].sms_delivered += window.sms_delivered * STEP / len(senders)

    def _scrape(self, at: float) -> None:
        for pod in self._traffic.timeline.at(at).pods:
            limits = {"pod": pod.name, "container": pod.service, "resource": "cpu"}
            self._sample("kube_pod_container_resource_limits", at, pod.cpu_limit, **limits)
            if pod.running:
                self._scrape_container(pod, at)
            if pod.running and pod.served:
                self._scrape_pod(pod, at)
        self._sample("pg_stat_activity_count", at, self._traffic.connections(at))
        self._sample("pg_settings_max_connections", at, self._traffic.max_connections)

    def _scrape_container(self, pod: PodState, at: float) -> None:
        labels = {"pod": pod.name, "container": pod.service}
        used = self._traffic.memory_percent(pod, at) / 100 * _MEMORY_LIMIT
        self._sample("container_memory_working_set_bytes", at, used, **labels)
        self._sample("container_spec_memory_limit_bytes", at, _MEMORY_LIMIT, **labels)
        self._sample("container_cpu_usage_seconds_total", at, self._counters[pod.name].cpu, **labels)

    def _scrape_pod(self, pod: PodState, at: float) -> None:
        found = self._counters[pod.name]
        self._sample("http_requests_total", at, found.answered, pod=pod.name, code="200")
        self._sample("http_requests_total", at, found.failed, pod=pod.name, code="500")
        whole = found.answered + found.failed
        below = [*(found.below or [0.0] * len(BUCKETS)), whole]
        for bound, count in zip((*BUCKETS, math.inf), below, strict=True):
            le = "+Inf" if bound == math.inf else f"{bound:g}"
            self._sample("http_request_duration_seconds_bucket", at, count, pod=pod.name, le=le)
        if pod.service == "command-service":
            self._sample("sms_sent_total", at, found.sms_sent, pod=pod.name)
            self._sample("sms_delivered_total", at, found.sms_delivered, pod=pod.name)

    def _sample(self, name: str, at: float, value: float, **labels: str) -> None:
        every: Mapping[str, str] = {"namespace": self._namespace, **labels}
        self._recording.sample(name, every, at - START, value)


def _times(since: float, until: float) -> Iterator[float]:
    return (since + STEP * number for number in range(round((until - since) / STEP) + 1))


def _part_below(behaviour: Behaviour, seconds: float) -> float:
    """The part of log-normal latencies that stay within some seconds."""
    score = math.log(seconds / behaviour.median) / behaviour.spread
    return 0.5 * (1 + math.erf(score / math.sqrt(2)))
