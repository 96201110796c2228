"""Logs through a real API server and a kubelet's own log reader: every line once, whatever breaks in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from bench import Bench, workload
from control_plane import STRANGER, ControlPlane
from gate import Gate
from watching import Impatient, watching
from writing import Writer

from releaseconsole.cluster.connect import Client, connect
from releaseconsole.cluster.decode import PODS
from releaseconsole.cluster.logs import GAP, LogBuffer, LogFollower, read_recent
from releaseconsole.errors import Denied

CONTAINER = "second"


@pytest.fixture
def writer(control_plane: ControlPlane) -> Writer:
    return Writer(control_plane.log_file(CONTAINER))


def _deploy(bench: Bench, *containers: str, image: str = "shop:good-1", replicas: int = 1) -> None:
    body = workload("Deployment", "shop", image, replicas=replicas)
    listed = [{"name": name, "image": image} for name in containers or (CONTAINER,)]
    body["spec"]["template"]["spec"]["containers"] = listed
    bench.create("deployment", body)


@asynccontextmanager
async def _following(client: Client, bench: Bench, **options: Any) -> AsyncIterator[LogFollower]:
    """Follow the pods of the namespace as the console does: those that its cache holds."""
    async with watching(client, bench, PODS) as pods, asyncio.TaskGroup() as group:
        follower = LogFollower(
            client, bench.namespace, lambda: list(pods.objects.values()), LogBuffer(), **options
        )
        running = group.create_task(follower.run())
        yield follower
        running.cancel()


def _texts(follower: LogFollower) -> list[str]:
    buffer = follower.buffer
    return [line.text for line in buffer.slice(buffer.first, buffer.end)]


async def _shows(bench: Bench, follower: LogFollower, texts: list[str]) -> None:
    await bench.until(lambda: len(_texts(follower)) >= len(texts), f"{len(texts)} lines are there")
    assert _texts(follower) == texts


async def _all_connected(bench: Bench, follower: LogFollower, streams: int) -> None:
    await bench.until(lambda: follower.coverage().streams == streams, f"{streams} streams are read")


async def test_lines_come_as_they_are_written(bench: Bench, client: Client, writer: Writer) -> None:
    _deploy(bench)
    await bench.settled("deployment", "shop")
    writer.numbered(3)
    async with _following(client, bench) as follower:
        await _shows(bench, follower, writer.written)
        writer.lines("", "  indented", "", "the end")
        await _shows(bench, follower, writer.written)


async def test_two_containers_are_merged_by_the_time_of_their_lines(
    bench: Bench, client: Client, control_plane: ControlPlane, writer: Writer
) -> None:
    other = Writer(control_plane.log_file("third"))
    _deploy(bench, CONTAINER, "third")
    await bench.settled("deployment", "shop")
    async with _following(client, bench) as follower:
        await _all_connected(bench, follower, 2)
        for number in range(10):
            (writer if number % 2 else other).lines(f"step {number}")
        await _shows(bench, follower, [f"step {number}" for number in range(10)])
        sources = {line.container for line in follower.buffer.slice(0, 10)}
    assert sources == {CONTAINER, "third"}


async def test_pods_that_are_born_later_join(bench: Bench, client: Client, writer: Writer) -> None:
    _deploy(bench)
    await bench.settled("deployment", "shop")
    async with _following(client, bench) as follower:
        await _all_connected(bench, follower, 1)
        bench.patch("deployment", "shop", {"spec": {"replicas": 3}})
        await _all_connected(bench, follower, 3)
        writer.lines("hello")
        await _shows(bench, follower, ["hello"] * 3)
        bench.patch("deployment", "shop", {"spec": {"replicas": 1}})
        await bench.until(lambda: follower.coverage().total == 1, "the pods that are gone are not counted")


async def test_connections_that_break_while_lines_come_lose_none_and_double_none(
    bench: Bench, gate: Gate, gated: Client, writer: Writer
) -> None:
    _deploy(bench)
    await bench.settled("deployment", "shop")
    async with _following(gated, bench) as follower:
        await _all_connected(bench, follower, 1)
        for _ in range(15):
            writer.numbered(20)
            await asyncio.sleep(0.1)
            gate.cut()
            writer.numbered(20)
        await _shows(bench, follower, writer.written)
        assert GAP not in {line.level for line in follower.buffer.slice(0, follower.buffer.end)}


async def test_a_container_that_has_written_nothing_is_followed_and_loses_nothing_either(
    bench: Bench, gate: Gate, gated: Client, writer: Writer
) -> None:
    _deploy(bench)
    await bench.settled("deployment", "shop")
    async with _following(gated, bench, tail=10) as follower:
        # Its head comes with its first line: the API server says nothing at all until then.
        await _all_connected(bench, follower, 1)
        assert not follower.error
        gate.silent = True
        gate.cut()
        writer.numbered(100)
        gate.silent = False
        await _shows(bench, follower, writer.written)


async def test_an_api_server_that_is_killed_in_the_middle_loses_no_line(
    bench: Bench, client: Client, writer: Writer, control_plane: ControlPlane
) -> None:
    _deploy(bench)
    await bench.settled("deployment", "shop")
    async with _following(client, bench) as follower:
        await _all_connected(bench, follower, 1)
        writer.numbered(50)
        await _shows(bench, follower, writer.written)
        control_plane.kill("kube-apiserver")
        writer.numbered(50)
        await bench.until(lambda: bool(follower.error), "the interruption is said")
        control_plane.start_program("kube-apiserver")
        await asyncio.to_thread(control_plane.recover)
        await _shows(bench, follower, writer.written)
        writer.numbered(1)
        await _shows(bench, follower, writer.written)
        assert not follower.error


async def test_a_pod_that_cannot_start_is_shown_as_waiting_with_its_reason(
    bench: Bench, client: Client
) -> None:
    _deploy(bench, image="shop:absent-1")
    await bench.until(lambda: len(bench.list("pod")) == 1, "there is a pod")
    async with _following(client, bench) as follower:
        await bench.until(lambda: bool(follower.coverage().waiting), "it is waiting")
        coverage = follower.coverage()
        assert (coverage.streams, coverage.total) == (0, 1)
        assert "ImagePullBackOff" in coverage.waiting[0]
        assert not follower.error


async def test_what_a_hostile_container_writes_stays_one_harmless_line(
    bench: Bench, client: Client, writer: Writer
) -> None:
    _deploy(bench)
    await bench.settled("deployment", "shop")
    async with _following(client, bench) as follower:
        await _all_connected(bench, follower, 1)
        stamp = b"2026-01-01T00:00:00.000000001Z"
        writer.raw(stamp + b" stdout F \xff\xfe \x1b[2J\x1b]0;owned\x07 [/markup]\n")
        writer.raw(stamp + b" stdout P " + b"x" * 200_000 + b"\n" + stamp + b" stdout F y\n")
        writer.lines("after")
        await bench.until(lambda: "after" in _texts(follower), "the line after it")
        first, *_, last = _texts(follower)
    assert "\x1b" not in first
    assert "\x07" not in first
    assert "[/markup]" in first
    assert last == "after"
    assert all(len(text) < 20_000 for text in _texts(follower))


async def test_a_burst_of_lines_arrives_whole_and_in_order(
    bench: Bench, client: Client, writer: Writer
) -> None:
    _deploy(bench)
    await bench.settled("deployment", "shop")
    async with _following(client, bench) as follower:
        await _all_connected(bench, follower, 1)
        writer.numbered(15_000)
        await _shows(bench, follower, writer.written)


async def test_recent_lines_are_those_of_the_last_seconds(
    bench: Bench, client: Client, writer: Writer
) -> None:
    _deploy(bench)
    await bench.settled("deployment", "shop")
    writer.raw(b"2026-01-01T00:00:00.000000001Z stdout F long ago\n")
    writer.lines("just now")
    pod = bench.list("pod")[0]["metadata"]["name"]
    found = await read_recent(client, bench.namespace, pod, CONTAINER, since_seconds=60)
    assert [line.text for line in found] == ["just now"]


async def test_a_log_that_may_not_be_read_says_which_right_is_missing(
    bench: Bench, kubeconfig: Path, writer: Writer
) -> None:
    _deploy(bench)
    await bench.settled("deployment", "shop")
    pod = bench.list("pod")[0]["metadata"]["name"]
    async with await connect(STRANGER, kubeconfig=kubeconfig, clock=Impatient()) as stranger:
        with pytest.raises(Denied, match='cannot get resource "pods/log"'):
            await read_recent(stranger, bench.namespace, pod, CONTAINER)
