"""One model of traffic, and what metrics and logs tell of it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from worlds import NAMESPACE, Practice

from releaseconsole.errors import UsageError
from releaseconsole.sandbox import scenario
from releaseconsole.sandbox.release.loglines import LogWriter
from releaseconsole.sandbox.release.manifests import SERVICES
from releaseconsole.sandbox.release.podlogs import KEPT_LINES, PracticeLogs
from releaseconsole.sandbox.release.traffic import histogram_quantile, latency
from releaseconsole.sandbox.store.log_source import LogQuery

_WINDOW = 60.0


def _release(practice: Practice, tag: str) -> None:
    for service in SERVICES:
        practice.set_image(tag, service)
    assert practice.run(60, lambda: all(practice.complete(service) for service in SERVICES))


def _error_percent(practice: Practice) -> float:
    window = practice.world.traffic.window(practice.clock.now(), _WINDOW)
    return 100 * window.errors / window.requests


def _p99(practice: Practice) -> float:
    traffic = practice.world.traffic
    return 1000 * traffic.quantile(traffic.window(practice.clock.now(), _WINDOW), 0.99)


def _logs(practice: Practice) -> PracticeLogs:
    return PracticeLogs(practice.world.runs, LogWriter(1, practice.world.traffic), practice.clock)


def _read(practice: Practice, pod: str, *, tail: int | None = None, previous: bool = False) -> list[str]:
    query = LogQuery(NAMESPACE, pod, "api-gateway", tail=tail, previous=previous)
    return [text for _, text in _logs(practice).read(query)]


def test_a_settled_release_is_within_every_target_at_any_hour() -> None:
    practice = Practice()
    traffic, now = practice.world.traffic, practice.clock.now()
    for hour in range(24):
        window = traffic.window(now - 3600 * hour, _WINDOW)
        assert 8500 < window.requests < 10_000
        assert 0 < 100 * window.errors / window.requests < 0.1
        assert 30 < 1000 * traffic.quantile(window, 0.99) < 50
        assert window.sms_delivered / window.sms_sent > 0.99
    pods = traffic.timeline.latest.pods
    assert max(traffic.memory_percent(pod, now) for pod in pods) < 60
    assert sum(traffic.cpu_cores(pod, now) for pod in pods) / sum(pod.cpu_limit for pod in pods) < 0.6
    assert 0 < traffic.connections(now) < 0.5 * traffic.max_connections
    assert traffic.uptime_percent(now) == 100


@pytest.mark.parametrize("context", ["staging", "uat"])
def test_the_other_contexts_have_less_traffic_but_some(context: str) -> None:
    practice = Practice(context=context)
    window = practice.world.traffic.window(practice.clock.now(), _WINDOW)
    assert 20 < window.requests < 500


def test_errors_rise_over_the_window_and_fall_after_the_rollback() -> None:
    practice = Practice("error-spike")
    _release(practice, "1.0.0")
    early = _error_percent(practice)
    practice.run(15)
    later = _error_percent(practice)
    practice.run(60)
    full = _error_percent(practice)
    assert 0.02 < early < later < full
    assert 6 < full < 9
    for service in SERVICES:
        practice.undo(service)
    practice.run(20)
    assert 0.1 < _error_percent(practice) < full
    practice.run(60)
    assert _error_percent(practice) < 0.1


def test_a_slow_version_passes_the_rollback_line() -> None:
    practice = Practice("slow")
    _release(practice, "1.0.0")
    practice.run(60)
    assert _p99(practice) > 500
    assert _error_percent(practice) < 0.1


def test_a_scenario_can_be_limited_to_one_context() -> None:
    limited = scenario.parse("slow@production")
    assert limited.within("production") == "slow"
    assert limited.within("staging") == "healthy"


@pytest.mark.parametrize("text", ["", "sunny", "slow@moon", "slow@"])
def test_an_unknown_scenario_is_refused_with_the_known_ones(text: str) -> None:
    with pytest.raises(UsageError, match=r"Choose one of: (healthy|staging)"):
        scenario.parse(text)


def test_without_ready_pods_there_is_no_traffic_and_the_window_runs_dry() -> None:
    practice = Practice()
    for service in SERVICES:
        practice.change(service, lambda obj: obj["spec"].update(replicas=0))
    practice.run(10)
    window = practice.world.traffic.window(practice.clock.now(), _WINDOW)
    assert window.counted
    assert 0 < window.requests < 8500
    practice.run(60)
    window = practice.world.traffic.window(practice.clock.now(), _WINDOW)
    assert (window.requests, window.counted) == (0, False)


def test_the_gateway_fails_when_a_service_behind_it_is_gone() -> None:
    practice = Practice()
    practice.change("command-service", lambda obj: obj["spec"].update(replicas=0))
    practice.run(90)
    assert _error_percent(practice) > 10
    pod = practice.pods("api-gateway")[0]["metadata"]["name"]
    assert any("no healthy upstream" in line for line in _read(practice, pod, tail=100))


def test_a_load_test_adds_traffic_and_the_autoscaler_answers() -> None:
    practice = Practice(context="uat")
    practice.world.traffic.add_load(practice.clock.now(), 200, 8900)
    practice.run(70)
    assert practice.world.traffic.window(practice.clock.now(), _WINDOW).requests > 8500
    assert _p99(practice) < 50
    assert len(practice.pods()) == 3
    assert "SuccessfulRescale" in practice.reasons("api-gateway")
    assert practice.run(400, lambda: len(practice.pods()) == 2)


def test_healthy_logs_have_no_errors_and_their_times_strictly_rise() -> None:
    practice = Practice()
    _release(practice, "1.0.0")
    practice.run(120)
    for service in SERVICES:
        for pod in practice.pods(service):
            name = pod["metadata"]["name"]
            lines = _logs(practice).read(LogQuery(NAMESPACE, name, service))
            times = [moment for moment, _ in lines]
            assert len(lines) > 30
            assert all(before < after for before, after in pairwise(times))
            assert not any("ERROR" in text for _, text in lines)
            assert "starting" in lines[0][1]


def test_the_failing_version_logs_errors_and_the_old_one_does_not() -> None:
    practice = Practice("error-spike")
    old = practice.pods()[0]["metadata"]["name"]
    assert not any("ERROR" in line for line in _read(practice, old))
    _release(practice, "1.0.0")
    practice.run(60)
    new = practice.pods()[0]["metadata"]["name"]
    lines = _read(practice, new)
    errors = [line for line in lines if "ERROR" in line]
    assert 0.05 * len(lines) < len(errors) < 0.5 * len(lines)


def test_a_crash_leaves_its_trace_in_the_previous_log() -> None:
    practice = Practice("crash-loop")
    practice.set_image("1.0.0")
    practice.run(12)
    crashed = [
        pod["metadata"]["name"]
        for pod in practice.pods()
        if pod["status"]["containerStatuses"][0]["restartCount"] > 0
    ]
    assert any("    at bootstrap" in line for line in _read(practice, crashed[0], previous=True))


def test_a_log_keeps_so_many_lines_and_tail_takes_the_last_of_them() -> None:
    practice = Practice()
    pod = practice.pods()[0]["metadata"]["name"]
    everything = _read(practice, pod)
    assert len(everything) == KEPT_LINES
    assert _read(practice, pod, tail=7) == everything[-7:]
    assert _read(practice, pod, tail=0) == []
    assert _read(practice, "no-such-pod") == []


async def test_following_goes_on_where_reading_ended_and_stops_with_the_container() -> None:
    practice = Practice()
    name = practice.pods()[0]["metadata"]["name"]
    logs, start = _logs(practice), practice.clock.now()
    followed = []
    async for line in logs.follow(LogQuery(NAMESPACE, name, "api-gateway", tail=3)):
        followed.append(line)
        if practice.clock.now() > start + 20:
            practice.change("api-gateway", lambda obj: obj["spec"].update(replicas=0))
            practice.run(5)
    assert len(followed) > 8
    times = [moment for moment, _ in followed]
    assert times == sorted(set(times))
    assert times[2] < start < times[3]


@pytest.mark.parametrize("tag", ["1.0.0", "1.0.0-stuck", "1.0.0-crash-loop"])
async def test_what_was_followed_is_what_is_read_later(tag: str) -> None:
    practice = Practice("error-spike", context="staging")
    practice.set_image(tag)
    assert practice.run(5, lambda: bool(practice.world.runs.of(NAMESPACE, _newest(practice))))
    logs, name = _logs(practice), _newest(practice)
    practice.clock.moved = practice.world.step
    followed = []
    async for line in logs.follow(LogQuery(NAMESPACE, name, "api-gateway")):
        followed.append(line)
        if len(followed) == 30:
            practice.scenario = "healthy"
            practice.world.scenario_changed()
        if len(followed) == 60:
            break
    restarted = practice.world.runs.previous(NAMESPACE, name, "api-gateway") is not None
    whole = logs.read(LogQuery(NAMESPACE, name, "api-gateway", previous=restarted))
    assert len(followed) == (10 if "crash" in tag else 60)
    assert followed == whole[: len(followed)]


def _newest(practice: Practice) -> str:
    pods = sorted(practice.pods(), key=lambda pod: int(pod["metadata"]["resourceVersion"]))
    new = [pod for pod in pods if ":1.0.0" in pod["spec"]["containers"][0]["image"]]
    return str(new[-1]["metadata"]["name"]) if new else ""


def test_the_quantile_is_interpolated_as_prometheus_does() -> None:
    below = [0.0, 0.0, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    assert histogram_quantile(0.75, below) == pytest.approx(0.0375)
    assert histogram_quantile(0.99, [0.0] * 10 + [0.5]) == 10.0


def test_latency_follows_its_distribution() -> None:
    well = scenario.behaviour_of("healthpay/api-gateway:0.9.4", "healthy")
    assert latency(well, 0.5) == pytest.approx(well.median)
    assert latency(well, 0.99) == pytest.approx(0.030, rel=0.05)
