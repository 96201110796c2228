"""The cluster room against the practice cluster: real HTTPS, real watches, controllers that roll."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from releaseconsole.cluster.access import may
from releaseconsole.cluster.apply import apply, load_manifests
from releaseconsole.cluster.connect import Client, connect
from releaseconsole.cluster.decode import DEPLOYMENTS, PODS, REPLICA_SETS, Resource
from releaseconsole.cluster.logs import LogBuffer, LogFollower, read_recent
from releaseconsole.cluster.progress import progress
from releaseconsole.cluster.rollback import PinnedRevision, plan_rollback, read_pin
from releaseconsole.cluster.rollback_run import Executed, dry_run, execute
from releaseconsole.cluster.rollout import RolloutState, Verdict, deployment_verdict
from releaseconsole.cluster.watch import Cache
from releaseconsole.errors import ApiRejected, Conflict, Denied, KubeconfigError, Unreachable
from releaseconsole.sandbox import Options, PracticeCluster

NAMESPACE, GATEWAY = "healthpay", "deployment/api-gateway"
PATH = DEPLOYMENTS.path(NAMESPACE, "api-gateway")
MERGE = "application/strategic-merge-patch+json"
PATIENCE = 20.0


@pytest.fixture
async def practice() -> AsyncIterator[PracticeCluster]:
    async with PracticeCluster(Options(speed=10.0)) as running:
        yield running


@pytest.fixture
async def client(practice: PracticeCluster, tmp_path: Path) -> AsyncIterator[Client]:
    path = tmp_path / "kubeconfig"
    practice.write_kubeconfig(path)
    async with await connect("production", kubeconfig=path) as connected:
        yield connected


class Room:
    """The gateway's Deployment with its ReplicaSets and pods, watched."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.changed = asyncio.Event()
        self.deployments = self._cache(DEPLOYMENTS)
        self.replica_sets = self._cache(REPLICA_SETS)
        self.pods = self._cache(PODS)
        self.tasks: list[asyncio.Task[None]] = []

    def _cache(self, resource: Resource[Any]) -> Cache[Any]:
        return Cache(self.client, resource, NAMESPACE, notify=self.changed.set)

    async def __aenter__(self) -> Room:
        caches = (self.deployments, self.replica_sets, self.pods)
        self.tasks = [asyncio.create_task(cache.run()) for cache in caches]
        for cache in caches:
            await cache.wait_synced()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.wait(self.tasks)

    def verdict(self) -> Verdict:
        deployment = self.deployments.objects["api-gateway"]
        return deployment_verdict(deployment, self.replica_sets.objects.values(), self.pods.objects.values())

    def stage(self, done: Executed) -> str:
        deployment = self.deployments.objects["api-gateway"]
        return progress(
            deployment, self.replica_sets.objects.values(), self.pods.objects.values(), done.generation
        )

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


@pytest.fixture
async def room(client: Client) -> AsyncIterator[Room]:
    async with Room(client) as watched:
        yield watched


async def set_image(client: Client, tag: str) -> None:
    container = {"name": "api-gateway", "image": f"healthpay/api-gateway:{tag}"}
    body = {"spec": {"template": {"spec": {"containers": [container]}}}}
    await client.request("PATCH", PATH, body=body, content_type=MERGE)


async def running_tag(client: Client) -> str:
    pin = await read_pin(client, NAMESPACE, GATEWAY)
    return pin.images[0].partition(":")[2]


async def test_a_deploy_that_goes_wrong_is_seen_and_rolled_back_to_the_pin(room: Room) -> None:
    client = room.client
    pin = await read_pin(client, NAMESPACE, GATEWAY)
    assert pin.warning == ""
    await set_image(client, "1.0.0-crash-loop")
    await room.until(lambda: room.verdict().state is RolloutState.FAILING)
    assert "api-gateway-" in room.verdict().message

    target = await plan_rollback(client, NAMESPACE, GATEWAY, pin=pin)
    assert (target.source, target.to_images) == ("pinned", pin.images)
    assert any(line.startswith("-") and "crash-loop" in line for line in target.template_diff)
    assert await dry_run(client, target) == ""
    assert await running_tag(client) == "1.0.0-crash-loop"

    done = await execute(client, target)
    assert done.patched
    assert done.generation > target.generation
    stages = [room.stage(done)]
    await room.until(lambda: stages.append(room.stage(done)) or stages[-1] == "available")  # type: ignore[func-returns-value]
    order = ["patched", "observed", "replaced", "available"]
    assert [order.index(stage) for stage in stages] == sorted(order.index(stage) for stage in stages)
    assert room.verdict().state is RolloutState.COMPLETE
    assert await running_tag(client) == pin.images[0].partition(":")[2]


async def test_the_pin_beats_the_second_highest_revision_after_two_bad_deploys(room: Room) -> None:
    client = room.client
    pin = await read_pin(client, NAMESPACE, GATEWAY)
    for tag in ("1.0.0-stuck", "1.0.1-stuck"):
        await set_image(client, tag)
        await until_newest(room, tag)
    target = await plan_rollback(client, NAMESPACE, GATEWAY, pin=pin)
    naive = await plan_rollback(client, NAMESPACE, GATEWAY)
    assert target.to_images == pin.images
    assert naive.to_images == ("healthpay/api-gateway:1.0.0-stuck",)
    done = await execute(client, target)
    await room.until(lambda: room.stage(done) == "available")


async def until_newest(room: Room, tag: str) -> None:
    """Wait until the controller has made a ReplicaSet of this image the newest."""
    await room.until(lambda: newest_image(room).endswith(f":{tag}"))


def newest_image(room: Room) -> str:
    sets = room.replica_sets.objects.values()
    owned = [one for one in sets if one.metadata.name.startswith("api-gateway")]
    newest = max(owned, key=lambda one: int(one.metadata.annotations["deployment.kubernetes.io/revision"]))
    return str(newest.spec.template["spec"]["containers"][0]["image"])


async def test_a_second_rollback_finds_it_already_there_and_does_not_flip_forward(room: Room) -> None:
    client = room.client
    pin = await read_pin(client, NAMESPACE, GATEWAY)
    await set_image(client, "1.0.0")
    await execute(client, await plan_rollback(client, NAMESPACE, GATEWAY, pin=pin))
    again = await plan_rollback(client, NAMESPACE, GATEWAY, pin=pin)
    assert again.skipped
    done = await execute(client, again)
    assert not done.patched
    assert await running_tag(client) == pin.images[0].partition(":")[2]


async def test_a_rollback_in_the_middle_of_a_rollout_works(room: Room) -> None:
    client = room.client
    pin = await read_pin(client, NAMESPACE, GATEWAY)
    await set_image(client, "1.0.0-image-pull")
    await room.until(lambda: room.verdict().state in (RolloutState.PROGRESSING, RolloutState.FAILING))
    done = await execute(client, await plan_rollback(client, NAMESPACE, GATEWAY, pin=pin))
    await room.until(lambda: room.stage(done) == "available")


async def test_a_workload_that_changed_since_the_plan_is_planned_again_and_not_overwritten(
    client: Client,
) -> None:
    pin = await read_pin(client, NAMESPACE, GATEWAY)
    await set_image(client, "1.0.0")
    target = await plan_rollback(client, NAMESPACE, GATEWAY, pin=pin)
    await client.request("PATCH", PATH, body={"spec": {"replicas": 4}}, content_type=MERGE)
    assert await dry_run(client, target) == ""
    done = await execute(client, target)
    assert (done.patched, done.replanned) == (True, 1)
    now = await plan_rollback(client, NAMESPACE, GATEWAY, pin=pin)
    assert now.skipped
    assert b'"replicas":4' in (await client.get(PATH)).replace(b" ", b"")


async def test_a_namesake_made_anew_is_not_patched(client: Client) -> None:
    pin = await read_pin(client, NAMESPACE, GATEWAY)
    await set_image(client, "1.0.0")
    target = await plan_rollback(client, NAMESPACE, GATEWAY, pin=pin)
    manifest = yaml.safe_load(await client.get(PATH))
    await client.request("DELETE", PATH)
    fresh = {key: manifest[key] for key in ("apiVersion", "kind", "spec")} | {
        "metadata": {"name": "api-gateway"}
    }
    await client.request("POST", DEPLOYMENTS.path(NAMESPACE), body=fresh)
    with pytest.raises(Conflict, match="made anew"):
        await execute(client, target)
    assert await running_tag(client) == "1.0.0"


async def test_a_paused_deployment_is_refused_or_resumed_in_the_same_patch(room: Room) -> None:
    client = room.client
    pin = await read_pin(client, NAMESPACE, GATEWAY)
    await set_image(client, "1.0.0")
    await client.request("PATCH", PATH, body={"spec": {"paused": True}}, content_type=MERGE)
    refused = await plan_rollback(client, NAMESPACE, GATEWAY, pin=pin)
    assert "paused" in refused.problem
    with pytest.raises(Conflict):
        await execute(client, refused)
    resumed = await plan_rollback(client, NAMESPACE, GATEWAY, pin=pin, resume=True)
    done = await execute(client, resumed)
    await room.until(lambda: room.stage(done) == "available")


async def test_a_pin_whose_replica_set_is_gone_still_brings_it_back(room: Room) -> None:
    client = room.client
    pin = await read_pin(client, NAMESPACE, GATEWAY)
    await set_image(client, "1.0.0")
    await until_newest(room, "1.0.0")
    await room.until(lambda: room.verdict().state is RolloutState.COMPLETE)
    await client.request("DELETE", REPLICA_SETS.path(NAMESPACE, pin.replica_set))
    target = await plan_rollback(client, NAMESPACE, GATEWAY, pin=pin)
    assert target.source == "pinned template"
    done = await execute(client, target)
    await room.until(lambda: room.stage(done) == "available")


async def test_a_rollback_gets_through_a_flaky_api_server(practice: PracticeCluster, client: Client) -> None:
    pins: dict[str, PinnedRevision] = {}
    names = ("api-gateway", "command-service", "query-service")
    for name in names:
        pins[name] = await read_pin(client, NAMESPACE, f"deployment/{name}")
        body = {"spec": {"template": {"metadata": {"annotations": {"changed": "yes"}}}}}
        await client.request("PATCH", DEPLOYMENTS.path(NAMESPACE, name), body=body, content_type=MERGE)
    practice.set_scenario("flaky-api")

    async def back(name: str) -> Executed:
        target = await plan_rollback(client, NAMESPACE, f"deployment/{name}", pin=pins[name])
        return await execute(client, target)

    async with asyncio.timeout(PATIENCE):
        done = await asyncio.gather(*(back(name) for name in names))
    assert all(one.patched for one in done)


async def test_who_may_only_read_sees_everything_and_is_told_what_is_missing(
    practice: PracticeCluster, tmp_path: Path
) -> None:
    config: Any = practice.kubeconfig
    for user in config["users"]:
        user["user"]["token"] = practice.token(user["name"], viewer=True)
    path = tmp_path / "viewer"
    practice.write_kubeconfig(path)
    async with await connect("staging", kubeconfig=path) as viewer, Room(viewer) as room:
        assert room.verdict().state is RolloutState.COMPLETE
        assert await may(viewer, "list", "", "pods", NAMESPACE)
        missing = await may(viewer, "patch", "apps", "deployments", NAMESPACE, "api-gateway")
        assert not missing
        assert "patch deployments.apps" in missing.sentence
        target = await plan_rollback(viewer, NAMESPACE, GATEWAY)
        assert "patch" in await dry_run(viewer, target)
        with pytest.raises(Denied):
            await execute(viewer, target)


async def test_an_unknown_context_names_the_three_there_are(
    practice: PracticeCluster, tmp_path: Path
) -> None:
    path = tmp_path / "kubeconfig"
    practice.write_kubeconfig(path)
    with pytest.raises(KubeconfigError) as caught:
        await connect("prodution", kubeconfig=path)
    assert "production, staging, uat" in caught.value.remedy


async def test_each_context_is_another_cluster(practice: PracticeCluster, tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    practice.write_kubeconfig(path)
    identities = set()
    for context in ("staging", "uat", "production"):
        async with await connect(context, kubeconfig=path) as one:
            identities.add(await one.identity())
    assert len(identities) == 3


async def test_a_server_with_an_untrusted_certificate_is_refused(
    practice: PracticeCluster, tmp_path: Path
) -> None:
    config: Any = practice.kubeconfig
    for cluster in config["clusters"]:
        del cluster["cluster"]["certificate-authority-data"]
    path = tmp_path / "kubeconfig"
    practice.write_kubeconfig(path)
    async with await connect("uat", kubeconfig=path) as one:
        with pytest.raises(Unreachable, match="TLS"):
            await one.get(PATH)


class Wire:
    """A TCP relay to the API server that can be cut."""

    def __init__(self, server: str) -> None:
        address = urlsplit(server)
        self._there = (address.hostname, address.port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.cut = False

    async def start(self) -> str:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        return f"https://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        self.drop()
        await self._server.wait_closed()

    def drop(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.cut:
            writer.transport.abort()
            return
        inner, outer = await asyncio.open_connection(*self._there)
        self._writers |= {writer, outer}
        with suppress(OSError):
            await asyncio.gather(_copy(reader, outer), _copy(inner, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()


@pytest.fixture
async def wire(practice: PracticeCluster, tmp_path: Path) -> AsyncIterator[tuple[Wire, Client]]:
    relay = Wire(practice.endpoints["uat"].server)
    config: Any = practice.kubeconfig
    next(one for one in config["clusters"] if one["name"] == "uat")["cluster"]["server"] = await relay.start()
    path = tmp_path / "kubeconfig"
    practice.write_kubeconfig(path)
    async with await connect("uat", kubeconfig=path) as client:
        yield relay, client
    await relay.stop()


async def test_a_cut_connection_is_stale_and_catches_up_when_it_is_back(
    practice: PracticeCluster, wire: tuple[Wire, Client]
) -> None:
    relay, client = wire
    async with Room(client) as room:
        await room.until(lambda: room.pods.live and room.deployments.live)
        relay.cut = True
        relay.drop()
        await room.until(lambda: not room.deployments.live)
        assert room.deployments.error
        assert "api-gateway" in room.deployments.objects
        practice.stores["uat"].update("deployments", NAMESPACE, "api-gateway", _seven_replicas)
        relay.cut = False
        await room.until(lambda: room.deployments.objects["api-gateway"].spec.replicas == 7)
        assert room.deployments.error == ""


async def test_history_that_was_compacted_meanwhile_is_listed_anew(
    practice: PracticeCluster, wire: tuple[Wire, Client]
) -> None:
    relay, client = wire
    async with Room(client) as room:
        await room.until(lambda: room.pods.live and room.deployments.live)
        relay.cut = True
        relay.drop()
        await room.until(lambda: not room.deployments.live)
        store = practice.stores["uat"]
        store.update("deployments", NAMESPACE, "api-gateway", _seven_replicas)
        store.delete("deployments", NAMESPACE, "query-service")
        store.compact()
        relay.cut = False
        await room.until(lambda: "query-service" not in room.deployments.objects)
        assert room.deployments.objects["api-gateway"].spec.replicas == 7


def _seven_replicas(deployment: dict[str, Any]) -> None:
    deployment["spec"]["replicas"] = 7


async def test_logs_of_all_pods_are_merged_and_pods_born_later_join(room: Room) -> None:
    buffer, arrived = LogBuffer(), asyncio.Event()
    follower = LogFollower(
        room.client, NAMESPACE, lambda: room.pods.objects.values(), buffer, notify=arrived.set, tail=5
    )
    task = asyncio.create_task(follower.run())

    async def until(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                arrived.clear()
                await arrived.wait()

    def sources() -> set[str]:
        return {line.source for line in buffer.slice(buffer.first, buffer.end)}

    before = set(room.pods.objects)
    serving = {
        name for name in before if name.startswith(("api-gateway", "command-service", "query-service"))
    }
    try:
        await until(lambda: sources() >= serving)
        await set_image(room.client, "1.0.0")
        await until(lambda: any(name not in before for name in sources()))
        assert follower.coverage().total >= len(serving)
        assert follower.error == ""
    finally:
        task.cancel()
        await asyncio.wait({task})
    await assert_no_line_is_doubled(buffer)


async def assert_no_line_is_doubled(buffer: LogBuffer) -> None:
    lines = buffer.slice(buffer.first, buffer.end)
    assert len({(line.at, line.source, line.container, line.text) for line in lines}) == len(lines)
    assert all(line.level != "gap" for line in lines)


async def test_recent_lines_of_one_container_are_read_at_once(room: Room) -> None:
    pod = next(name for name in room.pods.objects if name.startswith("api-gateway"))
    lines = await read_recent(room.client, NAMESPACE, pod, "api-gateway", since_seconds=60)
    assert len(lines) > 10
    assert {line.source for line in lines} == {pod}
    assert [line.at for line in lines] == sorted(line.at for line in lines)
    first = await read_recent(room.client, NAMESPACE, pod, "api-gateway", since_seconds=60, limit_bytes=1_000)
    assert 0 < len(first) < len(lines)
    assert first[-1].level == "gap"
    assert "1,000 bytes" in first[-1].text


MANIFESTS = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: limits}
data: {tps: "8500"}
---
apiVersion: v1
kind: Namespace
metadata: {name: later}
"""


async def test_manifests_are_applied_and_say_what_they_changed(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "limits.yaml"
    path.write_text(MANIFESTS)

    async def applied(**options: bool) -> list[tuple[str, str, str]]:
        done = [await apply(client, one, NAMESPACE, **options) for one in load_manifests(path)]
        return [(one.kind, one.namespace, one.change) for one in done]

    assert await applied(dry_run=True) == [("Namespace", "", "created"), ("ConfigMap", NAMESPACE, "created")]
    assert await applied() == [("Namespace", "", "created"), ("ConfigMap", NAMESPACE, "created")]
    assert await applied() == [("Namespace", "", "unchanged"), ("ConfigMap", NAMESPACE, "unchanged")]
    path.write_text(MANIFESTS.replace("8500", "9000"))
    assert await applied(dry_run=True) == [
        ("Namespace", "", "unchanged"),
        ("ConfigMap", NAMESPACE, "configured"),
    ]
    assert await applied() == [("Namespace", "", "unchanged"), ("ConfigMap", NAMESPACE, "configured")]


async def test_a_field_that_somebody_else_owns_is_named_and_taken_only_by_force(
    client: Client, tmp_path: Path
) -> None:
    path = tmp_path / "limits.yaml"
    path.write_text(MANIFESTS)
    config_map = load_manifests(path)[1]
    body = {**config_map.body, "data": {"tps": "1"}}
    place = f"/api/v1/namespaces/{NAMESPACE}/configmaps/limits"
    await client.request(
        "PATCH", place, {"fieldManager": "somebody", "force": False}, body, "application/apply-patch+yaml"
    )
    with pytest.raises(ApiRejected) as caught:
        await apply(client, config_map, NAMESPACE)
    assert "somebody" in caught.value.message
    assert ".data.tps" in caught.value.message
    assert (await apply(client, config_map, NAMESPACE, force=True)).change == "configured"
