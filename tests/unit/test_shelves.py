"""Workloads brought up to date change by change say the same as when they are put together anew."""

from __future__ import annotations

import json
import random
from types import SimpleNamespace
from typing import Any

import pytest
from action_kit import FakeClock
from cluster_objects import running, template, waiting

from releaseconsole.cluster import watch
from releaseconsole.cluster.decode import DEPLOYMENTS, EVENTS, PODS, REPLICA_SETS, Resource
from releaseconsole.cluster.objects import Event
from releaseconsole.cluster.watch import Cache, Newest
from releaseconsole.session.assemble import Family, Snapshot, families
from releaseconsole.session.eventrows import EventRows
from releaseconsole.session.rows import TargetRows
from releaseconsole.session.shelves import Shelves

NAMES = ("api", "web")
WORKLOADS = tuple(f"deployment/{name}" for name in NAMES)
STATES = (running(), running(ready=False), waiting("CrashLoopBackOff"), waiting("ContainerCreating"))
KINDS: tuple[Resource[Any], ...] = (DEPLOYMENTS, REPLICA_SETS, PODS)


class Cluster:
    """Caches that are told of changes as a watch tells them, and the two ways to read them."""

    def __init__(self) -> None:
        client: Any = SimpleNamespace(clock=FakeClock())
        self.caches: dict[str, Cache[Any]] = {kind.plural: Cache(client, kind, "shop") for kind in KINDS}
        self.shelves = Shelves(WORKLOADS)
        self._version = 0

    def say(self, resource: Resource[Any], kind: str, body: dict[str, Any]) -> None:
        self._version += 1
        body["metadata"]["resourceVersion"] = str(self._version)
        line = json.dumps({"type": kind, "object": body}).encode()
        self.caches[resource.plural]._take([line])

    def deploy(self, name: str, version: int) -> None:
        """A Deployment of this version, and its ReplicaSet."""
        self._version += 1
        metadata = {"name": name, "uid": f"{name}-uid", "generation": self._version}
        body = {"metadata": metadata, "spec": {"replicas": 2, "template": template(f"shop:{version}")}}
        self.say(DEPLOYMENTS, "MODIFIED", body)
        owner = {"kind": "Deployment", "name": name, "uid": f"{name}-uid", "controller": True}
        of_set = {"name": f"{name}-{version}", "uid": f"{name}-{version}-uid", "generation": 1}
        spec = {"template": template(f"shop:{version}")}
        self.say(REPLICA_SETS, "ADDED", {"metadata": {**of_set, "ownerReferences": [owner]}, "spec": spec})

    def pod(self, name: str, owner: str, status: dict[str, Any], kind: str = "MODIFIED") -> None:
        metadata = {
            "name": name, "uid": f"{name}-uid", "ownerReferences": [{"uid": owner, "controller": True}]
        }  # fmt: skip
        self.say(PODS, kind, {"metadata": metadata, "status": status})

    def now(self) -> tuple[Family, ...]:
        """What the shelves say, of the changes since the last call."""
        rest = Snapshot(deployments=self.caches["deployments"].objects)
        return self.shelves.families(self.caches, rest)

    def anew(self) -> tuple[Family, ...]:
        """What a look at everything says."""
        snapshot = Snapshot(
            deployments=self.caches["deployments"].objects,
            replica_sets=tuple(self.caches["replicasets"].objects.values()),
            pods=tuple(self.caches["pods"].objects.values()),
        )
        return families(snapshot, WORKLOADS)


@pytest.fixture
def cluster() -> Cluster:
    made = Cluster()
    for name in NAMES:
        made.deploy(name, 1)
        for number in range(3):
            made.pod(f"{name}-1-{number}", f"{name}-1-uid", running())
    return made


def shown(found: tuple[Family, ...]) -> list[Any]:
    """Everything that the panels show of them, in an order of its own."""
    rows = TargetRows("production/shop")
    rows.take(found, {}, ())
    return [*rows.workloads, *sorted(rows.pods, key=lambda pod: pod.uid)]


def pods_of(family: Family) -> list[tuple[str, int]]:
    """Its pods in their versions."""
    return sorted((one.metadata.resource_version, id(one)) for one in family.pods)


@pytest.mark.parametrize("seed", range(8))
def test_after_any_changes_it_says_what_a_look_at_everything_says(cluster: Cluster, seed: int) -> None:
    dice = random.Random(seed)
    for _ in range(60):
        for _ in range(dice.randint(0, 5)):
            name, version, number = dice.choice(NAMES), dice.randint(1, 3), dice.randint(0, 3)
            if dice.random() < 0.15:
                cluster.deploy(name, version)
            kind = dice.choice(("ADDED", "MODIFIED", "MODIFIED", "DELETED"))
            # Names without the version: a pod may come back with another owner, as a StatefulSet's does.
            cluster.pod(f"{name}-{number}", f"{name}-{version}-uid", dice.choice(STATES), kind)
        found = cluster.now()
        assert [pods_of(one) for one in found] == [pods_of(one) for one in cluster.anew()]
        assert [one.newest for one in found] == [one.newest for one in cluster.anew()]
        assert shown(found) == shown(cluster.anew())


def test_a_workload_of_which_nothing_changed_stays_the_same_object(cluster: Cluster) -> None:
    api, web = cluster.now()
    cluster.pod("web-1-0", "web-1-uid", waiting("CrashLoopBackOff"))
    assert cluster.now()[0] is api
    assert cluster.now()[1] is not web


def test_rows_of_what_did_not_change_stay_the_same_objects(cluster: Cluster) -> None:
    rows = TargetRows("production/shop")
    rows.take(cluster.now(), {}, ())
    workloads, pods = rows.workloads, rows.pods
    rows.take(cluster.now(), {}, ())
    assert rows.pods is pods
    cluster.pod("web-1-0", "web-1-uid", running(restarts=4))
    rows.take(cluster.now(), {}, ())
    assert rows.workloads[0] is workloads[0]
    assert [now is before for now, before in zip(rows.pods, pods, strict=True)] == [True] * 3 + [
        False,
        True,
        True,
    ]


def test_a_pin_or_a_plan_makes_a_new_row(cluster: Cluster) -> None:
    rows = TargetRows("production/shop")
    rows.take(cluster.now(), {}, ())
    rows.take(cluster.now(), {}, ("production/shop/deployment/web",))
    assert [row.pinned for row in rows.workloads] == [False, True]


def test_after_a_reconnection_nothing_of_the_caches_before_is_left(cluster: Cluster) -> None:
    assert len(cluster.now()[1].pods) == 3
    cluster.caches |= {"pods": Cluster().caches["pods"]}
    assert [one.pods for one in cluster.now()] == [(), ()]
    cluster.pod("web-1-7", "web-1-uid", running())
    assert [len(one.pods) for one in cluster.now()] == [0, 1]
    del cluster.caches["pods"]
    assert [one.pods for one in cluster.now()] == [(), ()]


def test_a_template_that_is_rolled_back_finds_its_old_replica_set_again(cluster: Cluster) -> None:
    for version, wanted in ((2, "web-2"), (1, "web-1"), (2, "web-2")):
        cluster.deploy("web", version)
        newest = cluster.now()[1].newest
        assert newest is not None
        assert newest.metadata.name == wanted


def test_what_nobody_reads_does_not_grow_without_end(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "MOST_TOUCHED", 20)
    cluster.now()
    for number in range(50):
        cluster.pod(f"gone-{number}", "web-1-uid", running(), "ADDED")
        cluster.pod(f"gone-{number}", "web-1-uid", running(), "DELETED")
    assert cluster.caches["pods"].take_touched() is None
    cluster.pod("web-1-9", "web-1-uid", running(), "ADDED")
    assert shown(cluster.now()) == shown(cluster.anew())


class TestEvents:
    @staticmethod
    def cache() -> Cache[Event]:
        client: Any = SimpleNamespace(clock=FakeClock())
        return Cache(client, EVENTS, "shop", newest=Newest(5, Event.at))

    @staticmethod
    def line(number: int, reason: str = "Started", kind: str = "ADDED") -> bytes:
        body = {
            "metadata": {"name": f"e{number}", "uid": f"e{number}"},
            "reason": reason,
            "lastTimestamp": f"2026-01-01T00:00:{number:02}Z",
        }
        return json.dumps({"type": kind, "object": body}).encode()

    def test_only_the_newest_are_held_and_one_that_comes_again_counts_as_new(self) -> None:
        cache = self.cache()
        cache._take([self.line(number) for number in range(5)])
        cache._take([self.line(0, "Again", "MODIFIED"), self.line(6)])
        assert list(cache.objects) == ["e2", "e3", "e4", "e0", "e6"]

    def test_the_end_of_one_that_is_not_held_any_more_changes_nothing(self) -> None:
        cache = self.cache()
        cache._take([self.line(number) for number in range(9)])
        cache._take([self.line(1, kind="DELETED")])
        assert list(cache.objects) == ["e4", "e5", "e6", "e7", "e8"]

    def test_a_list_in_any_order_leaves_the_newest(self) -> None:
        cache = self.cache()
        cache._take([self.line(number) for number in range(5)])
        kept = Newest(2, Event.at).of(dict(reversed(cache.objects.items())))
        assert list(kept) == ["e3", "e4"]

    def test_rows_are_made_again_only_for_what_changed(self) -> None:
        cache, rows = self.cache(), EventRows()
        cache._take([self.line(number) for number in range(3)])
        first = rows.of(cache.objects.values())
        assert rows.of(cache.objects.values()) is first
        cache._take([self.line(1, "Again", "MODIFIED")])
        again = rows.of(cache.objects.values())
        assert [(row.uid, row.reason) for row in again] == [
            ("e2", "Started"), ("e1", "Again"), ("e0", "Started")
        ]  # fmt: skip
        assert again[0] is first[0]
